"""Writing a number beside a range so that who lies outside is seen outside.

"Said 6 %, happened 3 to 6 %: too much" reads as a contradiction, where the numbers were
6.4 % and 2.9 to 5.8 %. So a number and its range are written in one way, and that is
the coarsest one in which the number does not look like the border that it passed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def way_outside(
    value: float | None,
    low: float | None,
    high: float | None,
    ways: Sequence[Callable[[float], T]],
) -> Callable[[float], T]:
    """Choose how to write a value and its range, of ways from coarse to fine.

    Examples
    --------
    >>> ways = ["{:.0%}".format, "{:.1%}".format, "{:.2%}".format]
    >>> way_outside(0.06, 0.03, 0.064, ways)(0.06)
    '6%'
    >>> write = way_outside(0.0641, 0.029, 0.0638, ways)
    >>> [write(one) for one in (0.0641, 0.029, 0.0638)]
    ['6.41%', '2.90%', '6.38%']
    """
    if value is None or low is None or high is None:
        return ways[0]
    for way in ways:
        hidden = (value > high and way(value) == way(high)) or (
            value < low and way(value) == way(low)
        )
        if not hidden:
            return way
    return ways[-1]
