"""What became visible of a lead between two moments, and whose business field it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeVar

from leads.history import LeadHistory
from leads.lead import EPOCH
from model.features.catalog import OTHER_KINDS, Catalog, Kind

R = TypeVar("R")
Sort = Literal["event", "stage", "payment", "refund", "field"]

SHOWN: Final[frozenset[Kind]] = frozenset({"card_number", "card_text", "card_flag"})
"""Kinds of card features whose values may be told; of others only that they changed."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Rows of one kind that became visible between two moments.

    ``what`` is the kind of event, the stage or the card field; ``field`` the business
    field that it moves, None where the model looks at nothing of the sort. ``first``
    and ``last`` are when they happened, not when they were recorded. ``value`` is the
    new value of a card field that the model reads as such.
    """

    sort: Sort
    what: str
    field: str | None
    count: int
    first: datetime
    last: datetime
    value: str | None = None


def arrivals(
    lead: LeadHistory, catalog: Catalog, *, after: int, until: int
) -> tuple[Arrival, ...]:
    """List what was not visible at ``after`` and is at ``until``, oldest first."""
    rows: dict[tuple[Sort, str], list[tuple[int, str | None]]] = {}
    for sort, what, at, value in _new(lead.as_of(after), lead.as_of(until)):
        rows.setdefault((sort, what), []).append((at, value))
    found = [
        _arrival(sort, what, sorted(seen, key=lambda row: row[0]), catalog)
        for (sort, what), seen in rows.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.first, one.sort, one.what)))


def _new(
    then: LeadHistory, now: LeadHistory
) -> Iterator[tuple[Sort, str, int, str | None]]:
    for event in _added(then.events, now.events):
        yield "event", event.kind, event.at, None
    for stage in _added(then.stages, now.stages):
        yield "stage", stage.stage, stage.at, None
    for payment in _added(then.payments, now.payments):
        yield "payment" if payment.amount_minor >= 0 else "refund", "", payment.at, None
    for change in _added(then.field_changes, now.field_changes):
        yield "field", change.field, change.at, change.value


def _added(then: Iterable[R], now: Iterable[R]) -> list[R]:
    known = set(then)
    return [row for row in now if row not in known]


def _arrival(
    sort: Sort, what: str, seen: list[tuple[int, str | None]], catalog: Catalog
) -> Arrival:
    shown = any(f.of == what and f.kind in SHOWN for f in catalog.features)
    return Arrival(
        sort=sort,
        what=what,
        field=_field(sort, what, catalog),
        count=len(seen),
        first=EPOCH + timedelta(microseconds=seen[0][0]),
        last=EPOCH + timedelta(microseconds=seen[-1][0]),
        value=seen[-1][1] if sort == "field" and shown else None,
    )


def _field(sort: Sort, what: str, catalog: Catalog) -> str | None:
    """Find the business field that a row moves most directly."""
    family = "payment" if sort == "refund" else sort
    wanted: tuple[str, ...] = (what, OTHER_KINDS) if sort == "event" else (what,)
    for of in wanted:
        for feature in catalog.features:
            kin = feature.kind.partition("_")[0]
            if sort == "field":
                if (feature.of or feature.kind) == of and kin not in {"event", "stage"}:
                    return feature.field
            elif kin == family and (sort != "event" or feature.of == of):
                return feature.field
    return None
