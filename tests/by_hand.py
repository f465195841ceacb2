"""Companies written by hand: a few leads whose right answer a reader can see.

Times are days since ``tests.strategies.START``, as numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import polars as pl
from tests.strategies import START, in_content_order

from leads.history import History, microseconds
from leads.tables import INSTANT, SCHEMAS, FieldType, Tables

DAY: Final = 86_400_000_000
Rows = Iterable[tuple[Any, ...]]


def moment(day: float) -> int:
    """Return the microseconds of a day."""
    return microseconds(START) + round(day * DAY)


def by_hand(
    leads: Mapping[str, float] | Sequence[str] = ("a",),
    *,
    cut_off: float = 1000,
    recorded: Mapping[str, float] | None = None,
    fields: Mapping[str, FieldType] | None = None,
    **tables: Rows,
) -> History:
    """Write down a company.

    Parameters
    ----------
    leads
        Ids, with the day each was created (0 unless given).
    recorded
        Days at which leads were recorded, where it was later.
    fields
        Card fields, empty in every lead.
    tables
        ``stages`` as (lead, day, stage), ``payments`` as (lead, day, amount),
        ``events`` as (lead, day, kind), ``changes`` as (lead, day, field, value),
        each with the day it was recorded as a last item, where it was later.
    """
    born = leads if isinstance(leads, Mapping) else dict.fromkeys(leads, 0.0)
    known = recorded or {}
    rows = [
        (lead, _at(day), _at(known.get(lead, day)), None, None, None)
        for lead, day in born.items()
    ]
    table = pl.DataFrame(rows, schema=dict(SCHEMAS["leads"]), orient="row")
    types = dict(fields or {})
    return History(
        Tables(
            leads=table.sort("lead_id").with_columns(
                pl.lit(None, DTYPES[kind]).alias(name) for name, kind in types.items()
            ),
            events=_table("events", _spread(tables, "events", 3, (None, None))),
            stages=_table("stages", _staged(tables)),
            payments=_table("payments", _spread(tables, "payments", 3, ("RUB",))),
            field_changes=_table("field_changes", _spread(tables, "changes", 4, ())),
            outcomes=pl.DataFrame(schema=dict(SCHEMAS["outcomes"])),
            fields=types,
            cut_off=_at(cut_off),
        )
    )


DTYPES: Final = {
    FieldType.NUMBER: pl.Float64(),
    FieldType.TEXT: pl.String(),
    FieldType.FLAG: pl.Boolean(),
    FieldType.TIME: INSTANT,
}


def _spread(
    tables: Mapping[str, Rows], name: str, width: int, rest: tuple[Any, ...]
) -> list[tuple[Any, ...]]:
    made = []
    for row in tables.get(name, ()):
        lead, day, *said = row[:width]
        late = row[width] if len(row) > width else day
        made.append((lead, _at(day), _at(late), *said, *rest))
    return made


def _staged(tables: Mapping[str, Rows]) -> list[tuple[Any, ...]]:
    rows = _spread(tables, "stages", 3, ())
    return [(*row[:3], None, row[3]) for row in rows]


def _table(name: str, rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=dict(SCHEMAS[name]), orient="row")
    return in_content_order(frame)


def _at(day: float) -> datetime:
    return START + timedelta(days=day)
