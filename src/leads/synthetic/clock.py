"""The invented company's clock: Moscow, three hours before UTC in all seasons."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

SECOND: Final = 1_000_000  # microseconds
DAY_SECONDS: Final = 86_400
DAY: Final = DAY_SECONDS * SECOND
HOUR: Final = 3600 * SECOND
OFFSET: Final = 3 * HOUR
HOURS: Final = (
    1, 1, 1, 1, 1, 1, 2, 3, 6, 9, 10, 10, 9, 8, 9, 9, 8, 7, 5, 4, 4, 3, 2, 1,
)  # fmt: skip
"""How busy each hour of the local day is."""


def midnight(day: date) -> int:
    """Give the moment at which a local day begins, in microseconds since the epoch.

    Examples
    --------
    >>> midnight(date(1970, 1, 2)) == DAY - OFFSET
    True
    """
    return (day - date(1970, 1, 1)).days * DAY - OFFSET


def local_day(moments: Ints) -> Ints:
    """Count the local days since 1970-01-01 (a Thursday)."""
    days: Ints = (moments + OFFSET) // DAY
    return days


def weekend(days: Ints) -> npt.NDArray[np.bool_]:
    """Say which local days are a Saturday or a Sunday.

    Examples
    --------
    >>> weekend(np.arange(4)).tolist()
    [False, False, True, True]
    """
    return np.asarray((days + 3) % 7 >= 5)


def month_of(days: Ints) -> Ints:
    """Name the month of local days, 1 to 12."""
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    return np.asarray(months.astype(np.int64) % 12 + 1)


def seconds_of_day(count: int, rng: np.random.Generator) -> Ints:
    """Draw seconds after local midnight as busy people spread them over a day."""
    edges = np.concatenate([[0.0], np.cumsum(HOURS) / sum(HOURS)])
    place = np.interp(rng.random(count), edges, np.arange(25) * 3600.0)
    return np.asarray(np.minimum(place.astype(np.int64), DAY_SECONDS - 1))


def moments_in(created: Ints, day: Ints, rng: np.random.Generator) -> Ints:
    """Draw a moment strictly inside a day of life, at an hour when people are awake.

    A day of life is the 24 hours that begin ``day`` times 24 hours after ``created``.
    """
    count = len(created)
    woken = seconds_of_day(count, rng) * SECOND + rng.integers(1, SECOND, count)
    return np.asarray(created + day * DAY + (woken - (created + OFFSET)) % DAY)
