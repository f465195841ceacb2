"""Who is to have a lead reaches the cards of both CRMs, and nobody's own is taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.crm.test_moving import Account, Amo, Bitrix24, Company, company

from crm.testing.bitrix24.records import change_by
from crm.testing.bitrix24.schema import LEAD
from crm.testing.bitrix24.state import User
from crm.writeback.assigning import Assigned, assign
from crm.writeback.preview import preview


@pytest.fixture(params=[Bitrix24, Amo])
def account(request: pytest.FixtureRequest) -> Account:
    """Give a double of each CRM, with three people."""
    made: Account = request.param()
    if isinstance(made, Bitrix24):
        for number in (2, 3):
            made.portal.state.users[number] = User(number, f"u{number}")
    return made


def people(account: Account) -> tuple[str, str, str]:
    """Name who made the leads, and two others, by the CRM's ids."""
    if isinstance(account, Bitrix24):
        return "1", "2", "3"
    assert isinstance(account, Amo)
    first, second, third = sorted(account.amo.account.users)[:3]
    return str(first), str(second), str(third)


def given_by_a_person(account: Account, lead: str, person: str) -> None:
    """Let a person make somebody responsible."""
    if isinstance(account, Bitrix24):
        change_by(account.portal, LEAD, int(lead), {"assignedById": int(person)})
    elif isinstance(account, Amo):
        account.amo.person().edit(int(lead), responsible_user_id=int(person))


def offered(made: Company, lead: str, person: str, *instead_of: str) -> None:
    """Offer an assignment to a lead's card."""
    wanted = [Assigned(f"lead:{lead}", lead, person, instead_of)]
    with made.journal.writing() as connection:
        assign(connection, "acme", wanted)


@contextmanager
def to_be_given(account: Account, folder: Path) -> Iterator[Company]:
    """Offer the first lead, which nobody has, to somebody."""
    nobody, new, _ = people(account)
    lead = account.leads[0]
    with company(account, folder) as made:
        given_by_a_person(account, lead, nobody)
        offered(made, lead, new, nobody)
        yield made


def responsible(made: Company, lead: str) -> str:
    """Deliver, and say who is responsible."""
    found = made.delivered(lead).responsible
    assert found is not None
    return found


def test_a_person_is_put_where_nobody_was(account: Account, tmp_path: Path) -> None:
    """Who made the card stands for nobody; the prediction is written all the same."""
    _, new, _ = people(account)
    lead = account.leads[0]
    with to_be_given(account, tmp_path) as made:
        made.say(lead)

        assert responsible(made, lead) == new
        assert made.delivered(lead).stage == account.after


def test_whoever_a_person_chose_stays(account: Account, tmp_path: Path) -> None:
    """Also if the person chose between the decision and its delivery."""
    nobody, new, chosen = people(account)
    lead = account.leads[0]
    with company(account, tmp_path) as made:
        offered(made, lead, new, nobody)
        given_by_a_person(account, lead, chosen)

        assert responsible(made, lead) == chosen


def test_who_was_put_there_may_be_replaced_by_us(
    account: Account, tmp_path: Path
) -> None:
    """A lead whose tier changed goes on to somebody else."""
    nobody, first, second = people(account)
    lead = account.leads[0]
    with company(account, tmp_path) as made:
        given_by_a_person(account, lead, nobody)
        offered(made, lead, first, nobody)
        assert responsible(made, lead) == first
        offered(made, lead, second, nobody, first)

        assert responsible(made, lead) == second


def test_an_assignment_is_made_once(account: Account, tmp_path: Path) -> None:
    """A card that a person gave back is not taken again, by no check and no news."""
    nobody, new, _ = people(account)
    lead = account.leads[0]
    with to_be_given(account, tmp_path) as made:
        assert responsible(made, lead) == new
        given_by_a_person(account, lead, nobody)

        assert made.courier.upkeep.sweep() == 1
        assert responsible(made, lead) == nobody
        made.say(lead)
        assert responsible(made, lead) == nobody


def test_a_prediction_in_between_loses_no_assignment(
    account: Account, tmp_path: Path
) -> None:
    """What was not sent yet joins the newest words of the card."""
    nobody, new, _ = people(account)
    lead = account.leads[0]
    with to_be_given(account, tmp_path) as made:
        made.say(lead)
        shown = preview(made.courier.outbox, made.courier.desk, made.courier.policy)

        assert ("responsible", nobody, new) in [one[1:] for one in shown.lines()]
        assert responsible(made, lead) == new
