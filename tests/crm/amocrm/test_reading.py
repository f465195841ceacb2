"""An account is read whole once, then what changed, and goes on after any kill."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.crm.amocrm.line import client_of, patient, read
from tests.crm.testing.amocrm.talking import ask

from crm.amocrm.client import AmoRefused, Banned
from crm.amocrm.reading import Reader
from crm.amocrm.shelf import Shelf
from crm.testing.amocrm import AmoCrm, AmoProfile
from crm.testing.amocrm.company import fill
from crm.testing.amocrm.founding import OWNER, PIPELINE
from crm.testing.clock import Clock
from crm.testing.faults import Fault, FirstOf, Kind, Scripted, answering
from leads.synthetic import invent
from leads.tables import Tables

NAMES = ("leads", "events", "stages", "payments", "field_changes")


class Killed(BaseException):
    """Stands for a process that ends between two instructions."""


def company(leads: int = 60) -> AmoCrm:
    """Give an account that the invented company works in."""
    amo = AmoCrm(clock=Clock(datetime(2026, 11, 22, tzinfo=UTC)))
    fill(amo.account, amo.events, invent(leads, 7))
    return amo


def one_lead(**more: Any) -> tuple[AmoCrm, int]:
    """Give an account with a custom field and one lead."""
    amo = AmoCrm()
    field = {"name": "Бюджет", "type": "numeric", "code": "BUDGET"}
    ask(amo, "POST", "leads/custom_fields", [field])
    return amo, amo.person().create(name="one", **more)


def budget(value: int) -> list[dict[str, Any]]:
    """Fill the custom field."""
    return [{"field_code": "BUDGET", "values": [{"value": value}]}]


def same(one: Tables, other: Tables) -> bool:
    """Whether two readings say the same of every table."""
    return all(one[name].equals(other[name]) for name in NAMES)


def test_tables_say_what_happened_in_the_company(tmp_path: Path) -> None:
    """Leads, stages, calls and payments are those the company really had."""
    truth = invent(60, 7)
    tables = read(company(), tmp_path)

    paid = truth.payments.unique()["sum"].sum()
    calls = truth.events.unique().filter(pl.col("event") == "call").height
    assert tables.leads.height == truth.leads["deal_id"].n_unique()
    assert tables.payments["amount_minor"].sum() == pytest.approx(paid * 100)
    assert tables.events.filter(pl.col("kind") == "call_out").height == calls
    assert set(tables.leads["pipeline"]) == set(truth.leads["funnel"])
    assert {"Registered", "Lost"} <= set(tables.stages["stage"])
    assert "plan" in tables.fields


def test_a_field_is_empty_until_the_log_says_it_was_filled(tmp_path: Path) -> None:
    """What a card holds now must not be seen at the lead's creation."""
    amo, lead = one_lead()
    amo.clock.move(3600)
    amo.person().edit(lead, custom_fields_values=budget(500))
    amo.clock.move(60)

    tables = read(amo, tmp_path)

    [change] = tables.field_changes.filter(pl.col("field") == "Бюджет").to_dicts()
    assert tables.leads["Бюджет"].to_list() == [None]
    assert float(change["value"]) == 500
    assert change["at"] > tables.leads["created_at"][0]


def test_a_lead_begins_in_the_stage_before_its_first_move(tmp_path: Path) -> None:
    """The stage of today is not the stage of the first day."""
    amo, lead = one_lead()
    amo.clock.move(600)
    amo.person().move(lead, 142)
    amo.clock.move(60)

    tables = read(amo, tmp_path)

    assert tables.stages.sort("at")["stage"].to_list() == ["New", "Won"]
    assert tables.stages.sort("at")["at"][0] == tables.leads["created_at"][0]


def test_a_later_reading_adds_what_changed_and_when_we_saw_it(tmp_path: Path) -> None:
    """An increment takes few requests and carries the moment of the reading."""
    amo, lead = one_lead(price=100)
    amo.clock.move(100)
    read(amo, tmp_path)
    amo.clock.move(86_400)
    amo.person().edit(lead, price=900)
    amo.clock.move(3_600)
    seen = amo.clock.now

    tables = read(amo, tmp_path)

    [change] = tables.field_changes.filter(pl.col("field") == "price").to_dicts()
    assert tables.leads["price"].to_list() == [100.0]
    assert float(change["value"]) == 900
    assert change["recorded_at"] >= seen > change["at"]


def test_without_a_log_our_own_eyes_see_the_change(tmp_path: Path) -> None:
    """Where the plan has no event log, two versions of a card tell what changed."""
    amo = AmoCrm(AmoProfile(without=frozenset({"events"})))
    lead = amo.person().create(name="one", price=100)
    amo.clock.move(100)
    first = read(amo, tmp_path)
    amo.person().edit(lead, price=900)
    amo.person().assign(lead, OWNER + 1)
    amo.clock.move(100)

    tables = read(amo, tmp_path)

    changed = dict(tables.field_changes.select("field", "value").iter_rows())
    assert float(changed["price"]) == 900
    assert changed["owner"] == "Manager"
    assert any("402" in note for note in first.notes)


def test_reading_again_changes_nothing(tmp_path: Path) -> None:
    """The same account gives the same tables, however often it is read."""
    amo = company(8)
    first = read(amo, tmp_path)

    assert same(first, read(amo, tmp_path))


@pytest.mark.parametrize("at", [3, 7, 9, 12, 15, 18, 22, 26])
def test_a_run_killed_anywhere_goes_on_and_loses_nothing(
    tmp_path: Path, at: int
) -> None:
    """A run that ended before any request is completed by the next one."""
    amo = company(8)
    whole = read(amo, tmp_path / "whole")

    def kill(number: int, _path: str) -> None:
        if number == at:
            raise Killed

    with pytest.raises(Killed):
        read(amo, tmp_path / "cut", before=kill)
    assert same(whole, read(amo, tmp_path / "cut"))


def test_a_run_that_goes_on_reads_no_page_twice(tmp_path: Path) -> None:
    """Pages of the log that were kept are not asked for again after a kill."""
    amo, lead = one_lead()
    for price in range(350):
        amo.person().edit(lead, price=price)
    amo.clock.move(60)
    asked: list[str] = []

    def kill(_number: int, path: str) -> None:
        asked.append(path)
        if "events" in path and "page=3" in path:
            raise Killed

    with pytest.raises(Killed):
        read(amo, tmp_path, before=kill)
    asked.clear()
    read(amo, tmp_path, before=lambda _number, path: asked.append(path))

    pages = [path.rpartition("page=")[2] for path in asked if "events" in path]
    assert pages[0] == "2"


def test_a_page_that_fails_ends_the_run_loudly(tmp_path: Path) -> None:
    """No tables are made of a half-read account."""
    amo = company(8)
    broken = {("GET contacts", n): Fault(Kind.REFUSE, status=500) for n in range(1, 9)}
    amo.plan = Scripted(broken)

    with pytest.raises(AmoRefused, match="500"):
        read(amo, tmp_path)


def test_failures_that_pass_are_asked_again(tmp_path: Path) -> None:
    """A lost answer, a 504, half a body and a limit cost time and nothing else."""
    amo = company(8)
    whole = read(amo, tmp_path / "whole")
    amo.plan = Scripted(
        {
            ("GET leads", 2): Fault(Kind.DROP),
            ("GET leads", 3): Fault(Kind.TIMEOUT),
            ("GET events", 4): answering(429, b'{"retry_after": 1}'),
            ("GET events", 5): answering(200, b"<html>"),
        }
    )
    amo._calls.clear()

    amo.plan = FirstOf([amo.plan])
    assert same(whole, read(amo, tmp_path / "again"))


def test_a_ban_stops_at_once(tmp_path: Path) -> None:
    """The page of a ban is never asked again: each request would make it worse."""
    amo = company(8)
    amo.guard.blocked = True

    with (
        closing(Shelf(tmp_path)) as shelf,
        closing(client_of(amo)) as client,
        pytest.raises(Banned, match="support"),
    ):
        Reader(client, shelf, now=amo.account.now, patience=patient()).run()
    assert len(amo.ledger.requests) == 1


def test_our_own_fields_and_notes_teach_nothing(tmp_path: Path) -> None:
    """What we wrote on a card never comes back as data about it."""
    amo, lead = one_lead()
    ours = {"name": "Forecast", "type": "numeric", "code": "LCP_PROBABILITY"}
    ask(amo, "POST", "leads/custom_fields", [ours])
    filled = [{"field_code": "LCP_PROBABILITY", "values": [{"value": 90}]}]
    ask(amo, "PATCH", f"leads/{lead}", {"custom_fields_values": filled})
    amo.person().note(lead, text="call them [lcp:0123456789abcdef]")
    amo.clock.move(60)  # rows that are equal in all columns count once
    amo.person().note(lead, text="a person's own")
    amo.clock.move(60)

    tables = read(amo, tmp_path)

    assert "Forecast" not in tables.leads.columns
    assert "Forecast" not in set(tables.field_changes["field"])
    assert tables.events["kind"].to_list().count("note") == 1


def test_a_call_of_a_contact_counts_for_its_lead(tmp_path: Path) -> None:
    """Calls hang on people; they belong to the newest lead that the person had."""
    amo, _ = one_lead()
    contact = amo.person().create("contacts", name="Anna")
    early = amo.person().create(name="early")
    ask(amo, "POST", f"leads/{early}/link", [
        {"to_entity_id": contact, "to_entity_type": "contacts"}])  # fmt: skip
    note = {"note_type": "call_in", "params": {"duration": 61}}
    ask(amo, "POST", f"contacts/{contact}/notes", [note])
    amo.clock.move(60)

    tables = read(amo, tmp_path)

    calls = tables.events.filter(pl.col("kind") == "call_in").to_dicts()
    assert [(row["lead_id"], row["value"]) for row in calls] == [(str(early), 61.0)]


def test_a_contact_made_later_lends_the_lead_nothing(tmp_path: Path) -> None:
    """A contact that is entered once a lead is won must not tell the end."""
    amo, lead = one_lead()
    other = amo.person().create(name="with a contact from the start")
    phone = [{"field_code": "PHONE", "values": [{"value": "+79990000000"}]}]
    early = amo.person().create("contacts", name="A", custom_fields_values=phone)
    amo.clock.move(3_600)
    late = amo.person().create("contacts", name="B", custom_fields_values=phone)
    for card, contact in ((lead, late), (other, early)):
        tie = {"to_entity_id": contact, "to_entity_type": "contacts"}
        ask(amo, "POST", f"leads/{card}/link", [tie])
    amo.clock.move(60)

    tables = read(amo, tmp_path)

    phones = dict(tables.leads.select("lead_id", "has_phone").iter_rows())
    assert phones == {str(lead): False, str(other): True}


def test_won_pays_only_where_the_company_says_so(tmp_path: Path) -> None:
    """A moved card is no money, unless the configuration takes it for money."""
    amo, lead = one_lead(price=700)
    amo.clock.move(60)
    amo.person().move(lead, 142)
    amo.clock.move(60)

    honest = read(amo, tmp_path / "honest")
    told = read(amo, tmp_path / "told", payments=("won",))

    assert honest.payments.is_empty()
    assert any("payments" in note for note in honest.notes)
    assert told.payments["amount_minor"].to_list() == [70_000]


def test_names_that_are_shared_carry_their_number(tmp_path: Path) -> None:
    """Two fields of one name, or one called like a column of ours, stay apart."""
    amo = AmoCrm()
    for code in ("A", "B"):
        field = {"name": "Город", "type": "text", "code": code}
        ask(amo, "POST", "leads/custom_fields", [field])
    ask(amo, "POST", "leads/custom_fields", [{"name": "owner", "type": "text"}])
    values = [{"field_code": c, "values": [{"value": c}]} for c in ("A", "B")]
    amo.person().create(name="one", custom_fields_values=values)
    amo.clock.move(60)

    tables = read(amo, tmp_path)

    towns = [name for name in tables.leads.columns if name.startswith("Город (")]
    assert len(towns) == 2
    assert tables.leads["owner"].to_list() == ["Owner"]
    assert PIPELINE in amo.account.pipelines


def test_a_new_invoice_of_an_old_lead_is_found(tmp_path: Path) -> None:
    """Tying an invoice to a lead changes no lead, and is seen all the same."""
    amo = company(8)
    before = read(amo, tmp_path)
    amo.clock.move(3_600)
    catalog = next(
        c["id"] for c in amo.account.records["catalogs"].values()
        if c["type"] == "invoices"
    )  # fmt: skip
    values = [
        {"field_code": "BILL_STATUS", "values": [{"enum_code": "paid"}]},
        {"field_code": "BILL_PRICE", "values": [{"value": 4_321}]},
    ]
    bill = {"name": "late", "custom_fields_values": values}
    made = ask(amo, "POST", f"catalogs/{catalog}/elements", [bill]).json()
    element = made["_embedded"]["elements"][0]["id"]
    lead = next(iter(amo.account.cards["leads"]))
    amo.account.link(("leads", lead), ("catalog_elements", element), catalog_id=catalog)
    amo.clock.move(60)

    after = read(amo, tmp_path)

    assert after.payments.height == before.payments.height + 1
    assert 432_100 in after.payments["amount_minor"]
