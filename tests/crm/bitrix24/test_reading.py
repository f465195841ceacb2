"""A portal is read whole, in order, and goes on where it was cut short."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.crm.bitrix24.portal import Gate, client_of, make, patient, portal_of

from crm.bitrix24.persons import persons_of
from crm.bitrix24.reading import Reading
from crm.bitrix24.shelf import Shelf
from crm.bitrix24.source import tables_of
from crm.port import Heard
from crm.testing.bitrix24 import Portal
from crm.testing.bitrix24.credentials import Caller
from crm.testing.bitrix24.payments import add_payment
from crm.testing.bitrix24.portal import Context
from crm.testing.bitrix24.records import change_by
from crm.testing.bitrix24.refusals import QUERY_LIMIT
from crm.testing.bitrix24.schema import LEAD, Type
from crm.testing.bitrix24.state import CustomField
from crm.testing.faults import Always, Fault, Kind, Matching, Scripted
from leads.conform import Rules
from leads.errors import Unavailable
from leads.history import History
from leads.tables import SCHEMAS, Tables

RULES = Rules(ZoneInfo("UTC"))


def read(portal: Portal, folder: Path, gate: Gate | None = None) -> Tables:
    """Read a portal once, and put all that was ever read into tables."""
    shelf = Shelf(folder)
    reading = Reading(
        client_of(portal, gate), shelf, entity="lead",
        patience=patient(portal.clock.move),
    )  # fmt: skip
    reading.run()
    return tables_of(shelf, RULES, entity="lead", us="1")


def test_every_lead_is_read_once(tmp_path: Path) -> None:
    """Pages chained by cursor give each row exactly once, whatever page they fill."""
    portal = portal_of(lead=251)

    tables = read(portal, tmp_path)
    ids = sorted(map(int, tables.leads["lead_id"]))
    assert ids == list(range(1, 252))


@pytest.mark.parametrize("leads", [50, 100, 150])
def test_a_full_last_page_is_not_the_end(tmp_path: Path, leads: int) -> None:
    """A list whose length is a multiple of the page is read to its end."""
    assert read(portal_of(lead=leads), tmp_path).leads.height == leads


def test_links_lead_from_payment_to_lead(tmp_path: Path) -> None:
    """A payment belongs to the lead that its order's deal was made of."""
    portal = portal_of(lead=3)
    make(portal, "deal", leadId=2)
    make(portal, "deal")
    context = Context(portal, Caller("person", "person", 1))
    add_payment(context, 1, amount=1200.5, currency="RUB", paid=True)
    add_payment(context, 2, amount=9.0, currency="RUB", paid=True)
    add_payment(context, 1, amount=7.0, currency="RUB", paid=False)

    tables = read(portal, tmp_path)
    assert tables.payments.select("lead_id", "amount_minor").rows() == [("2", 120_050)]
    assert any("1 row of payments" in note for note in tables.notes)


def test_stages_carry_words_and_deals_follow_their_lead(tmp_path: Path) -> None:
    """Stage ids become names; a deal's stages stand in its pipeline, on the lead."""
    portal = portal_of(lead=1)
    portal.clock.move(60)
    change_by(portal, LEAD, 1, {"stageId": "IN_PROCESS"})
    make(portal, "deal", leadId=1, categoryId=9)

    stages = read(portal, tmp_path).stages.select("lead_id", "pipeline", "stage").rows()
    assert sorted(stages, key=str) == [
        ("1", "Продление", "Новая"), ("1", None, "В работе"), ("1", None, "Новый"),
    ]  # fmt: skip


def test_a_later_read_makes_the_past_true(tmp_path: Path) -> None:
    """A value that changed between reads was the old one before, in history too."""
    portal = portal_of(lead=2)
    field = CustomField(
        1, LEAD.custom, "UF_CRM_CITY", Type.STRING, "string", labels={"ru": "Город"}
    )
    portal.state.fields.append(field)
    change_by(portal, LEAD, 1, {"UF_CRM_CITY": "Тверь"})
    change_by(portal, LEAD, 2, {"UF_CRM_CITY": "Пермь"})
    read(portal, tmp_path)
    portal.clock.move(86_400)
    change_by(portal, LEAD, 1, {"UF_CRM_CITY": "Омск"})
    changed_at = portal.clock.now.replace(microsecond=0)
    portal.clock.move(3_600)

    tables = read(portal, tmp_path)
    changes = tables.field_changes.filter(value="Омск")
    assert changes["field"].to_list() == ["Город"]
    assert changes["at"].to_list() == [changed_at.astimezone(UTC)]
    assert changes["recorded_at"][0] > changed_at
    history = History(tables)
    before = history.lead("1").as_of(int(changed_at.timestamp() * 1e6))
    assert before.fields["Город"] == "Тверь"


def test_an_overlap_changes_nothing(tmp_path: Path) -> None:
    """What a later read brings again, as it was, leaves no change and no second row."""
    portal = portal_of(lead=5)
    first = read(portal, tmp_path)
    portal.clock.move(30)

    again = read(portal, tmp_path)
    assert again.leads.equals(first.leads)
    assert again.stages.equals(first.stages)
    assert again.field_changes.is_empty()


def test_new_leads_are_known_since_they_were_read(tmp_path: Path) -> None:
    """A lead of a later read was recorded then, one of the first when it was made."""
    portal = portal_of(lead=1)
    read(portal, tmp_path)
    portal.clock.move(3_600)
    make(portal, "lead")
    portal.clock.move(3_600)

    leads = read(portal, tmp_path).leads.sort("lead_id")
    late = (leads["recorded_at"] - leads["created_at"]).dt.total_seconds().to_list()
    assert late == [0, 3_600]


@pytest.mark.parametrize("nth", [2, 3, 5, 8, 11, 13])
def test_a_read_cut_anywhere_goes_on(tmp_path: Path, nth: int) -> None:
    """Whatever request a run dies at, the next gives what an unbroken one gives."""
    portal = portal_of(lead=180, deal=60)
    whole = read(portal, tmp_path / "whole")
    portal.calls.clear()
    shelf = Shelf(tmp_path / "cut")

    class Killed(Exception):
        pass

    class Deadly(Gate):
        def enter(self) -> None:
            super().enter()
            if self.entered == nth:
                raise Killed

    with pytest.raises(Killed):
        read(portal, tmp_path / "cut", Deadly())
    kept = shelf.cursor().pages

    after = read(portal, tmp_path / "cut")
    assert after.leads.equals(whole.leads)
    assert after.stages.equals(whole.stages)
    assert shelf.cursor().pages >= kept


def test_a_page_without_its_cursor_is_read_again(tmp_path: Path) -> None:
    """A kill between a page and its cursor neither loses nor doubles the page."""
    portal = portal_of(lead=180)
    shelf = Shelf(tmp_path / "cut")
    whole = read(portal, tmp_path / "whole")
    kept = Shelf.stand
    puts = iter(range(100))

    class Killed(Exception):
        pass

    class Torn(Shelf):
        def stand(self, cursor):  # type: ignore[no-untyped-def]
            if next(puts) == 4:
                raise Killed
            return kept(self, cursor)

    reading = Reading(
        client_of(portal), Torn(tmp_path / "cut"), entity="lead",
        patience=patient(portal.clock.move),
    )  # fmt: skip
    with pytest.raises(Killed):
        reading.run()

    after = read(portal, tmp_path / "cut")
    assert after.leads.equals(whole.leads)
    assert shelf.cursor().is_done


def test_a_page_that_fails_aborts_loudly(tmp_path: Path) -> None:
    """A command refused inside a batch ends the read; no tables come of a part."""
    portal = portal_of(lead=120)
    refusal = Fault(
        Kind.REFUSE, 400, b'{"error":"INVALID_ARG_VALUE","error_description":"x"}'
    )
    portal.command_plan = Scripted({("crm.item.list", 2): refusal})

    with pytest.raises(Unavailable, match="INVALID_ARG_VALUE"):
        read(portal, tmp_path)
    assert not Shelf(tmp_path).cursor().is_done


def test_a_missing_page_inside_a_batch_is_not_the_end(tmp_path: Path) -> None:
    """A batch cut short leaves out answers; that is a failure, never an empty page."""
    portal = portal_of(lead=400)
    cut = Fault(Kind.LOSE)
    portal.command_plan = Scripted({("crm.item.list", 3): cut})

    assert read(portal, tmp_path).leads.height == 400


def test_limits_are_waited_for(tmp_path: Path) -> None:
    """A portal that is over its limit is asked again, and the gate hears of it."""
    portal = portal_of(lead=60)
    portal.plan = Scripted({("batch", 2): QUERY_LIMIT, ("batch", 3): QUERY_LIMIT})
    gate = Gate(closed=2)

    assert read(portal, tmp_path, gate).leads.height == 60
    assert gate.told.count(Heard.LIMITED) == 2


def test_a_portal_that_stays_away_ends_the_read(tmp_path: Path) -> None:
    """After its patience a read ends with words, not in a loop."""
    portal = portal_of(lead=1)
    down = Always(Fault(Kind.DROP))
    portal.plan = Matching(lambda call: call.method == "batch", down)

    with pytest.raises(Unavailable, match="lost"):
        read(portal, tmp_path)


def test_fewer_rows_than_counted_are_refused(tmp_path: Path) -> None:
    """A list that hides rows from its pages but counts them is no snapshot."""
    portal = portal_of(lead=60)
    client = client_of(portal)
    counted = client.counted
    # One row more than its pages give.
    client.counted = lambda method, params: counted(method, params) + 1  # type: ignore[method-assign]

    with pytest.raises(Unavailable, match="counts 61 rows of lead"):
        Reading(client, Shelf(tmp_path), entity="lead").run()


def test_our_own_fields_are_no_features(tmp_path: Path) -> None:
    """What we wrote on a card never comes back as something to learn from."""
    portal = portal_of(lead=1)
    ours = CustomField(1, LEAD.custom, "UF_CRM_LCP_REASONS", Type.STRING, "string")
    portal.state.fields.append(ours)
    change_by(portal, LEAD, 1, {"UF_CRM_LCP_REASONS": "we said so"})

    tables = read(portal, tmp_path)
    assert "we said so" not in str(tables.leads.rows())


def test_no_name_or_phone_is_in_a_table(tmp_path: Path) -> None:
    """Pages keep them for their owner alone, titles not at all; persons have them."""
    portal = portal_of()
    phone = [{"ID": "1", "VALUE_TYPE": "WORK", "VALUE": "+79990000000",
              "TYPE_ID": "PHONE"}]  # fmt: skip
    make(portal, "lead", title="Canary's", name="Canary", phone=phone)
    tables = read(portal, tmp_path)

    told = str([tables[name].to_dicts() for name in SCHEMAS])
    assert "Canary" not in told
    assert "+7999" not in told
    assert tables.leads["has_phone"].to_list() == [True]
    pages = Shelf(tmp_path).pages()
    assert "Canary's" not in str([page.rows for page in pages])
    assert {one.stat().st_mode & 0o777 for one in (tmp_path / "pages").iterdir()} == {
        0o600
    }
    (person,) = persons_of(Shelf(tmp_path).pages(), entity="lead")
    assert (person.name, person.phone) == ("Canary", "+79990000000")


def test_deals_can_be_the_leads(tmp_path: Path) -> None:
    """A portal without leads is read by its deals."""
    portal = portal_of(deal=2)
    context = Context(portal, Caller("person", "person", 1))
    add_payment(context, 2, amount=5.0, currency="RUB", paid=True)
    shelf = Shelf(tmp_path)
    Reading(client_of(portal), shelf, entity="deal").run()

    tables = tables_of(shelf, RULES, entity="deal", us="1")
    assert tables.leads["pipeline"].to_list() == ["Общая", "Общая"]
    assert tables.payments["lead_id"].to_list() == ["2"]
