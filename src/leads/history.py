"""The one door to time: what was known about leads at a moment, and nothing else.

A row is visible at a moment if both its own time and its ``recorded_at`` are not later.
``LeadHistory.as_of`` says so for one lead in plain Python, ``History`` for many at once
in Polars; both give the same answer. Features are only ever shown what comes out of
here, so they cannot see the future.

Instants are ``int`` microseconds since the epoch, UTC. Rows are unique and in content
order (sorted by all columns, unknown before known), so the last of several rows with
one time is the same row everywhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from leads.errors import UnknownLead
from leads.lead import (
    EPOCH,
    FIXED,
    Event,
    FieldChange,
    LeadHistory,
    Payment,
    StageChange,
    Value,
    microseconds,
    parse,
)
from leads.tables import FIELD_DTYPES, LEADS, FieldType, Tables
from leads.timeline import Timeline

__all__ = [
    "Event",
    "FieldChange",
    "History",
    "LeadHistory",
    "Payment",
    "StageChange",
    "Value",
    "microseconds",
    "parse",
]


class History:
    """All leads of a company through time.

    Lead ids are encoded once as integers (``lead``, their place in the sorted table of
    leads), since joins on integers are several times faster than on texts. A frame of
    moments that already has the ``lead`` column (see ``encode``) is not encoded again.
    """

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.cut_off = microseconds(tables.cut_off)
        self._coded: dict[str, pl.DataFrame] = {}

    @cached_property
    def leads(self) -> pl.DataFrame:
        """The leads with instants as integers and their code ``lead`` (u32)."""
        return _integers(self.tables.leads).with_row_index("lead")

    @cached_property
    def _ids(self) -> pl.Series:
        return self.leads["lead_id"]

    def encode(self, moments: pl.DataFrame) -> pl.DataFrame:
        """Add the code ``lead`` (u32) to ``moments`` (lead_id), in the same order.

        Raises
        ------
        UnknownLead
            A lead of ``moments`` is not among the ingested ones.
        """
        if "lead" in moments.columns:
            return moments
        made = moments.with_columns(self._codes(moments["lead_id"]))
        if made["lead"].has_nulls():
            absent = made.filter(pl.col("lead").is_null())["lead_id"][0]
            raise _unknown(absent)
        return made

    def _codes(self, ids: pl.Series) -> pl.Series:
        # Rows of a lead mostly stand together: look up each run of ids once.
        runs = ids.rename("lead_id").rle().struct.unnest()
        codes = runs.join(
            self.leads.select("lead_id", "lead"),
            left_on="value", right_on="lead_id", how="left", maintain_order="left",
        )  # fmt: skip
        return codes.select(
            pl.col("lead").repeat_by("len").explode(empty_as_null=False)
        )["lead"]

    def coded(self, name: str) -> pl.DataFrame:
        """Return a dated table ready for the engine; made once, kept.

        Its columns, instants as integers, with ``lead`` (u32, the lead's code) and
        ``order`` (u32, the place in content order, which breaks ties in time). Sorted
        by ``order``, and so by ``lead`` and ``at``.
        """
        if name not in self._coded:
            table = _integers(self.tables[name]).with_row_index("order")
            table = table.with_columns(self._codes(table["lead_id"]))
            assert table["lead"].is_sorted(), f"{name} is not in content order"
            self._coded[name] = table.with_columns(pl.col("lead").set_sorted())
        return self._coded[name]

    def visible(self, name: str, moments: pl.DataFrame) -> pl.LazyFrame:
        """Show what each moment may see of a table, lazily and in no certain order.

        Parameters
        ----------
        name
            "events", "stages", "payments" or "field_changes".
        moments
            ``row`` u32, ``lead_id`` str, ``moment`` i64; other columns are ignored.

        Returns
        -------
        LazyFrame
            One row per visible row of the table per ``row``: ``row``, ``moment``, the
            table's columns, ``lead`` and ``order``.
        """
        asked = self.encode(moments).select("row", "moment", "lead")
        return (
            asked.lazy()
            .join(self._around(name, asked["lead"]).lazy(), on="lead", how="inner")
            .filter(
                pl.col("at") <= pl.col("moment"),
                pl.col("recorded_at") <= pl.col("moment"),
            )
        )

    def _around(self, name: str, leads: pl.Series) -> pl.DataFrame:
        """Cut a table down to the leads from the first to the last one asked about."""
        table = self.coded(name)
        first, last = leads.min(), leads.max()
        if not (isinstance(first, int) and isinstance(last, int)):
            return table.clear()  # about nobody
        start = table["lead"].search_sorted(first, side="left")
        stop = table["lead"].search_sorted(last, side="right")
        return table[start:stop]

    def latest(self, name: str, moments: pl.DataFrame) -> pl.DataFrame:
        """Find the last row of a table that each moment may see.

        Returns one row per ``row`` with ``row``, ``moment`` and the table's columns
        (null where nothing was visible), in the order of ``moments``.
        """
        table = self.coded(name)
        asked = self.encode(moments).select("row", "moment", "lead")
        found = Timeline.of(table).last(asked)
        return (
            asked.with_columns(order=found)
            .join(table.drop("lead"), on="order", how="left", maintain_order="left")
            .drop("lead")
        )

    def cards(self, moments: pl.DataFrame) -> pl.DataFrame:
        """Show the card of each lead as known at its moment.

        Returns one row per ``row``, in the order of ``moments``: ``row``,
        ``created_at`` i64, ``source``, ``pipeline``, ``owner`` and every card field
        (times as i64).
        """
        asked = self.encode(moments).select("row", "moment", "lead")
        fields = [c for c in self.leads.columns if c not in LEADS and c != "lead"]
        changed = [f for f in (*FIXED, *fields) if f in self._changes]
        cards = asked.with_columns(
            self.leads.select("created_at", "recorded_at", *FIXED, *fields)[
                asked["lead"]
            ]
        )
        for name in changed:
            cards = cards.with_columns(self._replayed(name, asked))
        known = pl.max_horizontal("created_at", "recorded_at") <= pl.col("moment")
        if not cards.select(known.all()).item():
            unknown = pl.when(known).then(pl.col(*FIXED, *fields))
            cards = cards.with_columns(unknown)
        return cards.select("row", "created_at", *FIXED, *fields)

    @cached_property
    def _changes(self) -> Mapping[str, tuple[Timeline, pl.DataFrame]]:
        """Hold per changing field: which change holds when, and the parsed values."""
        found = {}
        for (name,), rows in self.coded("field_changes").group_by("field"):
            assert isinstance(name, str)
            ordered = rows.sort("order")
            found[name] = (Timeline.of(ordered), self._parsed(name, ordered))
        return found

    def _parsed(self, name: str, rows: pl.DataFrame) -> pl.DataFrame:
        kind = self.tables.fields.get(name, FieldType.TEXT)
        texts = rows["value"].unique()
        read = pl.DataFrame(
            {"value": texts, name: [parse(text, kind) for text in texts]},
            schema={"value": pl.String(), name: _integer_type(FIELD_DTYPES[kind])},
        )
        return rows.select("order", "value").join(
            read, on="value", how="left", nulls_equal=True
        )

    def _replayed(self, name: str, asked: pl.DataFrame) -> pl.Series:
        """Replay one field: the last visible change; without any change, the card's."""
        timeline, values = self._changes[name]
        found = pl.DataFrame({"order": timeline.last(asked)}).join(
            values, on="order", how="left", maintain_order="left"
        )
        changing = pl.Series(timeline.has_rows(asked))
        held = self.leads[name][asked["lead"]]
        return pl.select(
            pl.when(changing).then(found[name]).otherwise(held).alias(name)
        ).to_series()

    def until(self, moment: int) -> History:
        """Return the history as it was known at a moment, as if ingested then."""
        known = self.leads.filter(
            pl.max_horizontal("created_at", "recorded_at") <= moment
        )
        asked = known.select("lead", moment=pl.lit(moment)).with_row_index("row")
        cards = self.cards(asked).drop("row", "created_at")
        leads = known.with_columns(*cards)
        of_known = known.select("lead_id")
        return History(
            replace(
                self.tables,
                leads=_restored(leads, like=self.tables.leads),
                events=self._until("events", asked),
                stages=self._until("stages", asked),
                payments=self._until("payments", asked),
                field_changes=self._until("field_changes", asked),
                outcomes=self.tables.outcomes.join(of_known, on="lead_id", how="semi"),
                cut_off=EPOCH + timedelta(microseconds=moment),
            )
        )

    def _until(self, name: str, asked: pl.DataFrame) -> pl.DataFrame:
        visible = self.visible(name, asked).sort("order").collect()
        return _restored(visible, like=self.tables[name])

    def lead(self, lead_id: str) -> LeadHistory:
        """Gather one lead's history.

        Raises
        ------
        UnknownLead
            No lead of that id was ingested.
        """
        place = bisect_left(self._ids, lead_id)
        if place >= len(self._ids) or self._ids[place] != lead_id:
            raise _unknown(lead_id)
        card = self.leads.row(place, named=True)
        del card["lead"]
        fixed = {name: card.pop(name) for name in LEADS}
        return LeadHistory(
            **fixed,
            fields=card,
            events=tuple(Event(*row) for row in self._rows("events", place)),
            stages=tuple(StageChange(*row) for row in self._rows("stages", place)),
            payments=tuple(Payment(*row) for row in self._rows("payments", place)),
            field_changes=tuple(
                FieldChange(*row) for row in self._rows("field_changes", place)
            ),
            types=self.tables.fields,
        )

    def find(self, lead_id: str) -> LeadHistory | None:
        """Gather one lead's history; None if it was not ingested."""
        try:
            return self.lead(lead_id)
        except UnknownLead:
            return None

    def _rows(self, name: str, lead: int) -> list[tuple[Any, ...]]:
        bounds = self._bounds(name)
        start, stop = int(bounds[lead]), int(bounds[lead + 1])
        return self._bare(name)[start:stop].rows() if start < stop else []

    def _bare(self, name: str) -> pl.DataFrame:
        # Kept: leaving columns out takes longer than reading one lead's rows.
        if name not in self._stripped:
            table = self.coded(name)
            self._stripped[name] = table.drop("order", "lead", "lead_id")
        return self._stripped[name]

    def _bounds(self, name: str) -> npt.NDArray[np.int64]:
        if name not in self._offsets:
            codes = self.coded(name)["lead"].to_numpy()
            edges = np.arange(len(self.leads) + 1, dtype=codes.dtype)
            self._offsets[name] = np.searchsorted(codes, edges)
        return self._offsets[name]

    @cached_property
    def _stripped(self) -> dict[str, pl.DataFrame]:
        return {}

    @cached_property
    def _offsets(self) -> dict[str, npt.NDArray[np.int64]]:
        return {}


def _integers(table: pl.DataFrame) -> pl.DataFrame:
    """Turn instants into integers; a number that is not one is not known."""
    return table.with_columns(
        pl.col(pl.Datetime).cast(pl.Int64()), pl.col(pl.Float64).fill_nan(None)
    )


def _restored(table: pl.DataFrame, *, like: pl.DataFrame) -> pl.DataFrame:
    """Turn integers back into instants."""
    return table.select(pl.col(c).cast(t) for c, t in like.schema.items())


def _integer_type(dtype: pl.DataType) -> pl.DataType:
    return pl.Int64() if isinstance(dtype, pl.Datetime) else dtype


def _unknown(lead_id: str) -> UnknownLead:
    return UnknownLead(
        f"There is no lead {lead_id!r} among the ingested ones.",
        remedy="Check the id, or run ingest if the lead is new.",
    )
