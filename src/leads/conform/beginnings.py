"""What a field held before its first change, told by that change's ``old_value``.

Without it a field that changed later would be unknown from the lead's creation up to
its first change, and that emptiness alone would tell that it is going to change.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from leads.conform.fields import as_text
from leads.conform.raw import RawTable

OLD: Final = "old_value"


def with_old_values(changes: RawTable) -> tuple[RawTable, pl.Series]:
    """Append the old values to the new ones, so that both are read alike.

    Returns
    -------
    tuple
        ``changes`` with a row more for each old value that is known, and the positions
        (k,) of the rows that these came from.
    """
    frame = changes.frame
    if OLD not in frame.columns:
        return changes, pl.Series([], dtype=pl.UInt32)
    new, old = as_text(frame["value"]), as_text(frame[OLD])
    known = old.is_not_null().arg_true()
    before = frame[known].with_columns(value=old.gather(known))
    both = pl.concat([frame.with_columns(value=new), before])
    rows = pl.concat([changes.rows, changes.rows.gather(known)])
    return replace(changes, frame=both, rows=rows), known


def beginnings(
    changes: pl.DataFrame, old: pl.Series, known: pl.Series, leads: pl.DataFrame
) -> pl.DataFrame:
    """Make a change at creation of what each field held before its first change.

    Parameters
    ----------
    changes
        Canonical columns, m rows in the order of the source.
    old, known
        The old values (k,), and the rows of ``changes`` that they stand in.
    leads
        ``lead_id``, ``created_at``, ``recorded_at``.

    Returns
    -------
    DataFrame
        The columns of ``changes``: at most one row per lead and field.
    """
    told = changes.with_row_index("row").join(
        pl.DataFrame({"row": known, "_old": old}), on="row", how="left"
    )
    first = told.sort("at", "row").unique(["lead_id", "field"], keep="first")
    held = first.drop_nulls(["_old", "field"]).join(
        leads.select("lead_id", _created="created_at", _recorded="recorded_at"),
        on="lead_id",
    )
    return held.filter(pl.col("_created") < pl.col("at")).select(
        "lead_id",
        pl.col("_created").alias("at"),
        pl.col("_recorded").alias("recorded_at"),
        "field",
        pl.col("_old").alias("value"),
    )
