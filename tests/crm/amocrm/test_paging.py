"""Lists are read whole while the account moves under the reader."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from tests.crm.amocrm.line import Step, client_of

from crm.amocrm.paging import Listing, by_change, in_window
from crm.testing.amocrm import AmoCrm
from leads.errors import Unavailable

LEADS = Listing("leads", "leads", {})


def account(leads: int, *, apart: int = 10) -> tuple[AmoCrm, list[int]]:
    """Make an account whose leads were made so many seconds apart."""
    amo = AmoCrm()
    made = []
    for number in range(leads):
        made.append(amo.person().create(name=f"lead {number}"))
        amo.clock.move(apart)
    return amo, made


def ids_of(pages: Iterable[list[dict[str, int]]]) -> list[int]:
    """Give the ids of all rows, in the order in which they came."""
    return [row["id"] for page in pages for row in page]


def walked(amo: AmoCrm, step: Step) -> list[int]:
    """Read all leads in pages of three while ``step`` happens before each request."""
    client = client_of(amo, before=step)
    return ids_of(by_change(client.get, LEADS, since=0, limit=3))


def test_a_card_that_changes_between_two_pages_is_not_lost() -> None:
    """A lead of a page already read that changes shifts others; none is missed."""
    amo, leads = account(10)

    def step(number: int, _path: str) -> None:
        if number in {2, 3}:
            amo.person().edit(leads[number - 2], price=number)

    found = walked(amo, step)

    assert set(found) == set(leads)
    assert found.count(leads[0]) >= 2


def test_a_card_deleted_between_two_pages_costs_no_other() -> None:
    """A lead that goes to the bin shifts those behind it; none of them is missed."""
    amo, leads = account(10)

    def step(number: int, _path: str) -> None:
        if number == 2:
            amo.person().bin(leads[0])
            amo.person().bin(leads[1])

    assert set(walked(amo, step)) == set(leads)


def test_one_second_may_fill_many_pages() -> None:
    """Leads imported within one second are all read, though no time parts them."""
    amo, leads = account(11, apart=0)
    amo.clock.move(60)

    assert set(walked(amo, lambda _number, _path: None)) == set(leads)


def test_cards_that_leave_a_full_second_cost_no_other() -> None:
    """While one second is read page by page, leads that leave it shift the others."""
    amo, leads = account(11, apart=0)
    amo.clock.move(60)

    def step(number: int, _path: str) -> None:
        if number == 3:
            for lead in leads[:2]:
                amo.person().edit(lead, price=1)

    assert set(walked(amo, step)) == set(leads)


def test_an_order_that_is_not_kept_is_refused() -> None:
    """Rows out of order would let the reader jump over others: it stops instead."""
    rows = [{"id": 1, "updated_at": 50}, {"id": 2, "updated_at": 40}]
    body = {"_embedded": {"leads": rows}, "_links": {}}

    with pytest.raises(Unavailable, match="did not keep"):
        list(by_change(lambda _path, _query: body, LEADS, since=0))


def test_an_answer_without_its_list_is_refused() -> None:
    """A page that holds something else is no empty page."""
    with pytest.raises(Unavailable, match="holds no leads"):
        list(by_change(lambda _path, _query: {"_embedded": {}}, LEADS, since=0))


def test_entries_that_come_meanwhile_push_none_out() -> None:
    """The log is newest first; a window in the past stands still while it grows."""
    amo, leads = account(1)
    for price in range(1, 251):
        amo.person().edit(leads[0], price=price)
        amo.clock.move(1)
    until = amo.account.now
    amo.clock.move(5)

    def step(_number: int, _path: str) -> None:
        amo.person().edit(leads[0], price=9_000 + amo.account.version)

    client = client_of(amo, before=step)
    asked = Listing("events", "events", {"filter[type][]": ["sale_field_changed"]})
    pages = in_window(client.get, asked, since=0, until=until)
    found = [row["id"] for rows, _ in pages for row in rows]

    assert len(found) == len(set(found)) == 250
