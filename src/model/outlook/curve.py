r"""The conversion curve: from hazards to chances, anchored at the horizon.

A discrete-time hazard model (Singer and Willett 1993) gives each interval of days its
hazard; minus the log of its complement is what the interval adds to the cumulative
hazard H. The main probability p is the better one at the horizon h, so the curve is
bent to meet it there, with H'(h) = -log(1 - p), and from there step by step outwards:

.. math::

    H'(d_i) = H'(d_{i+1}) \frac{c_i q}{1 - q + c_i q},\quad
    q = \frac{H(d_i)}{H(d_{i+1})} \quad (d_i < h)

    H'(d_i) = H'(d_{i-1}) + c_i \frac{H(d_i) - H(d_{i-1})}{H(h)} H'(h) \quad (d_i > h)

Each factor c is positive and learned out of fold, so every step is calibrated, and the
curve rises whatever the factors are. The same few lines serve one lead in floats and
many in arrays.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from model.features.catalog import Numbers

Amount = TypeVar("Amount", float, Numbers)
SMALLEST = 1e-12


@dataclass(frozen=True, slots=True)
class Curve:
    """The numbers of a conversion curve.

    ``edges`` are the borders of the k intervals in days, from 0; ``base`` the log-odds
    of a conversion in each interval for those who had not converted before it, which
    the trees correct; ``middles`` the mean day of conversions in each. ``steps`` are
    the edges at which a chance is said, with the ``factors`` of each (1 at the
    horizon).
    """

    horizon: int
    edges: tuple[int, ...]
    base: tuple[float, ...]
    middles: tuple[float, ...]
    steps: tuple[int, ...]
    factors: tuple[float, ...]

    def told(
        self, raw: Sequence[float], *, log_odds: float, probability: float
    ) -> tuple[dict[int, float], float]:
        """Say the chance by each step, and the expected days until a conversion.

        Parameters
        ----------
        raw
            Log-odds of a conversion in each of the k intervals.
        log_odds, probability
            The main prediction at the horizon.
        """
        passed = cumulated([softplus(hazard) for hazard in raw])
        ends = dict(zip(self.edges, passed, strict=True))
        hazards = anchored(
            {step: ends[step] for step in self.steps},
            dict(zip(self.steps, self.factors, strict=True)),
            horizon=self.horizon, total=softplus(log_odds),
        )  # fmt: skip
        chances = {step: -math.expm1(-hazard) for step, hazard in hazards.items()}
        chances[self.horizon] = probability
        return _rising(chances, self.horizon), self._days(passed, hazards)

    def _days(self, passed: Sequence[float], hazards: Mapping[int, float]) -> float:
        """Weigh each interval's middle by its part of the conversions to come."""
        steps = iter([(0, 0.0, 0.0), *self._corners(passed, hazards)])
        _, raw_low, low = next(steps)
        end, raw_high, high = next(steps)
        before, expected, whole = 0.0, 0.0, 0.0
        for place, edge in enumerate(self.edges[1:], start=1):
            if edge > end:
                (raw_low, low), (end, raw_high, high) = (raw_high, high), next(steps)
            rate = (high - low) / max(raw_high - raw_low, SMALLEST)
            now = -math.expm1(-(low + rate * (passed[place] - raw_low)))
            part = max(now - before, 0.0)
            expected += part * self.middles[place - 1]
            whole += part
            before = now
        return expected / whole if whole > SMALLEST else self.middles[-1]

    def _corners(
        self, passed: Sequence[float], hazards: Mapping[int, float]
    ) -> list[tuple[int, float, float]]:
        places = {edge: place for place, edge in enumerate(self.edges)}
        return [(step, passed[places[step]], hazards[step]) for step in self.steps]


def softplus(log_odds: float) -> float:
    """Give minus the log of the complement of a probability, from its log-odds.

    Examples
    --------
    >>> softplus(0.0) == math.log(2.0), softplus(800.0)
    (True, 800.0)
    """
    return max(log_odds, 0.0) + math.log1p(math.exp(-abs(log_odds)))


def cumulated(parts: Sequence[Amount]) -> list[Amount]:
    """Add up, beginning with nothing: k parts make k + 1 sums."""
    total = parts[0] * 0.0
    sums = [total]
    for part in parts:
        total = total + part
        sums.append(total)
    return sums


def anchored(
    passed: Mapping[int, Amount],
    factors: Mapping[int, float],
    *,
    horizon: int,
    total: Amount,
) -> dict[int, Amount]:
    """Bend a cumulative hazard so that it is ``total`` at the horizon.

    Parameters
    ----------
    passed
        The hazard passed by each step, ascending; the horizon is a step.
    factors
        What corrects each step.

    Examples
    --------
    >>> passed, plain = {7: 1.0, 30: 2.0, 90: 3.0}, {7: 1.0, 30: 1.0, 90: 1.0}
    >>> bent = anchored(passed, plain, horizon=30, total=0.2)
    >>> {step: round(hazard, 9) for step, hazard in bent.items()}
    {7: 0.1, 30: 0.2, 90: 0.3}
    """
    steps = list(passed)
    place = steps.index(horizon)
    made = {horizon: total}
    for nearer, step in zip(steps[place:0:-1], steps[place - 1 :: -1], strict=False):
        part = passed[step] / (passed[nearer] + SMALLEST)
        made[step] = made[nearer] * shifted(part, factors[step])
    for nearer, step in zip(steps[place:-1], steps[place + 1 :], strict=True):
        grown = (passed[step] - passed[nearer]) / (passed[horizon] + SMALLEST)
        made[step] = made[nearer] + total * (grown * factors[step])
    return {step: made[step] for step in steps}


def shifted(part: Amount, factor: float) -> Amount:
    """Multiply the odds of a part of a whole.

    Examples
    --------
    >>> shifted(0.5, 3.0)
    0.75
    """
    return part * factor / (1.0 - part + part * factor)


def _rising(chances: Mapping[int, float], horizon: int) -> dict[int, float]:
    """Let no step fall behind a nearer one by a rounding error; keep the horizon."""
    steps = list(chances)
    place = steps.index(horizon)
    made = dict(chances)
    for nearer, step in zip(steps[place:0:-1], steps[place - 1 :: -1], strict=False):
        made[step] = min(made[step], made[nearer])
    for nearer, step in zip(steps[place:-1], steps[place + 1 :], strict=True):
        made[step] = max(made[step], made[nearer])
    return made
