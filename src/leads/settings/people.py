"""Who calls, what each can do, and how leads are given out."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from leads.settings.section import Section
from leads.settings.tidying import Name

Level = Literal["leading", "consultant"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WORKDAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri")
Part = Annotated[float, Field(ge=0.0, le=1.0)]


class Person(Section):
    """One manager, by the id that ``owner`` has in the data.

    Empty ``pipelines``, ``sources``, ``skills`` and ``languages`` mean any. ``share``
    is the part of the leads that is fair relative to the others of the level;
    ``per_day`` new leads and ``most_open`` open ones are the most.
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


class Routing(Section):
    """How leads are given out.

    ``random`` is the share of low tiers that is called at random, ``learn`` the share
    of hot leads that consultants get, so that newcomers learn. ``salt`` decides which:
    another salt is another draw. ``skill_field`` and ``language_field`` are the card
    fields that say what a lead needs.
    """

    random: Part = 0.1
    learn: Part = 0.1
    salt: str = Field(default="leadcast", min_length=1, max_length=100)
    skill_field: str = ""
    language_field: str = ""
    person: tuple[Person, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        ids = [one.id for one in self.person]
        if twice := sorted({one for one in ids if ids.count(one) > 1}):
            raise ValueError(f"{twice} are listed twice; list each person once")
        return self
