"""The canonical tables: the one shape that every source is brought into.

Times are UTC with microseconds; money is integer minor units with its currency;
``recorded_at`` says when we could first know a row. Rows are unique and in content
order, so that neither the order of delivery nor a doubled one changes anything, and
ties in time are broken the same way everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

import polars as pl

INSTANT: Final = pl.Datetime("us", "UTC")

LEADS: Final[Mapping[str, pl.DataType]] = {
    "lead_id": pl.String(),
    "created_at": INSTANT,
    "recorded_at": INSTANT,
    "source": pl.String(),
    "pipeline": pl.String(),
    "owner": pl.String(),
}
"""Fixed columns of ``leads``; every other column of that table is a card field."""

EVENTS: Final[Mapping[str, pl.DataType]] = {
    "lead_id": pl.String(),
    "at": INSTANT,
    "recorded_at": INSTANT,
    "kind": pl.String(),
    "value": pl.Float64(),
    "properties": pl.String(),  # JSON text, kept as it came
}

STAGES: Final[Mapping[str, pl.DataType]] = {
    "lead_id": pl.String(),
    "at": INSTANT,
    "recorded_at": INSTANT,
    "pipeline": pl.String(),
    "stage": pl.String(),
}

PAYMENTS: Final[Mapping[str, pl.DataType]] = {
    "lead_id": pl.String(),
    "at": INSTANT,
    "recorded_at": INSTANT,
    "amount_minor": pl.Int64(),  # negative is a refund
    "currency": pl.String(),
}

FIELD_CHANGES: Final[Mapping[str, pl.DataType]] = {
    "lead_id": pl.String(),
    "at": INSTANT,
    "recorded_at": INSTANT,
    "field": pl.String(),
    "value": pl.String(),  # null: the field was emptied
}

OUTCOMES: Final[Mapping[str, pl.DataType]] = {
    "lead_id": pl.String(),
    "outcome": pl.Boolean(),
    "holdout": pl.Boolean(),
}
"""Known outcomes of a flat table; empty for every other source."""

SCHEMAS: Final[Mapping[str, Mapping[str, pl.DataType]]] = {
    "leads": LEADS,
    "events": EVENTS,
    "stages": STAGES,
    "payments": PAYMENTS,
    "field_changes": FIELD_CHANGES,
    "outcomes": OUTCOMES,
}

UNDATED: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
"""The moment of a lead from a flat table that has no time column."""


class FieldType(StrEnum):
    """What a card field holds, fixed when the company's data are first taken in."""

    NUMBER = "number"
    TEXT = "text"
    FLAG = "flag"
    TIME = "time"


FIELD_DTYPES: Final[Mapping[FieldType, pl.DataType]] = {
    FieldType.NUMBER: pl.Float64(),
    FieldType.TEXT: pl.String(),
    FieldType.FLAG: pl.Boolean(),
    FieldType.TIME: INSTANT,
}


@dataclass(frozen=True)
class Tables:
    """All that is known about a company's leads, in canonical form.

    ``cut_off`` is the last moment the data know of: nothing after it has been seen, so
    a horizon that ends later is not mature. ``dated`` is false for a flat table without
    a time column, where every lead sits at ``UNDATED``. ``doubled`` counts the rows
    of each table that were delivered twice and count once; ``notes`` say what else was
    put right on the way in. ``order`` holds the lead ids in the order of the file, for
    a file of leads to predict.
    """

    leads: pl.DataFrame
    events: pl.DataFrame
    stages: pl.DataFrame
    payments: pl.DataFrame
    field_changes: pl.DataFrame
    outcomes: pl.DataFrame
    fields: Mapping[str, FieldType]
    cut_off: datetime
    dated: bool = True
    doubled: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    order: pl.Series | None = None

    def __getitem__(self, name: str) -> pl.DataFrame:
        frame = getattr(self, name)
        assert isinstance(frame, pl.DataFrame)
        return frame


def empty(name: str) -> pl.DataFrame:
    """Make a table of that name without rows.

    Examples
    --------
    >>> empty("payments").columns
    ['lead_id', 'at', 'recorded_at', 'amount_minor', 'currency']
    """
    return pl.DataFrame(schema=dict(SCHEMAS[name]))
