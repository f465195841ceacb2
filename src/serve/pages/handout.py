"""Who has which leads by the last routes, and what the next morning would give out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, time
from typing import Any, Literal

from leads.decision import Tier
from leads.history import History
from leads.journal import Journal
from leads.settings import Person, Settings
from model.benefit.heldout import Heldout
from playbook.routed import Last, arms_of, lasting
from playbook.routing import GIVEN
from serve.giving import (
    Giving,
    give_out,
    heldout_of,
    holidays_until,
    next_round,
)

TierCounts = Mapping[str, int]
Away = Literal["", "holiday", "hours"]


@dataclass(frozen=True, slots=True)
class Share:
    """What one person has by the last routes, and would get in the next round.

    ``has`` and ``gets`` count leads by tier; ``waits`` are returning customers for whom
    there is no room, ``open`` the leads that they keep. ``away`` says why they do not
    work on the day of that round, and is empty if they do.
    """

    person: str
    level: str
    opens: time
    closes: time
    per_day: int
    most_open: int
    has: TierCounts
    gets: TierCounts
    open: int
    waits: int
    away: Away

    @property
    def total(self) -> int:
        """How many leads the next round would give them."""
        return sum(self.gets.values())


@dataclass(frozen=True, slots=True)
class Handout:
    """All of it; ``on`` is the moment of the next round, which is simulated here.

    ``lacking`` counts the leads that would wait for somebody by what is lacking most,
    ``called`` and ``held`` the leads that were drawn so far; ``heldout`` is what the
    calls changed, None before anybody was drawn. ``country`` is whose public holidays
    are kept, and ``holidays`` names those from today to that day.
    """

    applied: bool
    on: datetime
    people: tuple[Share, ...]
    leads: int
    nurture: int
    drawn: int
    waiting: int
    lacking: TierCounts
    owned: int
    called: int
    held: int
    heldout: Heldout | None
    country: str
    holidays: tuple[Mapping[str, str], ...]

    def plain(self) -> dict[str, Any]:
        """Give it as plain facts."""
        return asdict(self)


def look_up(
    settings: Settings, journal: Journal, history: History, *, now: datetime
) -> Handout:
    """Look up the last routes, and try the next round; keeps nothing.

    Raises
    ------
    BadConfig
        A card field is named in ``[routing]`` that is not there.
    """
    on, people = next_round(settings, now), settings.routing.person
    given = give_out(settings, journal, history, now=on)
    company = settings.company
    last, arms = lasting(journal), Counter(one.arm for one in arms_of(journal))
    kinds = Counter(one.kind for one in given.routes)
    nobody = [r for r in given.routes if r.kind == "waits" and not r.person]
    return Handout(
        applied=settings.routing.apply,
        on=on,
        people=tuple(
            _share(one, given, last, _away(one, settings, on)) for one in people
        ),
        leads=len(given.routes),
        nurture=kinds["nurture"],
        drawn=kinds["random"],
        waiting=len(nobody),
        lacking=dict(Counter(want for r in nobody for want in r.lacking)),
        owned=given.owned,
        called=arms["random"],
        held=arms["held"],
        heldout=heldout_of(settings, journal, history),
        country=" ".join(filter(None, (company.country, company.region))),
        holidays=holidays_until(settings, now, on),
    )


def _away(person: Person, settings: Settings, on: datetime) -> Away:
    calendar = settings.company.calendar
    if person.left_today(on, calendar):
        return ""
    return "holiday" if person.is_on_holiday(on, calendar) else "hours"


def _share(
    person: Person, given: Giving, last: Mapping[str, Last], away: Away
) -> Share:
    has = Counter(
        one.tier for one in last.values()
        if one.person == person.id and one.kind in GIVEN
    )  # fmt: skip
    mine = [r for r in given.routes if r.person == person.id]
    gets = Counter(r.tier for r in mine if r.kind in GIVEN)
    return Share(
        person=person.id,
        level=person.level,
        opens=person.opens,
        closes=person.closes,
        per_day=person.per_day,
        most_open=person.most_open,
        has=_by_tier(has),
        gets=_by_tier(gets),
        open=given.stays[person.id] + sum(r.kind == "kept" for r in mine),
        waits=sum(r.kind == "waits" for r in mine),
        away=away,
    )


def _by_tier(counts: Counter[Tier]) -> TierCounts:
    return {tier.name.lower(): counts[tier] for tier in Tier}
