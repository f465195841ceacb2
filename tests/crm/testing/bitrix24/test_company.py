"""The invented company in a portal, and the command that starts one."""

import pytest
import typer
from tests.crm.testing.bitrix24.portals import one
from typer.testing import CliRunner

from crm.testing.bitrix24 import Portal
from crm.testing.bitrix24.__main__ import main, prepared
from leads.synthetic import invent

LEADS = 60


@pytest.fixture(scope="module")
def portal() -> Portal:
    """Move a small company in."""
    return prepared(profile="standard", leads=LEADS, seed=7)


def test_every_lead_is_there_with_its_first_stage(portal: Portal) -> None:
    """As many leads as invented, each made once in the history."""
    made = {"entityTypeId": 1, "filter": {"TYPE_ID": 1}}

    assert one(portal, "crm.item.list", {"entityTypeId": 1})["total"] == LEADS
    assert one(portal, "crm.stagehistory.list", made)["total"] == LEADS


def test_what_was_paid_is_reached_by_the_crms_own_links(portal: Portal) -> None:
    """Lead to deal to payment: the sum is the company's own."""
    paid = invent(LEADS, 7).payments.unique()

    total = 0.0
    listed = one(portal, "crm.item.list", {"entityTypeId": 2})
    for deal in listed["result"]["items"]:
        wanted = {"entityTypeId": 2, "entityId": deal["id"]}
        for payment in one(portal, "crm.item.payment.list", wanted)["result"]:
            total += payment["sum"]
        assert portal.state.records[1][deal["leadId"]]["title"]

    assert total == pytest.approx(paid["sum"].sum())


def test_the_past_is_no_news(portal: Portal) -> None:
    """Moving in raises no event and no entry in the ledger."""
    assert portal.pump.waiting == 0
    assert portal.ledger.writes == []


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    """The command names what there is."""
    app = typer.Typer()
    app.command()(main)

    refusal = CliRunner().invoke(app, ["--profile", "golden"])

    assert refusal.exit_code == 2
    assert "standard" in refusal.output


def test_the_command_tells_what_it_takes() -> None:
    """Port, profile, leads and seed are its options."""
    app = typer.Typer()
    app.command()(main)

    told = CliRunner().invoke(app, ["--help"]).output

    for option in ("--port", "--profile", "--leads", "--seed", "--events-to"):
        assert option in told
