"""Calibration that is affine in log-odds, so that reasons go on adding up.

Platt, *Probabilistic outputs for support vector machines* (1999): a sigmoid over the
raw log-odds, fitted to targets drawn slightly towards the middle. It is kept only if it
lowers the log-loss of folds that it was not fitted on; else the identity stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from model.features.catalog import Numbers
from model.metrics import Codes, row_losses

LEAST_SLOPE: Final = 1e-3
GREATEST_SLOPE: Final = 1e2


@dataclass(frozen=True, slots=True)
class Calibrator:
    """Calibrated log-odds are ``slope * raw + intercept``; the slope is positive.

    Examples
    --------
    >>> Calibrator("sigmoid", 0.5, -1.0).apply(np.array([0.0, 2.0])).tolist()
    [-1.0, 0.0]
    """

    kind: Literal["identity", "sigmoid"]
    slope: float
    intercept: float

    def apply(self, raw: Numbers) -> Numbers:
        """Calibrate raw log-odds, (n,) to (n,)."""
        return raw * self.slope + self.intercept


IDENTITY: Final = Calibrator("identity", 1.0, 0.0)


def fit_sigmoid(raw: Numbers, labels: Numbers) -> Calibrator:
    """Fit Platt's sigmoid; the order of leads never turns around.

    Examples
    --------
    >>> raw = np.repeat([-4.0, 4.0], 500)
    >>> labels = np.tile([0.0, 1.0, 1.0, 0.0, 1.0], 200)
    >>> fit_sigmoid(raw, 1.0 - labels * (raw < 0)).slope > 0
    True
    """
    from scipy.optimize import minimize  # a service only applies; it need not wait

    wins = labels.sum()
    high = (wins + 1.0) / (wins + 2.0)
    low = 1.0 / (len(labels) - wins + 2.0)
    targets = np.where(labels > 0, high, low)

    def loss(at: Numbers) -> tuple[float, Numbers]:
        log_odds = raw * at[0] + at[1]
        miss = np.exp(-np.logaddexp(0.0, -log_odds)) - targets
        gradient = np.array([np.mean(miss * raw), np.mean(miss)])
        return float(np.mean(row_losses(log_odds, targets))), gradient

    bounds = [(LEAST_SLOPE, GREATEST_SLOPE), (None, None)]
    found = minimize(loss, np.array([1.0, 0.0]), jac=True, bounds=bounds, tol=1e-12)
    return Calibrator("sigmoid", float(found.x[0]), float(found.x[1]))


def choose_calibrator(raw: Numbers, labels: Numbers, folds: Codes) -> Calibrator:
    """Choose identity or sigmoid by the log-loss of folds left out in turn.

    Parameters
    ----------
    raw, labels
        (n,) out-of-fold log-odds and outcomes as 0.0 or 1.0.
    folds
        (n,) the fold in which each row was judged.
    """
    names = np.unique(folds)
    if len(names) < 2:
        return IDENTITY
    judged = np.empty_like(raw)
    for name in names:
        out = folds == name
        judged[out] = fit_sigmoid(raw[~out], labels[~out]).apply(raw[out])
    gain = row_losses(raw, labels).mean() - row_losses(judged, labels).mean()
    return fit_sigmoid(raw, labels) if gain > 0 else IDENTITY
