"""Cards of a portal are tied to contacts and companies, and untied, as was ordered."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.crm.bitrix24.portal import client_of, make, portal_of

from crm.bitrix24.cards import Desk
from crm.bitrix24.installing import install
from crm.port import Change, OurField, Outcome, Tie
from crm.testing.bitrix24 import Portal
from crm.testing.bitrix24.account import Switch
from crm.testing.bitrix24.refusals import QUERY_LIMIT, SERVER_ERROR
from crm.testing.faults import Fault, Kind, Scripted

ANN, BOB, FIRM = "contact:1", "contact:2", "company:1"
TO_ANN = Tie((), (ANN,))


def ready() -> tuple[Portal, Desk]:
    """Open a portal with our fields, two contacts, a company, a lead and a deal."""
    portal = portal_of(contact=2, company=1, lead=2, deal=1)
    client = client_of(portal)
    install(client, language="ru")
    desk = Desk(client)
    desk.read(["lead:1"])
    portal.ledger.writes.clear()
    portal.calls.clear()
    return portal, desk


def tied(tie: Tie, entity: str = "lead:1", version: int = 1) -> Change:
    """Tie a card, under a version."""
    return Change(entity, {OurField.VERSION: version}, tie=tie)


def shown(desk: Desk, entity: str = "lead:1") -> tuple[tuple[str, ...], object]:
    """Give whom a card belongs to, and its version."""
    card = desk.read([entity])[entity]
    assert card is not None
    return card.clients, card.fields[OurField.VERSION]


@pytest.mark.parametrize("entity", ["lead:1", "deal:1"])
def test_a_tie_and_its_way_back(entity: str) -> None:
    """Contacts and a company are tied in order, the main one first, and all untied."""
    _portal, desk = ready()
    there = Tie((), (ANN, BOB, FIRM))

    (made,) = desk.write([tied(there, entity)])
    after = shown(desk, entity)
    (undone,) = desk.write([tied(Tie(there.after, there.before), entity, 2)])

    assert (made.outcome, undone.outcome) == (Outcome.APPLIED, Outcome.APPLIED)
    assert after == ((ANN, BOB, FIRM), 1)
    assert shown(desk, entity) == ((), 2)


def test_a_contact_of_before_stays_and_stays_the_main_one() -> None:
    """Only what is gained is added; the other card of the batch is written as ever."""
    portal, desk = ready()
    make(portal, "lead", contactId=2, contactIds=[2])

    ends = desk.write(
        [
            tied(Tie((BOB,), (BOB, ANN)), "lead:3"),
            Change("lead:2", {OurField.VERSION: 1}),
        ]
    )

    assert [end.outcome for end in ends] == [Outcome.APPLIED] * 2
    assert shown(desk, "lead:3") == ((BOB, ANN), 1)
    assert shown(desk, "lead:2") == ((), 1)


@pytest.mark.parametrize(
    ("fault", "outcome", "clients"),
    [
        (QUERY_LIMIT, Outcome.NOT_APPLIED, ()),
        (SERVER_ERROR, Outcome.UNCLEAR, ()),
        (Fault(Kind.LOSE), Outcome.UNCLEAR, (ANN,)),
    ],
)
def test_no_version_stands_on_a_card_whose_tie_is_not_known(
    fault: Fault, outcome: Outcome, clients: tuple[str, ...]
) -> None:
    """Whatever became of the tie, the card says no more of us than it did before."""
    portal, desk = ready()
    portal.plan = Scripted({("batch", 1): fault})

    (end,) = desk.write([tied(TO_ANN)])

    assert end.outcome is outcome
    assert shown(desk) == (clients, None)


def test_a_tie_that_the_portal_swallows_is_not_believed() -> None:
    """A command that says yes and does nothing is found out by looking."""
    portal, desk = ready()
    switches = frozenset({Switch.TIES_IGNORED})
    portal.profile = replace(portal.profile, switches=switches)

    (end,) = desk.write([tied(TO_ANN)])

    assert (end.outcome, end.why) == (Outcome.NOT_APPLIED, "TIE_NOT_TAKEN")
    assert shown(desk) == ((), None)


def test_a_contact_that_is_gone_refuses_its_card_alone() -> None:
    """Nothing is written of that card, and the other one is."""
    _portal, desk = ready()

    ends = desk.write(
        [
            tied(Tie((), ("contact:99",))),
            Change("lead:2", {OurField.VERSION: 1}),
        ]
    )

    assert [end.outcome for end in ends] == [Outcome.REFUSED, Outcome.APPLIED]
    assert shown(desk) == ((), None)
