"""The invented company as a whole, made in stretches so that memory stays sane."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from leads.errors import BadInput, Fault
from leads.synthetic.behaviour import World, live, make_world
from leads.synthetic.clock import midnight
from leads.synthetic.export import Invented, Story, tables_of
from leads.synthetic.ledger import keep_books
from leads.synthetic.office import work
from leads.synthetic.people import Ints, arrivals, register
from leads.synthetic.truth import true_chances, truth_frames, weigh

STRETCH: Final = 20_000  # leads invented at a time
SPAN: Final = (date(2025, 1, 1), date(2026, 7, 1))
UTC: Final = pl.Datetime("us", "UTC")


def invent(
    leads: int,
    seed: int,
    *,
    span: tuple[date, date] = SPAN,
    horizon_days: int = 30,
    events_per_lead: float = 30.0,
    field_history: bool = True,
) -> Invented:
    """Invent a company that sells software with a free trial, from a seed.

    Parameters
    ----------
    leads
        How many people register.
    seed
        The same seed and arguments give the same bytes.
    span
        First day, and the day of the export: what is recorded later is not in it.
    horizon_days
        Of the true probability.
    events_per_lead
        About so many on average; more of them tell more.
    field_history
        Whether the CRM kept when card fields were filled. Without it ``close_reason``
        and ``plan`` stand in the cards as if known from the beginning: a leak.

    Raises
    ------
    BadInput
        An argument out of bounds; all are named.
    """
    _check(leads, span, horizon_days, events_per_lead)
    start, end = span
    world = make_world(start, end, events_per_lead=events_per_lead)
    first, *others = np.random.SeedSequence(seed).spawn(1 + -(-leads // STRETCH))
    created = arrivals(leads, np.random.default_rng(first), start=start, end=end)
    parts = list(_stretches(created, others, world, span, horizon_days))
    whole = {name: pl.concat([part[name] for part in parts]) for name in parts[0]}
    if not field_history:
        whole["field_changes"] = whole["field_changes"].clear()
    return Invented(**whole)


def _stretches(
    created: Ints,
    seeds: list[np.random.SeedSequence],
    world: World,
    span: tuple[date, date],
    horizon_days: int,
) -> Iterator[dict[str, pl.DataFrame]]:
    for place, seed in enumerate(seeds):
        begin = place * STRETCH
        rng = np.random.default_rng(seed)
        people = register(
            created[begin : begin + STRETCH], rng, first=begin + 1, span=span
        )
        lives = live(people, world, rng)
        ledger = keep_books(people, lives, rng)
        story = Story(people, lives, ledger, work(people, lives, ledger, rng))
        tables = tables_of(story, rng, end=midnight(span[1]))
        evidence = weigh(people, lives, world)
        chances = true_chances(people, world, evidence, lives, horizon_days)
        converts = ledger.converts(lives, horizon_days)
        truth, drivers = truth_frames(people, lives, evidence, chances, converts)
        known = pl.col("moment") < pl.lit(midnight(span[1])).cast(UTC)
        yield {**tables, "truth": truth.filter(known), "drivers": drivers.filter(known)}


def _check(
    leads: int, span: tuple[date, date], horizon_days: int, events_per_lead: float
) -> None:
    rules = (
        ("leads", leads >= 1, "Ask for at least one."),
        ("span", span[0] < span[1], "Let the last day come after the first."),
        ("horizon_days", 1 <= horizon_days <= 365, "Ask for 1 to 365."),
        ("events_per_lead", 0 < events_per_lead <= 1000, "Ask for up to 1,000."),
    )
    faults = [
        Fault("invent", "is out of bounds", remedy, name)
        for name, holds, remedy in rules
        if not holds
    ]
    if faults:
        raise BadInput.of("The order for an invented company", faults)
