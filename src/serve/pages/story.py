"""What happened to a lead, in the order it happened: facts for the timeline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from leads.history import LeadHistory

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Sort(StrEnum):
    """What sort of thing happened."""

    CREATED = "created"
    STAGE = "stage"
    EVENT = "event"
    PAYMENT = "payment"
    REFUND = "refund"
    FIELD = "field"


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened.

    ``what`` is the event's kind, the stage or the card field; ``value`` the event's
    number, the field's new text, or the amount in minor units of ``currency``.
    """

    at: datetime
    sort: Sort
    what: str = ""
    value: float | int | str | None = None
    currency: str | None = None


def story_of(lead: LeadHistory) -> tuple[Happening, ...]:
    """Tell a lead's story, the newest first."""
    told = sorted(_happenings(lead), key=lambda happening: happening.at)
    return tuple(reversed(told))


def _happenings(lead: LeadHistory) -> Iterator[Happening]:
    yield Happening(moment_of(lead.created_at), Sort.CREATED)
    for event in lead.events:
        yield Happening(moment_of(event.at), Sort.EVENT, event.kind, event.value)
    for stage in lead.stages:
        yield Happening(moment_of(stage.at), Sort.STAGE, stage.stage, stage.pipeline)
    for payment in lead.payments:
        sort = Sort.PAYMENT if payment.amount_minor >= 0 else Sort.REFUND
        yield Happening(
            moment_of(payment.at), sort,
            value=payment.amount_minor, currency=payment.currency,
        )  # fmt: skip
    for change in lead.field_changes:
        yield Happening(moment_of(change.at), Sort.FIELD, change.field, change.value)


def moment_of(microseconds: int) -> datetime:
    """Turn microseconds since the epoch into an aware moment."""
    return EPOCH + timedelta(microseconds=microseconds)
