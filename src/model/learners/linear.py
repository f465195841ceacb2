"""Logistic regression as a scorecard: every feature's value has its price in log-odds.

What is kept of the regression (``learners.regression``) is what it says: for each
feature a line through few knots, less its mean over the training rows. So a price is
read off by interpolation, the prices and the intercept add up to the log-odds, and
nothing but plain numbers goes into the bundle.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from model.features.catalog import Numbers

FEW_ROWS: Final = 32
"""Below this all features are looked up at once; above, one feature after another."""


@dataclass(frozen=True, slots=True)
class Line:
    """One feature's price: straight between knots, level beyond them.

    The knots of a text are the catalog's codes; ``missing`` is the price of not known.
    """

    knots: tuple[float, ...]
    prices: tuple[float, ...]
    missing: float


@dataclass(frozen=True)
class Linear:
    """A line per feature, in the catalog's order, and what they add up to.

    Examples
    --------
    >>> visits = Line(knots=(0.0, 2.0), prices=(-1.0, 1.0), missing=-0.5)
    >>> scorecard = Linear(-2.0, {"visits": visits})
    >>> scorecard.contributions(np.array([[0.5], [7.0], [np.nan]])).ravel().tolist()
    [-0.5, 1.0, -0.5]
    >>> scorecard.log_odds(np.array([[0.5], [7.0], [np.nan]])).tolist()
    [-2.5, -1.0, -2.5]
    """

    intercept: float
    lines: Mapping[str, Line]

    def log_odds(self, matrix: Numbers) -> Numbers:
        """Predict encoded rows, (n, p) to (n,)."""
        return np.asarray(self.contributions(matrix).sum(axis=1) + self.intercept)

    def contributions(self, matrix: Numbers) -> Numbers:
        """Price each value of encoded rows, (n, p) to (n, p); the mean price is 0."""
        if not self.lines:
            return np.zeros(matrix.shape)
        grid = self._grid
        value = np.clip(matrix, grid.first, grid.last)
        place = self._places(value)
        column = np.arange(matrix.shape[1])
        left, right = grid.knots[column, place], grid.knots[column, place + 1]
        share = np.divide(
            value - left, right - left, out=np.zeros_like(value), where=right > left
        )
        low, high = grid.prices[column, place], grid.prices[column, place + 1]
        return np.where(np.isnan(matrix), grid.missing, low + share * (high - low))

    def _places(self, value: Numbers) -> npt.NDArray[np.intp]:
        """Find the knot that each value has reached, the last but one at most."""
        knots, last = self._grid.knots, self._grid.knots.shape[1] - 2
        if len(value) < FEW_ROWS:
            found = (value[:, :, None] >= knots[:, 1:-1]).sum(axis=2)
        else:
            inner = knots[:, 1:-1]
            columns = [
                np.searchsorted(inner[j], value[:, j], side="right")
                for j in range(value.shape[1])
            ]
            found = np.column_stack(columns) if columns else np.zeros(value.shape)
        return np.where(np.isnan(value), 0, np.minimum(found, last)).astype(np.intp)

    @cached_property
    def _grid(self) -> _Grid:
        """The lines side by side, the shorter ones made longer by their last knot."""
        lines = list(self.lines.values())
        width = max((len(line.knots) for line in lines), default=0) + 1
        return _Grid(
            knots=np.array([_padded(line.knots, width) for line in lines]),
            prices=np.array([_padded(line.prices, width) for line in lines]),
            first=np.array([line.knots[0] for line in lines]),
            last=np.array([line.knots[-1] for line in lines]),
            missing=np.array([line.missing for line in lines]),
        )

    def times(self, weight: float) -> Linear:
        """Weigh the scorecard."""
        lines = {
            name: Line(
                line.knots,
                tuple(price * weight for price in line.prices),
                line.missing * weight,
            )
            for name, line in self.lines.items()
        }
        return Linear(self.intercept * weight, lines)

    def plus(self, log_odds: float) -> Linear:
        """Raise the intercept."""
        return Linear(self.intercept + log_odds, self.lines)

    def to_json(self) -> str:
        """Write as JSON, the same text for the same scorecard."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Linear:
        """Read what ``to_json`` wrote; the order of features is kept."""
        raw = json.loads(text)
        lines = {name: _line_of(line) for name, line in raw["lines"].items()}
        return cls(raw["intercept"], lines)


NOTHING: Final = Linear(0.0, {})
"""The scorecard that prices nothing."""


class _Grid(NamedTuple):
    knots: Numbers  # (p, width)
    prices: Numbers  # (p, width)
    first: Numbers  # (p,)
    last: Numbers
    missing: Numbers


def _padded(values: Sequence[float], width: int) -> list[float]:
    return [*values, *[values[-1]] * (width - len(values))]


def _line_of(raw: Mapping[str, Any]) -> Line:
    return Line(tuple(raw["knots"]), tuple(raw["prices"]), raw["missing"])
