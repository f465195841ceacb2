"""How good a model is, with intervals: no figure leaves without its uncertainty.

Intervals come from a bootstrap over leads (Efron and Tibshirani 1993, percentile
method): the snapshots of one lead are not independent, so whole leads are drawn. Rows
are ranked once and every resample only reweighs them, so that a million rows cost
seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.features.catalog import Numbers

Codes = npt.NDArray[np.intp]

RESAMPLES: Final = 200
INTERVAL: Final = (2.5, 97.5)
BINS: Final = 15
TOP: Final = 0.1
NAMES: Final = ("logloss", "auc", "pr_auc", "brier", "ece15", "lift10", "base_logloss")


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure and its 95 % interval.

    Examples
    --------
    >>> print(Measured(0.2713, 0.265, 0.2781))
    0.271 (0.265 to 0.278)
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def row_losses(log_odds: Numbers, labels: Numbers) -> Numbers:
    """Give the log-loss of each row, (n,), exact even for certain predictions.

    Examples
    --------
    >>> row_losses(np.array([0.0, 800.0]), np.array([1.0, 0.0])).round(3).tolist()
    [0.693, 800.0]
    """
    return np.logaddexp(0.0, log_odds) - labels * log_odds


def probabilities(log_odds: Numbers) -> Numbers:
    """Turn log-odds into probabilities, (n,), without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -log_odds)), dtype=np.float64)


def log_odds_of(rate: float) -> float:
    """Turn a rate strictly between 0 and 1 into log-odds."""
    return float(np.log(rate) - np.log1p(-rate))


def resamples(leads: Codes, *, seed: int, count: int = RESAMPLES) -> Iterator[Numbers]:
    """Yield (n,) row weights: how often each row's lead was drawn.

    ``leads`` numbers each row's lead from 0 without gaps.
    """
    rng = np.random.default_rng(seed)
    total = int(leads.max()) + 1
    for _ in range(count):
        drawn = np.bincount(rng.integers(0, total, total), minlength=total)
        yield drawn[leads].astype(np.float64)


def measure(
    log_odds: Numbers, labels: Numbers, leads: Codes, *, base_rate: float, seed: int
) -> dict[str, Measured]:
    """Measure predictions on judged rows.

    Parameters
    ----------
    log_odds, labels
        (n,) calibrated log-odds, and outcomes as 0.0 or 1.0 with both present.
    leads
        (n,) the number of each row's lead, from 0 without gaps.
    base_rate
        The training rate, for ``base_logloss``: what knowing nothing costs.

    Returns
    -------
    dict
        ``NAMES`` to figures: log-loss, ROC-AUC, average precision, Brier, expected
        calibration error in 15 bins of equal width, lift of the best tenth, and the
        log-loss of the base rate.
    """
    ranked = _Ranked.of(log_odds, labels, base_rate)
    values = ranked.figures(np.ones(len(labels)))
    drawn = [ranked.figures(w) for w in resamples(leads, seed=seed)]
    # A resample without both outcomes has no ranking; it says nothing.
    low, high = np.nanpercentile(np.array(drawn), INTERVAL, axis=0)
    return {
        name: Measured(float(value), float(a), float(b))
        for name, value, a, b in zip(NAMES, values, low, high, strict=True)
    }


def scores(log_odds: Numbers, labels: Numbers) -> dict[str, float]:
    """Give the figures of ``measure`` without intervals, at a base rate of one half."""
    ranked = _Ranked.of(log_odds, labels, 0.5)
    return dict(zip(NAMES, ranked.figures(np.ones(len(labels))).tolist(), strict=True))


def mean_difference(differences: Numbers, leads: Codes, *, seed: int) -> Measured:
    """Measure the mean of paired row differences, bootstrapped by lead.

    Examples
    --------
    >>> better = mean_difference(np.full(50, -0.1), np.arange(50), seed=7)
    >>> print(better)
    -0.100 (-0.100 to -0.100)
    """
    total = int(leads.max()) + 1
    sums = np.bincount(leads, weights=differences, minlength=total)
    sizes = np.bincount(leads, minlength=total)
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(0, total, total) for _ in range(RESAMPLES))
    means = [float(sums[d].sum() / sizes[d].sum()) for d in drawn]
    low, high = np.percentile(means, INTERVAL)
    return Measured(float(differences.mean()), float(low), float(high))


def paired_differences(
    new: Numbers, old: Numbers, labels: Numbers, leads: Codes, *, seed: int
) -> dict[str, Measured]:
    """Measure how two models differ, new less old, on the same rows and resamples.

    Parameters
    ----------
    new, old
        (n,) calibrated log-odds of either model.
    labels, leads
        As for ``measure``.

    Returns
    -------
    dict
        ``NAMES`` to differences with 95 % intervals, paired: both models meet the same
        draws of leads, so what is hard for both cancels out.
    """
    ranked = [_Ranked.of(log_odds, labels, 0.5) for log_odds in (new, old)]

    def difference(weights: Numbers) -> Numbers:
        first, second = (one.figures(weights) for one in ranked)
        return np.asarray(first - second)

    values = difference(np.ones(len(labels)))
    drawn = [difference(w) for w in resamples(leads, seed=seed)]
    low, high = np.nanpercentile(np.array(drawn), INTERVAL, axis=0)
    return {
        name: Measured(float(value), float(a), float(b))
        for name, value, a, b in zip(NAMES, values, low, high, strict=True)
    }


@dataclass(frozen=True, slots=True)
class _Ranked:
    """Rows ranked once, so that each reweighing is a few sums."""

    losses: Numbers
    base_losses: Numbers
    chances: Numbers
    labels: Numbers
    bins: Codes
    ties: Codes  # number of the group of equal log-odds, best first

    @classmethod
    def of(cls, log_odds: Numbers, labels: Numbers, base_rate: float) -> _Ranked:
        chances = probabilities(log_odds)
        constant = np.full(len(labels), log_odds_of(base_rate))
        return cls(
            losses=row_losses(log_odds, labels),
            base_losses=row_losses(constant, labels),
            chances=chances,
            labels=labels,
            bins=np.minimum((chances * BINS).astype(np.intp), BINS - 1),
            ties=np.unique(-log_odds, return_inverse=True)[1].astype(np.intp),
        )

    def figures(self, weights: Numbers) -> Numbers:
        total = weights.sum()
        auc, precision, lift = self._ranking(weights)
        return np.array(
            [
                _sum(weights, self.losses) / total,
                auc,
                precision,
                _sum(weights, np.square(self.chances - self.labels)) / total,
                self._calibration_error(weights) / total,
                lift,
                _sum(weights, self.base_losses) / total,
            ]
        )

    def _calibration_error(self, weights: Numbers) -> float:
        gaps = weights * (self.chances - self.labels)
        return float(np.abs(np.bincount(self.bins, weights=gaps)).sum())

    def _ranking(self, weights: Numbers) -> tuple[float, float, float]:
        won = np.bincount(self.ties, weights=weights * self.labels)
        size = np.bincount(self.ties, weights=weights)
        lost = size - won
        wins, losses = won.sum(), lost.sum()
        if wins == 0 or losses == 0:
            return np.nan, np.nan, np.nan
        lost_below = losses - np.cumsum(lost)
        auc = _sum(won, lost_below + 0.5 * lost) / (wins * losses)
        seen = np.cumsum(size)
        precision = np.cumsum(won) / np.maximum(seen, 1e-300)
        # Ties at the border of the best tenth enter by their share.
        quota = TOP * seen[-1]
        taken = np.clip(quota - (seen - size), 0.0, size)
        shares = np.divide(taken, size, out=np.zeros_like(size), where=size > 0)
        lift = (_sum(won, shares) / quota) / (wins / seen[-1])
        return float(auc), _sum(won, precision) / float(wins), float(lift)


def _sum(weights: npt.NDArray[Any], values: npt.NDArray[Any]) -> float:
    """Add up products without BLAS, whose threads cost more here, and round anew."""
    return float(np.einsum("i,i->", weights, values))
