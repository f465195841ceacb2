"""What the CRM told after the last ingest stands everywhere, until the next one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.serve import example

from crm.hearing.fresh import Fresh
from crm.hearing.tables import FRESH
from leads.history import History
from leads.lead import Event, FieldChange, LeadHistory, Payment, StageChange
from serve.pages import attach
from serve.pages.links import lead_path
from serve.pages.listing import Wanted
from serve.pages.morning import digest_of
from serve.pages.ranking import Ranking
from serve.pages.seen import Seen
from serve.pages.sight import Sight
from serve.pages.story import Sort
from serve.pages.whereabouts import whereabouts

assert FRESH.metadata.tables  # imported for its table
IDS = example.lead_ids(40)
SECOND = 1_000_000


@dataclass
class Street:
    """A company whose CRM tells of its leads."""

    sight: Sight
    fresh: Fresh
    known: History

    def still_open(self) -> list[str]:
        """Name the leads that wait for somebody, whom to call first on top."""
        return [row.lead_id for row in self.rows()]

    def rows(self, **asked: Any) -> list[Any]:
        """Look up a list of open leads."""
        return list(self.sight.listing(Wanted(**asked), size=100).rows)

    def look(self, lead: LeadHistory, *, after: int = 60) -> None:
        """See a lead in the CRM, so many seconds after the ingest."""
        seen_at = self.known.cut_off + after * SECOND
        with self.sight.journal.writing() as connection:
            self.fresh.put_in(connection, [lead], seen_at=seen_at)

    def moved(self, lead_id: str, *, stage: str, owner: str) -> LeadHistory:
        """Give a lead that people moved and assigned after the ingest."""
        lead, at = self.known.lead(lead_id), self.known.cut_off + 30 * SECOND
        place = StageChange(at, at, lead.stages[-1].pipeline, stage)
        born = FieldChange(lead.created_at, lead.created_at, "owner", lead.owner)
        given = FieldChange(at, at, "owner", owner)
        changes = (*lead.field_changes, born, given)
        return replace(lead, stages=(*lead.stages, place), field_changes=changes)


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    """Open a company of forty leads, all of one manager."""
    with example.sight(tmp_path, IDS) as sight:
        fresh = Fresh(sight.journal, "acme")
        known = History(example.tables(IDS))
        seen = Seen(fresh, sight.settings)
        heard = replace(sight, seen=seen, history=lambda: known)
        yield Street(heard, fresh, known)


def test_who_moved_in_the_crm_stands_there_everywhere(street: Street) -> None:
    """List, filters, team, portrait and both twins tell one stage and one manager."""
    before = street.rows()
    moved = before[0].lead_id
    app = FastAPI()
    attach(app, street.sight)
    client = TestClient(app)
    street.look(street.moved(moved, stage="call back", owner="m2"))

    rows = street.rows()
    told = {row.lead_id: (row.stage, row.owner) for row in rows}
    card = client.get(f"/v1/portraits/{moved}").json()["card"]
    listed = client.get("/v1/today").json()["rows"]
    page = client.get(lead_path(moved)).text
    dossier = street.sight.dossier(moved)

    assert told[moved] == ("call back", "m2")
    assert (card["stage"], card["owner"]) == told[moved]
    assert {r["stage"] for r in listed if r["lead_id"] == moved} == {"call back"}
    assert "call back" in page
    assert [row.lead_id for row in street.rows(owner="m2")] == [moved]
    assert moved not in [row.lead_id for row in street.rows(owner="m1")]
    assert {one.owner: one.open for one in street.sight.waiting()}["m2"] == 1
    assert dossier is not None
    assert dossier.story[0].at > example.NOW
    assert Sort.STAGE in {one.sort for one in dossier.story[:2]}
    others = [row for row in rows if row.lead_id != moved]
    assert others == [row for row in before if row.lead_id != moved]


def test_a_lead_that_was_won_since_waits_for_nobody(street: Street) -> None:
    """It leaves the list, the calls of the day and what was missed."""
    won = street.still_open()[0]
    lead, at = street.known.lead(won), street.known.cut_off + 30 * SECOND
    street.look(replace(lead, payments=(Payment(at, at, 1_000_000, "RUB"),)))

    assert won not in street.still_open()
    found = street.sight.listing(Wanted(closed=True), size=100)
    assert won in [row.lead_id for row in found.rows]
    dossier = street.sight.dossier(won)
    assert dossier is not None
    assert dossier.closed


def test_who_was_called_or_moved_since_was_not_missed(street: Street) -> None:
    """The digest reproaches nobody with a lead that was worked on meanwhile."""
    before = digest_of(street.sight)
    assert before is not None
    assert before.missed is not None
    missed = [one.lead_id for one in before.missed.leads]
    assert len(missed) >= 2
    called, moved = missed[:2]
    at = street.known.cut_off + 30 * SECOND
    lead = street.known.lead(called)
    call = Event(at, at, street.sight.settings.audit.called[0], 60.0)
    street.look(replace(lead, events=(*lead.events, call)))
    street.look(street.moved(moved, stage="call back", owner="m2"))

    after = digest_of(street.sight)
    assert after is not None
    assert after.missed is not None
    assert not {called, moved} & {one.lead_id for one in after.missed.leads}


def test_after_each_look_the_list_is_what_a_whole_reading_gives(street: Street) -> None:
    """Leads that come, move twice within a second, or go stand where they are."""
    sight, history = street.sight, street.known
    held = Ranking(clock=lambda: 0.0)
    held.of(sight.journal, sight.whereabouts())
    twice = street.moved(IDS[3], stage="call back", owner="m2")
    place = twice.stages[-1]._replace(at=twice.stages[-1].at + 1, stage="offer")
    steps = [
        street.moved(IDS[7], stage="talk", owner="m3"),
        twice,
        replace(twice, stages=(*twice.stages, place)),
        None,
    ]
    for lead in steps:
        if lead is None:
            with sight.journal.writing() as connection:
                street.fresh.drop_in(connection, [IDS[7]])
        else:
            street.look(lead)

        found = held.of(sight.journal, sight.whereabouts())
        anew = Seen(street.fresh, sight.settings)
        places = anew.places(history, sight.places.of(history, sight.settings))
        whole = Ranking().of(sight.journal, places)
        assert found.frame.equals(whole.frame)
        assert found.choices == whole.choices
    stages = dict(found.frame.select("lead_id", "stage").iter_rows())
    assert stages[IDS[3]] == "offer"
    assert stages[IDS[7]] != "talk"


def test_nothing_is_placed_anew_where_nothing_was_seen(street: Street) -> None:
    """A page asks for what is new, and works out nothing if nothing is."""
    street.look(street.moved(IDS[0], stage="talk", owner="m2"))

    first, second = street.sight.whereabouts(), street.sight.whereabouts()
    street.look(street.moved(IDS[1], stage="talk", owner="m2"), after=90)
    third = street.sight.whereabouts()
    assert first.seen is second.seen
    assert third.seen["lead_id"].to_list() == [IDS[0], IDS[1]]


def test_an_ingest_supersedes_what_was_seen_before_it(street: Street) -> None:
    """What an ingest has read itself is not laid over it."""
    street.look(street.moved(IDS[0], stage="talk", owner="m2"))
    assert len(street.sight.whereabouts().seen) == 1
    later = replace(street.known.tables, cut_off=example.NOW + timedelta(hours=1))
    history = History(later)

    anew = replace(street.sight, history=lambda: history)
    assert anew.whereabouts().seen.is_empty()


def test_a_lead_that_nobody_ingested_has_a_place(street: Street) -> None:
    """It came after the ingest, was predicted, and can be found by its manager."""
    lead = replace(street.moved(IDS[0], stage="talk", owner="m9"), lead_id="new-one")
    said = replace(example.prediction(IDS[0], random.Random(1)), lead_id="new-one")
    street.sight.journal.record([said], made_at=example.NOW, channel="crm")
    street.look(lead)

    assert [row.lead_id for row in street.rows(owner="m9")] == ["new-one"]
    dossier = street.sight.dossier("new-one")
    assert dossier is not None
    assert dossier.card is not None
    assert dossier.card.stage == "talk"


def test_of_the_same_data_both_ways_say_the_same(street: Street) -> None:
    """A lead seen as it was ingested stands where the ingest put it, by itself too."""
    at = street.known.cut_off + 1
    for lead_id in IDS:
        with street.sight.journal.writing() as connection:
            street.fresh.put_in(connection, [street.known.lead(lead_id)], seen_at=at)
        street.sight.whereabouts()

    seen = street.sight.whereabouts().seen
    ingested = whereabouts(street.known, street.sight.settings)
    assert seen.sort("lead_id").equals(ingested)
    assert seen.filter(pl.col("closed")).height > 0
