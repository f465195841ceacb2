"""Which days a company works: its weekdays, and the public holidays of its country.

The one answer for deadlines of plans and for giving out leads. Holidays, and weekends
that a country works, come from the ``holidays`` library.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from leads.errors import BadConfig

if TYPE_CHECKING:
    from holidays import HolidayBase

WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CODE: Final = re.compile("[A-Z]{2}")
LANGUAGES: Final = ("en", "ru")
LONGEST_BREAK: Final = 60
"""Days without work in a row, after which the calendar is taken to be wrong."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days on the clock of a company; ``country`` and ``region`` by ISO 3166.

    Without a country no day is a holiday. A day that is shorter by law counts whole.
    """

    zone: ZoneInfo
    country: str | None = None
    region: str | None = None

    def works_on(self, day: date, week: Collection[str]) -> bool:
        """Say whether a day is a business day for who works on these weekdays.

        A weekend that the country works in return for a free day is one for whoever
        works from Monday to Friday.

        Examples
        --------
        >>> moscow = Calendar(ZoneInfo("Europe/Moscow"), "RU")
        >>> moscow.works_on(date(2026, 3, 9), WEEK), moscow.works_on(
        ...     date(2024, 4, 27), WEEK[:5])
        (False, True)
        """
        usual = WEEK[day.weekday()] in week
        if self.country is None:
            return usual
        known = _holidays(self.country, self.region)
        if day in known:
            return False
        return usual or (day in known.weekend_workdays and {*WEEK[:5]} <= {*week})

    def holiday(self, day: date) -> dict[str, str] | None:
        """Name the public holiday of a day in our languages; None if it is none.

        Examples
        --------
        >>> moscow = Calendar(ZoneInfo("Europe/Moscow"), "RU")
        >>> moscow.holiday(date(2026, 11, 4))
        {'en': 'Unity Day', 'ru': 'День народного единства'}
        >>> moscow.holiday(date(2026, 11, 5)) is None
        True
        """
        if self.country is None:
            return None
        names = {
            language: _holidays(self.country, self.region, language).get(day)
            for language in LANGUAGES
        }
        return {key: name for key, name in names.items() if name} or None

    def checked(self) -> Calendar:
        """Give it back, or refuse a country or region whose holidays nobody knows.

        Examples
        --------
        >>> Calendar(ZoneInfo("UTC"), "XX").checked()
        Traceback (most recent call last):
        ...
        leads.errors.BadConfig: [company] country = 'XX': its holidays are not known. \
Write a code of ISO 3166, such as "RU" or "DE".
        """
        if self.country is None:
            return self
        regions = regions_of(self.country)
        if regions is None:
            raise BadConfig(
                f"[company] country = {self.country!r}: its holidays are not known.",
                remedy='Write a code of ISO 3166, such as "RU" or "DE".',
            )
        if self.region is not None and self.region not in regions:
            known = ", ".join(regions)
            raise BadConfig(
                f"[company] region = {self.region!r} is none of {self.country}.",
                remedy=f"Name one of: {known}." if known else "Take it out.",
            )
        return self


@lru_cache
def _holidays(country: str, region: str | None, language: str = "en") -> HolidayBase:
    import holidays  # takes half a second, and few commands ask it

    told = "en_US" if language == "en" else language
    return holidays.country_holidays(country, subdiv=region, language=told)


def regions_of(country: str) -> tuple[str, ...] | None:
    """List the regions whose holidays are known; None if the country is not.

    Only that country is loaded: to list all of them takes as long as all the rest of
    reading a playbook.

    Examples
    --------
    >>> regions_of("RU"), regions_of("XX"), "BY" in regions_of("DE")
    ((), None, True)
    """
    if CODE.fullmatch(country) is None:
        return None
    try:
        return tuple(_holidays(country, None).subdivisions)
    except NotImplementedError:
        return None
