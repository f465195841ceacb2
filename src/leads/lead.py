"""One lead and all that is known about it, and what of that was known at a moment.

Plain Python without an engine, since a single lead is answered in well under the fixed
cost of any engine. ``leads.history`` gives the same answers for many leads at once.
Rows are named tuples: a lead has dozens, and these take half the time to make and hash.

Instants are ``int`` microseconds since the epoch, UTC. A row is visible at a moment if
both its own time and its ``recorded_at`` are not later.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from leads.tables import FieldType

Value = float | str | bool | int | None
"""What a card field holds; an ``int`` is a time in microseconds."""

FIXED: Final = ("source", "pipeline", "owner")
"""Columns of every lead that change like card fields do."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}


class Event(NamedTuple):
    """Something that happened to a lead."""

    at: int
    recorded_at: int
    kind: str
    value: float | None
    properties: str | None = None


class StageChange(NamedTuple):
    """The lead entered a stage."""

    at: int
    recorded_at: int
    pipeline: str | None
    stage: str


class Payment(NamedTuple):
    """Money received; a negative amount is a refund."""

    at: int
    recorded_at: int
    amount_minor: int
    currency: str


class FieldChange(NamedTuple):
    """A card field got a new value, as text; None if it was emptied."""

    at: int
    recorded_at: int
    field: str
    value: str | None


class _Row(Protocol):
    @property
    def at(self) -> int: ...
    @property
    def recorded_at(self) -> int: ...


R = TypeVar("R", bound=_Row)


def microseconds(moment: datetime) -> int:
    """Count the microseconds since the epoch.

    Examples
    --------
    >>> microseconds(datetime(1970, 1, 2, tzinfo=UTC))
    86400000000
    """
    delta = moment - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def parse(text: str | None, kind: FieldType) -> Value:
    """Read the text of a field change as a value of the field's type.

    What cannot be read is not known.

    Examples
    --------
    >>> parse("12.5", FieldType.NUMBER), parse("yes?", FieldType.FLAG)
    (12.5, None)
    >>> parse("1970-01-01T00:00:01+00:00", FieldType.TIME)
    1000000
    """
    if text is None or kind is FieldType.TEXT:
        return text
    if kind is FieldType.FLAG:
        return FLAGS.get(text.strip().lower())
    try:
        if kind is FieldType.TIME:
            moment = datetime.fromisoformat(text.strip())
            return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


@dataclass(frozen=True)
class LeadHistory:
    """One lead and all that is known about it.

    ``fields`` are the card's values; ``types`` say how the text of a field change is
    read (a field that is not named there is text).
    """

    lead_id: str
    created_at: int
    recorded_at: int
    source: str | None
    pipeline: str | None
    owner: str | None
    fields: Mapping[str, Value]
    events: tuple[Event, ...]
    stages: tuple[StageChange, ...]
    payments: tuple[Payment, ...]
    field_changes: tuple[FieldChange, ...]
    types: Mapping[str, FieldType] = field(default_factory=dict)

    def as_of(self, moment: int) -> LeadHistory:
        """Return what was visible at a moment: unique rows, in content order.

        The card is as known then: the last visible change of a field wins, before its
        first change a field is not known, and one that never changes has held its value
        since the lead was recorded. Of a lead not yet recorded nothing is known.

        Examples
        --------
        >>> lead = LeadHistory(
        ...     "7", 0, 0, "ads", None, None, {"size": 20.0}, (), (), (),
        ...     (FieldChange(50, 60, "size", "20"),), {"size": FieldType.NUMBER},
        ... )
        >>> lead.as_of(59).fields, lead.as_of(60).fields
        ({'size': None}, {'size': 20.0})
        """
        card = self._card(moment)
        return replace(
            self,
            source=_text(card.pop("source")),
            pipeline=_text(card.pop("pipeline")),
            owner=_text(card.pop("owner")),
            fields=card,
            events=_seen(
                self.events, moment,
                lambda row: (row.kind, _rank(row.value), _rank(row.properties)),
            ),
            stages=_seen(
                self.stages, moment, lambda row: (_rank(row.pipeline), row.stage)
            ),
            payments=_seen(
                self.payments, moment, lambda row: (row.amount_minor, row.currency)
            ),
            field_changes=_seen(
                self.field_changes, moment, lambda row: (row.field, _rank(row.value))
            ),
        )  # fmt: skip

    def _card(self, moment: int) -> dict[str, Value]:
        known = self.created_at <= moment and self.recorded_at <= moment
        card: dict[str, Value] = {
            "source": self.source, "pipeline": self.pipeline, "owner": self.owner,
        }  # fmt: skip
        card.update(self.fields)
        if not known:
            return dict.fromkeys(
                [*card, *(change.field for change in self.field_changes)]
            )
        if self.field_changes:
            card.update(dict.fromkeys(change.field for change in self.field_changes))
            ordered = _seen(
                self.field_changes, moment, lambda row: (row.field, _rank(row.value))
            )
            for change in ordered:
                kind = self.types.get(change.field, FieldType.TEXT)
                card[change.field] = parse(change.value, kind)
        return card


def _seen(
    rows: Iterable[R], moment: int, content: Callable[[R], tuple[Any, ...]]
) -> tuple[R, ...]:
    visible = {r for r in rows if r.at <= moment and r.recorded_at <= moment}
    return tuple(sorted(visible, key=lambda r: (r.at, r.recorded_at, *content(r))))


def _rank(value: float | str | None) -> tuple[bool, float | str | None]:
    """Order unknown before known, as the canonical tables do."""
    return value is not None, value


def _text(value: Value) -> str | None:
    assert value is None or isinstance(value, str)
    return value
