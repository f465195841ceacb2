"""``playbook route``: who gets which lead; simulated before it is switched on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from leads.decision import Tier
from leads.errors import BadInput, Fault
from leads.history import History
from leads.settings import Settings, read_settings
from leads.store import load
from pipelines.console import ConfigOption, log, out, table, verb, working
from playbook.routing import GIVEN, Kind, Route, Want

if TYPE_CHECKING:
    from leads.journal import Journal
    from serve.giving import Giving

SAID: Final[Mapping[Kind, str]] = {
    "given": "given", "returning": "to their manager", "random": "drawn to be called",
    "kept": "kept by a person", "nurture": "to nurture", "waits": "waiting",
}  # fmt: skip
"""What a morning says of each kind of route."""

LACKING: Final[Mapping[Want, str]] = {
    "holiday": "a working day (public holiday)", "hours": "somebody at work",
    "load": "room", "pipeline": "the pipeline", "source": "the source",
    "skill": "the skill", "language": "the language",
}  # fmt: skip
"""What the most people lack for a lead that waits."""

SimulateOption = Annotated[
    bool, typer.Option("--simulate", help="Show who gets what, and keep nothing.")
]

OnOption = Annotated[
    datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"],
                 help="Simulate that moment, on the company's clock."),
]  # fmt: skip
AppliedOption = Annotated[
    bool,
    typer.Option("--as-applied", help="Simulate as if [routing] apply were on."),
]


@verb
def route_leads(
    config: ConfigOption,
    simulate: SimulateOption = False,
    on: OnOption = None,
    applied: AppliedOption = False,
) -> None:
    """Give open leads to people by tier, skill, hours and load.

    A lead stays with whom it was given to until its tier changes. With --simulate
    nothing is kept; without, every decision is written down, and with [routing] apply
    the person is offered to the card. The morning's run does the same.
    Exit codes: 0 done, 2 bad input or configuration, 4 nothing was predicted yet.
    """
    from leads.journal import Journal  # as in ``_round``

    settings, now = read_settings(config), datetime.now(UTC)
    if not simulate and (on is not None or applied):
        option = "--on" if on is not None else "--as-applied"
        fault = Fault(option, "is only for --simulate", "Add --simulate.")
        raise BadInput.of("The command", [fault])
    if on is not None:
        now = on.replace(tzinfo=settings.company.zone).astimezone(UTC)
    if applied:
        routing = settings.routing.model_copy(update={"apply": True})
        settings = settings.model_copy(update={"routing": routing})
    with (
        working("Giving out leads"),
        closing(Journal(settings.store.database)) as journal,
    ):
        journal.upgrade()
        given, kept = _round(settings, journal, now=now, keep=not simulate)
    show_routes(settings, given)
    show_holidays(settings, given, now=now)
    out.print(
        "kept     nothing: a simulation"
        if simulate
        else f"kept     {kept:,} new routes"
    )


def route_morning(settings: Settings, *, now: datetime) -> Mapping[str, str]:
    """Give leads out if people are listed; what is said stands in the morning's run.

    Safe to repeat: a lead that goes where it went is not written down again.
    """
    if not settings.routing.person:
        return {"route": "nobody is listed to give leads to"}
    from leads.journal import Journal  # as in ``_round``

    with closing(Journal(settings.store.database)) as journal:
        journal.upgrade()
        given, kept = _round(settings, journal, now=now, keep=True)
    kinds = Counter(one.kind for one in given.routes)
    told = ", ".join(f"{kinds[kind]:,} {word}" for kind, word in SAID.items())
    if waiting := [one for one in given.routes if one.kind == "waits"]:
        told += f" ({_why(waiting)})"
    return {"route": f"{told}; {kept:,} new routes"}


def _round(
    settings: Settings, journal: Journal, *, now: datetime, keep: bool
) -> tuple[Giving, int]:
    from serve.giving import give_out, keep_giving  # loads the learning libraries

    history = History(load(settings.store.folder))
    given = give_out(settings, journal, history, now=now)
    kept = keep_giving(settings, journal, given, now=now) if keep else 0
    if keep:
        log.info("routed", leads=len(given.routes), kept=kept)
    return given, kept


def show_routes(settings: Settings, given: Giving) -> None:
    """Print who gets how many of what."""
    routes, asked = given.routes, given.asked
    tiers = [Tier.HOT, Tier.WARM, Tier.COLD, Tier.NO_DATA]
    told = table(
        f"{len(routes):,} open leads to give out", "person", "level", "gets",
        *(tier.value for tier in tiers), "mean chance", "of", "has", "waits for",
    )  # fmt: skip
    for one in settings.routing.person:
        mine = [r for r in routes if r.person == one.id and r.kind in GIVEN]
        chances = [asked[r.lead_id].chance for r in mine]
        counts = Counter(r.tier for r in mine)
        has = sum(r.person == one.id and r.kind == "kept" for r in routes)
        waits = sum(r.person == one.id and r.kind == "waits" for r in routes)
        told.add_row(
            one.id, one.level, f"{len(mine):,}", *(f"{counts[t]:,}" for t in tiers),
            f"{sum(chances) / len(chances):.1%}" if chances else "-",
            f"{one.per_day:,}", f"{has + given.stays[one.id]:,}", f"{waits:,}",
        )  # fmt: skip
    out.print(told)
    kinds = Counter(one.kind for one in routes)
    out.print(f"nurture  {kinds['nurture']:,} of low tiers, not called")
    out.print(f"random   {kinds['random']:,} of low tiers, drawn to be called")
    nobody = [one for one in routes if one.kind == "waits" and not one.person]
    told_why = f": {_why(nobody)}" if nobody else ""
    out.print(f"waiting  {len(nobody):,}{told_why}", soft_wrap=True)
    if settings.routing.apply:
        out.print(f"owned    {given.owned:,} stay with whom a person gave them to")
    else:
        told_owned = (
            f"owned    {given.owned:,} have a person already; with apply = true"
        )
        out.print(f"{told_owned} they would stay", soft_wrap=True)


def show_holidays(settings: Settings, given: Giving, *, now: datetime) -> None:
    """Say which public holiday it is, or whose holidays nobody named."""
    from serve.giving import next_round  # loads the learning libraries

    calendar = settings.company.calendar
    if calendar.country is None:
        told = "are not known: say [company] country"
        out.print(f"holidays {told}", soft_wrap=True)
        return
    name = calendar.holiday(now.astimezone(calendar.zone).date())
    if name is None:
        return
    found = next_round(settings, now).astimezone(calendar.zone)
    waits = any("holiday" in one.lacking for one in given.routes)
    until = f"; who works next gets them on {found:%Y-%m-%d %H:%M}" if waits else ""
    out.print(f"holiday  {name['en']}{until}", soft_wrap=True)


def _why(waiting: Sequence[Route]) -> str:
    """Say what is lacking, with how many leads wait for it."""
    why = Counter(
        ", ".join(LACKING[want] for want in one.lacking) for one in waiting
    )  # fmt: skip
    return "; ".join(f"{count:,} for {what}" for what, count in why.most_common())
