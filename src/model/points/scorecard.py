"""A learned scorecard: whole points for the bins of a few traits.

Weight of evidence of each bin (Siddiqi, *Credit Risk Scorecards*, 2006) in a logistic
regression; a trait whose weight turns out negative contradicts its own counts and goes.
Ten points more double the odds. ``optbinning`` does the like, but it binds itself to
older versions of libraries that others here need, and brings a solver of constraint
programs along for a few thousand rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from sklearn.linear_model import LogisticRegression

from model.features.catalog import Catalog, Numbers
from model.metrics import Codes, log_odds_of
from model.points.bins import Bin, Binned, bin_trait, places_in
from model.points.traits import Side, Trait, traits_of

DOUBLING: Final = 10
"""Points that double the odds."""

FACTOR: Final = DOUBLING / math.log(2)
MOST_TRAITS: Final = 12
"""What still fits on a page that a person reads."""

LEAST_INFORMATION: Final = 0.02
"""Information value below which a trait is called useless (Siddiqi)."""

PARTS: Final = (0.9, 0.7, 0.4)
"""Quantiles of the training points where A, B and C begin."""

TOLERANCE: Final = 1e-3
"""Points are whole numbers, which a finer fit would not change."""

SIDES: Final[tuple[Side, ...]] = ("fit", "engagement")


@dataclass(frozen=True, slots=True)
class Line:
    """One trait on a scorecard: its bins and the points of each."""

    trait: Trait
    bins: tuple[Bin, ...]
    points: tuple[int, ...]


@dataclass(frozen=True)
class Scorecard:
    """A learned scorecard; ``borders`` say by side where A, B and C begin.

    ``slope`` and ``start`` turn points into log-odds.
    """

    lines: tuple[Line, ...]
    borders: dict[Side, tuple[int, int, int]] = field(default_factory=dict)
    slope: float = 0.0
    start: float = 0.0

    def side(self, side: Side, matrix: Numbers) -> Numbers:
        """Give the (n,) points for fit or engagement of an encoded matrix."""
        total = np.zeros(len(matrix))
        for line in self.lines:
            if line.trait.side == side:
                places = places_in(line.trait, line.bins, matrix)
                total += np.array(line.points, dtype=float)[places]
        return total

    def points(self, matrix: Numbers) -> Numbers:
        """Give all (n,) points."""
        return self.side("fit", matrix) + self.side("engagement", matrix)

    def log_odds(self, matrix: Numbers) -> Numbers:
        """Give (n,) log-odds, calibrated on the rows that it was learned from."""
        return self.start + self.slope * self.points(matrix)

    @property
    def items(self) -> int:
        """How many rows it has on paper: bins that give points."""
        return sum(points != 0 for line in self.lines for points in line.points)


def learn_scorecard(
    catalog: Catalog, matrix: Numbers, labels: Numbers, leads: Codes
) -> Scorecard:
    """Learn a scorecard of training rows; it has no lines if nothing tells anything.

    Parameters
    ----------
    catalog
        Names the columns.
    matrix, labels
        (n, p) encoded features and (n,) outcomes as 0.0 or 1.0, both present.
    leads
        (n,) whose row each is.
    """
    crowd = len(leads) / len(np.unique(leads))
    found = [
        bin_trait(trait, matrix, labels, crowd=crowd) for trait in traits_of(catalog)
    ]
    chosen = _best_of_field([one for one in found if one is not None])
    chosen.sort(key=lambda one: -one.information)
    chosen = chosen[: 2 * MOST_TRAITS]
    weights: Numbers = np.zeros(0)
    while chosen:
        weights = _fitted(chosen, labels)
        good = [one for one, w in zip(chosen, weights, strict=True) if w > 0]
        if len(good) < len(chosen):
            chosen = good
            continue
        if len(chosen) <= MOST_TRAITS:
            break
        reach = [w * one.column.std() for one, w in zip(chosen, weights, strict=True)]
        weakest = np.argsort(reach)[: max(1, (len(chosen) - MOST_TRAITS) // 2)]
        chosen = [one for i, one in enumerate(chosen) if i not in set(weakest.tolist())]
    lines = [_line(one, w) for one, w in zip(chosen, weights, strict=True)]
    card = Scorecard(tuple(line for line in lines if any(line.points)))
    return _calibrated(card, matrix, labels)


def _best_of_field(found: Sequence[Binned]) -> list[Binned]:
    """Keep of each business field the trait that tells most, if it tells anything."""
    best: dict[str, Binned] = {}
    for one in found:
        held = best.get(one.trait.field)
        if held is None or one.information > held.information:
            best[one.trait.field] = one
    return [one for one in best.values() if one.information >= LEAST_INFORMATION]


def _fitted(chosen: Sequence[Binned], labels: Numbers) -> Numbers:
    columns = np.column_stack([one.column for one in chosen])
    model = LogisticRegression(solver="newton-cholesky", tol=TOLERANCE).fit(
        columns, labels
    )
    return np.asarray(model.coef_[0], dtype=np.float64)


def _line(one: Binned, weight: float) -> Line:
    return Line(
        one.trait,
        one.bins,
        tuple(round(float(e) * weight * FACTOR) for e in one.evidence),
    )


def _calibrated(card: Scorecard, matrix: Numbers, labels: Numbers) -> Scorecard:
    start, slope = log_odds_of(float(labels.mean())), 0.0
    total = card.points(matrix)
    if len(np.unique(total)) > 1:
        scaled = total[:, None] / DOUBLING
        model = LogisticRegression(C=1e6, solver="newton-cholesky").fit(scaled, labels)
        start, slope = float(model.intercept_[0]), float(model.coef_[0, 0]) / DOUBLING
    borders = {side: _borders(card.side(side, matrix)) for side in SIDES}
    return Scorecard(card.lines, borders, slope, start)


def _borders(points: Numbers) -> tuple[int, int, int]:
    """Place three falling borders; sides of few different sums get them one apart."""
    best, good, fair = (
        int(np.ceil(q)) for q in np.quantile(points, PARTS, method="higher")
    )
    good = min(good, best - 1)
    return best, good, min(fair, good - 1)
