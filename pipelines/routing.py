"""``playbook route``: who gets which lead; simulated before it is switched on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from leads.decision import Tier
from leads.errors import BadConfig, BadInput, Fault
from leads.journal import Journal
from leads.settings import Settings, read_settings
from pipelines.console import ConfigOption, log, out, table, verb, working
from playbook.known import Known
from playbook.routed import given_on, keep_routes, staying
from playbook.routing import Asked, Load, Route, route

KINDS: Final = ("given", "returning", "random", "waits")
SimulateOption = Annotated[
    bool, typer.Option("--simulate", help="Show who gets what, and keep nothing.")
]

OnOption = Annotated[
    datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"],
                 help="Simulate that moment, on the company's clock."),
]  # fmt: skip


@verb
def give_out(
    config: ConfigOption,
    simulate: SimulateOption = False,
    on: OnOption = None,
) -> None:
    """Give open leads to people by tier, skill, hours and load.

    A lead stays with whom it was given to until its tier changes. With --simulate
    nothing is kept; without, every decision is written down. Nothing is sent to a CRM.
    Exit codes: 0 done, 2 bad input or configuration, 3 no model.
    """
    settings, now = read_settings(config), datetime.now(UTC)
    if on is not None:
        if not simulate:
            fault = Fault("--on", "is only for --simulate", "Add --simulate.")
            raise BadInput.of("The command", [fault])
        now = on.replace(tzinfo=settings.company.zone).astimezone(UTC)
    if not settings.routing.person:
        raise BadConfig(
            "Nobody is listed to give leads to.",
            remedy="List people as [[routing.person]]; see docs/funnel.md.",
        )
    with (
        working("Giving out leads"),
        closing(Journal(settings.store.database)) as journal,
    ):
        journal.upgrade()
        routes, asked = routes_now(settings, journal, now=now)
        if not simulate:
            salt = settings.routing.salt
            kept = keep_routes(journal, routes, salt=salt, now=now)
            log.info("routed", leads=len(routes), kept=kept)
    show_routes(settings, routes, asked)
    out.print(
        "kept     nothing: a simulation"
        if simulate
        else f"kept     {kept:,} new routes"
    )


def routes_now(
    settings: Settings, journal: Journal, *, now: datetime
) -> tuple[tuple[Route, ...], dict[str, Asked]]:
    """Give out the open leads of today; also says what was asked of each."""
    from serve.bulk import Model  # loads the learning libraries, which takes seconds
    from serve.tryout import open_known

    _, leads = open_known(settings, Model.of(settings), journal, now=now)
    there = staying(journal)
    asked, stay = [], Counter[str]()
    for one in asked_of(settings, leads):
        tier, person = there.get(one.lead_id, (None, ""))
        if one.tier is tier:
            stay[person] += 1
        else:
            asked.append(one)
    midnight = now.astimezone(settings.company.zone).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    today = given_on(journal, midnight.astimezone(UTC))
    loads = {
        one.id: Load(stay[one.id], today[one.id]) for one in settings.routing.person
    }
    made = route(
        asked, settings.routing, now=now, zone=settings.company.zone, loads=loads
    )
    return made, {one.lead_id: one for one in asked}


def asked_of(settings: Settings, leads: Iterator[Known]) -> Iterator[Asked]:
    """Say of each open lead what routing needs to know."""
    fields = settings.routing
    for known in leads:
        made, lead = known.prediction, known.lead
        card = {} if lead is None else lead.fields
        paid = lead is not None and any(one.amount_minor > 0 for one in lead.payments)
        yield Asked(
            lead_id=made.lead_id,
            tier=known.override or made.tier,
            chance=made.probability,
            pipeline=(lead and lead.pipeline) or "",
            source=(lead and lead.source) or "",
            skill=str(card.get(fields.skill_field) or ""),
            language=str(card.get(fields.language_field) or ""),
            returning_to=(lead.owner or "") if lead is not None and paid else "",
        )


def show_routes(
    settings: Settings, routes: Sequence[Route], asked: dict[str, Asked]
) -> None:
    """Print who gets how many of what."""
    tiers = [Tier.HOT, Tier.WARM, Tier.COLD, Tier.NO_DATA]
    told = table(
        f"{len(routes):,} open leads to give out", "person", "level", "gets",
        *(tier.value for tier in tiers), "mean chance", "of", "waits for",
    )  # fmt: skip
    for one in settings.routing.person:
        mine = [r for r in routes if r.person == one.id and r.kind != "waits"]
        chances = [asked[r.lead_id].chance for r in mine]
        counts = Counter(r.tier for r in mine)
        waits = sum(r.person == one.id and r.kind == "waits" for r in routes)
        told.add_row(
            one.id, one.level, f"{len(mine):,}", *(f"{counts[t]:,}" for t in tiers),
            f"{sum(chances) / len(chances):.1%}" if chances else "-",
            f"{one.per_day:,}", f"{waits:,}",
        )  # fmt: skip
    out.print(told)
    kinds = Counter(one.kind for one in routes)
    out.print(f"nurture  {kinds['nurture']:,} of low tiers, not called")
    out.print(f"random   {kinds['random']:,} of low tiers, drawn to be called")
    nobody = [one for one in routes if one.kind == "waits" and not one.person]
    why = Counter(", ".join(one.lacking) for one in nobody)
    told_why = "; ".join(f"{count:,} for {what}" for what, count in why.most_common())
    out.print(f"waiting  {len(nobody):,}{': ' if nobody else ''}{told_why}")
