"""From what a caller sent to a lead's history and the moment to look at it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from math import floor
from typing import Any, Final

from pydantic import ValidationError

from leads.errors import BadInput, Fault
from leads.history import (
    Event,
    FieldChange,
    LeadHistory,
    Payment,
    StageChange,
    Value,
    microseconds,
)
from leads.tables import FieldType
from model.features.catalog import Catalog, Kind
from serve.problems import faults_of
from serve.schemas.sent import (
    INSTANT_PATTERN,
    LEAD,
    WHAT_IF,
    CardValue,
    EventSent,
    LeadSent,
    WhatIfSent,
)

EARLIEST: Final = microseconds(datetime(1900, 1, 1, tzinfo=UTC))
LATEST: Final = microseconds(datetime(2200, 1, 1, tzinfo=UTC))
WRITE_TIMES: Final = "Send ISO 8601 with an offset, such as 2026-03-01T12:30:00+03:00."
INSTANT: Final = re.compile(INSTANT_PATTERN)
BY_ID: Final = frozenset({"lead_id", "as_of"})

TYPES: Final[Mapping[Kind, FieldType]] = {
    "card_number": FieldType.NUMBER,
    "card_flag": FieldType.FLAG,
    "card_time_age": FieldType.TIME,
}
"""What a field must hold for a feature to be read from it; any other is text."""


def checked(raw: object) -> LeadSent:
    """Check one lead against the schema.

    Raises
    ------
    BadInput
        Every fault, named by place and rule; never with what was sent.
    """
    try:
        return LEAD.validate_python(raw)
    except ValidationError as error:
        raise faults_of(error, whole="The lead") from error


def checked_what_if(raw: object) -> WhatIfSent:
    """Check a what-if against the schema.

    Raises
    ------
    BadInput
        Every fault, named by place and rule; never with what was sent.
    """
    try:
        return WHAT_IF.validate_python(raw)
    except ValidationError as error:
        raise faults_of(error, whole="The what-if") from error


def is_by_id(lead: LeadSent) -> bool:
    """Tell whether only the id of an ingested lead was sent."""
    return lead.keys() <= BY_ID


def field_types(catalog: Catalog) -> dict[str, FieldType]:
    """Say how the model reads each card field."""
    return {
        feature.of: TYPES[feature.kind]
        for feature in catalog.features
        if feature.of is not None and feature.kind in TYPES
    }


def instant_of(text: str, where: str) -> int:
    """Read a moment that the schema has let through, as microseconds since the epoch.

    Raises
    ------
    BadInput
        No such day or hour, or one too far away to be true.

    Examples
    --------
    >>> instant_of("1970-01-02T03:00:00+03:00", "as_of")
    86400000000
    """
    try:
        moment = datetime.fromisoformat(text)
        # A double holds whole seconds exactly; a timedelta takes twice the time.
        at = floor(moment.timestamp()) * 1_000_000 + moment.microsecond
    except ValueError as error:
        fault = Fault(where, "there is no such moment", WRITE_TIMES)
        raise BadInput.of("The lead", [fault]) from error
    if not EARLIEST <= at < LATEST:
        years = "moments lie between the years 1900 and 2199"
        fault = Fault(where, years, "Send null if it is not known.")
        raise BadInput.of("The lead", [fault])
    return at


def history_of(
    lead: LeadSent, types: Mapping[str, FieldType], *, dated: bool
) -> LeadHistory:
    """Make a lead's history out of what was sent.

    Parameters
    ----------
    lead
        As ``checked`` lets it through.
    types
        How the model reads the card fields.
    dated
        False if the model was learned from leads without times; all are at 0 then.

    Raises
    ------
    BadInput
        Moments that are none, a value of another type than the model reads.
    """
    created = _instant(lead.get("created_at"), "created_at") if dated else 0
    if created is None:
        fault = Fault(
            "created_at",
            "is required with anything but the lead_id of an ingested lead",
            WRITE_TIMES,
        )
        raise BadInput.of("The lead", [fault])
    recorded = _instant(lead.get("recorded_at"), "recorded_at") if dated else 0
    return LeadHistory(
        lead_id=lead["lead_id"],
        created_at=created,
        recorded_at=created if recorded is None else recorded,
        source=lead.get("source"),
        pipeline=lead.get("pipeline"),
        owner=lead.get("owner"),
        fields=_card(lead.get("fields") or {}, types),
        events=tuple(_events(lead.get("events") or ())),
        stages=tuple(
            StageChange(*_times(row, "stages"), row.get("pipeline"), row["stage"])
            for row in lead.get("stages") or ()
        ),
        payments=tuple(
            Payment(*_times(row, "payments"), row["amount_minor"], row["currency"])
            for row in lead.get("payments") or ()
        ),
        field_changes=tuple(
            FieldChange(*_times(row, "field_changes"), row["field"], row["value"])
            for row in lead.get("field_changes") or ()
        ),
        types=types,
    )


def _events(rows: Iterable[EventSent]) -> Iterator[Event]:
    """Make events; written out, since a lead has dozens of them."""
    for row in rows:
        at = instant_of(row["at"], "events")
        recorded = row.get("recorded_at")
        known = instant_of(recorded, "events") if recorded else at
        yield Event(at, known, row["kind"], row.get("value"))


def _times(row: Mapping[str, Any], where: str) -> tuple[int, int]:
    at = instant_of(row["at"], where)
    recorded = row.get("recorded_at")
    return at, instant_of(recorded, where) if recorded else at


def _instant(text: str | None, where: str) -> int | None:
    return None if text is None else instant_of(text, where)


def _card(
    fields: Mapping[str, CardValue], types: Mapping[str, FieldType]
) -> dict[str, Value]:
    return {
        name: value if value is None else _value(value, types.get(name), name)
        for name, value in fields.items()
    }


def _value(value: CardValue, kind: FieldType | None, name: str) -> Value:
    if isinstance(value, float) and not math.isfinite(value):
        raise _wrong(name, "a finite number")
    if kind is FieldType.TIME:
        if not isinstance(value, str):
            raise _wrong(name, "a time, as text in ISO 8601 with an offset")
        return _time(value, name)
    if kind is FieldType.NUMBER and not isinstance(value, float):
        raise _wrong(name, "a number")
    if kind is FieldType.FLAG and not isinstance(value, bool):
        raise _wrong(name, "true or false")
    return value


def _time(value: str, name: str) -> int:
    if not INSTANT.fullmatch(value):
        raise _wrong(name, "a time, as text in ISO 8601 with an offset")
    return instant_of(value, _known(name))


def _wrong(name: str, wanted: str) -> BadInput:
    what = f"the model reads {wanted} here"
    return BadInput.of("The lead", [Fault(_known(name), what, "Send it as that.")])


def _known(name: str) -> str:
    """Name a card field; only names that the model itself knows come here."""
    return f"fields[{name!r}]"
