"""A look at leads of a portal brings what the next ingest will bring."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.crm.bitrix24.portal import client_of, make, portal_of
from tests.crm.bitrix24.test_reading import RULES, read

from crm.bitrix24.ear import PortalEar
from crm.bitrix24.installing import install
from crm.bitrix24.shelf import Shelf
from crm.hearing.merging import digest_of, merged
from crm.testing.bitrix24 import Portal, opened
from crm.testing.bitrix24.company import fill
from crm.testing.bitrix24.credentials import Caller
from crm.testing.bitrix24.payments import add_payment
from crm.testing.bitrix24.portal import Context
from crm.testing.bitrix24.records import change_by
from crm.testing.bitrix24.schema import LEAD
from crm.testing.bitrix24.timeline import add_activity
from leads.history import History
from leads.synthetic import invent


def ear_of(portal: Portal, folder: Path) -> PortalEar:
    """Open the ear of a portal that was read into a folder."""
    client = client_of(portal)
    return PortalEar(client, Shelf(folder), RULES, entity="lead", us=lambda: "1")


def test_a_look_is_the_next_ingest(tmp_path: Path) -> None:
    """What was known, with a look laid over it, is what ingest finds after it."""
    portal = opened()
    portal.credentials.webhook()
    ids = sorted(fill(portal, invent(40, 7)).values())
    before = History(read(portal, tmp_path))
    portal.clock.move(3_600)
    change_by(portal, LEAD, ids[0], {"sourceId": "WEB", "UF_CRM_CITY": "Омск"})
    change_by(portal, LEAD, ids[1], {"stageId": "IN_PROCESS"})
    make(portal, "deal", leadId=ids[2])
    context = Context(portal, Caller("person", "person", 1))
    add_payment(context, 1, amount=12.5, currency="RUB", paid=True)
    make(portal, "lead")
    portal.clock.move(60)

    names = [*map(str, ids), str(ids[-1] + 1)]
    looks = [
        ear_of(portal, tmp_path).look(names[n : n + 20], before.tables)
        for n in range(0, len(names), 20)
    ]
    after = History(read(portal, tmp_path))
    unlike = []
    for look in looks:
        assert look.tables is not None
        seen = History(look.tables)
        for name in look.marks:
            lead = merged(before.find(name), seen.lead(name), at=look.seen_at)
            expected = digest_of(after.lead(name), look.seen_at)
            if digest_of(lead, look.seen_at) != expected:
                unlike.append(name)
    assert unlike == []
    assert sum(len(look.marks) for look in looks) == len(names)
    assert after.lead(str(ids[2])).payments


def test_lists_longer_than_a_page_are_read_whole(tmp_path: Path) -> None:
    """More than fifty stage changes of one lead all come with one look."""
    portal = portal_of(lead=2)
    known = read(portal, tmp_path)
    for turn in range(120):
        portal.clock.move(60)
        stage = "IN_PROCESS" if turn % 2 == 0 else "NEW"
        change_by(portal, LEAD, 1, {"stageId": stage})

    look = ear_of(portal, tmp_path).look(["1", "2"], known)
    assert look.tables is not None
    assert look.tables.stages.height == 122


def test_what_is_gone_is_named(tmp_path: Path) -> None:
    """A lead that the portal no longer has is told apart from those it has."""
    portal = portal_of(lead=2)
    known = read(portal, tmp_path)

    look = ear_of(portal, tmp_path).look(["1", "77"], known)
    assert look.gone == {"77"}
    assert list(look.marks) == ["1"]


def test_changes_name_their_leads(tmp_path: Path) -> None:
    """A deal that changed is told with the lead that it was made of."""
    portal = portal_of(lead=3)
    read(portal, tmp_path)
    since = int(portal.clock.now.timestamp() * 1e6)
    portal.clock.move(3_600)
    make(portal, "deal", leadId=2)
    change_by(portal, LEAD, 3, {"comments": "x"})

    ear = ear_of(portal, tmp_path)
    pages = list(ear.changed(since + 60_000_000))
    found = {one.entity: one.lead_id for page in pages for one in page.found}
    assert found == {"lead:3": "3", "deal:1": "2"}
    assert max(page.upto for page in pages) == since + 3_600_000_000
    assert ear.owners(["deal:1", "activity:9"]) == {"deal:1": "2", "activity:9": None}


def test_a_glance_knows_our_writing_from_a_persons(tmp_path: Path) -> None:
    """Fields of ours leave a card's likeness; a person's edit under them does not."""
    portal = portal_of(lead=4)
    client = client_of(portal)
    install(client, language="ru")
    known = read(portal, tmp_path)
    ear = ear_of(portal, tmp_path)
    names = ["1", "2", "3", "4"]
    portal.clock.move(60)
    ours = {"UF_CRM_LCP_SCORE": 71}
    change_by(portal, LEAD, 1, ours)
    change_by(portal, LEAD, 2, {"comments": "x", **ours})
    change_by(portal, LEAD, 3, {"stageId": "IN_PROCESS"})
    change_by(portal, LEAD, 3, {"stageId": "NEW"})

    before = ear.ingested(names, known.cut_off)
    after = ear.glance(names)
    same = [key for key in names if before[key] == after.likenesses[key]]
    assert same == ["1", "4"]
    assert ear.look(names, known).likenesses == after.likenesses
    assert ear.ingested(names, known.cut_off + timedelta(seconds=1)) == {}


def test_what_we_hung_on_a_card_hangs_on_no_lead(tmp_path: Path) -> None:
    """A to-do of ours is nobody's; one that a person made is its lead's."""
    portal = portal_of(lead=1)
    read(portal, tmp_path)
    since = int(portal.clock.now.timestamp() * 1e6)
    portal.clock.move(60)
    for user in (1, 5):
        todo = {"OWNER_TYPE_ID": 1, "OWNER_ID": 1, "TYPE_ID": 6, "AUTHOR_ID": user}
        add_activity(
            Context(portal, Caller("person", "person", user)),
            {**todo, "PROVIDER_ID": "CRM_TODO"},
        )

    ear = ear_of(portal, tmp_path)
    pages = list(ear.changed(since + 1_000_000))
    found = {one.entity: one.lead_id for page in pages for one in page.found}
    assert list(found.values()) == [None, "1"]
    assert ear.owners(list(found)) == found
