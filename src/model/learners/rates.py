"""The lowest rung: how often leads of each pipeline convert, shrunk to the whole.

Conversions of a pipeline are beta-binomial around the rate of all (empirical Bayes, as
in Efron and Morris 1975): a pipeline's rate is drawn towards the whole by as many
imagined leads as make the observed counts likeliest. Where the pipelines cannot be told
apart that is without bound, and one rate remains. Whole leads are counted, since the
snapshots of one lead are not independent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from model.features.catalog import Numbers
from model.learners.linear import Line, Linear
from model.metrics import Codes, log_odds_of

STRENGTHS: Final = np.geomspace(2.0, 2e5, 51)
"""Imagined leads to draw a pipeline's rate to the whole; the last stands for all."""

UNKNOWN: Final = -1.0
"""Stands for the code of a pipeline that is not known."""

LEVEL: Final = Line((0.0,), (0.0,), 0.0)
"""The price of a feature that says nothing."""


@dataclass(frozen=True)
class Rates:
    """The rate of the whole and of each pipeline's code, all as log-odds."""

    whole: float
    pipelines: Mapping[float, float]

    def log_odds(self, column: Numbers) -> Numbers:
        """Give each row its pipeline's rate, (n,) codes to (n,) log-odds."""
        codes, places = np.unique(_known(column), return_inverse=True)
        told = [self.pipelines.get(code, self.whole) for code in codes.tolist()]
        return np.array(told)[places]

    def scorecard(self, names: Sequence[str], place: int, column: Numbers) -> Linear:
        """Write the rates as prices of the feature at ``place``, 0 in the mean.

        ``names`` are the catalog's features and ``column`` the training rows' codes.
        Where no pipeline differs, the scorecard prices nothing.
        """
        if not self.pipelines:
            return Linear(self.whole, {})
        mean = float(np.mean(self.log_odds(column)))
        knots = np.arange(max(0.0, *self.pipelines) + 1.0)
        prices = self.log_odds(knots) - mean
        missing = self.pipelines.get(UNKNOWN, self.whole) - mean
        line = Line(tuple(knots.tolist()), tuple(prices.tolist()), missing)
        lines = {name: line if i == place else LEVEL for i, name in enumerate(names)}
        return Linear(mean, lines)


def learn_rates(column: Numbers | None, labels: Numbers, leads: Codes) -> Rates:
    """Learn the rates of pipelines; a single one if there are no pipelines.

    Parameters
    ----------
    column
        (n,) code of each row's pipeline, NaN where not known; None without pipelines.
    labels, leads
        (n,) outcomes as 0.0 or 1.0, both present, and each row's lead.

    Examples
    --------
    Pipelines of one mind are one; of one that differs few leads tell less than many.

    >>> leads = np.arange(2_000)
    >>> column = np.where(leads < 1_000, 1.0, 2.0)
    >>> learn_rates(column, (leads % 10 == 0).astype(float), leads).pipelines
    {}
    >>> column[:20] = 3.0
    >>> won = ((leads % 10 == 0) | (leads < 20) & (leads % 2 == 0)).astype(float)
    >>> rates = learn_rates(column, won, leads)
    >>> bool(rates.whole < rates.pipelines[3.0] < log_odds_of(0.5))
    True
    """
    rate = float(labels.mean())
    whole = log_odds_of(rate)
    if column is None:
        return Rates(whole, {})
    codes, places = np.unique(_known(column), return_inverse=True)
    pairs = np.unique(np.column_stack([places, leads]), axis=0)
    counted = np.bincount(pairs[:, 0], minlength=len(codes)).astype(np.float64)
    won = counted * np.bincount(places, weights=labels) / np.bincount(places)
    strength = _strength(won, counted - won, rate)
    if strength == STRENGTHS[-1]:
        return Rates(whole, {})
    shrunk = (won + strength * rate) / (counted + strength)
    told = [log_odds_of(float(each)) for each in shrunk]
    return Rates(whole, dict(zip(codes.tolist(), told, strict=True)))


def _strength(won: Numbers, lost: Numbers, rate: float) -> float:
    """Find how strongly rates are drawn to the whole: by the counts' likelihood."""
    from scipy.special import betaln  # a service only applies; it need not wait

    high, low = STRENGTHS * rate, STRENGTHS * (1.0 - rate)
    likely = betaln(won[:, None] + high, lost[:, None] + low) - betaln(high, low)
    # Rounded, so that a tie goes to the most drawn and not to the last bit of a sum.
    told = np.round(likely.sum(axis=0), 6)
    return float(STRENGTHS[len(told) - 1 - int(np.argmax(told[::-1]))])


def _known(column: Numbers) -> Numbers:
    return np.where(np.isnan(column), UNKNOWN, column)
