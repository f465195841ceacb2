"""Cells: all that features need to know of the past, in small dense arrays.

For each snapshot and each *stream* (one kind of event, the other kinds together, the
payments, the refunds) a cell holds how many rows fell into each bucket of age, the sum
of their values, the youngest and the oldest age, and on which of the last days there
was one. ``model.features.derivation`` turns cells into features.

The engine and the twin of one lead fill the same cells through the functions here, so
that they differ only in how they find the visible rows. Everything is an integer, so
nothing depends on the order of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]

DAY: Final = 86_400_000_000
"""Microseconds."""

NEVER: Final = np.iinfo(np.int64).max
MILLION: Final = 1_000_000
LARGEST_VALUE: Final = 1e10
"""Values of events are cut to this size, so that sums of hundreds stay exact."""

DAYS_KEPT: Final = 64
"""How many days back active days can be told apart: the bits of one integer."""


@dataclass(frozen=True)
class Layout:
    """Which cell is where.

    ``event_kinds`` are the kinds with a stream of their own; ``edges`` the ends of the
    buckets of age in microseconds, ascending; the last bucket is open.

    Examples
    --------
    >>> layout = Layout(("call", "visit"), (7 * DAY, 30 * DAY))
    >>> layout.places, layout.other, layout.streams
    ({'call': 1, 'visit': 2}, 3, 6)
    """

    event_kinds: tuple[str, ...]
    edges: tuple[int, ...]

    ALL = 0

    @property
    def other(self) -> int:
        """Every kind of event that has no stream of its own."""
        return len(self.event_kinds) + 1

    @property
    def payments(self) -> int:
        """Money received."""
        return len(self.event_kinds) + 2

    @property
    def refunds(self) -> int:
        """Money given back."""
        return len(self.event_kinds) + 3

    @property
    def streams(self) -> int:
        """How many streams there are, with the one of all events together."""
        return len(self.event_kinds) + 4

    @property
    def buckets(self) -> int:
        """How many buckets of age there are."""
        return len(self.edges) + 1

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The streams of the kinds of events; every other kind goes to ``other``."""
        return {kind: place for place, kind in enumerate(self.event_kinds, 1)}

    @cached_property
    def edge_array(self) -> Integers:
        """The edges for numpy."""
        return np.array(self.edges, dtype=np.int64)


@dataclass(frozen=True)
class Cells:
    """What is known of n snapshots; arrays are filled in place.

    ``count`` and ``total`` (millionths) are (streams, buckets, n); ``youngest`` and
    ``oldest`` (ages in microseconds) and ``days`` (bit d: a row of age d days) are
    (streams, n). Snapshots stand last, so that a feature is read in one stretch.
    ``stage_*`` and ``moves*`` are (n,), NaN or 0 where there was no stage.
    """

    layout: Layout
    count: Integers
    total: Integers
    youngest: Integers
    oldest: Integers
    days: npt.NDArray[np.uint64]
    stage_age: Numbers
    stage_normal: Numbers
    stage_position: Numbers
    moves: Integers
    moves_back: Integers

    @classmethod
    def empty(cls, n: int, layout: Layout) -> Cells:
        """Make the cells of n snapshots before anything happened."""
        flat = (layout.streams, n)
        deep = (layout.streams, layout.buckets, n)
        return cls(
            layout,
            count=np.zeros(deep, dtype=np.int64),
            total=np.zeros(deep, dtype=np.int64),
            youngest=np.full(flat, NEVER),
            oldest=np.full(flat, -1),
            days=np.zeros(flat, dtype=np.uint64),
            stage_age=np.full(n, np.nan),
            stage_normal=np.full(n, np.nan),
            stage_position=np.full(n, np.nan),
            moves=np.zeros(n, dtype=np.int64),
            moves_back=np.zeros(n, dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.moves)

    def add(
        self, row: Integers, stream: Integers, age: Integers, millionths: Integers
    ) -> None:
        """Count rows (m,) into the cells of their snapshots, in any order.

        ``age`` is in microseconds and not negative; ``millionths`` is the value.
        """
        bucket = np.searchsorted(self.layout.edge_array, age, side="right")
        place = (stream * self.layout.buckets + bucket) * len(self) + row
        np.add.at(self.count.reshape(-1), place, 1)
        valued = np.flatnonzero(millionths)
        np.add.at(self.total.reshape(-1), place[valued], millionths[valued])
        cell = stream * len(self) + row
        np.minimum.at(self.youngest.reshape(-1), cell, age)
        np.maximum.at(self.oldest.reshape(-1), cell, age)
        day = age // DAY
        recent = np.flatnonzero(day < DAYS_KEPT)
        bits = np.left_shift(np.uint64(1), day[recent].astype(np.uint64))
        np.bitwise_or.at(self.days.reshape(-1), cell[recent], bits)

    def add_all(self) -> None:
        """Put all events together in their stream, once every event was added."""
        events, everything = slice(1, self.layout.other + 1), Layout.ALL
        self.count[everything] = self.count[events].sum(axis=0)
        self.youngest[everything] = self.youngest[events].min(axis=0)
        self.oldest[everything] = self.oldest[events].max(axis=0)
        self.days[everything] = np.bitwise_or.reduce(self.days[events], axis=0)

    def add_stages(self, row: Integers, age: Integers, stages: Stages) -> None:
        """Note the last stage (m,) of each snapshot, and the moves before it.

        Rows of one snapshot stand together, in content order.
        """
        if len(row) == 0:
            return
        follows = row[1:] == row[:-1]
        moved = follows & (stages.code[1:] != stages.code[:-1])
        same_pipeline = stages.pipeline[1:] == stages.pipeline[:-1]
        back = moved & same_pipeline & (stages.position[1:] < stages.position[:-1])
        np.add.at(self.moves, row[1:][moved], 1)
        np.add.at(self.moves_back, row[1:][back], 1)
        # Told again that it is where it was, a lead has not entered anew. Of several
        # values assigned to one place numpy keeps the last.
        entered = np.ones(len(row), dtype=np.bool_)
        entered[1:] = moved | ~follows
        self.stage_age[row[entered]] = age[entered]
        self.stage_normal[row[entered]] = stages.normal[entered]
        self.stage_position[row[entered]] = stages.position[entered]


@dataclass(frozen=True)
class Stages:
    """What stage changes (m,) led to.

    ``code`` and ``pipeline`` are equal where the stage (in its pipeline) and the
    pipeline are; ``position`` is the place in the pipeline's order and ``normal`` the
    median age in seconds, NaN where not known.
    """

    code: Integers
    pipeline: Integers
    position: Numbers
    normal: Numbers


def millionths(values: Numbers) -> Integers:
    """Make values of events exact: integer millionths, 0 where not known.

    Examples
    --------
    >>> millionths(np.array([1.5, np.nan, -np.inf]))
    array([           1500000,                  0, -10000000000000000])
    """
    known = np.where(np.isnan(values), 0.0, values)
    cut = np.minimum(np.maximum(known, -LARGEST_VALUE), LARGEST_VALUE)
    whole: Integers = np.rint(cut * MILLION).astype(np.int64)
    return whole


def edges_of(windows: Iterable[int]) -> tuple[int, ...]:
    """Make bucket edges in microseconds out of windows in seconds."""
    return tuple(sorted({window * MILLION for window in windows}))
