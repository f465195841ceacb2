"""Bins: a few parts of a trait's values, with borders that a person can read.

A number belongs to the bin ``low < value <= high``; a text to a set of its levels, or
to all others; what is not known has a bin of its own. Neighbours that cannot be told
apart are joined, so that a scorecard stays short.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.features.catalog import Numbers
from model.metrics import Codes
from model.points.traits import Trait

MOST_BINS: Final = 5
LEAST_SHARE: Final = 0.04
"""A bin holds at least this part of the known values."""

QUARTER: Final = 0.25
SMOOTHING: Final = 10.0
"""Leads at the usual rate that each bin is drawn to; keeps a rare bin modest."""

FIGURES: Final = 2
APART: Final = 3.84
"""Chi-square at 95 % with one degree of freedom: closer neighbours are joined."""


@dataclass(frozen=True, slots=True)
class Bin:
    """One part of a trait's values.

    Of a number ``low`` and ``high``, None where open; of a text its ``levels``, or all
    known levels but these if ``others``. Without all of these: not known.
    """

    low: float | None = None
    high: float | None = None
    levels: tuple[str, ...] | None = None
    others: bool = False
    known: bool = True


Flags = npt.NDArray[np.bool_]
UNKNOWN: Final = Bin(known=False)


@dataclass(frozen=True)
class Binned:
    """A trait's bins, and the bin and weight of evidence of each training row.

    ``evidence`` is (k,): the natural log of how much likelier conversion is in each
    bin, against the usual odds. ``place`` is (n,).
    """

    trait: Trait
    bins: tuple[Bin, ...]
    place: Codes
    evidence: Numbers
    information: float

    @property
    def column(self) -> Numbers:
        """The weight of evidence of each row, (n,)."""
        return np.asarray(self.evidence[self.place])


def places_in(trait: Trait, bins: tuple[Bin, ...], matrix: Numbers) -> Codes:
    """Say to which of its bins each of n rows belongs."""
    values = trait.values(matrix)
    place = np.zeros(len(values), dtype=np.intp)
    for number, one in enumerate(bins):
        place[_within(trait, one, values)] = number
    return place


def bin_trait(
    trait: Trait, matrix: Numbers, labels: Numbers, *, crowd: float = 1.0
) -> Binned | None:
    """Cut a trait into bins by its training rows; None if all rows fall into one.

    ``crowd`` is how many rows there are of a lead: rows of one lead say the same thing
    over and over, so they are weighed as one.
    """
    values = trait.values(matrix)
    cut = _levels if trait.levels is not None else _spans
    known = ~np.isnan(values)
    if not known.any():
        return None
    bins = cut(trait, values[known], labels[known], crowd=crowd)
    if not known.all():
        bins = (*bins, UNKNOWN)
    if len(bins) < 2:
        return None
    place = places_in(trait, bins, matrix)
    evidence, information = _evidence(place, labels, len(bins), crowd=crowd)
    return Binned(trait, bins, place, evidence, information)


def _within(trait: Trait, one: Bin, values: Numbers) -> Flags:
    known = ~np.isnan(values)
    if not one.known:
        return ~known
    if trait.levels is not None:
        assert one.levels is not None, "a bin of a text has levels"
        codes = [trait.levels.index(level) + 1 for level in one.levels]
        found = np.isin(values, codes)
        return known & ~found if one.others else found
    low = -np.inf if one.low is None else one.low
    high = np.inf if one.high is None else one.high
    return np.asarray(known & (values > low) & (values <= high))


def _spans(
    trait: Trait, values: Numbers, labels: Numbers, *, crowd: float
) -> tuple[Bin, ...]:
    if trait.flag:
        return (Bin(high=0.0), Bin(low=0.0))
    wanted = np.quantile(values, np.linspace(0, 1, 9)[1:-1], method="inverted_cdf")
    borders = sorted({_readable(float(one), days=trait.days) for one in wanted})
    borders = _apart(borders, values, labels, crowd=crowd)
    edges: list[float | None] = [None, *borders, None]
    return tuple(Bin(low=a, high=b) for a, b in pairwise(edges))


def _readable(border: float, *, days: bool) -> float:
    """Round a border as a person would write it.

    Days go by quarters, which are exact in whatever unit they were measured.

    Examples
    --------
    >>> _readable(1234.5, days=False), _readable(3.3, days=True)
    (1200.0, 3.25)
    """
    if days:
        return max(QUARTER, round(border / QUARTER) * QUARTER)
    if border == 0 or (abs(border) < 100 and border == int(border)):
        return float(border)
    digits = FIGURES - 1 - math.floor(math.log10(abs(border)))
    return float(round(border, digits))


def _apart(
    borders: list[float], values: Numbers, labels: Numbers, *, crowd: float
) -> list[float]:
    """Join neighbours, the most alike first, until all are apart and few."""
    kept = list(borders)
    place = np.searchsorted(np.array(kept), values, side="left")
    sizes = np.bincount(place, minlength=len(kept) + 1)
    won = np.bincount(place, weights=labels, minlength=len(kept) + 1)
    while kept:
        gaps = [
            _distance(sizes[i : i + 2], won[i : i + 2]) / crowd
            for i in range(len(kept))
        ]
        thin = sizes < LEAST_SHARE * len(values)
        weak = [-1.0 if thin[i] or thin[i + 1] else gap for i, gap in enumerate(gaps)]
        worst = int(np.argmin(weak))
        if weak[worst] > APART and len(kept) < MOST_BINS:
            break
        del kept[worst]
        sizes, won = _joined(sizes, worst), _joined(won, worst)
    return kept


def _joined(counts: npt.NDArray[Any], at: int) -> npt.NDArray[Any]:
    """Add the next count to the one at a place."""
    return np.add.reduceat(counts, [i for i in range(len(counts)) if i != at + 1])


def _distance(sizes: npt.NDArray[Any], won: npt.NDArray[Any]) -> float:
    """Chi-square of two shares."""
    total, wins = sizes.sum(), won.sum()
    if wins in {0, total} or not sizes.all():
        return 0.0
    rate = wins / total
    expected = sizes * rate
    return float(np.sum((won - expected) ** 2 / (expected * (1 - rate))))


def _levels(
    trait: Trait, values: Numbers, labels: Numbers, *, crowd: float
) -> tuple[Bin, ...]:
    """Join the levels of a text into at most four sets by their rate; rare ones last.

    All others, rare and unseen ones, stay a bin of their own.
    """
    assert trait.levels is not None, "asked for only of texts"
    size = len(trait.levels) + 1
    sizes = np.bincount(values.astype(np.intp), minlength=size)
    won = np.bincount(values.astype(np.intp), weights=labels, minlength=size)
    rate = labels.mean()
    chosen = [c for c in range(1, size) if sizes[c] >= LEAST_SHARE / 2 * len(values)]
    weight = SMOOTHING * crowd
    drawn = (won + weight * rate) / (sizes + weight)
    sets = [[code] for code in sorted(chosen, key=lambda code: (drawn[code], code))]
    while len(sets) > 1:
        counts = [(sizes[one].sum(), won[one].sum()) for one in sets]
        gaps = [
            _distance(np.array([a[0], b[0]]), np.array([a[1], b[1]])) / crowd
            for a, b in pairwise(counts)
        ]
        worst = int(np.argmin(gaps))
        if gaps[worst] > APART and len(sets) < MOST_BINS:
            break
        sets[worst : worst + 2] = [sets[worst] + sets[worst + 1]]
    named = tuple(sorted(trait.levels[code - 1] for one in sets for code in one))
    bins = [
        Bin(levels=tuple(sorted(trait.levels[code - 1] for code in one)))
        for one in sets
    ]
    rest = sizes.sum() - sum(sizes[one].sum() for one in sets)
    return (*bins, Bin(levels=named, others=True)) if rest and bins else tuple(bins)


def _evidence(
    place: Codes, labels: Numbers, size: int, *, crowd: float
) -> tuple[Numbers, float]:
    counts = np.bincount(place, minlength=size).astype(float)
    won = np.bincount(place, weights=labels, minlength=size)
    rate = labels.mean()
    weight = SMOOTHING * crowd
    wins = won + weight * rate
    losses = counts - won + weight * (1 - rate)
    evidence = np.log(wins / losses) - math.log(rate / (1 - rate))
    shares = won / won.sum() - (counts - won) / (counts - won).sum()
    return evidence, float(np.sum(shares * evidence))
