"""How much each learner is believed: weights in log-odds, learned out of fold.

A weighted sum in log-odds keeps reasons additive. Weights are not negative (Breiman
1996, stacked regressions) and are drawn towards equal ones, since those of learners
that agree are hard to tell apart. How hard is chosen by the folds left out in turn: by
the least loss, which on public data beat the one-standard-error rule or equalled it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from model.features.catalog import Numbers
from model.metrics import Codes, probabilities, row_losses

PULLS: Final = (1e6, 1e4, 1e3, 300.0, 100.0, 30.0, 10.0)
"""Pulls towards equal weights, the strongest first: in rows' worth of log-loss."""


@dataclass(frozen=True, slots=True)
class Blend:
    """The weights of m learners, and what they gave rows that the weights never saw.

    ``log_odds`` is (n,): each fold's rows are blended by what the others taught.
    """

    weights: Numbers
    log_odds: Numbers


def learn_blend(log_odds: Numbers, labels: Numbers, *, folds: Codes) -> Blend:
    """Learn the weights of learners from what they said of rows unseen by them.

    Parameters
    ----------
    log_odds
        (n, m) out-of-fold log-odds of m learners.
    labels, folds
        (n,) outcomes as 0.0 or 1.0, and the fold that judged each row.
    """
    tried = [_crossed(log_odds, labels, folds, pull) for pull in PULLS]
    losses = [float(row_losses(crossed, labels).mean()) for crossed in tried]
    place = int(np.argmin(losses))
    weights, _ = _fitted(log_odds, labels, PULLS[place])
    return Blend(weights, tried[place])


def standard_error(differences: Numbers, leads: Codes) -> float:
    """Give the standard error of a mean over rows, whole leads being independent.

    Examples
    --------
    >>> rows = np.array([1.0, -1.0] * 50)
    >>> round(standard_error(rows, np.arange(100)), 3)
    0.1
    >>> round(standard_error(np.repeat(rows, 4), np.repeat(np.arange(100), 4)), 3)
    0.1
    """
    sums = np.bincount(leads, weights=differences - differences.mean())
    return float(np.sqrt(np.sum(np.square(sums))) / len(differences))


def gains(
    before: Numbers,
    after: Numbers,
    labels: Numbers,
    leads: Codes,
    *,
    errors: float = 1.0,
) -> bool:
    """Say whether log-odds lower the log-loss by more than so many standard errors.

    Examples
    --------
    >>> labels, leads = np.tile([0.0, 1.0], 100), np.arange(200)
    >>> gains(np.zeros(200), labels - 0.5, labels, leads)
    True
    >>> gains(np.zeros(200), np.zeros(200), labels, leads)
    False
    """
    gain = row_losses(before, labels) - row_losses(after, labels)
    return bool(gain.mean() > errors * standard_error(gain, leads))


def _crossed(log_odds: Numbers, labels: Numbers, folds: Codes, pull: float) -> Numbers:
    names = np.unique(folds)
    crossed = np.empty(len(labels))
    for name in names:
        out = folds == name
        taught = ~out if len(names) > 1 else out
        weights, intercept = _fitted(log_odds[taught], labels[taught], pull)
        crossed[out] = np.einsum("nm,m->n", log_odds[out], weights) + intercept
    return crossed


def _fitted(log_odds: Numbers, labels: Numbers, pull: float) -> tuple[Numbers, float]:
    from scipy.optimize import minimize  # a service only applies; it need not wait

    rows, count = log_odds.shape
    equal = np.full(count, 1.0 / count)

    def loss(at: Numbers) -> tuple[float, Numbers]:
        blended = np.einsum("nm,m->n", log_odds, at[:count]) + at[count]
        miss = probabilities(blended) - labels
        away = at[:count] - equal
        value = row_losses(blended, labels).sum() + pull * np.sum(np.square(away))
        slope = np.einsum("nm,n->m", log_odds, miss) + 2.0 * pull * away
        return float(value) / rows, np.append(slope, miss.sum()) / rows

    bounds = [(0.0, None)] * count + [(None, None)]
    found = minimize(loss, np.append(equal, 0.0), jac=True, bounds=bounds, tol=1e-12)
    return np.asarray(found.x[:count]), float(found.x[count])
