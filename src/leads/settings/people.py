"""Who calls, what each can do, and how leads are given out."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator, model_validator

from leads.settings.section import Section
from leads.settings.tidying import Name
from leads.workdays import WEEK, Calendar

Level = Literal["leading", "consultant"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WORKDAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri")
Part = Annotated[float, Field(ge=0.0, le=1.0)]


class Person(Section):
    """One manager, by the id that ``owner`` has in the data.

    Empty ``pipelines``, ``sources``, ``skills`` and ``languages`` mean any. ``share``
    is the part of the leads that is fair relative to the others of the level;
    ``per_day`` new leads and ``most_open`` open ones are the most. The hours are on the
    clock of ``timezone``, the company's unless given: of a day that is half over only
    half of ``per_day`` is given out. On public holidays of the company's country
    nobody works but those with ``holidays``.
    """

    id: Name
    level: Level = "consultant"
    pipelines: tuple[Name, ...] = ()
    sources: tuple[Name, ...] = ()
    skills: tuple[Name, ...] = ()
    languages: tuple[Name, ...] = ()
    share: float = Field(default=1.0, gt=0.0, le=100.0)
    per_day: int = Field(default=20, ge=0, le=10_000)
    most_open: int = Field(default=200, ge=0, le=100_000)
    opens: time = time(9)
    closes: time = time(18)
    days: tuple[Day, ...] = WORKDAYS
    timezone: str = ""
    holidays: bool = False

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        if value and value not in available_timezones():
            raise ValueError(
                f"{value!r} is not an IANA time zone; write one like 'Europe/Moscow'"
            )
        return value

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if self.closes <= self.opens:
            raise ValueError(
                f"closes ({self.closes:%H:%M}) must be after opens ({self.opens:%H:%M})"
            )
        return self

    def left_today(self, now: datetime, calendar: Calendar) -> float:
        """Say which part of the working day is still to come, 0 to 1.

        Parameters
        ----------
        now
            An aware moment.
        calendar
            The company's; its zone is that of whoever has no own.

        Examples
        --------
        >>> from datetime import UTC
        >>> monday, tokyo = datetime(2026, 3, 2, 15, tzinfo=UTC), ZoneInfo("Asia/Tokyo")
        >>> person = Person(id="A", opens=time(10), closes=time(20))
        >>> [person.left_today(monday, Calendar(z)) for z in (ZoneInfo("UTC"), tokyo)]
        [0.5, 1.0]
        """
        local = self._clock(now, calendar)
        if not self.works_on(local.date(), calendar):
            return 0.0
        begin, end, here = map(_hours, (self.opens, self.closes, local.time()))
        return min(max((end - here) / (end - begin), 0.0), 1.0)

    def works_on(self, day: date, calendar: Calendar) -> bool:
        """Say whether a day is a working day of theirs."""
        usual = WEEK[day.weekday()] in self.days
        return calendar.works_on(day, self.days) or (self.holidays and usual)

    def is_on_holiday(self, now: datetime, calendar: Calendar) -> bool:
        """Say whether only a public holiday keeps them from working on that day."""
        day = self._clock(now, calendar).date()
        return WEEK[day.weekday()] in self.days and not self.works_on(day, calendar)

    def _clock(self, now: datetime, calendar: Calendar) -> datetime:
        own = ZoneInfo(self.timezone) if self.timezone else calendar.zone
        return now.astimezone(own)


def _hours(clock: time) -> float:
    return clock.hour + clock.minute / 60 + clock.second / 3_600


class Routing(Section):
    """How leads are given out.

    ``random`` is the share of low tiers that is called at random, ``learn`` the share
    of hot leads that consultants get, so that newcomers learn. ``salt`` decides which:
    another salt is another draw. ``skill_field`` and ``language_field`` are the card
    fields that say what a lead needs.

    With ``apply`` the person is also put on the card, in the CRM of ``[crm]``, but only
    where nobody is responsible yet or whom we put there ourselves: whoever has a lead
    by a person's word keeps it. ``nobody`` are owners who are no one, such as the
    account under which a form makes leads.
    """

    random: Part = 0.1
    learn: Part = 0.1
    salt: str = Field(default="leadcast", min_length=1, max_length=100)
    skill_field: str = ""
    language_field: str = ""
    apply: bool = False
    nobody: tuple[Name, ...] = ()
    person: tuple[Person, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        ids = [one.id for one in self.person]
        if twice := sorted({one for one in ids if ids.count(one) > 1}):
            raise ValueError(f"{twice} are listed twice; list each person once")
        return self
