"""What a conversion is expected to bring: numbers that travel with the trees.

The trees correct the mean of the lead's pipeline, in logs; what they say is drawn
towards the mean of all as far as rows they never saw demand it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from model.features.catalog import Numbers


@dataclass(frozen=True, slots=True)
class Amount:
    """How the trees' sum becomes an amount in the smallest unit of ``currency``.

    ``means`` are log means by the code of the pipeline, as text, and ``mean`` that of
    any other; ``column`` is where the code stands in the encoded matrix, None if there
    is no pipeline. The log of the amount is ``shift + power * (mean + trees)``.
    """

    currency: str
    mean: float
    means: Mapping[str, float]
    column: int | None
    power: float
    shift: float

    def mean_of(self, row: Numbers) -> float:
        """Give the log mean that the trees correct, for an encoded row (p,)."""
        if self.column is None or math.isnan(row[self.column]):
            return self.mean
        return self.means.get(str(int(row[self.column])), self.mean)

    def of(self, row: Numbers, trees: float) -> float:
        """Give the amount expected of a lead if it converts.

        Examples
        --------
        >>> import numpy as np
        >>> plain = Amount("RUB", math.log(100.0), {}, None, 1.0, 0.0)
        >>> round(plain.of(np.zeros(1), math.log(2.0)), 6)
        200.0
        """
        return math.exp(self.shift + self.power * (self.mean_of(row) + trees))
