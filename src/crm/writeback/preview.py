"""What delivery would do now, without doing it: nothing is claimed, nothing sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from crm.port import Card, CardDesk, Change, Value
from crm.writeback.outbox import Outbox
from crm.writeback.plan import Policy, plan

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Preview:
    """The cards that are due, and what would change on them."""

    due: int
    changes: tuple[tuple[Card, Change], ...]

    def lines(self) -> Iterator[tuple[str, str, str, str]]:
        """Say each change in words: card, field, what it shows, what it would."""
        for card, change in self.changes:
            for name, value in change.fields.items():
                yield change.entity, name.value, _said(card.fields[name]), _said(value)
            if change.move is not None:
                yield change.entity, "stage", change.move.before, change.move.after
            if change.responsible is not None:
                there = _said(card.responsible)
                yield change.entity, "responsible", there, change.responsible
            if change.tie is not None:
                before, after = map(" ".join, (change.tie.before, change.tie.after))
                yield change.entity, "clients", before, after


def preview(outbox: Outbox, desk: CardDesk, policy: Policy) -> Preview:
    """Plan the next cards that are due, at most 200.

    Raises
    ------
    Unavailable
        The CRM or the database did not answer.
    """
    due = outbox.due(MOST_SHOWN)
    changes = []
    for start in range(0, len(due), desk.most_at_once):
        some = due[start : start + desk.most_at_once]
        cards = desk.read([claim.entity for claim in some])
        for claim in some:
            card = cards[claim.entity]
            if card is None:
                continue
            made = plan(
                claim.decision, card, claim.shown,
                version=claim.version, policy=policy,
            )  # fmt: skip
            if made.change is not None:
                changes.append((card, made.change))
    return Preview(len(due), tuple(changes))


def _said(value: Value) -> str:
    return "" if value is None else str(value)
