"""How cells become features: one definition for one lead and for millions.

Each definition is one numpy expression over all of the catalog's features that it
serves at once, so the cost for one lead does not grow with their number. Every step
works on each snapshot alone and divides exact integers once: the same input gives the
same bits, alone or among a million.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from itertools import chain
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from model.features.catalog import OTHER_KINDS, Catalog, Feature, Numbers
from model.features.cells import (
    DAY,
    DAYS_KEPT,
    MILLION,
    Cells,
    Integers,
    Layout,
    edges_of,
)

HOUR: Final = 3_600_000_000
QUARTER: Final = HOUR // 4
"""Clocks change only where a quarter of an hour ends, so each is looked up once."""

CARD_KINDS: Final = frozenset(
    {
        "card_number", "card_flag", "card_time_age", "card_text_length", "card_filled",
        "card_answer", "contact_phone",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Inputs:
    """All that the number features of n snapshots are made of.

    ``moment`` and ``created`` are instants in microseconds (n,), ``cycle`` the seconds
    that a deal takes in each lead's pipeline (n,); ``card`` (n, c) holds the values of
    the catalog's card features, in its order (a time as microseconds).
    """

    moment: Integers
    created: Integers
    cycle: Numbers
    cells: Cells
    card: Numbers


@dataclass(frozen=True)
class _Group:
    """The features of one definition: their streams, and the buckets of their windows.

    ``upto`` is the last bucket of the window, ``before`` that of twice the window.
    """

    streams: npt.NDArray[np.intp]
    upto: npt.NDArray[np.intp]
    before: npt.NDArray[np.intp]
    masks: npt.NDArray[np.uint64]


class Plan:
    """A catalog made ready to run: where each feature is in the cells."""

    def __init__(self, catalog: Catalog) -> None:
        features = catalog.number_features
        self.layout = Layout(catalog.event_kinds, _edges(features))
        self.width = len(features)
        self.zone = ZoneInfo(catalog.timezone)
        self.card_features = tuple(f for f in features if f.kind in CARD_KINDS)
        self._times = np.array(
            [f.kind == "card_time_age" for f in self.card_features], dtype=np.bool_
        )
        self._groups, self._order = self._grouped(features)
        self.stages = {
            (pipeline, stage): place
            for pipeline, order in catalog.stage_order.items()
            for place, stage in enumerate(order)
        }
        self.stage_normal = {
            (pipeline, stage): seconds
            for pipeline, normal in catalog.stage_normal_seconds.items()
            for stage, seconds in normal.items()
        }

    def _grouped(
        self, features: Sequence[Feature]
    ) -> tuple[Sequence[tuple[Definition, _Group]], npt.NDArray[np.intp]]:
        """Bring features of one definition together; say how to put them in order."""
        columns: dict[Definition, list[int]] = defaultdict(list)
        cards: list[int] = []
        for column, feature in enumerate(features):
            if feature.kind in CARD_KINDS:
                cards.append(column)
            else:
                columns[DEFINITIONS[feature.kind]].append(column)
        groups = [
            (definition, self._group([features[column] for column in members]))
            for definition, members in columns.items()
        ]
        computed = [*chain.from_iterable(columns.values()), *cards]
        return groups, np.argsort(np.array(computed, dtype=np.intp))

    def _group(self, members: Sequence[Feature]) -> _Group:
        layout, place = self.layout, np.intp
        windows = [feature.window for feature in members]
        twice = [None if window is None else 2 * window for window in windows]
        return _Group(
            streams=np.array([_stream(layout, f) for f in members], dtype=place),
            upto=np.array([_bucket(layout, w) for w in windows], dtype=place),
            before=np.array([_bucket(layout, w) for w in twice], dtype=place),
            masks=np.array([_mask(w) for w in windows], dtype=np.uint64),
        )

    def derive(self, inputs: Inputs) -> Numbers:
        """Compute the number features (n, k), in the catalog's order."""
        known = _Known(inputs, self.zone)
        parts = [definition(known, group) for definition, group in self._groups]
        table = np.concatenate([*parts, self._card(inputs).T])
        return table.take(self._order, axis=0).T

    def _card(self, inputs: Inputs) -> Numbers:
        """Turn times on the card into ages in days; the rest is as it was read."""
        if not self._times.any():
            return inputs.card
        card = inputs.card.copy()
        card[:, self._times] = (inputs.moment[:, None] - card[:, self._times]) / DAY
        return card


def cycles_of(catalog: Catalog, pipelines: Iterable[str | None]) -> Numbers:
    """Look up the seconds that a deal takes in each pipeline (n,), NaN if not known."""
    usual, whole = catalog.cycle_seconds, catalog.cycle_seconds.get("", math.nan)
    return np.array([usual.get(name or "", whole) for name in pipelines], dtype=float)


@lru_cache(maxsize=16)
def plan_of(catalog: Catalog) -> Plan:
    """Return the plan of a catalog, made once."""
    return Plan(catalog)


def _edges(features: Sequence[Feature]) -> tuple[int, ...]:
    windows = {feature.window for feature in features if feature.window is not None}
    trends = {
        2 * feature.window
        for feature in features
        if feature.kind == "event_trend" and feature.window is not None
    }
    return edges_of(windows | trends)


def _bucket(layout: Layout, window: int | None) -> int:
    """Find the last bucket of a window; without one, the open bucket."""
    edge = None if window is None else window * MILLION
    return layout.edges.index(edge) if edge in layout.edges else len(layout.edges)


def _stream(layout: Layout, feature: Feature) -> int:
    if feature.kind.startswith("payment"):
        return layout.payments
    if feature.kind == "refund_count":
        return layout.refunds
    if feature.of is None:
        return Layout.ALL
    return layout.other if feature.of == OTHER_KINDS else layout.places[feature.of]


def _mask(window: int | None) -> int:
    days = DAYS_KEPT if window is None else min(window * MILLION // DAY, DAYS_KEPT)
    return (1 << days) - 1


class _Known:
    """The cells with counts and totals cumulated over age, (streams, buckets, n)."""

    def __init__(self, inputs: Inputs, zone: ZoneInfo) -> None:
        self.inputs = inputs
        self.zone = zone
        self.cells = inputs.cells
        self.count = self.cells.count.cumsum(axis=1)
        self.total = self.cells.total.cumsum(axis=1)

    @cached_property
    def local(self) -> Integers:
        """The wall clock at creation, in microseconds since a local epoch."""
        quarters = (self.inputs.created // QUARTER).tolist()
        offsets = [_offset(quarter, self.zone) for quarter in quarters]
        return self.inputs.created + np.array(offsets, dtype=np.int64)


# Each gives its features as rows (k, n).
Definition = Callable[[_Known, _Group], npt.NDArray[np.float64] | Integers]


def _count(known: _Known, group: _Group) -> Integers:
    counts: Integers = known.count[group.streams, group.upto]
    return counts


def _trend(known: _Known, group: _Group) -> Integers:
    """Count the window, less the window of the same length before it."""
    now = _count(known, group)
    both: Integers = known.count[group.streams, group.before]
    return 2 * now - both


def _sum(known: _Known, group: _Group) -> Numbers:
    total: Integers = known.total[group.streams, group.upto]
    return total / MILLION


def _net(known: _Known, group: _Group) -> Numbers:
    """Sum the money received, less the money given back."""
    received: Integers = known.total[group.streams, group.upto]
    refunds: Integers = known.total[known.cells.layout.refunds, group.upto]
    return (received + refunds) / MILLION


def _days(known: _Known, group: _Group) -> Integers:
    days: Integers = np.bitwise_count(
        known.cells.days[group.streams] & group.masks[:, None]
    ).astype(np.int64)
    return days


def _distinct(known: _Known, group: _Group) -> Integers:
    events = known.count[1 : known.cells.layout.other + 1]
    distinct: Integers = (events > 0).sum(axis=0)[group.upto]
    return distinct


def _recency(known: _Known, group: _Group) -> Numbers:
    youngest = known.cells.youngest[group.streams]
    return _divided(youngest, HOUR, where=known.count[group.streams, -1] > 0)


def _span(known: _Known, group: _Group) -> tuple[Integers, Integers]:
    """Find how far the first and the last are apart, and how many gaps lie between."""
    cells = known.cells
    gaps = known.count[group.streams, -1] - 1
    span = cells.oldest[group.streams] - cells.youngest[group.streams]
    return span, gaps


def _gap(known: _Known, group: _Group) -> Numbers:
    span, gaps = _span(known, group)
    return _divided(span, gaps * HOUR, where=gaps > 0)


def _gap_relative(known: _Known, group: _Group) -> Numbers:
    """Compare the time since the last with the mean gap; not known for one burst."""
    span, gaps = _span(known, group)
    youngest = known.cells.youngest[group.streams].astype(np.float64)
    return _divided(youngest * gaps, span, where=(gaps > 0) & (span > 0))


def _divided(
    upper: Numbers | Integers,
    lower: Numbers | Integers | int,
    *,
    where: npt.NDArray[np.bool_],
) -> Numbers:
    """Divide where there is something to divide; elsewhere the result is not known."""
    unknown: Numbers = np.full(where.shape, np.nan)
    return np.divide(upper, lower, out=unknown, where=where)


def _stage_age(known: _Known, _: _Group) -> Numbers:
    return (known.cells.stage_age / HOUR)[None, :]


def _stage_age_relative(known: _Known, _: _Group) -> Numbers:
    cells = known.cells
    return (cells.stage_age / (cells.stage_normal * MILLION))[None, :]


def _stage_position(known: _Known, _: _Group) -> Numbers:
    return known.cells.stage_position[None, :]


def _stage_moves(known: _Known, _: _Group) -> Integers:
    return known.cells.moves[None, :]


def _stage_moves_back(known: _Known, _: _Group) -> Integers:
    return known.cells.moves_back[None, :]


def _lead_age(known: _Known, _: _Group) -> Numbers:
    return ((known.inputs.moment - known.inputs.created) / HOUR)[None, :]


def _lead_age_relative(known: _Known, _: _Group) -> Numbers:
    inputs = known.inputs
    return ((inputs.moment - inputs.created) / (inputs.cycle * MILLION))[None, :]


@lru_cache(maxsize=65_536)
def _offset(quarter: int, zone: ZoneInfo) -> int:
    moment = datetime.fromtimestamp(quarter * QUARTER // MILLION, tz=UTC)
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) * MILLION


def _hour(known: _Known, _: _Group) -> Integers:
    return (known.local // HOUR % 24)[None, :]


def _weekday(known: _Known, _: _Group) -> Integers:
    # The epoch began on a Thursday; Monday is 1, as on Russian and ISO calendars.
    return ((known.local // DAY + 3) % 7 + 1)[None, :]


def _month(known: _Known, _: _Group) -> Integers:
    months = known.local.astype("datetime64[us]").astype("datetime64[M]")
    return (months.astype(np.int64) % 12 + 1)[None, :]


DEFINITIONS: Final[Mapping[str, Definition]] = {
    "event_count": _count,
    "event_days": _days,
    "event_sum": _sum,
    "event_recency": _recency,
    "event_gap": _gap,
    "event_gap_relative": _gap_relative,
    "event_trend": _trend,
    "kinds_distinct": _distinct,
    "payment_count": _count,
    "payment_days": _days,
    "payment_sum": _net,
    "payment_recency": _recency,
    "payment_gap": _gap,
    "payment_gap_relative": _gap_relative,
    "refund_count": _count,
    "stage_age": _stage_age,
    "stage_age_relative": _stage_age_relative,
    "stage_position": _stage_position,
    "stage_moves": _stage_moves,
    "stage_moves_back": _stage_moves_back,
    "lead_age": _lead_age,
    "lead_age_relative": _lead_age_relative,
    "hour": _hour,
    "weekday": _weekday,
    "month": _month,
}
"""What each kind of number feature is, but for those that are read off the card."""
