"""Which business date's run is due, in the company's own clock.

A date names a run, an instant does not: clocks are set back, a day has 23 or 25 hours,
and an island once left out a whole date. So the question is only which dates have begun
by now, and the newest of them is the one that counts.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

DAY: Final = timedelta(days=1)


def moment_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Give the instant, in UTC, at which the clock of a place shows this time.

    A time that the clock skips is taken as if it had not been set forward yet; one that
    it shows twice is the first (PEP 495, ``fold=0``).

    Examples
    --------
    >>> moment_of(date(2026, 3, 29), time(2, 30), ZoneInfo("Europe/Berlin"))
    datetime.datetime(2026, 3, 29, 1, 30, tzinfo=datetime.timezone.utc)
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def newest_due(now: datetime, at: time, zone: ZoneInfo) -> date:
    """Give the newest date whose run should have begun by ``now``.

    Examples
    --------
    >>> six = datetime(2026, 11, 22, 3, 59, tzinfo=UTC)
    >>> newest_due(six, time(7), ZoneInfo("Europe/Moscow"))
    datetime.date(2026, 11, 21)
    """
    here = now.astimezone(zone).date()
    candidates = (
        here + DAY,
        here,
        here - DAY,
        here - 2 * DAY,
    )  # a date can be left out
    return next(day for day in candidates if moment_of(day, at, zone) <= now)
