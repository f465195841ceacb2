"""How far the log-odds of a prediction may be off: numbers that travel with the trees.

The trees say the log of the variance that comes from having learned from these leads
and no others; ``inflation`` covers what that variance does not see; the calibration
adds its own uncertainty, which grows away from the middle of the leads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from leads.decision import probability_of

QUANTILE: Final = 1.6448536269514722
"""Of the normal distribution: 5 % lie beyond it on either side."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The numbers of an interval, all in log-odds.

    ``base`` is the log variance that the trees correct; None where the model is a
    constant. ``offset``, ``slope`` and ``both`` are the variances and the covariance of
    the calibration's intercept and slope at ``centre``.
    """

    base: float | None
    inflation: float
    centre: float
    offset: float
    slope: float
    both: float

    def variance(self, log_odds: float, trees: float) -> float:
        """Give the variance of a prediction's log-odds."""
        away = log_odds - self.centre
        calibration = self.offset + 2.0 * self.both * away + self.slope * away * away
        if self.base is None:
            return max(calibration, 0.0)
        return self.inflation * math.exp(self.base + trees) + max(calibration, 0.0)

    def interval(self, log_odds: float, trees: float) -> tuple[float, float]:
        """Give the 90 % interval of a probability.

        Examples
        --------
        >>> low, high = Spread(0.0, 1.0, 0.0, 0.0, 0.0, 0.0).interval(0.0, 0.0)
        >>> round(low, 3), round(high, 3)
        (0.162, 0.838)
        """
        reach = QUANTILE * math.sqrt(self.variance(log_odds, trees))
        return probability_of(log_odds - reach), probability_of(log_odds + reach)
