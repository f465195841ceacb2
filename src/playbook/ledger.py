"""Every decision of a playbook, kept beside the prediction it was made on.

What ``Ledger`` adds goes into the transaction that records the predictions, together
with whatever else is told of them: all of it is there, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from leads.decision import Prediction, Tier
from leads.journal import Journal
from leads.records import (
    LATEST,
    OVERRIDES,
    PLANNED,
    PREDICTIONS,
    micros,
    moment_of,
)
from playbook.decide import Planned, Step

MOST_ASKED: Final = 10_000
Decide = Callable[[Prediction, Tier | None], Planned | None]
"""Plans a lead by its prediction and the tier that a person set; None if it cannot."""

Told = Callable[[sa.Connection, Sequence[Prediction], Sequence[Planned]], None]
"""Learns what was decided on predictions, in the transaction that keeps it."""

Key = tuple[str, int]
"""A lead and the moment of its prediction, in microseconds."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A decision as it was kept."""

    lead_id: str
    plan: str
    playbook: str
    path: tuple[Step, ...]
    as_of: datetime
    made_at: datetime
    due_at: datetime | None
    whom: str | None
    automatic: bool


def _nobody(*_: object) -> None:
    """Stand where nobody is told."""


class Ledger:
    """Writes down what a playbook decides; given to the journal, or asked to renew.

    Parameters
    ----------
    decide
        Plans a lead; asked once per prediction.
    digest
        Of the playbook that decides.
    now
        The clock.
    """

    def __init__(
        self, decide: Decide, digest: str, *, now: Callable[[], datetime]
    ) -> None:
        self._decide = decide
        self._digest = digest
        self._now = now

    def __call__(
        self, connection: sa.Connection, predictions: Sequence[Prediction]
    ) -> None:
        """Decide on new predictions, in the transaction that records them."""
        self.planned(connection, predictions)

    def renew(
        self, journal: Journal, predictions: Sequence[Prediction], told: Told = _nobody
    ) -> int:
        """Decide anew where another playbook decided, or none; says on how many.

        So a changed file takes effect on leads whose prediction was made before it.

        Parameters
        ----------
        told
            Who learns of it in the same transaction.
        """
        with journal.writing() as connection:
            done = set(self._decided(connection, predictions))
            left = [made for made in predictions if _key(made) not in done]
            planned = self.planned(connection, left) if left else []
            if planned:
                told(connection, left, planned)
            return len(planned)

    def _decided(
        self, connection: sa.Connection, predictions: Sequence[Prediction]
    ) -> Iterator[Key]:
        """Go through predictions on which this playbook decided last."""
        newest = _newest([PLANNED.c.lead_id, PLANNED.c.as_of], PLANNED.c.id)
        for some in _parts(made.lead_id for made in predictions):
            ids = newest.where(PLANNED.c.lead_id.in_(some)).subquery()
            query = sa.select(PLANNED.c.lead_id, PLANNED.c.as_of).where(
                PLANNED.c.id.in_(sa.select(ids.c.newest)),
                PLANNED.c.playbook == self._digest,
            )
            yield from (tuple(row) for row in connection.execute(query))

    def planned(
        self, connection: sa.Connection, predictions: Sequence[Prediction]
    ) -> list[Planned]:
        """Decide on new predictions, and give what was decided."""
        entries = _entries(connection, predictions)
        ids = [made.lead_id for made in predictions]
        tiers = overridden(connection, ids, now=self._now())
        before = kept_in(connection, ids)
        planned = [
            _held(decided, before.get(made.lead_id))
            for made in predictions
            if _key(made) in entries
            and (decided := self._decide(made, tiers.get(made.lead_id)))
        ]
        rows = [
            _row(entries[one.lead_id, micros(one.as_of)], one, self._now())
            for one in planned
        ]
        if rows:
            connection.execute(sa.insert(PLANNED), rows)
        return planned


def planned_counts(journal: Journal) -> dict[tuple[str, str], int]:
    """Count leads by playbook and plan of their latest prediction's newest decision."""
    newest = (
        _newest([PLANNED.c.prediction_id], PLANNED.c.id)
        .join(LATEST, LATEST.c.prediction_id == PLANNED.c.prediction_id)
        .subquery()
    )
    query = (
        sa.select(PLANNED.c.playbook, PLANNED.c.plan, sa.func.count())
        .join(newest, newest.c.newest == PLANNED.c.id)
        .group_by(PLANNED.c.playbook, PLANNED.c.plan)
    )
    with journal.reading() as connection:
        return {(book, plan): n for book, plan, n in connection.execute(query)}


def standing_plans(journal: Journal, playbook: str) -> dict[str, str]:
    """Give the plan of each lead whose latest prediction this playbook decided last.

    ``playbook`` is the digest of its meaning.
    """
    newest = (
        _newest([PLANNED.c.prediction_id], PLANNED.c.id)
        .join(LATEST, LATEST.c.prediction_id == PLANNED.c.prediction_id)
        .subquery()
    )
    query = (
        sa.select(PLANNED.c.lead_id, PLANNED.c.plan)
        .join(newest, newest.c.newest == PLANNED.c.id)
        .where(PLANNED.c.playbook == playbook)
    )
    with journal.reading() as connection:
        return {row.lead_id: row.plan for row in connection.execute(query)}


def kept_plans(journal: Journal, lead_ids: Sequence[str]) -> dict[str, Kept]:
    """Give the newest decision on each lead; leads without one are absent."""
    with journal.reading() as connection:
        return kept_in(connection, lead_ids)


def kept_in(connection: sa.Connection, lead_ids: Sequence[str]) -> dict[str, Kept]:
    """Give the newest decision on each lead, as a transaction sees it."""
    found: dict[str, Kept] = {}
    newest = _newest([PLANNED.c.lead_id], PLANNED.c.id)
    for some in _parts(lead_ids):
        last = newest.where(PLANNED.c.lead_id.in_(some)).subquery()
        query = sa.select(PLANNED).join(last, last.c.newest == PLANNED.c.id)
        found |= {row.lead_id: _kept(row) for row in connection.execute(query)}
    return found


def _held(planned: Planned, before: Kept | None) -> Planned:
    """Let a deadline stand while the plan does: a task that waits is not put off."""
    if before is None or before.plan != planned.plan.name:
        return planned
    if before.due_at is None or planned.due_at is None:
        return planned
    return replace(planned, due_at=before.due_at)


def _newest(by: Sequence[sa.Column[Any]], ids: sa.Column[Any]) -> sa.Select[Any]:
    return sa.select(*by, sa.func.max(ids).label("newest")).group_by(*by)


def _key(made: Prediction) -> Key:
    return made.lead_id, micros(made.as_of)


def _parts(lead_ids: Iterable[str]) -> Iterator[list[str]]:
    ids = sorted(set(lead_ids))
    for start in range(0, len(ids), MOST_ASKED):
        yield ids[start : start + MOST_ASKED]


def _entries(
    connection: sa.Connection, predictions: Sequence[Prediction]
) -> dict[Key, int]:
    """Find the newest entry of each lead and moment."""
    newest = _newest([PREDICTIONS.c.lead_id, PREDICTIONS.c.as_of], PREDICTIONS.c.id)
    wanted = {_key(made) for made in predictions}
    found: dict[Key, int] = {}
    for some in _parts(made.lead_id for made in predictions):
        query = newest.where(PREDICTIONS.c.lead_id.in_(some))
        for lead_id, as_of, entry in connection.execute(query):
            if (lead_id, as_of) in wanted:
                found[lead_id, as_of] = entry
    return found


def overridden(
    connection: sa.Connection, lead_ids: Sequence[str], *, now: datetime
) -> Mapping[str, Tier]:
    """Find the tiers that people set and that stand at this moment."""
    newest = _newest([OVERRIDES.c.lead_id], OVERRIDES.c.id)
    found = {}
    for some in _parts(lead_ids):
        last = newest.where(OVERRIDES.c.lead_id.in_(some)).subquery()
        query = sa.select(OVERRIDES).join(last, last.c.newest == OVERRIDES.c.id)
        for row in connection.execute(query):
            stands = row.until is None or row.until > micros(now)
            if row.tier is not None and stands:
                found[row.lead_id] = Tier(row.tier)
    return found


def _row(entry: int, made: Planned, now: datetime) -> dict[str, Any]:
    return {
        "lead_id": made.lead_id,
        "prediction_id": entry,
        "as_of": micros(made.as_of),
        "made_at": micros(now),
        "playbook": made.playbook,
        "plan": made.plan.name,
        "path": [[step.branch, step.answer] for step in made.path],
        "due_at": None if made.due_at is None else micros(made.due_at),
        "whom": made.whom,
        "is_automatic": made.plan.automatic,
    }


def _kept(row: sa.Row[Any]) -> Kept:
    return Kept(
        lead_id=row.lead_id,
        plan=row.plan,
        playbook=row.playbook,
        path=tuple(Step(branch, answer) for branch, answer in row.path),
        as_of=moment_of(row.as_of),
        made_at=moment_of(row.made_at),
        due_at=None if row.due_at is None else moment_of(row.due_at),
        whom=row.whom,
        automatic=bool(row.is_automatic),
    )
