"""The one door to time: what was known about a lead at a moment, and nothing else.

A row is visible at a moment if both its own time and its ``recorded_at`` are not later.
``LeadHistory.as_of`` says so for one lead in plain Python, ``History`` for many at once
in Polars; both give the same answer. Features are only ever shown what comes out of
here, so they cannot see the future.

Instants are ``int`` microseconds since the epoch, UTC. Rows are unique and in content
order (sorted by all columns, unknown before known), so the last of several rows with
one time is the same row everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from leads.errors import UnknownLead
from leads.tables import FIELD_DTYPES, LEADS, FieldType, Tables

Value = float | str | bool | int | None
"""What a card field holds; an ``int`` is a time in microseconds."""

FIXED: Final = ("source", "pipeline", "owner")
"""Columns of every lead that change like card fields do."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
NEVER: Final = np.iinfo(np.int64).max
FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a lead."""

    at: int
    recorded_at: int
    kind: str
    value: float | None
    properties: str | None = None


@dataclass(frozen=True, slots=True)
class StageChange:
    """The lead entered a stage."""

    at: int
    recorded_at: int
    pipeline: str | None
    stage: str


@dataclass(frozen=True, slots=True)
class Payment:
    """Money received; a negative amount is a refund."""

    at: int
    recorded_at: int
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class FieldChange:
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
            .join(self.coded(name).lazy(), on="lead", how="inner")
            .filter(
                pl.col("at") <= pl.col("moment"),
                pl.col("recorded_at") <= pl.col("moment"),
            )
        )

    def latest(
        self, name: str, moments: pl.DataFrame, *, only: pl.Expr | None = None
    ) -> pl.DataFrame:
        """Find the last row of a table that each moment may see.

        Returns one row per ``row`` with ``row``, ``moment`` and the table's columns
        (null where nothing was visible), in the order of ``moments``. ``only`` narrows
        the table first.
        """
        table = self.coded(name)
        orders = self._latest_order(table if only is None else table.filter(only))
        asked = self.encode(moments).select("row", "moment", "lead")
        return (
            _as_of(asked, orders)
            .join(table.drop("lead"), on="order", how="left", maintain_order="left")
            .drop("lead")
        )

    @staticmethod
    def _latest_order(table: pl.DataFrame) -> pl.DataFrame:
        """Say from when on which row is the last visible one of its lead.

        A row recorded late becomes visible after ones that happened later, and is not
        the last then; hence the running maximum.
        """
        since = pl.max_horizontal("at", "recorded_at").alias("since")
        return (
            table.lazy()
            .select("lead", "order", since)
            .sort("lead", "since", "order")
            .with_columns(pl.col("order").cum_max().over("lead"))
            .collect()
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
    def _changes(self) -> Mapping[str, tuple[pl.DataFrame, pl.DataFrame]]:
        """Hold per changing field: when which change holds, and the parsed values."""
        found = {}
        for (name,), rows in self.coded("field_changes").group_by("field"):
            assert isinstance(name, str)
            ordered = rows.sort("order")
            found[name] = (self._latest_order(ordered), self._parsed(name, ordered))
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
        since, values = self._changes[name]
        changes = pl.Series(np.zeros(len(self.leads), dtype=np.bool_))
        changes[since["lead"].unique()] = True
        found = _as_of(asked, since).join(
            values, on="order", how="left", maintain_order="left"
        )
        held = self.leads[name][asked["lead"]]
        return pl.select(
            pl.when(changes[asked["lead"]]).then(found[name]).otherwise(held)
        ).to_series().rename(name)  # fmt: skip

    def lead(self, lead_id: str) -> LeadHistory:
        """Gather one lead's history.

        Raises
        ------
        UnknownLead
            No lead of that id was ingested.
        """
        place = self.leads["lead_id"].search_sorted(lead_id)
        if place >= len(self.leads) or self.leads["lead_id"][place] != lead_id:
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

    def _rows(self, name: str, lead: int) -> list[tuple[Any, ...]]:
        bounds = self._bounds(name)
        start, stop = int(bounds[lead]), int(bounds[lead + 1])
        table = self.coded(name)[start:stop]
        return table.drop("order", "lead", "lead_id").rows()

    def _bounds(self, name: str) -> npt.NDArray[np.int64]:
        if name not in self._offsets:
            codes = self.coded(name)["lead"].to_numpy()
            edges = np.arange(len(self.leads) + 1, dtype=codes.dtype)
            self._offsets[name] = np.searchsorted(codes, edges)
        return self._offsets[name]

    @cached_property
    def _offsets(self) -> dict[str, npt.NDArray[np.int64]]:
        return {}


def _as_of(asked: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """Look up for each (lead, moment) the ``order`` that held then; keep the order."""
    return (
        asked.with_row_index("_place")
        .sort("lead", "moment")
        .join_asof(
            orders, left_on="moment", right_on="since", by="lead",
            strategy="backward", coalesce=True, check_sortedness=False,
        )
        .sort("_place")
        .drop("_place", "since", strict=False)
    )  # fmt: skip


def _integers(table: pl.DataFrame) -> pl.DataFrame:
    """Turn instants into integers; a number that is not one is not known."""
    return table.with_columns(
        pl.col(pl.Datetime).cast(pl.Int64()), pl.col(pl.Float64).fill_nan(None)
    )


def _integer_type(dtype: pl.DataType) -> pl.DataType:
    return pl.Int64() if isinstance(dtype, pl.Datetime) else dtype


def _unknown(lead_id: str) -> UnknownLead:
    return UnknownLead(
        f"There is no lead {lead_id!r} among the ingested ones.",
        remedy="Check the id, or run ingest if the lead is new.",
    )
