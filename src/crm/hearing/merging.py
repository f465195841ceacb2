"""What was known of a lead and what was seen of it now, made one history.

Pure. The next ``ingest`` reads the same from the CRM and comes to the same end; until
then this stands for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, NamedTuple, TypeVar

import orjson
import polars as pl

from leads.lead import (
    EPOCH,
    FIXED,
    Event,
    FieldChange,
    LeadHistory,
    Payment,
    StageChange,
    Value,
)
from leads.tables import FieldType, Tables

KINDS: Final[Mapping[str, Callable[..., Any]]] = {
    "events": Event,
    "stages": StageChange,
    "payments": Payment,
    "field_changes": FieldChange,
}
R = TypeVar("R", bound=NamedTuple)


def merged(known: LeadHistory | None, fresh: LeadHistory, *, at: int) -> LeadHistory:
    """Add to what was known of a lead what a look at it has brought.

    Parameters
    ----------
    known
        None if the lead is new to us.
    fresh
        As the CRM shows it now; its card is the newest one.
    at
        When it was looked at, in microseconds.

    Returns
    -------
    LeadHistory
        Rows known before keep when they were known. A card field that is another now
        has changed by the time of the look; what it held before is kept with it.
    """
    if known is None:
        return fresh
    changes = [*known.field_changes, *_changes(known, fresh, at)]
    return replace(
        known,
        events=_united(known.events, fresh.events),
        stages=_united(known.stages, fresh.stages),
        payments=_united(known.payments, fresh.payments),
        field_changes=_united(changes, fresh.field_changes),
    )


def digest_of(lead: LeadHistory, at: int) -> str:
    """Tell one state of a lead from another, whenever and however it was learned of.

    When a card was last changed has no say: our own writing changes it too.
    """
    now = lead.as_of(at)
    card = {"source": now.source, "pipeline": now.pipeline, "owner": now.owner}
    filled = {k: v for k, v in {**now.fields, **card}.items() if v is not None}
    said = [
        sorted(filled.items()),
        *(sorted(map(repr, map(_content, rows))) for rows in (
            now.events, now.stages, now.payments
        )),
    ]  # fmt: skip
    return hashlib.sha256(orjson.dumps(said)).hexdigest()


def packed(lead: LeadHistory) -> bytes:
    """Write a history as JSON."""
    told = {
        "fixed": [
            lead.lead_id, lead.created_at, lead.recorded_at,
            lead.source, lead.pipeline, lead.owner,
        ],
        "fields": dict(lead.fields),
        "types": {name: kind.value for name, kind in lead.types.items()},
        **{name: [list(row) for row in getattr(lead, name)] for name in KINDS},
    }  # fmt: skip
    return orjson.dumps(told)


def unpacked(body: bytes) -> LeadHistory:
    """Read a history back.

    Examples
    --------
    >>> lead = LeadHistory("7", 0, 5, "ads", None, None, {"size": 1.5},
    ...     (Event(1, 2, "call", None),), (), (), (), {"size": FieldType.NUMBER})
    >>> unpacked(packed(lead)) == lead
    True
    """
    told = orjson.loads(body)
    rows: list[Any] = [
        tuple(kind(*row) for row in told[name]) for name, kind in KINDS.items()
    ]
    types = {name: FieldType(kind) for name, kind in told["types"].items()}
    parts: list[Any] = [*told["fixed"], told["fields"], *rows, types]
    return LeadHistory(*parts)


def tables_of(leads: Sequence[LeadHistory], like: Tables, *, at: int) -> Tables:
    """Put a few histories into tables, for what works on tables only."""
    ordered = sorted(leads, key=lambda lead: lead.lead_id)
    cards = [
        {"lead_id": one.lead_id, "created_at": one.created_at,
         "recorded_at": one.recorded_at, "source": one.source,
         "pipeline": one.pipeline, "owner": one.owner, **one.fields}
        for one in ordered
    ]  # fmt: skip

    def rows_of(name: str) -> pl.DataFrame:
        columns = list(like[name].columns)
        rows = [(one.lead_id, *row) for one in ordered for row in getattr(one, name)]
        told = [dict(zip(columns, row, strict=True)) for row in rows]
        frame = _frame(like[name], told)
        return frame.sort(frame.columns, nulls_last=False)

    return replace(
        like,
        leads=_frame(like.leads, cards),
        events=rows_of("events"),
        stages=rows_of("stages"),
        payments=rows_of("payments"),
        field_changes=rows_of("field_changes"),
        outcomes=like.outcomes.clear(),
        cut_off=EPOCH + timedelta(microseconds=at),
    )


def _frame(like: pl.DataFrame, rows: list[dict[str, Any]]) -> pl.DataFrame:
    integers = {
        name: pl.Int64() if isinstance(dtype, pl.Datetime) else dtype
        for name, dtype in like.schema.items()
    }
    made = pl.DataFrame(rows, schema=integers, orient="row")
    return made.cast(like.schema)


def _united(known: Iterable[R], fresh: Iterable[R]) -> tuple[R, ...]:
    """Unite rows by what they say; of equal ones the one known first stays."""
    found = {_content(row): row for row in fresh}
    for row in known:
        other = found.get(_content(row))
        if other is None or row[1] <= other[1]:
            found[_content(row)] = row
    return tuple(sorted(found.values(), key=_order))


def _content(row: Any) -> tuple[Any, ...]:
    return (row[0], *row[2:])


def _order(row: Any) -> tuple[Any, ...]:
    return tuple(
        (value is not None, value if value is not None else 0) for value in row
    )


def _changes(known: LeadHistory, fresh: LeadHistory, at: int) -> Iterator[FieldChange]:
    """Find the card fields that hold something else now."""
    before, after = known.as_of(at), fresh.as_of(at)
    told = {change.field for change in known.field_changes}
    for name in (*FIXED, *sorted(known.fields.keys() & fresh.fields.keys())):
        old, new = _held(before, name), _held(after, name)
        if old == new:
            continue
        kind = known.types.get(name, FieldType.TEXT)
        if name not in told:  # else the past would be unknown before this change
            born = max(known.created_at, known.recorded_at)
            yield FieldChange(born, born, name, _text(old, kind))
        yield FieldChange(at, at, name, _text(new, kind))


def _held(lead: LeadHistory, name: str) -> Value:
    return getattr(lead, name) if name in FIXED else lead.fields.get(name)


def _text(value: Value, kind: FieldType) -> str | None:
    """Write a value as field changes hold it."""
    if value is None:
        return None
    if kind is FieldType.TIME:
        assert isinstance(value, int)
        return (EPOCH + timedelta(microseconds=value)).isoformat()
    return str(value).lower() if isinstance(value, bool) else str(value)
