"""Leads of an account are linked to contacts and companies, and unlinked again."""

from __future__ import annotations

import pytest
from tests.crm.amocrm.line import client_of

from crm.amocrm.cards import Desk
from crm.amocrm.fields import flaws_in, look, mend
from crm.amocrm.ties import MOST_AT_ONCE
from crm.port import Change, OurField, Outcome, Tie
from crm.testing.amocrm import AmoCrm
from crm.testing.faults import Fault, Kind, Scripted, answering


def ready(leads: int = 2) -> tuple[AmoCrm, Desk, list[str], dict[str, str]]:
    """Open an account with our fields, leads, two contacts and a company."""
    amo = AmoCrm()
    client = client_of(amo)
    mend(client, flaws_in(look(client)), language="ru")
    person = amo.person()
    made = [f"lead:{person.create(name=str(n))}" for n in range(leads)]
    clients = {
        "ann": f"contact:{person.create('contacts', name='Ann')}",
        "bob": f"contact:{person.create('contacts', name='Bob')}",
        "firm": f"company:{person.create('companies', name='Firm')}",
    }
    amo.ledger.writes.clear()
    return amo, Desk(client_of(amo)), made, clients


def tied(entity: str, tie: Tie, version: int = 1) -> Change:
    """Tie a card, under a version."""
    return Change(entity, {OurField.VERSION: version}, tie=tie)


def shown(desk: Desk, entity: str) -> tuple[tuple[str, ...], object]:
    """Give whom a card belongs to, and its version."""
    card = desk.read([entity])[entity]
    assert card is not None
    return card.clients, card.fields[OurField.VERSION]


def test_a_tie_and_its_way_back() -> None:
    """Contacts and a company are linked, the main one first, and all unlinked."""
    amo, desk, [card, _], who = ready()
    there = Tie((), (who["ann"], who["bob"], who["firm"]))

    (made,) = desk.write([tied(card, there)])
    after = shown(desk, card)
    (undone,) = desk.write([tied(card, Tie(there.after, there.before), 2)])

    assert (made.outcome, undone.outcome) == (Outcome.APPLIED, Outcome.APPLIED)
    assert after == (there.after, 1)
    assert shown(desk, card) == ((), 2)
    actions = [one.action for one in amo.ledger.of("link")]
    assert sorted(actions) == ["add"] * 3 + ["delete"] * 3


def test_a_contact_of_before_stays_the_main_one() -> None:
    """Only what is gained is linked; the other card of the request is written."""
    _amo, desk, [card, other], who = ready()
    desk.write([tied(card, Tie((), (who["bob"],)))])

    ends = desk.write(
        [
            tied(card, Tie((who["bob"],), (who["bob"], who["ann"])), 2),
            Change(other, {OurField.VERSION: 1}),
        ]
    )

    assert [end.outcome for end in ends] == [Outcome.APPLIED] * 2
    assert shown(desk, card) == ((who["bob"], who["ann"]), 2)
    assert shown(desk, other) == ((), 1)


@pytest.mark.parametrize(
    ("fault", "outcome", "is_tied"),
    [
        (answering(429, b'{"retry_after": 1}'), Outcome.NOT_APPLIED, False),
        (answering(504, b"<html>"), Outcome.UNCLEAR, False),
        (Fault(Kind.LOSE), Outcome.UNCLEAR, True),
    ],
)
def test_no_version_stands_on_a_card_whose_tie_is_not_known(
    fault: Fault, outcome: Outcome, *, is_tied: bool
) -> None:
    """Whatever became of the tie, the card says no more of us than it did before."""
    amo, desk, [card, _], who = ready()
    shown(desk, card)
    amo.plan = Scripted({("POST leads/{id}/link", 1): fault})

    (end,) = desk.write([tied(card, Tie((), (who["ann"],)))])

    assert end.outcome is outcome
    assert shown(desk, card) == ((who["ann"],) if is_tied else (), None)


def test_a_contact_that_is_gone_refuses_its_card_alone() -> None:
    """Nothing is written of that card, and the other one is."""
    _amo, desk, [card, other], _ = ready()

    ends = desk.write(
        [
            tied(card, Tie((), ("contact:99",))),
            Change(other, {OurField.VERSION: 1}),
        ]
    )

    assert [end.outcome for end in ends] == [Outcome.REFUSED, Outcome.APPLIED]
    assert shown(desk, card) == ((), None)


def test_more_ties_than_fit_into_seconds_wait_for_the_next_round() -> None:
    """Each tie is a request; those left over are certainly not made, and come again."""
    _amo, desk, cards, who = ready(MOST_AT_ONCE + 1)

    ends = desk.write([tied(one, Tie((), (who["ann"],))) for one in cards])

    outcomes = [end.outcome for end in ends]
    assert outcomes == [Outcome.APPLIED] * MOST_AT_ONCE + [Outcome.NOT_APPLIED]
