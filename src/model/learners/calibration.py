"""What turns raw log-odds into calibrated ones: a rising curve, written as numbers.

Kinds, the simplest first: identity; temperature, one slope (Guo et al. 2017); sigmoid,
slope and intercept (Platt 1999); beta, a slope for either tail and an intercept (Kull,
Silva Filho and Flach 2017); isotonic and Venn-Abers, straight lines between knots. How
they are fitted and chosen is told in ``learners.recalibration``; a service only applies
them and needs numpy alone.

Reasons go on adding up through any of them. Where n shares add up to a raw log-odds and
the curve is g, the Aumann-Shapley value (Aumann and Shapley 1974; as integrated
gradients, Sundararajan et al. 2017) of one share along the straight path from base to
prediction is the share times the mean slope of g on that path,
``(g(raw) - g(base)) / (raw - base)``: the same for all shares, in whatever order they
are taken, and together exactly ``g(raw) - g(base)``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np

from model.features.catalog import Numbers

Kind = Literal[
    "identity", "temperature", "sigmoid", "beta", "isotonic", "venn_abers"
]  # fmt: skip

FARTHEST: Final = 30.0
"""Log-odds beyond which a probability would be printed, or rounded, as 0 or 1."""

NEAR: Final = 1e-11
"""A path shorter than this has the slope of its point."""

STEP: Final = 1e-6


@dataclass(frozen=True)
class Calibrator:
    """A curve that never falls, from raw to calibrated log-odds within ``±limit``.

    ``coefficients`` are slope and intercept of a line, or those of beta: by what the
    log of the chance, and less the log of the opposite chance, are multiplied, and the
    intercept. Where there are ``knots``, the curve is straight between them, level
    beyond them, and there are no coefficients.

    Examples
    --------
    >>> Calibrator("sigmoid", (0.5, -1.0)).apply(np.array([0.0, 2.0])).tolist()
    [-1.0, 0.0]
    >>> stairs = Calibrator("isotonic", knots=(-1.0, 1.0), values=(-2.0, 0.0))
    >>> stairs.apply(np.array([-9.0, 0.0, 9.0])).tolist()
    [-2.0, -1.0, 0.0]
    """

    kind: Kind
    coefficients: tuple[float, ...] = ()
    knots: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    limit: float = FARTHEST

    def apply(self, raw: Numbers) -> Numbers:
        """Calibrate raw log-odds, (n,) to (n,)."""
        return np.asarray(
            np.minimum(np.maximum(self._curve(raw), -self.limit), self.limit)
        )

    def scales(self, raw: Numbers, base: float) -> Numbers:
        """Give what raw shares are multiplied by to add up to calibrated log-odds.

        Parameters
        ----------
        raw
            (n,) raw log-odds, the sum of their shares and ``base``.
        base
            The raw log-odds before any reason.

        Returns
        -------
        array
            (n,) mean slopes of the curve between base and raw, none below nought.

        Examples
        --------
        >>> stairs = Calibrator("isotonic", knots=(0.0, 1.0, 2.0), values=(0.0, 2.0, 3))
        >>> stairs.scales(np.array([0.0, 1.0, 2.0, 4.0]), 0.0).tolist()
        [1.0, 2.0, 1.5, 0.75]
        """
        way = raw - base
        near = np.abs(way) < NEAR
        around = self.apply(np.array([base - STEP, base, base + STEP]))
        slope = (around[2] - around[0]) / (2.0 * STEP)
        mean = (self.apply(raw) - around[1]) / np.where(near, 1.0, way)
        return np.asarray(np.where(near, slope, mean))

    def _curve(self, raw: Numbers) -> Numbers:
        if self.knots:
            return np.asarray(np.interp(raw, *self._stairs))
        if len(self.coefficients) == 3:
            won, lost, intercept = self.coefficients
            softly = lost * np.logaddexp(0.0, raw) - won * np.logaddexp(0.0, -raw)
            return np.asarray(softly + intercept)
        slope, intercept = self.coefficients
        return np.asarray(raw * slope + intercept)

    @cached_property
    def _stairs(self) -> tuple[Numbers, Numbers]:
        return np.array(self.knots), np.array(self.values)

    def to_json(self) -> str:
        """Write as JSON, the same text for the same curve."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Calibrator:
        """Read what ``to_json`` wrote, to the bit."""
        raw = json.loads(text)
        for name in ("coefficients", "knots", "values"):
            raw[name] = tuple(raw[name])
        return cls(**raw)


IDENTITY: Final = Calibrator("identity", (1.0, 0.0))
