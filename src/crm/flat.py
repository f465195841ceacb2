"""One flat table of leads whose outcome is known: each row a lead, each column a field.

Only the columns that the configuration names are something else: the id, the time, the
outcome, the holdout, and what is excluded. ``source``, ``pipeline`` and ``owner`` mean
what they mean everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import polars as pl

from leads.conform.columns import missing
from leads.conform.fields import as_text
from leads.conform.raw import RawTable
from leads.errors import Fault
from leads.settings import Holdout, TableSource
from leads.tables import INSTANT, UNDATED

OURS: Final = ("lead_id", "created_at", "recorded_at")
MOST_VALUES_SHOWN: Final = 8


def split_flat(
    raw: RawTable, source: TableSource
) -> tuple[Mapping[str, RawTable], list[Fault]]:
    """Split a flat table into raw ``leads`` and ``outcomes``.

    Without an id a lead is the number of its row, from 0; without a time it sits at
    ``UNDATED``.
    """
    faults = _absent(raw, source)
    if faults:
        return {}, faults
    leads, faults = leads_of_flat(raw, source)
    outcome = raw.frame[source.outcome].alias("outcome")
    holdout, more = _holdout(raw, source.holdout)
    frame = pl.DataFrame([leads.frame["lead_id"], outcome, holdout])
    names = {**leads.names, "outcome": source.outcome}
    outcomes = replace(raw, frame=frame, names=names)
    return {"leads": leads, "outcomes": outcomes}, [*faults, *more]


def leads_of_flat(raw: RawTable, source: TableSource) -> tuple[RawTable, list[Fault]]:
    """Make raw leads of a flat table, with or without its outcome."""
    special = {source.id, source.time, source.outcome, *source.exclude}
    if source.holdout:
        special.add(source.holdout.column)
    rest = [column for column in raw.frame.columns if column not in special]
    faults = [
        raw.fault(
            name,
            f"a card field may not be called {name!r}: Leadcast has a column so named",
            f"If it is that, set [source] {'id' if name == 'lead_id' else 'time'} ="
            f" {name!r}; if not, list it under exclude.",
        )
        for name in rest
        if name in OURS
    ]
    numbers = pl.int_range(raw.frame.height, dtype=pl.UInt32, eager=True)
    lead_id = raw.frame[source.id] if source.id else numbers.cast(pl.String)
    undated = pl.Series([UNDATED], dtype=INSTANT).new_from_index(0, raw.frame.height)
    created = raw.frame[source.time] if source.time else undated
    frame = pl.DataFrame(
        [
            lead_id.alias("lead_id"),
            created.alias("created_at"),
            *(raw.frame[column] for column in rest if column not in OURS),
        ]
    )
    names = {"lead_id": source.id or "row", "created_at": source.time or "time"}
    return replace(raw, frame=frame, names=names), faults


def _absent(raw: RawTable, source: TableSource) -> list[Fault]:
    """Name the configured columns that the table does not have.

    A misspelt name under ``exclude`` would let a leak through, so it is a fault too.
    """
    named = [source.id, source.time, source.outcome, *source.exclude]
    if source.holdout:
        named.append(source.holdout.column)
    wanted = [name for name in named if name is not None]
    return [missing(raw, name) for name in wanted if name not in raw.frame.columns]


def _holdout(raw: RawTable, holdout: Holdout | None) -> tuple[pl.Series, list[Fault]]:
    """Mark the rows that are never trained on."""
    if holdout is None:
        none = pl.repeat(value=False, n=raw.frame.height, dtype=pl.Boolean, eager=True)
        return none.alias("holdout"), []
    text = as_text(raw.frame[holdout.column]).str.to_lowercase()
    value = as_text(pl.Series([holdout.value])).str.to_lowercase().item()
    held = (text == value).fill_null(value=False).alias("holdout")
    if held.any():
        return held, []
    there = text.drop_nulls().unique().sort().head(MOST_VALUES_SHOWN).to_list()
    return held, [
        raw.fault(
            holdout.column,
            f"no row holds {holdout.value!r}; there are {', '.join(map(repr, there))}",
            "Mend [source.holdout] value, or leave the section out.",
        )
    ]
