"""What leads do, day by day: chances and rates that depend on a hidden kind of lead.

A lead is a *buyer* (z = 1) or an *onlooker* (z = 0). On each day of its life (24 hours
counted from its creation) it stands in a state that everybody can see: registered,
set up, invoiced, paid. Within a day it first pays with chance ``pay`` and, if it did
not, moves one state on with chance ``move``; both depend on z, state, day and pipeline,
and paying on the calendar as well. Beside that, events of each kind come as a Poisson
count whose rate depends on z, state and day. Nothing else depends on z, so the hidden
kind can be weighed exactly by what was seen (see ``truth``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

from leads.synthetic.clock import DAY, local_day, midnight, month_of, weekend
from leads.synthetic.people import PIPELINES, Floats, Ints, People

LIFE: Final = 120  # days; nobody does or buys anything new after them
REGISTERED, SET_UP, INVOICED, PAID = range(4)
USUAL_EVENTS: Final = 30.0  # events a lead, at the rates below

KINDS: Final = (
    # kind, rates a day of (onlooker, buyer): registered, set up or invoiced, paid
    ("visit_site", (1.20, 1.60), (0.90, 1.30), 0.25),
    ("visit_pricing", (0.16, 0.34), (0.16, 0.36), 0.02),
    ("setup_attempt", (0.40, 0.75), (0.06, 0.06), 0.01),
    ("feature_used", (0.15, 0.15), (1.60, 2.60), 0.80),
    ("invite_colleague", (0.01, 0.01), (0.06, 0.17), 0.05),
    ("import_contacts", (0.02, 0.03), (0.14, 0.24), 0.05),
    ("mail_open", (0.70, 0.85), (0.70, 0.85), 0.30),
    ("mail_click", (0.10, 0.19), (0.10, 0.19), 0.05),
    ("unsubscribe", (0.030, 0.012), (0.020, 0.008), 0.001),
    ("support_ticket", (0.10, 0.10), (0.10, 0.10), 0.05),
    ("call", (0.35, 0.35), (0.35, 0.35), 0.05),
)
"""The last two say nothing of the kind of lead: they are the ones recorded late."""

FADING: Final = (5.0, 9.0)  # days in which activity falls to 1/e, by z
COMMON_FADING: Final = 7.0  # of what says nothing of z
CUSTOMER_FADING: Final = 40.0
MOVE: Final = ((0.060, 0.160), (0.020, 0.085))  # from registered, from set up; by z
MOVE_FADING: Final = (8.0, 30.0)  # days, by state
PAY: Final = ((0.0003, 0.006), (0.0015, 0.030), (0.025, 0.150))  # by state, z
PAY_FADING: Final = 60.0
INVOICE_BY_PIPELINE: Final = (0.8, 1.4, 1.1)
PAY_BY_PIPELINE: Final = (1.0, 1.1, 0.9)


@dataclass(frozen=True)
class World:
    """The tables by which everybody behaves.

    Axes: p pipeline, z kind of lead, s state, d day of life, k kind of event, c day of
    the calendar since the first one.
    """

    pay: Floats  # (p, z, s, d), before the calendar
    move: Floats  # (p, z, s, d)
    rate: Floats  # (z, s, d, k) events a day
    season: Floats  # (c,) factor on paying
    bustle: Floats  # (c,) factor on events
    first_day: int  # of the calendar, in local days since 1970

    def calendar(self, created: Ints) -> Ints:
        """Place creation moments on the calendar axis."""
        return local_day(created) - self.first_day


@dataclass(frozen=True)
class Lives:
    """What a number of leads did.

    ``state`` is the state at the start of each day of life, shape (n, LIFE);
    ``moved_on`` the days on which they were set up and invoiced and ``paid_on`` that of
    the first payment, -1 for never. The events are flat: lead, day of life, kind.
    """

    buyer: npt.NDArray[np.bool_]
    state: npt.NDArray[np.int8]
    moved_on: Ints  # (2, n)
    paid_on: Ints
    event_lead: Ints
    event_day: Ints
    event_kind: Ints


def make_world(start: date, end: date, *, events_per_lead: float) -> World:
    """Lay out the tables of chances for a stretch of the calendar."""
    day = np.arange(LIFE)
    pay = np.zeros((len(PIPELINES), 2, 4, LIFE))
    move = np.zeros_like(pay)
    for z in (0, 1):
        for state in (REGISTERED, SET_UP, INVOICED):
            pay[:, z, state] = PAY[state][z] * np.exp(-day / PAY_FADING)
        for state in (REGISTERED, SET_UP):
            move[:, z, state] = MOVE[state][z] * np.exp(-day / MOVE_FADING[state])
    pay *= np.array(PAY_BY_PIPELINE)[:, None, None, None]
    move[:, :, SET_UP] *= np.array(INVOICE_BY_PIPELINE)[:, None, None]
    calendar = local_day(
        np.arange(midnight(start), midnight(end) + 2 * LIFE * DAY, DAY)
    )
    return World(
        pay=pay,
        move=move,
        rate=_rates(day) * (events_per_lead / USUAL_EVENTS),
        season=_season(calendar),
        bustle=np.where(weekend(calendar), 0.5, 1.15),
        first_day=int(calendar[0]),
    )


def live(people: People, world: World, rng: np.random.Generator) -> Lives:
    """Let people live their days."""
    buyer = rng.random(len(people)) < 1.0 / (1.0 + np.exp(-people.log_odds))
    state, moved_on, paid_on = _walk(people, world, buyer.astype(np.int64), rng)
    lead, day, kind = _events(people, world, buyer.astype(np.int64), state, rng)
    return Lives(buyer, state, moved_on, paid_on, lead, day, kind)


def _walk(
    people: People, world: World, z: Ints, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int8], Ints, Ints]:
    """Move everybody through the states, one day after the other."""
    count = len(people)
    states = np.empty((count, LIFE), dtype=np.int8)
    moved_on = np.full((2, count), -1, dtype=np.int64)
    paid_on = np.full(count, -1, dtype=np.int64)
    now = np.zeros(count, dtype=np.int64)
    calendar = world.calendar(people.created)
    for day in range(LIFE):
        states[:, day] = now
        pay = world.pay[people.pipeline, z, now, day] * world.season[calendar + day]
        move = world.move[people.pipeline, z, now, day]
        drawn = rng.random(count)
        pays = drawn < pay
        moves = ~pays & (drawn < pay + (1.0 - pay) * move)
        paid_on[pays] = day
        for place in (REGISTERED, SET_UP):
            moved_on[place, moves & (now == place)] = day
        now = np.where(pays, PAID, now + moves)
    return states, moved_on, paid_on


def _events(
    people: People,
    world: World,
    z: Ints,
    state: npt.NDArray[np.int8],
    rng: np.random.Generator,
) -> tuple[Ints, Ints, Ints]:
    """Draw how many events each day of each lead holds, then their kinds."""
    days = np.arange(LIFE)
    total = world.rate.sum(axis=-1)
    bustle = world.bustle[world.calendar(people.created)[:, None] + days]
    counts = rng.poisson(total[z[:, None], state, days] * bustle)
    place = np.repeat(np.arange(counts.size), counts.ravel())
    lead, day = place // LIFE, place % LIFE
    edges = (np.cumsum(world.rate, axis=-1) / total[..., None]).astype(np.float32)
    drawn = rng.random(len(place), dtype=np.float32)
    rows = edges[z[lead], state[lead, day], day, :-1]
    return lead, day, (drawn[:, None] >= rows).sum(axis=1)


def _rates(day: Ints) -> Floats:
    rate = np.zeros((2, 4, LIFE, len(KINDS)))
    for place, (_, registered, active, paid) in enumerate(KINDS):
        idle = registered[0] == registered[1] and active[0] == active[1]
        for z in (0, 1):
            fading = np.exp(-day / (COMMON_FADING if idle else FADING[z]))
            rate[z, REGISTERED, :, place] = registered[z] * fading
            rate[z, SET_UP, :, place] = active[z] * fading
            rate[z, INVOICED, :, place] = active[z] * fading
            rate[z, PAID, :, place] = paid * np.exp(-day / CUSTOMER_FADING)
    return rate


def _season(calendar: Ints) -> Floats:
    """Less is paid at weekends and in summer, more in December."""
    month = month_of(calendar)
    summer = (month >= 6) & (month <= 8)
    by_month = np.where(summer, 0.8, np.where(month == 12, 1.25, 1.0))
    return np.where(weekend(calendar), 0.6, 1.1) * by_month
