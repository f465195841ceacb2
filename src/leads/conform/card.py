"""The lead's card: which fields it has, of what type, now and as it changed.

Separate from ``conform`` because a card has no fixed columns: fields are found in the
leads and in their changes together, and both must agree on a type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from leads.conform.columns import misfits
from leads.conform.fields import as_text, read_as, type_of
from leads.conform.raw import RawTable
from leads.errors import Fault
from leads.tables import FIELD_DTYPES, LEADS, FieldType

NO_NAME: Final = re.compile(r"\*|\^.*\$|row|moment|lead", re.DOTALL)
"""Names that Polars takes for patterns, or that history keeps for itself."""

REPLAYED: Final = ("source", "pipeline", "owner")
"""Fixed columns that may change like card fields."""


@dataclass(frozen=True)
class Card:
    """Card fields of n leads, and of m changes.

    ``values`` are (n,) columns in the fields' types; ``changed`` is (m,) text that
    every reader parses alike.
    """

    fields: Mapping[str, FieldType]
    values: Mapping[str, pl.Series]
    changed: pl.Series
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class RawCard:
    """Where the fields of a card may be found, before their types are known.

    ``changes`` has the columns ``field`` and ``value`` or is None; ``exclude`` names
    columns, in our words or the source's, that are no card fields.
    """

    leads: RawTable
    changes: RawTable | None
    zone: ZoneInfo
    exclude: frozenset[str]

    def read(self, fixed: Mapping[str, FieldType] | None = None) -> Card:
        """Decide the fields' types unless they are ``fixed``, and bring all to them."""
        faults = [] if fixed is not None else self._collisions()
        notes = []
        kinds = dict(fixed or {})
        for name in () if fixed is not None else self._names():
            kind = self._type_of(name)
            if kind is None:
                notes.append(
                    f"{self.leads.where}: column {self.leads.named(name)!r} is empty"
                    " and was left out"
                )
            else:
                kinds[name] = kind
        values: dict[str, pl.Series] = {}
        parts = [pl.DataFrame(schema={"row": pl.UInt32(), "value": pl.String()})]
        for name, kind in kinds.items():
            values[name], wrong = self._values(name, kind)
            part, also_wrong = self._changed(name, kind)
            parts.append(part)
            faults += [*wrong, *also_wrong]
        parts += [self._changed(name, FieldType.TEXT)[0] for name in REPLAYED]
        changed = pl.concat(parts).sort("row")
        return Card(kinds, values, self._spread(changed), tuple(faults), tuple(notes))

    def _names(self) -> list[str]:
        own = [
            name
            for name in self.leads.frame.columns
            if name not in LEADS and not {name, self.leads.named(name)} & self.exclude
        ]
        names = {*own, *self._rows_of} - self.exclude - LEADS.keys()
        return sorted(name for name in names if not NO_NAME.fullmatch(name))

    def _collisions(self) -> list[Fault]:
        """Refuse changes of fixed columns, and names that mean other columns."""
        faults = [
            self.leads.fault(
                name,
                f"a card field may not be called {name!r}: that means something else",
                "Rename it, or list it under [source] exclude.",
            )
            for name in self.leads.frame.columns
            if NO_NAME.fullmatch(name) and name not in self.exclude
        ]
        if self.changes is None:
            return faults
        taken = LEADS.keys() - set(REPLAYED)
        clash = [n for n in self._rows_of if n in taken or NO_NAME.fullmatch(n)]
        names = as_text(self.changes.frame["field"])
        return faults + [
            self.changes.fault(
                "field",
                f"changes of {name!r}, which is no card field",
                "Leave those rows out, or name the field otherwise, by sql.",
                at=(names == name).fill_null(value=False),
            )
            for name in sorted(clash)
        ]

    @cached_property
    def _rows_of(self) -> Mapping[str, pl.Series]:
        """Positions of the changes of each field."""
        if self.changes is None:
            return {}
        names = as_text(self.changes.frame["field"]).alias("field")
        grouped = (
            names.to_frame()
            .with_row_index("row")
            .drop_nulls()
            .group_by("field", maintain_order=True)
            .agg("row")
        )
        return dict(zip(grouped["field"].to_list(), grouped["row"], strict=True))

    def _texts_of(self, name: str) -> pl.Series:
        if self.changes is None or name not in self._rows_of:
            return pl.Series(name, [], dtype=pl.String)
        column = self.changes.frame["value"].gather(self._rows_of[name])
        return as_text(column).alias(name)

    def _type_of(self, name: str) -> FieldType | None:
        later = self._texts_of(name)
        if name not in self.leads.frame.columns:
            return type_of(later, self.zone, typed=False)
        now = self.leads.frame[name]
        if now.dtype != pl.String or later.is_empty():
            return type_of(now, self.zone, typed=self.leads.typed) or type_of(
                later, self.zone, typed=False
            )
        both = pl.concat([now.alias(name), later])
        return type_of(both, self.zone, typed=self.leads.typed)

    def _values(self, name: str, kind: FieldType) -> tuple[pl.Series, list[Fault]]:
        if name not in self.leads.frame.columns:
            nothing = pl.Series(name, [None], dtype=FIELD_DTYPES[kind])
            return nothing.new_from_index(0, self.leads.frame.height), []
        read = read_as(self.leads.frame[name], kind, self.zone)
        return read.values.alias(name), misfits(self.leads, name, read, kind)

    def _changed(self, name: str, kind: FieldType) -> tuple[pl.DataFrame, list[Fault]]:
        """Rows of the changes of one field with their canonical text."""
        texts = self._texts_of(name)
        rows = self._rows_of.get(name, pl.Series([], dtype=pl.UInt32))
        read = read_as(texts, kind, self.zone)
        part = pl.DataFrame({"row": rows, "value": canonical(read.values, kind)})
        if self.changes is None or not (read.bad.any() or read.mixed is not None):
            return part, []
        few = RawTable(
            self.changes.frame[rows],
            self.changes.where,
            self.changes.rows.gather(rows),
            self.changes.names,
        )
        faults = misfits(few, "value", read, kind)
        return part, [
            Fault(f.where, f"{name!r}: {f.what}", f.remedy, f.column, f.rows)
            for f in faults
        ]

    def _spread(self, changed: pl.DataFrame) -> pl.Series:
        """Put the texts back to the rows they came from, the others null."""
        height = 0 if self.changes is None else self.changes.frame.height
        rows = pl.DataFrame({"row": pl.int_range(height, dtype=pl.UInt32, eager=True)})
        return rows.join(changed, on="row", how="left", maintain_order="left")["value"]


def canonical(values: pl.Series, kind: FieldType) -> pl.Series:
    """Write values of a field type as the text that ``field_changes`` holds.

    Examples
    --------
    >>> canonical(pl.Series([12.5, None]), FieldType.NUMBER).to_list()
    ['12.5', None]
    """
    if kind is FieldType.TIME:
        return values.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00")
    return values.cast(pl.String)
