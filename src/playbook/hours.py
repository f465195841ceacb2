"""Business hours: by when a task is to be done.

Which days are worked is said by ``leads.workdays``; hours are counted on the company's
clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from leads.workdays import LONGEST_BREAK, WEEK, Calendar


@dataclass(frozen=True, slots=True)
class Within:
    """How soon: so many business hours, or by the close of a business day.

    ``0 days`` is today's close, or that of the next business day if today is closed.
    """

    count: int
    unit: Literal["hours", "days"]


@dataclass(frozen=True, slots=True)
class Hours:
    """When a company works.

    ``country`` and ``region`` are codes of ISO 3166 (``RU``; ``DE`` and ``BY``);
    without a country no day is a holiday.
    """

    zone: str = "UTC"
    opens: time = time(9)
    closes: time = time(18)
    days: tuple[str, ...] = WEEK[:5]
    country: str | None = None
    region: str | None = None

    def works_on(self, day: date) -> bool:
        """Say whether a day is a business day.

        Examples
        --------
        >>> hours = Hours(country="RU")
        >>> hours.works_on(date(2026, 3, 9)), hours.works_on(date(2026, 3, 10))
        (False, True)
        """
        calendar = Calendar(ZoneInfo(self.zone), self.country, self.region)
        return calendar.works_on(day, self.days)

    def due(self, moment: datetime, within: Within) -> datetime:
        """Say by when something is to be done that is given out at a moment.

        Returns
        -------
        datetime
            In UTC, always within or at the end of business hours.

        Examples
        --------
        >>> friday = datetime(2026, 3, 6, 14, tzinfo=UTC)  # 17:00 in Moscow
        >>> hours = Hours("Europe/Moscow", country="RU")
        >>> hours.due(friday, Within(2, "hours")).isoformat()
        '2026-03-10T07:00:00+00:00'
        >>> hours.due(friday, Within(1, "days")).isoformat()
        '2026-03-10T15:00:00+00:00'
        """
        shifts = self._shifts(moment.astimezone(UTC))
        if within.unit == "days":
            for _ in range(within.count):
                next(shifts)
            return next(shifts)[1]
        left = timedelta(hours=within.count)
        for start, end in shifts:
            if left <= end - start:
                return start + left
            left -= end - start
        raise AssertionError("shifts never end")

    def _shifts(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Go through what is left of business days, from a moment on, in UTC."""
        zone = ZoneInfo(self.zone)
        day = moment.astimezone(zone).date()
        idle = 0
        while idle < LONGEST_BREAK:
            if self.works_on(day):
                idle = 0
                start = datetime.combine(day, self.opens, zone).astimezone(UTC)
                end = datetime.combine(day, self.closes, zone).astimezone(UTC)
                if end > moment:
                    yield max(start, moment), end
            day += timedelta(days=1)
            idle += 1
        raise AssertionError(f"{self.country} has no business day for {idle} days")
