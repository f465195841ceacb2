"""How one reader's language says a text, a number, a chance, a moment.

The only place that formats: charts and templates ask it, so a comma or a time zone
cannot differ between them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from leads.decision import Tier
from leads.outside import way_outside
from leads.settings import Company, Conversion
from leads.tables import UNDATED
from model.audit.words import AUDIT
from model.card.words import METRICS
from model.features.phrases import DATE_MONTHS, money_sign, number
from model.reasons.whatif import Value
from serve.pages.words.anatomy import ANATOMY
from serve.pages.words.aside import ASIDE
from serve.pages.words.digest import DIGEST
from serve.pages.words.distance import DISTANCE
from serve.pages.words.flowchart import FLOWCHART
from serve.pages.words.judgement import JUDGEMENT
from serve.pages.words.nextstep import NEXT_STEP
from serve.pages.words.overruled import OVERRULED
from serve.pages.words.points import POINTS
from serve.pages.words.routing import ROUTING
from serve.pages.words.selling import SELLING
from serve.pages.words.texts import COUNTED, GOALS, TEXTS, TIERS

BOOKS: Final = (
    TEXTS, JUDGEMENT, SELLING, ASIDE, OVERRULED, ANATOMY, AUDIT, FLOWCHART, POINTS,
    DISTANCE, DIGEST, NEXT_STEP, ROUTING,
)  # fmt: skip

Language = Literal["en", "ru"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "ru")

SPACE: Final = "\N{NO-BREAK SPACE}"
MINUS: Final = "\N{MINUS SIGN}"
NOTHING: Final = "\N{EM DASH}"
SMALLEST: Final = 0.001
"""Below this a chance is only said to be smaller: an open lead is never lost."""

WHOLE_MONTHS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "January", "February", "March", "April", "May", "June", "July", "August",
        "September", "October", "November", "December",
    ),
    "ru": (
        "Январь", "Февраль", "Март", "Апрель", "Май", "Июнь", "Июль", "Август",
        "Сентябрь", "Октябрь", "Ноябрь", "Декабрь",
    ),
}  # fmt: skip


def language_of(wanted: str | None, company: Company) -> Language:
    """Take the language asked for if we speak it, else the company's."""
    return "ru" if wanted == "ru" else "en" if wanted == "en" else company.language


class Held(NamedTuple):
    """What was said, what happened, and the range of that, all in words."""

    said: str
    happened: str
    span: str


@dataclass(frozen=True, slots=True)
class Wording:
    """One language in one time zone.

    Examples
    --------
    >>> en, ru = Wording("en", ZoneInfo("UTC")), Wording("ru", ZoneInfo("UTC"))
    >>> en.chance(0.314), en.count(1234), en.decimal(0.5, 2)
    ('31%', '1,234', '0.50')
    >>> [text.replace(SPACE, " ") for text in (ru.chance(0.314), ru.count(1234))]
    ['31 %', '1 234']
    >>> ru.decimal(-0.5, 2)
    '−0,50'
    >>> [ru.many("leads", n) for n in (1, 2, 5, 11, 21)]
    ['1 лид', '2 лида', '5 лидов', '11 лидов', '21 лид']
    """

    language: Language
    zone: ZoneInfo

    def say(self, key: str, **values: object) -> str:
        """Give a text by its key, with its gaps filled."""
        book = next(book for book in BOOKS if key in book)
        return book[key][self.language].format(**values)

    def of(self, text: Mapping[str, str]) -> str:
        """Say what somebody wrote, in this language or in the one that there is."""
        return text.get(self.language) or next(iter(text.values()), "")

    def many(self, noun: str, n: int) -> str:
        """Give a number with its noun in the right form."""
        forms = COUNTED[noun][self.language].split("|")
        return forms[self._form(n)].format(n=self.count(n))

    def _form(self, n: int) -> int:
        if self.language == "en":
            return 0 if n == 1 else 1
        if n % 10 == 1 and n % 100 != 11:
            return 0
        return 1 if n % 10 in {2, 3, 4} and n % 100 not in {12, 13, 14} else 2

    def knob(self, value: Value) -> str:
        """Say a value that may be changed, as a person would type it.

        Examples
        --------
        >>> ru = Wording("ru", ZoneInfo("UTC"))
        >>> ru.knob(2.5), ru.knob(True), ru.knob(None), ru.knob("Omsk")
        ('2,5', 'да', '—', 'Omsk')
        """
        if value is None or isinstance(value, str):
            return NOTHING if value is None else value
        if isinstance(value, bool):
            return self.say("whatif.yes" if value else "whatif.no")
        return number(value, self.language)

    def tier(self, tier: Tier) -> str:
        """Name a tier."""
        return TIERS[tier][self.language]

    def crossing(self, before: Tier, after: Tier, leads: int | None = None) -> str:
        """Say a change of tier, and how many leads went that way."""
        told = f"{self.tier(before)} → {self.tier(after)}".lower()
        return told if leads is None else f"{told}: {self.count(leads)}"

    def metric(self, name: str) -> str:
        """Name a measure; an unknown one goes by its own name."""
        return METRICS[name][self.language] if name in METRICS else name

    def goal(self, conversion: Conversion, horizon_days: int) -> str:
        """Say what the chance is a chance of."""
        return GOALS[conversion.kind][self.language].format(
            days=self.many("days", horizon_days), stage=conversion.stage
        )

    def chance(self, chance: float, digits: int | None = None) -> str:
        """Say a chance in percent, never rounded to certainty.

        Parameters
        ----------
        digits
            After the point or comma; by default none, or one near certainty.

        Examples
        --------
        >>> en = Wording("en", ZoneInfo("UTC"))
        >>> [en.chance(c) for c in (0.004, 0.0996, 0.996)]
        ['0.4%', '10%', '99.6%']
        >>> [en.chance(c).replace(SPACE, " ") for c in (0.0, 1.0)]
        ['< 0.1%', '> 99.9%']
        """
        if math.isnan(chance):
            return NOTHING
        finest = digits or 1
        least = SMALLEST * 10.0 ** (1 - finest)
        if chance < least:
            return f"<{SPACE}" + self._percent(least, finest)
        if chance > 1 - least:
            return f">{SPACE}" + self._percent(1 - least, finest)
        if digits is None:
            digits = 0 if 0.0095 <= chance < 0.9905 else 1
        return self._percent(chance, digits)

    def rate(self, rate: float | None, digits: int | None = None) -> str:
        """Say a counted share in percent; none and all are said as such."""
        if rate is None:
            return NOTHING
        if rate in {0.0, 1.0}:
            return self._percent(rate, 0)
        return self.chance(rate, digits)

    def held(
        self,
        said: float | None,
        happened: float | None,
        *,
        low: float | None,
        high: float | None,
    ) -> Held:
        """Say what was foretold beside what happened and the range of that.

        With as many digits as it takes to see that what lies outside does.

        Examples
        --------
        >>> en = Wording("en", ZoneInfo("UTC"))
        >>> held = en.held(0.0641, 0.0442, low=0.029, high=0.0581)
        >>> [text.replace(SPACE, " ") for text in held]
        ['6.4%', '4.4%', '2.9% – 5.8%']
        """
        ways = [partial(self.rate, digits=n) for n in (None, 1, 2, 3)]
        write = way_outside(said, low, high, ways)
        if low is None or high is None:
            return Held(self.rate(said), self.rate(happened), NOTHING)
        span = f"{write(low)}{SPACE}–{SPACE}{write(high)}"
        return Held(
            NOTHING if said is None else write(said),
            NOTHING if happened is None else write(happened),
            span,
        )

    def span(self, low: float | None, high: float | None) -> str:
        """Say a range of shares."""
        if low is None or high is None:
            return NOTHING
        return f"{self.rate(low)}{SPACE}–{SPACE}{self.rate(high)}"

    def gained(
        self, value: float, *, low: float, high: float, digits: int
    ) -> tuple[str, str, str]:
        """Say a difference and its interval, so that it is seen which side of zero.

        Examples
        --------
        >>> Wording("en", ZoneInfo("UTC")).gained(
        ...     0.0004, low=0.00002, high=0.0008, digits=4)
        ('+0.00040', '+0.00002', '+0.00080')
        """
        ways = [partial(self.signed, digits=digits + more) for more in range(3)]
        write = way_outside(0.0, low, high, ways)
        return write(value), write(low), write(high)

    def points(self, change: float) -> str:
        """Say a change of a chance in percentage points, with its sign."""
        points = 100 * change
        if abs(points) < 0.05:
            return self.say("points", n=f"≈{SPACE}0")
        digits = 0 if abs(points) >= 0.95 else 1
        return self.say("points", n=self.signed(points, digits))

    def _percent(self, share: float, digits: int) -> str:
        sign = "%" if self.language == "en" else f"{SPACE}%"
        return self.decimal(100 * share, digits) + sign

    def count(self, n: int) -> str:
        """Group a whole number by thousands."""
        return self._localised(f"{n:,}")

    def decimal(self, value: float | None, digits: int) -> str:
        """Write a number with that many digits after the point or comma."""
        if value is None or math.isnan(value):
            return NOTHING
        text = f"{value:,.{digits}f}"
        if float(text.replace(",", "")) == 0:
            text = text.removeprefix("-")
        return self._localised(text)

    def signed(self, value: float, digits: int) -> str:
        """Write a number with its sign, also if it is positive."""
        text = self.decimal(value, digits)
        is_up = value > 0 and text != self.decimal(0.0, digits)
        return f"+{text}" if is_up else text

    def _localised(self, text: str) -> str:
        text = text.replace("-", MINUS)
        if self.language == "ru":
            text = text.replace(",", SPACE).replace(".", ",")
        return text

    def money(self, minor: int, currency: str) -> str:
        """Write an amount given in minor units, of which a hundred make one."""
        digits = 0 if minor % 100 == 0 else 2
        sign = money_sign(currency, self.language)
        return f"{self.decimal(minor / 100, digits)}{SPACE}{sign}"

    def day(self, moment: datetime) -> str:
        """Write a day in the company's zone; nothing for the undated."""
        if moment == UNDATED:
            return NOTHING
        return self.on(moment.astimezone(self.zone).date())

    def on(self, day: date) -> str:
        """Write a date of the calendar."""
        month = DATE_MONTHS[self.language][day.month - 1]
        return SPACE.join((str(day.day), month, str(day.year)))

    def date(self, iso: str) -> str:
        """Write the day of a moment in ISO 8601."""
        return self.day(datetime.fromisoformat(iso))

    def month(self, month: str) -> str:
        """Write a month given as year and number.

        Examples
        --------
        >>> Wording("en", ZoneInfo("UTC")).month("2026-03").replace(SPACE, " ")
        'March 2026'
        >>> Wording("ru", ZoneInfo("UTC")).month("2026-03").replace(SPACE, " ")
        'Март 2026'
        """
        year, number = month.split("-")
        return f"{WHOLE_MONTHS[self.language][int(number) - 1]}{SPACE}{year}"

    def days(self, days: float) -> str:
        """Write a stretch of time in days, short ones with a decimal.

        Examples
        --------
        >>> en = Wording("en", ZoneInfo("UTC"))
        >>> en.days(0.52), en.days(17.3)
        ('0.5 days', '17 days')
        """
        if days >= 10:
            return self.many("days", round(days))
        noun = COUNTED["days"][self.language].split("|")[1]
        return noun.format(n=self.decimal(days, 1))

    def moment(self, moment: datetime) -> str:
        """Write a day and the time of day in the company's zone.

        Examples
        --------
        >>> at = datetime.fromisoformat("2026-11-22T21:05:00+00:00")
        >>> Wording("ru", ZoneInfo("Europe/Moscow")).moment(at).replace(SPACE, " ")
        '23 ноября 2026, 00:05'
        """
        if moment == UNDATED:
            return NOTHING
        local = moment.astimezone(self.zone)
        return f"{self.day(moment)}, {local:%H:%M}"
