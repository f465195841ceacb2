"""How far the newest rows are from the older ones, and what that asks for.

Drift is measured where folds go forward in time: by how many standard errors the newest
judged slice converts more or less than what its fold was fitted on, and by how far each
feature's distribution moved (Kolmogorov-Smirnov distance; for texts total variation),
if by more than samples of so many leads differ by chance. Where nothing moved nothing
is done. Where something did, newer rows may count for more
(``regression``, ``boosting``), and the intercept may follow the newest slice; each only
if that would have helped the slices in order of time by more than chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from model.features.catalog import Numbers
from model.learners.blend import gains, standard_error
from model.learners.boosting import Fold, Matrix
from model.metrics import Codes, probabilities

RATE_MOVED: Final = 3.0
"""Standard errors of the rate beyond which it has drifted."""

FEATURE_MOVED: Final = 0.1
"""Distance of a feature's distributions beyond which it has drifted."""

BY_CHANCE: Final = 1.63
"""Kolmogorov's distance that one in a hundred samples passes, times the root of n."""

SURELY: Final = 1.5
"""Times the total variation to be expected by chance that counts as a move."""

SHIFT_PROOF: Final = 2.0
"""Standard errors by which following the newest slice must have helped."""

MOST_NAMED: Final = 5
SLOWED: Final = 10.0
"""Imagined rows of the middle that hold an intercept back where a slice is small."""


@dataclass(frozen=True)
class Drift:
    """How far the rate moved, in standard errors, and the features that moved most."""

    rate: float
    features: Mapping[str, float]

    @property
    def of_rate(self) -> bool:
        """Whether leads convert more or less often than they did."""
        return abs(self.rate) > RATE_MOVED

    @property
    def found(self) -> bool:
        """Whether anything moved that a learner might have to follow."""
        farthest = max(self.features.values(), default=0.0)
        return self.of_rate or farthest > FEATURE_MOVED


def measure_drift(
    matrix: Matrix, names: Sequence[str], leads: Codes, fold: Fold
) -> Drift:
    """Compare what the newest fold judges with what it is fitted on.

    Parameters
    ----------
    matrix, leads
        All training rows, and each row's lead.
    names
        The features of ``matrix``.
    fold
        The fold that judges the newest slice.
    """
    before, after = fold
    texts = frozenset(matrix.categorical)
    # Snapshots of one lead are alike, so leads say how much is chance.
    counts = [len(np.unique(leads[side])) for side in fold]
    noise = float(sum(1.0 / count for count in counts))
    moved = {
        name: _text_moved(column[before], column[after], noise)
        if place in texts
        else _number_moved(column[before], column[after], noise)
        for place, (name, column) in enumerate(zip(names, matrix.values.T, strict=True))
    }
    farthest = sorted(moved, key=lambda name: (-moved[name], name))[:MOST_NAMED]
    return Drift(
        rate=_rate_moved(matrix.labels, leads, fold),
        features={name: moved[name] for name in farthest if moved[name] > 0},
    )


def newest_shift(
    log_odds: Numbers, labels: Numbers, *, folds: Codes, leads: Codes
) -> tuple[float, Numbers]:
    """Let the intercept follow the newest slice, if each slice had helped the next.

    Returns
    -------
    tuple
        What to add to log-odds from now on, 0.0 if nothing; and what to add to the
        judged rows, (n,): each slice's by what the one before it taught.

    Examples
    --------
    A rate that stays away from what is predicted is followed, a steady one is not.

    >>> rng = np.random.default_rng(7)
    >>> folds, leads = np.repeat(np.arange(4), 500), np.arange(2_000)
    >>> often = (rng.random(2_000) < 0.3).astype(float)
    >>> low = np.full(2_000, -2.0)
    >>> shift, _ = newest_shift(low, often, folds=folds, leads=leads)
    >>> round(float(probabilities(np.array([shift - 2.0]))[0]), 1)
    0.3
    >>> rare = (rng.random(2_000) < probabilities(low)).astype(float)
    >>> newest_shift(low, rare, folds=folds, leads=leads)[0]
    0.0
    """
    names = np.unique(folds)
    added = np.zeros(len(labels))
    for before, now in pairwise(names):
        taught = folds == before
        added[folds == now] = _shift(log_odds[taught], labels[taught])
    if not gains(log_odds, log_odds + added, labels, leads, errors=SHIFT_PROOF):
        return 0.0, np.zeros(len(labels))
    newest = folds == names[-1]
    return _shift(log_odds[newest], labels[newest]), added


def _shift(log_odds: Numbers, labels: Numbers) -> float:
    """Find the constant that makes predictions add up to what happened, held back."""
    from scipy.optimize import brentq  # a service only applies; it need not wait

    def surplus(shift: float) -> float:
        ahead = probabilities(log_odds + shift).sum() - labels.sum()
        return float(ahead) + SLOWED * shift / 4.0

    bound = 4.0 * (len(labels) + 1.0) / SLOWED
    return float(brentq(surplus, -bound, bound, xtol=1e-9))


def _rate_moved(labels: Numbers, leads: Codes, fold: Fold) -> float:
    means: list[float] = []
    squares: list[float] = []
    for rows in fold:
        told = labels[rows]
        means.append(float(told.mean()))
        squares.append(standard_error(told, leads[rows]) ** 2)
    error = float(np.sqrt(sum(squares)))
    return (means[1] - means[0]) / error if error else 0.0


def _number_moved(before: Numbers, after: Numbers, noise: float) -> float:
    """Give the farthest that two distribution functions are apart; unknown is least."""
    both = [np.sort(np.nan_to_num(side, nan=-np.inf)) for side in (before, after)]
    at = np.unique(np.concatenate(both))
    parts = [np.searchsorted(side, at, side="right") / len(side) for side in both]
    distance = float(np.max(np.abs(parts[0] - parts[1])))
    return distance if distance > BY_CHANCE * noise**0.5 else 0.0


def _text_moved(before: Numbers, after: Numbers, noise: float) -> float:
    """Give half of how much the shares of levels differ in all; unknown is a level."""
    both = [
        np.nan_to_num(side, nan=-1.0).astype(np.intp) + 1 for side in (before, after)
    ]
    most = max(int(side.max()) for side in both) + 1
    parts = [np.bincount(side, minlength=most) / len(side) for side in both]
    distance = float(np.abs(parts[0] - parts[1]).sum() / 2.0)
    common = sum(parts) / 2.0
    # The mean of how far two binomial shares are apart, summed over the levels.
    by_chance = np.sqrt(2.0 / np.pi * noise * common * (1.0 - common)).sum() / 2.0
    return distance if distance > SURELY * by_chance else 0.0
