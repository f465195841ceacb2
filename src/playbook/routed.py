"""Whom leads were given to, as it is kept beside the predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, cast

import sqlalchemy as sa

from leads.decision import Tier
from leads.journal import Journal
from leads.records import LATEST, ROUTED, micros, moment_of
from playbook.routing import GIVEN, Kind, Route

AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Arm:
    """When a lead of a low tier was first drawn, and into which arm."""

    lead_id: str
    arm: str
    at: datetime
    salt: str


class Last(NamedTuple):
    """Where a lead went last, as far as it was written down."""

    tier: Tier
    kind: Kind
    person: str


Also = Callable[[sa.Connection, Sequence[Route], Mapping[str, Last]], None]
"""What is done in the transaction of new routes; told where their leads went before."""


def keep_routes(
    journal: Journal,
    routes: Sequence[Route],
    *,
    salt: str,
    now: datetime,
    also: Also | None = None,
) -> int:
    """Write down routes with the latest prediction of each lead; says how many.

    A lead that goes where it went last is not written down again, so a repeated run
    adds nothing.
    """
    with journal.writing() as connection:
        last = _last(connection)
        new = [r for r in routes if last.get(r.lead_id) != _key(r, salt)]
        for start in range(0, len(new), AT_ONCE):
            some = new[start : start + AT_ONCE]
            ids = [one.lead_id for one in some]
            query = sa.select(LATEST.c.lead_id, LATEST.c.prediction_id)
            found = connection.execute(query.where(LATEST.c.lead_id.in_(ids)))
            entries: dict[str, int] = {row[0]: row[1] for row in found}
            rows = [
                {"lead_id": one.lead_id, "prediction_id": entries.get(one.lead_id),
                 "made_at": micros(now), "tier": one.tier.value, "kind": one.kind,
                 "person": one.person, "low_arm": one.low_arm, "salt": salt}
                for one in some
            ]  # fmt: skip
            connection.execute(sa.insert(ROUTED), rows)
        if also is not None:
            also(connection, new, {n: _last_of(key) for n, key in last.items()})
    return len(new)


def given_since(journal: Journal, since: Mapping[str, datetime]) -> Counter[str]:
    """Count the leads given to each person since a moment of their own, each once."""
    if not since:
        return Counter()
    query = sa.select(
        ROUTED.c.person, ROUTED.c.lead_id, sa.func.max(ROUTED.c.made_at)
    ).where(
        ROUTED.c.made_at >= micros(min(since.values())),
        ROUTED.c.person.in_(since), ROUTED.c.kind.in_(GIVEN),
    ).group_by(ROUTED.c.person, ROUTED.c.lead_id)  # fmt: skip
    begin = {person: micros(moment) for person, moment in since.items()}
    with journal.reading() as connection:
        rows = connection.execute(query).all()
    return Counter(person for person, _, at in rows if at >= begin[person])


def lasting(journal: Journal, lead_ids: Sequence[str] | None = None) -> dict[str, Last]:
    """Give where leads went last; of all that ever went anywhere if none are named."""
    with journal.reading() as connection:
        last = _last(connection, lead_ids)
    return {lead_id: _last_of(key) for lead_id, key in last.items()}


def given_to(journal: Journal, person: str) -> list[str]:
    """List the leads that were given to a person last."""
    newest = sa.select(sa.func.max(ROUTED.c.id)).group_by(ROUTED.c.lead_id)
    query = sa.select(ROUTED.c.lead_id).where(
        ROUTED.c.id.in_(newest), ROUTED.c.person == person, ROUTED.c.kind.in_(GIVEN)
    )
    with journal.reading() as connection:
        return list(connection.execute(query).scalars())


def arms_of(journal: Journal) -> tuple[Arm, ...]:
    """List the leads that were drawn, each as it was first."""
    first = (
        sa.select(sa.func.min(ROUTED.c.id).label("first"))
        .where(ROUTED.c.low_arm != "")
        .group_by(ROUTED.c.lead_id)
        .subquery()
    )
    query = sa.select(ROUTED).where(ROUTED.c.id.in_(sa.select(first.c.first)))
    with journal.reading() as connection:
        rows = connection.execute(query.order_by(ROUTED.c.id)).all()
    return tuple(
        Arm(row.lead_id, row.low_arm, moment_of(row.made_at), row.salt) for row in rows
    )


def _last(
    connection: sa.Connection, lead_ids: Sequence[str] | None = None
) -> dict[str, tuple[str, ...]]:
    newest = sa.select(sa.func.max(ROUTED.c.id)).group_by(ROUTED.c.lead_id)
    if lead_ids is not None:
        newest = newest.where(ROUTED.c.lead_id.in_(lead_ids))
    rows = connection.execute(sa.select(ROUTED).where(ROUTED.c.id.in_(newest)))
    return {
        row.lead_id: (row.tier, row.kind, row.person, row.low_arm, row.salt)
        for row in rows
    }


def _last_of(key: tuple[str, ...]) -> Last:
    tier, kind, person = key[:3]
    return Last(Tier(tier), cast("Kind", kind), person)


def _key(one: Route, salt: str) -> tuple[str, ...]:
    return one.tier.value, one.kind, one.person, one.low_arm, salt
