"""How many open leads will pay within the horizon, and how much: with intervals.

Given the level of the month, leads convert apart from each other, so their number is
Poisson-binomial. The level itself is not known: months run hotter and colder than the
model said, and all leads of a month share that. Its spread (``drift``, in log-odds) is
what is left of the months' own shifts once luck is taken out (DerSimonian and Laird's
estimate), and is nought without evidence. Counts are mixed over that level by
Gauss-Hermite quadrature; money is simulated, each amount log-normal around its own
expectation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from model.features.catalog import Numbers
from model.metrics import probabilities
from model.team import poisson_binomial

LEVEL: Final = 0.9
NODES: Final = 15
DRAWS: Final = 2_000
BLOCK: Final = 512
FEWEST_MONTHS: Final = 3
EDGE: Final = 1e-12
REACH: Final = 1.6448536269514722
EXACT: Final = 3_000
"""Leads up to which counts are exact; beyond, the normal limit differs by less than a
lead."""


@dataclass(frozen=True, slots=True)
class Interval:
    """What is expected, and the 90 % interval around it."""

    expected: float
    low: float
    high: float

    def holds(self, happened: float) -> bool:
        """Say whether the interval held what happened."""
        return self.low <= happened <= self.high


@dataclass(frozen=True, slots=True)
class Doubt:
    """What all leads share, and how amounts scatter: both in logs, 0 if not known."""

    drift: float = 0.0
    scatter: float = 0.0


def expected_counts(chances: Numbers, doubt: Doubt) -> Interval:
    """Forecast a number of conversions.

    Parameters
    ----------
    chances
        (n,) of converting within the horizon.

    Examples
    --------
    >>> expected_counts(np.full(100, 0.5), Doubt())
    Interval(expected=50.0, low=42.0, high=58.0)
    """
    if not len(chances):
        return Interval(0.0, 0.0, 0.0)
    nodes, weights = _levels(doubt.drift)
    moved = [_moved(chances, node) for node in nodes]
    mean = float(sum(w * p.sum() for w, p in zip(weights, moved, strict=True)))
    if len(chances) > EXACT:
        inner = sum(
            w * (p * (1 - p)).sum() for w, p in zip(weights, moved, strict=True)
        )
        outer = sum(
            w * (p.sum() - mean) ** 2 for w, p in zip(weights, moved, strict=True)
        )
        reach = REACH * float(np.sqrt(inner + outer))
        return Interval(mean, float(max(mean - reach, 0.0)), float(mean + reach))
    likely = sum(w * poisson_binomial(p) for w, p in zip(weights, moved, strict=True))
    upto = np.cumsum(likely)
    low, high = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    return Interval(
        mean, float(np.searchsorted(upto, low)), float(np.searchsorted(upto, high))
    )


def expected_money(
    chances: Numbers, amounts: Numbers, doubt: Doubt, *, seed: int
) -> Interval:
    """Forecast an amount, in the unit of ``amounts`` (n,), expected if it converts."""
    if not len(chances):
        return Interval(0.0, 0.0, 0.0)
    rng = np.random.default_rng(seed)
    levels = rng.normal(0.0, doubt.drift, DRAWS) if doubt.drift else np.zeros(DRAWS)
    drawn, mean = np.zeros(DRAWS), 0.0
    nodes, weights = _levels(doubt.drift)
    for start in range(0, len(chances), BLOCK):
        part = slice(start, start + BLOCK)
        some, worth = chances[part], amounts[part]
        moved = _moved(some[:, None], levels[None, :])
        came = rng.random(moved.shape) < moved
        noise = rng.normal(-(doubt.scatter**2) / 2, doubt.scatter, moved.shape)
        drawn += (came * worth[:, None] * np.exp(noise)).sum(axis=0)
        mean += sum(
            w * float((_moved(some, n) * worth).sum())
            for n, w in zip(nodes, weights, strict=True)
        )
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(mean), float(low), float(high))


def drift_of(months: Sequence[tuple[Numbers, Numbers]]) -> float:
    """Estimate how far months shift from what was said, luck taken out.

    Parameters
    ----------
    months
        Chances and outcomes (0, 1) of each month, one row per lead.

    Returns
    -------
    float
        A standard deviation in log-odds; 0 with fewer than three months.
    """
    told = [(p, y) for p, y in months if len(p) and (p * (1 - p)).sum() > 0]
    if len(told) < FEWEST_MONTHS:
        return 0.0
    information = np.array([(p * (1 - p)).sum() for p, _ in told])
    shifts = np.array([(y - p).sum() for p, y in told]) / information
    centre = float((information * shifts).sum() / information.sum())
    excess = float((information * (shifts - centre) ** 2).sum()) - (len(told) - 1)
    scale = information.sum() - (information**2).sum() / information.sum()
    between = max(excess / float(scale), 0.0)
    return float(np.sqrt(between + centre**2)) if between or _biased(
        centre, float(information.sum())
    ) else 0.0  # fmt: skip


def scatter_of(said: Numbers, paid: Numbers) -> float:
    """Estimate how amounts scatter around what was said, as a deviation of logs."""
    some = (said > 0) & (paid > 0)
    if some.sum() < FEWEST_MONTHS:
        return 0.0
    return float(np.std(np.log(paid[some] / said[some]), ddof=1))


def _biased(centre: float, information: float) -> bool:
    """Say whether all months together leaned beyond luck."""
    return centre**2 * information > 1.96**2


def _levels(drift: float) -> tuple[Numbers, Numbers]:
    if not drift:
        return np.zeros(1), np.ones(1)
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    return nodes * drift, weights / weights.sum()


def _moved(chances: Numbers, shift: float | Numbers) -> Numbers:
    some = np.clip(chances, EDGE, 1.0 - EDGE)
    return np.asarray(probabilities(np.log(some) - np.log1p(-some) + shift))
