"""Lists."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.crm.testing.amocrm.talking import ask, filled, provisioned, read, rows

from crm.testing.amocrm import AmoCrm


def with_leads(number: int) -> AmoCrm:
    """Make an account of so many leads, one a minute."""
    amo = AmoCrm()
    for place in range(number):
        amo.person().create(name=f"Lead {place}", price=place)
        amo.clock.move(60)
    return amo


def pages(amo: AmoCrm, path: str) -> Iterator[dict[str, Any]]:
    """Follow the links from page to page."""
    page = read(amo, path)
    for _ in range(100):
        yield page
        if "next" not in page["_links"]:
            return
        page = read(amo, page["_links"]["next"]["href"].split(".ru", 1)[1])


def test_pages_go_on_by_next_and_tell_no_total() -> None:
    """Following ``_links.next`` finds each lead once; the last page has none."""
    amo = with_leads(25)

    found = list(pages(amo, "leads?limit=10"))

    sizes = [len(page["_embedded"]["leads"]) for page in found]
    ids = [lead["id"] for page in found for lead in page["_embedded"]["leads"]]
    assert sizes == [10, 10, 5]
    assert ids == sorted(amo.account.cards["leads"])
    assert set(found[0]) == {"_page", "_links", "_embedded"}


def test_a_full_last_page_has_no_next() -> None:
    """Twenty leads by ten are two pages, not three."""
    assert len(list(pages(with_leads(20), "leads?limit=10"))) == 2


def test_an_empty_list_is_204_without_a_body() -> None:
    """Nothing found, nothing there, and a page past the end."""
    amo = with_leads(3)

    for path in ("leads?page=2", "contacts", "leads?filter[id][]=5", "leads/5"):
        answer = ask(amo, "GET", path)
        assert (answer.status_code, answer.content) == (204, b"")


def test_pages_hold_fifty_by_default_and_250_at_most() -> None:
    """A limit of 251 is 422, of events 101."""
    amo = with_leads(60)

    assert len(rows(amo, "leads")) == 50
    assert len(rows(amo, "leads?limit=250")) == 60
    for path in (
        "leads?limit=251",
        "events?limit=101",
        "leads?limit=0",
        "leads?page=x",
    ):
        assert ask(amo, "GET", path).status_code == 422
    assert len(rows(amo, "events?limit=100")) == 60


def test_next_keeps_filter_order_and_with() -> None:
    """The link of the next page asks the same question."""
    amo = with_leads(6)
    path = "leads?limit=2&with=contacts&order[updated_at]=desc&filter[price][from]=2"

    found = list(pages(amo, path))

    prices = [lead["price"] for page in found for lead in page["_embedded"]["leads"]]
    assert prices == [5, 4, 3, 2]
    assert all(
        "contacts" in page["_embedded"]["leads"][0]["_embedded"] for page in found
    )


def test_changed_since_finds_what_changed_since_and_nothing_else() -> None:
    """``filter[updated_at][from]`` is inclusive, to the second."""
    amo = with_leads(5)
    last = amo.account.cards["leads"]
    since = sorted(card.plain["updated_at"] for card in last.values())[3]

    path = f"leads?order[updated_at]=asc&filter[updated_at][from]={since}"

    assert [lead["price"] for lead in rows(amo, path)] == [3, 4]
    amo.person().edit(min(last), price=99)
    assert [lead["price"] for lead in rows(amo, path)] == [3, 4, 99]


def test_a_lead_changed_between_two_pages_moves_and_the_next_one_is_missed() -> None:
    """Paging by number over a moving order loses rows: only an overlap helps."""
    amo = with_leads(4)
    path = "leads?limit=2&order[updated_at]=asc"

    first = read(amo, path)["_embedded"]["leads"]
    amo.person().edit(first[0]["id"], price=77)
    second = rows(amo, path + "&page=2")

    assert [lead["price"] for lead in first] == [0, 1]
    assert [lead["price"] for lead in second] == [3, 77]


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        ("filter[price]=2", [2]),
        ("filter[price][from]=1&filter[price][to]=2", [1, 2]),
        ("filter[responsible_user_id][]=123322", [3]),
        (
            "filter[statuses][0][pipeline_id]=1300&filter[statuses][0][status_id]=142",
            [1],
        ),
        ("filter[pipeline_id][]=1300", [0, 1, 2, 3]),
        ("filter[pipeline_id][]=7", []),
        ("filter[closed_at][from]=1", [1]),
        ("query=lead%202", [2]),
    ],
)
def test_filters_pick(filter_: str, found: list[int]) -> None:
    """By price, responsible user, stage, pipeline, closing, and words."""
    amo = with_leads(4)
    ids = sorted(amo.account.cards["leads"])
    amo.person().move(ids[1], 142)
    amo.person().assign(ids[3], 123_322)

    assert [lead["price"] for lead in rows(amo, f"leads?{filter_}")] == found


def test_a_custom_field_can_be_filtered() -> None:
    """By its id, through the choice's number or its words."""
    amo = with_leads(3)
    ids, field = sorted(amo.account.cards["leads"]), provisioned(amo)["TIER"]
    tier = filled("TIER", "tier_b", "enum_code")
    ask(amo, "PATCH", f"leads/{ids[1]}", {"custom_fields_values": tier})

    path = f"leads?filter[custom_fields_values][{field}][]=B"

    assert [lead["id"] for lead in rows(amo, path)] == [ids[1]]


@pytest.mark.parametrize(
    "path", ["leads?filter[colour]=red", "leads?order[name]=asc", "tasks?filter[x]=1"]
)
def test_an_unknown_filter_or_order_is_refused(path: str) -> None:
    """What would be ignored without a word is refused here."""
    assert ask(with_leads(1), "GET", path).status_code == 400


def test_the_bin_is_read_apart() -> None:
    """A deleted lead leaves the list and stands in ``with=only_deleted``."""
    amo = with_leads(2)
    first, second = sorted(amo.account.cards["leads"])
    amo.person().bin(first)

    assert [lead["id"] for lead in rows(amo, "leads")] == [second]
    binned = rows(amo, "leads?with=only_deleted")
    assert [(lead["id"], lead["is_deleted"]) for lead in binned] == [(first, True)]


def test_unknown_addresses_are_404_and_wrong_verbs_405() -> None:
    """Both as problem+json."""
    amo = with_leads(1)

    for verb, path, status in (("GET", "deals", 404), ("DELETE", "leads", 405),
                               ("GET", "/other", 404), ("GET", "users/5", 404),
                               ("PATCH", "leads/5", 404)):  # fmt: skip
        answer = ask(amo, verb, path, {} if verb == "PATCH" else None)
        assert answer.status_code == status
        assert answer.json()["status"] == status
