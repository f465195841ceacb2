"""Who gets which lead: pure, and the same for the same day and salt.

Hot leads go to leading managers, warm ones to consultants, cold ones to nurture. A
returning customer stays with the manager who knows them. A share of the cold ones is
called at random all the same, drawn by a salted digest of the lead's id, so that a lead
is always in the same arm, and what calls change can be measured. A share of the hot
ones goes to consultants, drawn likewise. Whoever has a lead by a person's word keeps
it.

Fairness is a deficit round robin: each time a lead is given out, everybody who could
have had it earns their share of one lead, and who is owed most gets it and pays for
one. So nobody starves whose share is small, and a narrow skill costs nothing of one's
share of other leads.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from leads.decision import Tier
from leads.settings import Person, Routing
from leads.workdays import Calendar

Kind = Literal["given", "returning", "random", "kept", "nurture", "waits"]
GIVEN: Final[frozenset[Kind]] = frozenset({"given", "returning", "random"})
"""Kinds of routes by which somebody gets a lead."""

Want = Literal["pipeline", "source", "skill", "language", "hours", "holiday", "load"]
LOW: Final = (Tier.COLD, Tier.NO_DATA)
ORDER: Final = (Tier.HOT, Tier.WARM, Tier.COLD, Tier.NO_DATA)
MOST_OWED: Final = 2.0
"""Leads that may be owed to a person from before, so a holiday brings no flood."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A lead to give out; ``returning_to`` is the manager of a returning customer.

    ``kept_by`` is whoever has it by a person's word: it is not given out.
    """

    lead_id: str
    tier: Tier
    chance: float
    pipeline: str = ""
    source: str = ""
    skill: str = ""
    language: str = ""
    returning_to: str = ""
    kept_by: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """What a person has: open leads, and new ones already given today."""

    open: int = 0
    today: int = 0


@dataclass(frozen=True, slots=True)
class Route:
    """Where one lead goes, and why.

    ``person`` is empty for nurture, and where nobody fits; a returning customer whose
    manager has no room waits for that manager. ``lacking`` names what the most people
    lacked. ``low_arm`` is "random" or "held" for low tiers and empty for others.
    """

    lead_id: str
    tier: Tier
    kind: Kind
    person: str = ""
    lacking: tuple[Want, ...] = ()
    low_arm: str = ""


def route(
    leads: Sequence[Asked],
    routing: Routing,
    *,
    now: datetime,
    calendar: Calendar,
    loads: Mapping[str, Load],
) -> tuple[Route, ...]:
    """Give out leads: hot before warm before cold, the likeliest of each first.

    Of the low ones that are drawn, as many as their share of today's room come right
    after the hot ones: a busy team would never call them otherwise.

    Parameters
    ----------
    leads
        Each once.
    now
        The moment; people count whose working day is not over, and get as much of
        ``per_day`` as is left of it.
    calendar
        The company's: on its public holidays only those work who do so on holidays.
    loads
        By person; who is absent has nothing.

    Returns
    -------
    tuple
        One route per lead, in the order in which they were given out.
    """
    desk = _Desk(routing, now, calendar, loads)
    first = desk.drawn_first(leads)

    def place(one: Asked) -> tuple[float, float, str]:
        rank = 0.5 if one.lead_id in first else float(ORDER.index(one.tier))
        return rank, -one.chance, one.lead_id

    ranked = sorted(leads, key=place)
    return tuple(desk.give(one) for one in ranked)


def drawn(salt: str, purpose: str, lead_id: str) -> float:
    """Draw a number in [0, 1) that depends on nothing but its arguments.

    Examples
    --------
    >>> drawn("a", "low", "L1") == drawn("a", "low", "L1") != drawn("b", "low", "L1")
    True
    """
    told = "\0".join((salt, purpose, lead_id)).encode()
    return int.from_bytes(hashlib.sha256(told).digest()[:7]) / 2.0**56


class _Desk:
    """Gives out leads one by one, and remembers what everybody is owed."""

    def __init__(
        self,
        routing: Routing,
        now: datetime,
        calendar: Calendar,
        loads: Mapping[str, Load],
    ) -> None:
        self._routing = routing
        self._day = now.astimezone(calendar.zone).date()
        self._people = {one.id: one for one in routing.person}
        left = {one.id: one.left_today(now, calendar) for one in routing.person}
        self._away: dict[str, Want] = {
            one.id: "holiday" if one.is_on_holiday(now, calendar) else "hours"
            for one in routing.person
            if not left[one.id]
        }
        self._most = {
            n: math.ceil(p.per_day * left[n]) for n, p in self._people.items()
        }
        self._open = {name: loads.get(name, Load()).open for name in self._people}
        self._today = {name: loads.get(name, Load()).today for name in self._people}
        self._owed = _owed(routing.person, self._today)

    def drawn_first(self, leads: Sequence[Asked]) -> frozenset[str]:
        """Pick the drawn leads of low tiers for which room is kept today."""
        routing = self._routing
        room = sum(
            max(min(self._most[n] - self._today[n], p.most_open - self._open[n]), 0)
            for n, p in self._people.items()
        )
        draws = sorted(
            (draw, one.lead_id)
            for one in leads
            if one.tier in LOW
            and not (one.kept_by or one.returning_to in self._people)
            and (draw := drawn(routing.salt, "low", one.lead_id)) < routing.random
        )
        most = math.ceil(routing.random * room)
        return frozenset(lead_id for _, lead_id in draws[:most])

    def give(self, lead: Asked) -> Route:
        """Decide where a lead goes."""
        salt, low = self._routing.salt, lead.tier in LOW
        if lead.returning_to in self._people:
            return self._return(lead)
        if lead.kept_by:
            return Route(lead.lead_id, lead.tier, "kept", lead.kept_by)
        if low and drawn(salt, "low", lead.lead_id) >= self._routing.random:
            return Route(lead.lead_id, lead.tier, "nurture", low_arm="held")
        arm = "random" if low else ""
        fitting = self._fitting(lead)
        if not fitting:
            lacking = self._lacking(lead)
            return Route(lead.lead_id, lead.tier, "waits", "", lacking, arm)
        chosen = self._turn(fitting)
        return Route(
            lead.lead_id, lead.tier, "random" if low else "given", chosen, (), arm
        )

    def _return(self, lead: Asked) -> Route:
        """Keep a customer with their manager, today or as soon as there is room."""
        person = self._people[lead.returning_to]
        lacks = tuple(self._lacks(person))
        if lacks:
            return Route(lead.lead_id, lead.tier, "waits", person.id, lacks)
        self._take(person.id)
        return Route(lead.lead_id, lead.tier, "returning", person.id)

    def _fitting(self, lead: Asked) -> list[Person]:
        """List who may have it: of the level, else of the other one."""
        able = [one for one in self._people.values() if not self._misses(one, lead)]
        learn = drawn(self._routing.salt, "learn", lead.lead_id) < self._routing.learn
        level = "leading" if lead.tier is Tier.HOT and not learn else "consultant"
        return [one for one in able if one.level == level] or able

    def _turn(self, fitting: Sequence[Person]) -> str:
        """Let everybody earn their share, and give it to who is owed most."""
        whole = sum(one.share for one in fitting)
        for one in fitting:
            self._owed[one.id] += one.share / whole
        salt = self._routing.salt + self._day.isoformat()
        chosen = max(
            fitting,
            key=lambda one: (
                round(self._owed[one.id], 9),
                drawn(salt, "turn", one.id),
                one.id,
            ),
        )
        self._owed[chosen.id] -= 1.0
        self._take(chosen.id)
        return chosen.id

    def _take(self, name: str) -> None:
        self._open[name] += 1
        self._today[name] += 1

    def _misses(self, person: Person, lead: Asked) -> set[Want]:
        asked: tuple[tuple[Want, str, tuple[str, ...]], ...] = (
            ("pipeline", lead.pipeline, person.pipelines),
            ("source", lead.source, person.sources),
            ("skill", lead.skill, person.skills),
            ("language", lead.language, person.languages),
        )
        unmet: set[Want] = {w for w, value, can in asked if can and value not in can}
        return unmet | self._lacks(person)

    def _lacks(self, person: Person) -> set[Want]:
        """Say what a person lacks for any lead: a working day, hours, or room."""
        if person.id in self._away:
            return {self._away[person.id]}
        full = self._open[person.id] >= person.most_open
        return {"load"} if full or self._is_done(person.id) else set()

    def _is_done(self, name: str) -> bool:
        return self._today[name] >= self._most[name]

    def _lacking(self, lead: Asked) -> tuple[Want, ...]:
        counts = Counter(
            want for one in self._people.values() for want in self._misses(one, lead)
        )
        most = max(counts.values(), default=0)
        return tuple(sorted(want for want, n in counts.items() if n == most))


def _owed(people: Sequence[Person], today: Mapping[str, int]) -> dict[str, float]:
    """Say what everybody is owed of what was given out today, level by level."""
    found = {}
    for one in people:
        same = [other for other in people if other.level == one.level]
        whole = sum(other.share for other in same)
        given = sum(today[other.id] for other in same)
        owed = given * one.share / whole - today[one.id]
        found[one.id] = min(max(owed, -MOST_OWED), MOST_OWED)
    return found
