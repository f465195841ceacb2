"""Giving out the open leads of a company: what is known of them, and who may have them.

What the journal says of each lead now is taken as it is, so that a morning predicts
once and gives out what it predicted. A lead stays with whom it was given to until its
tier changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import sqlalchemy as sa

from crm.beside import Besides
from crm.courier import entity_of
from crm.writeback.assigning import Assigned, assign
from leads.decision import Tier
from leads.errors import BadConfig
from leads.history import History, microseconds
from leads.journal import Journal
from leads.overruling import standing_overrides
from leads.ranks import ranks
from leads.settings import Person, Routing, Settings
from leads.workdays import LONGEST_BREAK
from model.benefit.heldout import Heldout, prove_calls
from model.examples.snapshots import open_leads
from playbook.routed import Last, arms_of, given_since, keep_routes, lasting
from playbook.routing import GIVEN, Asked, Load, Route, route


@dataclass(frozen=True)
class Giving:
    """One round of giving out.

    ``asked`` are the leads that were to be given out, by id; ``stays`` counts by person
    those that stay with whom they were given to, ``owned`` those asked for that
    somebody has by a person's word.
    """

    routes: tuple[Route, ...]
    asked: Mapping[str, Asked]
    stays: Counter[str]
    owned: int


def give_out(
    settings: Settings, journal: Journal, history: History, *, now: datetime
) -> Giving:
    """Give out the open leads that were ever predicted; keeps nothing.

    Raises
    ------
    BadConfig
        Nobody is listed to give leads to, or a card field is named that is not there.
    """
    _check(settings.routing, history)
    last, stays = lasting(journal), Counter[str]()
    asked: list[Asked] = []
    owned = 0
    for one in _open_leads(settings, journal, history, now=now):
        before = last.get(one.lead_id)
        owner, lead = one.kept_by, _freed(one, before, settings.routing)
        owned += bool(owner) and not _is_ours(owner, before)
        stay = before is not None and before.kind in GIVEN and not lead.kept_by
        if stay and before is not None and before.tier is lead.tier:
            stays[before.person] += 1
        else:
            asked.append(lead)
    kept = Counter(one.kept_by for one in asked)
    people, calendar = settings.routing.person, settings.company.calendar
    midnights = {p.id: _midnight(p, now, calendar.zone) for p in people}
    today = given_since(journal, midnights)
    loads = {p.id: Load(stays[p.id] + kept[p.id], today[p.id]) for p in people}
    routes = route(asked, settings.routing, now=now, calendar=calendar, loads=loads)
    return Giving(routes, {one.lead_id: one for one in asked}, stays, owned)


def keep_giving(
    settings: Settings, journal: Journal, given: Giving, *, now: datetime
) -> int:
    """Write routes down; with ``[routing] apply`` offer the persons to the cards, too.

    Both happen in one transaction. Says how many routes are new.
    """

    def put_on_cards(
        connection: sa.Connection, new: Sequence[Route], before: Mapping[str, Last]
    ) -> None:
        assert settings.crm is not None, "only with a [crm] section"
        wanted = _assigned(settings, new, before)
        assign(connection, settings.crm.account, tuple(wanted))

    applied = settings.routing.apply and settings.crm is not None
    return keep_routes(
        journal, given.routes, salt=settings.routing.salt, now=now,
        also=put_on_cards if applied else None,
    )  # fmt: skip


def heldout_of(
    settings: Settings, journal: Journal, history: History
) -> Heldout | None:
    """Compare the drawn leads that were to be called with those that were not.

    None if nobody was drawn yet.
    """
    rows = [(one.lead_id, microseconds(one.at), one.arm) for one in arms_of(journal)]
    schema = {"lead_id": pl.String, "moment": pl.Int64, "arm": pl.String}
    drawn = pl.DataFrame(rows, schema=schema, orient="row")
    return prove_calls(history, settings, drawn)


def next_round(settings: Settings, now: datetime) -> datetime:
    """Find the next morning on which somebody works, as a moment in UTC."""
    calendar = settings.company.calendar
    later = [one for one in _mornings(settings, now) if one > now]
    for one in later:
        if any(p.left_today(one, calendar) for p in settings.routing.person):
            return one
    return later[0]


def holidays_until(
    settings: Settings, now: datetime, until: datetime
) -> tuple[Mapping[str, str], ...]:
    """Name by language the public holidays from today to a moment, each once."""
    calendar = settings.company.calendar
    begin, end = (one.astimezone(calendar.zone).date() for one in (now, until))
    days = (begin + timedelta(days=n) for n in range((end - begin).days + 1))
    found = [name for day in days if (name := calendar.holiday(day)) is not None]
    return tuple(one for n, one in enumerate(found) if one not in found[:n])


def _mornings(settings: Settings, now: datetime) -> Iterator[datetime]:
    zone, at = settings.company.zone, settings.daily.at
    day = now.astimezone(zone).date()
    for n in range(LONGEST_BREAK):
        morning = datetime.combine(day + timedelta(days=n), at, tzinfo=zone)
        yield morning.astimezone(UTC)


def _open_leads(
    settings: Settings, journal: Journal, history: History, *, now: datetime
) -> Iterator[Asked]:
    """Say of each open lead what routing needs to know; ``kept_by`` is its owner."""
    open_now = open_leads(history, settings)
    routing, cards = settings.routing, history.cards(open_now)
    paid = _paid(history)
    said = {row[0]: (Tier(row[4]), row[3]) for row in ranks(journal)}
    overrides = standing_overrides(journal, now=now)

    def column(name: str) -> list[Any]:
        return cards[name].to_list() if name else [None] * len(cards)

    rows = zip(
        open_now["lead_id"].to_list(), column("pipeline"), column("source"),
        column("owner"), column(routing.skill_field), column(routing.language_field),
        strict=True,
    )  # fmt: skip
    for lead_id, pipeline, source, owner, skill, language in rows:
        if lead_id not in said:
            continue
        tier, chance = said[lead_id]
        over = overrides.get(lead_id)
        human = "" if owner in routing.nobody else owner or ""
        yield Asked(
            lead_id, tier if over is None else over.tier, chance,
            pipeline=pipeline or "", source=source or "",
            skill=str(skill or ""), language=str(language or ""),
            returning_to=human if lead_id in paid else "", kept_by=human,
        )  # fmt: skip


def _paid(history: History) -> frozenset[str]:
    """Name the leads that ever paid."""
    money = history.coded("payments").filter(pl.col("amount_minor") > 0)
    leads = history.leads.select("lead", "lead_id")
    return frozenset(leads.join(money, on="lead", how="semi")["lead_id"])


def _freed(one: Asked, before: Last | None, routing: Routing) -> Asked:
    """Forget the owner where that is not a person's word, or words are not heeded."""
    keeps = routing.apply and not _is_ours(one.kept_by, before)
    return one if keeps else replace(one, kept_by="")


def _is_ours(owner: str, before: Last | None) -> bool:
    """Say whether we put this owner there; once a person did, they stand."""
    return before is not None and before.kind in GIVEN and before.person == owner


def _midnight(person: Person, now: datetime, zone: ZoneInfo) -> datetime:
    own = ZoneInfo(person.timezone) if person.timezone else zone
    begin = now.astimezone(own).replace(hour=0, minute=0, second=0, microsecond=0)
    return begin.astimezone(UTC)


def _assigned(
    settings: Settings, new: Sequence[Route], before: Mapping[str, Last]
) -> Iterator[Assigned]:
    """Say what the cards of new routes should carry; who has no id there is left."""
    assert settings.crm is not None, "only with a [crm] section"
    ids = Besides(settings).person
    nobody = tuple(filter(None, map(ids, settings.routing.nobody)))
    for one in new:
        entity, person = entity_of(one.lead_id, settings.crm.entity), ids(one.person)
        if one.kind not in GIVEN or entity is None or person is None:
            continue
        last = before.get(one.lead_id)
        ours = ids(last.person) if last is not None and last.kind in GIVEN else None
        instead = (*nobody, *filter(None, (ours,)))
        yield Assigned(entity, one.lead_id, person, tuple(dict.fromkeys(instead)))


def _check(routing: Routing, history: History) -> None:
    if not routing.person:
        raise BadConfig(
            "Nobody is listed to give leads to.",
            remedy="List people as [[routing.person]]; see docs/funnel.md.",
        )
    asked = {
        "skill_field": routing.skill_field,
        "language_field": routing.language_field,
    }
    there = set(history.tables.fields)
    for key, name in asked.items():
        if name and name not in there:
            raise BadConfig(
                f"[routing] {key} = {name!r} is no card field.",
                remedy=f"Name one of: {', '.join(sorted(there))}.",
            )
