"""What each new prediction means for its card, in the prediction's own transaction.

A card whose words would not change for a person's eye is left alone here already, so
that scoring thousands of leads every morning reads and writes only those that moved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from crm.port import Fields, NoteKind, OurField
from crm.writeback.guidance import Guidance, Guidances
from crm.writeback.plan import Decision, Wish, is_noticed
from crm.writeback.tables import OUTBOX, fields_of
from crm.writeback.text import decision_in, text_of_decision
from leads.databaseclock import database_micros
from leads.decision import Prediction

MOST_ASKED: Final = 10_000
UNPLANNED: Final[Guidances] = {}
NOTHING: Final = '{"fields":{},"wishes":[]}'


Decide = Callable[[Prediction], Decision | None]
"""Says what a card should show of a prediction; None if the lead has no card."""


class Guided(Protocol):
    """``Decide`` where a playbook says what to do next."""

    def __call__(
        self, prediction: Prediction, guidance: Guidance | None, *, leave: bool
    ) -> Decision | None:
        """Say it; ``leave`` what the card says of the next step as it is."""
        ...


class Offering:
    """Offers predictions to the cards of one account; given to the journal.

    Parameters
    ----------
    account
        The name of the account.
    decide
        What a card should show of a prediction.
    step
        Points of probability that are worth a write.
    guided
        What it should show where there is a playbook.
    clock
        As in ``Outbox``.
    """

    def __init__(
        self,
        account: str,
        decide: Decide,
        *,
        step: int,
        guided: Guided | None = None,
        clock: Callable[[sa.Connection], int] = database_micros,
    ) -> None:
        self._account = account
        self._decide = decide
        self._step = step
        self._guided = guided
        self._clock = clock

    def __call__(
        self,
        connection: sa.Connection,
        predictions: Sequence[Prediction],
        guidances: Guidances | None = UNPLANNED,
    ) -> None:
        """Offer what these predictions say; of one card the last one counts.

        Parameters
        ----------
        guidances
            What a playbook wants done, decided in the same transaction. None: there is
            one, but it cannot be asked now; what cards say of it is left as it is.
        """
        newest: dict[str, tuple[str, Decision]] = {}
        for made in predictions:
            decision = self._decided(made, guidances)
            if decision is not None:
                newest[decision.entity] = (made.lead_id, decision)
        self.offer(connection, newest)

    def _decided(
        self, made: Prediction, guidances: Guidances | None
    ) -> Decision | None:
        if self._guided is None or guidances is UNPLANNED:
            return self._decide(made)
        if guidances is None:
            return self._guided(made, None, leave=True)
        return self._guided(made, guidances.get(made.lead_id), leave=False)

    def offer(
        self, connection: sa.Connection, newest: dict[str, tuple[str, Decision]]
    ) -> None:
        """Offer decisions, by card; all writers go through the cards in one order."""
        if not newest:
            return
        now = self._clock(connection)
        leads = {entity: lead_id for entity, (lead_id, _) in newest.items()}
        for row in self.rows(connection, leads, now):
            decision = with_orders(marked(newest[row.entity][1], row), row)
            if not self._is_news(row, decision):
                continue
            waits = row.next_at is not None or row.dead_since is not None
            connection.execute(
                sa.update(OUTBOX)
                .where(OUTBOX.c.account == self._account, OUTBOX.c.entity == row.entity)
                .values(
                    desired_version=row.desired_version + 1,
                    desired=text_of_decision(decision),
                    stage=decision.stage,
                    next_at=row.next_at if waits else now,
                    offered_at=now,
                )
            )

    def rows(
        self, connection: sa.Connection, leads: Mapping[str, str], now: int
    ) -> list[sa.Row[Any]]:
        """Give the rows of cards, locked, in one order; made where there are none."""
        self._make_room(connection, leads, now)
        return self._rows(connection, sorted(leads))

    def _is_news(self, row: sa.Row[Any], decision: Decision) -> bool:
        wanted = decision_in(row.entity, row.desired, row.stage).fields
        if _looks_further_back(decision.fields, wanted):
            return False
        if row.desired_version > row.confirmed_version:
            return True  # not sent yet: it may as well say the newest
        shown = dict.fromkeys(OurField) | fields_of(row.shown)
        kept = set(row.overridden.split())
        seen = {n: v for n, v in decision.fields.items() if n.value not in kept}
        if row.desired_version == 0 or decision.is_renewed:
            return True
        return is_noticed(shown, seen, self._step)

    def _make_room(
        self, connection: sa.Connection, leads: Mapping[str, str], now: int
    ) -> None:
        dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
        rows = [
            _empty(self._account, entity, lead_id, now)
            for entity, lead_id in sorted(leads.items())
        ]
        connection.execute(dialect.insert(OUTBOX).on_conflict_do_nothing(), rows)

    def _rows(
        self, connection: sa.Connection, entities: Sequence[str]
    ) -> list[sa.Row[Any]]:
        found: list[sa.Row[Any]] = []
        for start in range(0, len(entities), MOST_ASKED):
            some = OUTBOX.c.entity.in_(entities[start : start + MOST_ASKED])
            query = (
                sa.select(OUTBOX)
                .where(OUTBOX.c.account == self._account, some)
                .order_by(OUTBOX.c.entity)
                .with_for_update()
            )
            found += connection.execute(query)
        return found


def marked(decision: Decision, row: sa.Row[Any]) -> Decision:
    """Say whether the plan is another than this card was last offered."""
    said = decision_in(row.entity, row.desired, row.stage)
    if decision.mark is None:
        tasks = tuple(wish for wish in said.wishes if _is_usual_task(wish))
        wishes = (*decision.wishes, *tasks)
        # What the plan says on the card goes with it: it may not have been sent yet.
        said_to_do: Fields = {
            name: value
            for name, value in said.fields.items()
            if name is OurField.ACTION
        }
        decision = replace(
            decision,
            fields={**said_to_do, **decision.fields},
            mark=said.mark,
            rule=said.rule,
            wishes=wishes,
        )
    waits = row.desired_version > row.confirmed_version
    is_other = row.desired_version > 0 and decision.mark != said.mark
    return replace(decision, is_renewed=is_other or (waits and said.is_renewed))


def _is_usual_task(wish: Wish) -> bool:
    return wish.kind is NoteKind.TASK and not wish.topic


def with_orders(decision: Decision, row: sa.Row[Any]) -> Decision:
    """Keep what was ordered on a card and not sent yet, and who is to have it."""
    if row.desired_version <= row.confirmed_version:
        return decision
    waiting = decision_in(row.entity, row.desired, row.stage)
    ordered = tuple(wish for wish in waiting.wishes if wish.topic)
    return replace(
        decision,
        move=decision.move or waiting.move,
        assignment=decision.assignment or waiting.assignment,
        tie=decision.tie or waiting.tie,
        wishes=(*decision.wishes, *ordered),
    )


def _looks_further_back(one: Fields, than: Fields) -> bool:
    """Whether a prediction looks at an earlier moment: a question, not news."""
    mine, theirs = one.get(OurField.AS_OF), than.get(OurField.AS_OF)
    return mine is not None and theirs is not None and mine < theirs  # type: ignore[operator]  # both are datetimes


def _empty(account: str, entity: str, lead_id: str, now: int) -> dict[str, Any]:
    counts = ("desired_version", "confirmed_version", "shown_version", "attempts")
    return {
        "account": account,
        "entity": entity,
        "lead_id": lead_id,
        "desired": NOTHING,
        "shown": "{}",
        "overridden": "",
        "token": 0,
        "lease_until": 0,
        "is_check": False,
        "offered_at": now,
        **dict.fromkeys(counts, 0),
    }
