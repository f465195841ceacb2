"""The training snapshots as the leak gate sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from leads.history import History
from leads.settings import Settings
from leads.tables import FieldType
from model.features.catalog import Catalog, FeatureTable, Numbers
from model.leaks.collusion import Bench
from model.leaks.probes import Mask, alone, binned, halves, rows_of
from model.learners.boosting import Matrix
from model.metrics import Codes

MOST_ROWS: Final = 20_000
"""Leads that suffice to judge by."""


@dataclass(frozen=True)
class Scene:
    """The training snapshots as the gate sees them.

    ``moments`` has ``row``, ``lead_id`` and ``moment`` of n rows; ``table``, ``labels``
    and ``leads`` are in their order.
    """

    catalog: Catalog
    history: History
    settings: Settings
    moments: pl.DataFrame
    table: FeatureTable
    labels: Numbers
    leads: Codes

    def rows(self, index: Codes) -> Scene:
        """Take some rows, their moments numbered anew."""
        moments = self.moments[index].with_columns(
            row=pl.int_range(pl.len(), dtype=pl.UInt32)
        )
        return replace(
            self, moments=moments, table=self.table.rows(index),
            labels=self.labels[index],
            leads=np.unique(self.leads[index], return_inverse=True)[1].astype(np.intp),
        )  # fmt: skip

    def one_each(self, *, last: bool) -> Scene:
        """Keep the first or the last snapshot of each lead, of many leads evenly."""
        moment = self.moments["moment"].to_numpy()
        order = np.lexsort((-moment if last else moment, self.leads))
        _, first = np.unique(self.leads[order], return_index=True)
        chosen = order[first]
        return self.rows(np.sort(chosen[rows_of(chosen, MOST_ROWS)]))

    @cached_property
    def fit(self) -> Mask:
        """Mark the half of the leads that probes are fitted on."""
        return halves(self.leads, self.settings.model.seed)

    @cached_property
    def cards(self) -> pl.DataFrame:
        """The leads' cards as known at the moments."""
        return self.history.cards(self.moments)

    @cached_property
    def tracked(self) -> frozenset[str]:
        """Card fields whose changes are known."""
        return frozenset(self.history.tables.field_changes["field"].unique())

    @cached_property
    def columns(self) -> Mapping[str, pl.Series]:
        """Card fields, copies too; times as how long before the moment they were."""
        found = {}
        for name in (*self.history.tables.fields, "source", "pipeline", "owner"):
            if name not in self.settings.model.exclude:
                values = self.cards[name]
                if self._is_time(name):
                    values = self.moments["moment"] - values
                found[name] = values.alias(name)
        return found

    def _is_time(self, name: str) -> bool:
        return self.history.tables.fields.get(name) == FieldType.TIME

    @cached_property
    def times(self) -> Mapping[str, pl.Series]:
        """Untracked card fields that hold dates, as microseconds."""
        return {
            name: self.cards[name]
            for name in self.columns
            if self._is_time(name) and name not in self.tracked
        }

    @cached_property
    def codes(self) -> Mapping[str, Codes]:
        """Card fields as codes."""
        return {name: binned(values, self.fit) for name, values in self.columns.items()}

    @cached_property
    def alone(self) -> Mapping[str, float]:
        """How well each card field alone ranks the outcomes of unseen leads."""
        return {
            name: alone(codes, self.labels, self.fit)
            for name, codes in self.codes.items()
        }

    @cached_property
    def together(self) -> float:
        """How well all fields together rank the outcomes of unseen leads."""
        return self.bench(most=MOST_ROWS).judged()[0]

    @cached_property
    def untracked(self) -> tuple[str, ...]:
        """Card fields whose value of today counts as known from the beginning."""
        return tuple(name for name in self.columns if name not in self.tracked)

    def bench(self, fields: Iterable[str] | None = None, *, most: int) -> Bench:
        """Put features on the bench: of some fields, or of all."""
        chosen = rows_of(self.labels, most)
        matrix = Matrix(
            self.catalog.encode(self.table.rows(chosen)),
            self.labels[chosen],
            self.catalog.text_columns,
        )
        names = tuple(feature.field for feature in self.catalog.features)
        bench = Bench(matrix, self.fit[chosen], names)
        return bench if fields is None else bench.only(set(fields))


@dataclass(frozen=True)
class Sight:
    """What the probes look at: each lead first and last seen, and leads open today."""

    first: Scene
    last: Scene
    fresh: pl.DataFrame

    @cached_property
    def fresh_cards(self) -> pl.DataFrame:
        """Cards of the open leads as known now."""
        return self.first.history.cards(self.fresh)
