"""The invented company inside the double, in process and by hand."""

import json
import subprocess
import sys
import urllib.request

import polars as pl
import pytest
from tests.crm.testing.amocrm.talking import read, rows

from crm.testing.amocrm import AmoCrm
from crm.testing.amocrm.company import fill
from leads.synthetic import Invented, invent


@pytest.fixture(scope="module")
def company() -> Invented:
    """Invent a small company."""
    return invent(200, seed=7)


@pytest.fixture(scope="module")
def amo(company: Invented) -> AmoCrm:
    """Fill an account with it."""
    amo = AmoCrm()
    fill(amo.account, amo.events, company)
    return amo


def test_every_lead_stands_once_at_its_last_stage(
    company: Invented, amo: AmoCrm
) -> None:
    """Won is 142, lost 143, in each of its pipelines."""
    last = company.stages.unique().sort("moved_at").group_by("deal_id").last()
    won = last.filter(pl.col("stage").is_in(["Won", "Paid"])).height

    cards = amo.account.cards["leads"].values()

    assert len(cards) == company.leads["deal_id"].n_unique()
    assert sum(card.plain["status_id"] == 142 for card in cards) == won > 0


def test_the_log_holds_each_step_with_its_time(company: Invented, amo: AmoCrm) -> None:
    """A reader of the log can lay the stage history down again."""
    names = {
        status.id: status.name
        for line in amo.account.pipelines.values()
        for status in line.statuses.values()
    }
    moves = [e for e in amo.events.entries if e.type == "lead_status_changed"]
    first = company.stages.unique().sort("moved_at").group_by("deal_id").first()
    steps = company.stages.unique().height - first.height

    assert len(moves) == steps
    assert [move.at for move in moves] == sorted(move.at for move in moves)
    told = {names[move.after[0]["lead_status"]["id"]] for move in moves}
    assert {"Activated", "Won", "Lost"} <= told


def test_the_money_comes_out_as_paid_invoices(company: Invented, amo: AmoCrm) -> None:
    """Sums and leads are the company's own."""
    [catalog] = rows(amo, "catalogs?filter[type]=invoices")

    bills = rows(amo, f"catalogs/{catalog['id']}/elements?limit=250")

    sums = sorted(
        float(field["values"][0]["value"])
        for bill in bills
        for field in bill["custom_fields_values"]
        if field["field_code"] == "BILL_PRICE"
    )
    assert sums == sorted(company.payments.unique()["sum"].to_list())[: len(sums)]
    assert len(bills) == min(250, company.payments.unique().height)


def test_cards_carry_their_fields_and_contacts(company: Invented, amo: AmoCrm) -> None:
    """By the codes of the company's columns; nothing is told or entered."""
    page = read(amo, "leads?limit=250&with=contacts")["_embedded"]["leads"]

    codes = {f["field_code"] for lead in page for f in lead["custom_fields_values"]}
    assert {"UTM_SOURCE", "HEADCOUNT", "NEWSLETTER", "PLAN"} <= codes
    assert any(lead["_embedded"]["contacts"] for lead in page)
    assert amo.ledger.writes == []
    assert amo.hooks.pump.waiting == 0


def test_a_double_started_by_hand_says_where_and_answers() -> None:
    """Loopback only; the printed token is good."""
    orders = [
        sys.executable,
        "-m",
        "crm.testing.amocrm",
        "--port",
        "0",
        "--leads",
        "20",
    ]
    with subprocess.Popen(orders, stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None
            lines = [next(started.stdout) for _ in range(2)]
            address, token = (line.split()[-1] for line in lines)
            path = f"{address}/api/v4/leads?limit=250"
            named = {"Authorization": f"Bearer {token}"}
            asking = urllib.request.Request(path, headers=named)
            with urllib.request.urlopen(asking, timeout=10) as answer:
                leads = json.load(answer)["_embedded"]["leads"]
        finally:
            started.kill()

    assert address.startswith("http://127.0.0.1:")
    assert len(leads) == 20
