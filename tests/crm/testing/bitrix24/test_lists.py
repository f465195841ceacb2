"""Behaviours 3 to 8, 10, 12 and 30: lists and the forms of values."""

import dataclasses
from typing import Any

import pytest
from tests.crm.testing.bitrix24.portals import (
    MANAGER,
    Client,
    ask,
    make,
    one,
    portal_of,
    status,
)

from crm.testing.bitrix24.account import STANDARD, Switch
from crm.testing.bitrix24.credentials import Caller
from crm.testing.bitrix24.payments import add_payment
from crm.testing.bitrix24.portal import Context, Portal

LEADS = {"entityTypeId": 1}


def switched(*switches: Switch, leads: int = 1) -> Portal:
    """Open a portal with switches on."""
    profile = dataclasses.replace(STANDARD, switches=frozenset(switches))
    return portal_of(profile, leads=leads)


def field(portal: Portal, kind: str, **more: Any) -> int:
    """Make the custom field UF_CRM_OURS of leads."""
    fields = {"FIELD_NAME": "OURS", "USER_TYPE_ID": kind, **more}
    made = one(portal, "crm.lead.userfield.add", {"fields": fields})
    return int(made["result"])


def test_03_a_list_gives_50_rows_next_only_if_more_and_always_a_total() -> None:
    """Pages of 50 by ``start``; the last has no ``next``."""
    portal = portal_of(leads=120)

    async def story(client: Client) -> list[Any]:
        pages = [
            await client.call("crm.item.list", {**LEADS, "start": start})
            for start in (0, 50, 100)
        ]
        return [(len(p["result"]["items"]), p.get("next"), p["total"]) for p in pages]

    assert ask(portal, story) == [(50, 50, 120), (50, 100, 120), (20, None, 120)]


def test_03_exactly_one_full_page_has_no_next() -> None:
    """With 50 rows in all, nothing follows the first page."""
    assert "next" not in one(portal_of(leads=50), "crm.item.list", LEADS)


@pytest.mark.parametrize(
    ("method", "params", "wrapper"),
    [
        ("crm.lead.list", {}, None),
        ("crm.activity.list", {}, None),
        ("crm.item.list", LEADS, "items"),
        ("crm.stagehistory.list", LEADS, "items"),
        ("crm.category.list", {"entityTypeId": 2}, "categories"),
        ("crm.status.list", {}, None),
        ("tasks.task.list", {}, "tasks"),
        ("sale.payment.list", {}, "payments"),
        ("crm.orderentity.list", {}, "orderEntity"),
    ],
)
def test_03_each_method_wraps_its_rows_in_its_own_way(
    method: str, params: Any, wrapper: str | None
) -> None:
    """Rows stand bare or under a key of the method's own, and a total comes."""
    answer = one(portal_of(leads=1), method, params)

    rows = answer["result"][wrapper] if wrapper else answer["result"]
    assert isinstance(rows, list)
    assert "total" in answer


def test_03_stages_come_whole_without_pages() -> None:
    """``crm.status.list`` has a total and no next, filtered by its list."""
    wanted = {"filter": {"ENTITY_ID": "DEAL_STAGE_9"}, "order": {"SORT": "ASC"}}
    answer = one(portal_of(), "crm.status.list", wanted)

    assert answer["result"][0]["STATUS_ID"] == "C9:NEW"
    assert [row["SEMANTICS"] for row in answer["result"]] == [
        None,
        None,
        None,
        "S",
        "F",
    ]
    assert answer["total"] == 5


def test_04_start_minus_one_counts_nothing_and_never_says_next() -> None:
    """A cursor by id sees every row once, without total and next."""
    portal = portal_of(leads=120)

    async def story(client: Client) -> tuple[list[int], set[Any]]:
        seen: list[int] = []
        told = set()
        while True:
            last = seen[-1] if seen else 0
            wanted = {"order": {"id": "ASC"}, "filter": {">id": last}, "start": -1}
            page = await client.call("crm.item.list", LEADS | wanted)
            told.add((page["total"], page.get("next")))
            rows = page["result"]["items"]
            seen += [row["id"] for row in rows]
            if len(rows) < 50:
                return seen, told

    assert ask(portal, story) == (list(range(1, 121)), {(0, None)})


def test_04_links_to_orders_come_all_at_once_under_minus_one() -> None:
    """``crm.orderentity.list`` gives more than 50 rows with ``start: -1``."""
    portal = portal_of()
    make(portal, "deal", 1)
    context = Context(portal, Caller("person", "person", 1))
    for _ in range(60):
        add_payment(context, 1, amount=10, currency="RUB", paid=True)

    wanted = {"filter": {"=ownerTypeId": 2, "@ownerId": [1]}}
    paged = one(portal, "crm.orderentity.list", wanted)
    whole = one(portal, "crm.orderentity.list", wanted | {"start": -1})
    assert (len(paged["result"]["orderEntity"]), paged["next"]) == (50, 50)
    assert len(whole["result"]["orderEntity"]) == 60


def test_05_classic_gives_strings_universal_numbers_history_upper_keys() -> None:
    """One lead in three dialects."""
    portal = portal_of()
    make(portal, "lead", 1, opportunity=19000.0)

    old = one(portal, "crm.lead.get", {"ID": 1})["result"]
    new = one(portal, "crm.item.get", {**LEADS, "id": 1})["result"]["item"]
    line = one(portal, "crm.stagehistory.list", LEADS)["result"]["items"][0]
    assert (old["ID"], old["OPPORTUNITY"], old["ASSIGNED_BY_ID"]) == (
        "1",
        "19000.00",
        "1",
    )
    scalars = [value for value in old.values() if not isinstance(value, list)]
    assert all(isinstance(value, str | None) for value in scalars)
    assert (new["id"], new["opportunity"], new["stageId"]) == (1, 19000, "NEW")
    assert line["OWNER_ID"] == 1
    assert set(line) == {
        "ID", "TYPE_ID", "OWNER_ID", "CREATED_TIME", "STATUS_ID", "STATUS_SEMANTIC_ID",
    }  # fmt: skip


def test_05_stage_history_tells_made_moved_closed_and_pipeline() -> None:
    """Types 1, 2, 3 and 5, for deals with their pipeline."""
    portal = portal_of()
    make(portal, "deal", 1)
    for fields in (
        {"stageId": "EXECUTING"},
        {"categoryId": 9, "stageId": "C9:NEW"},
        {"stageId": "C9:WON"},
    ):
        one(portal, "crm.item.update", {"entityTypeId": 2, "id": 1, "fields": fields})

    lines = one(portal, "crm.stagehistory.list", {"entityTypeId": 2})["result"]["items"]
    assert [(x["TYPE_ID"], x["CATEGORY_ID"], x["STAGE_ID"]) for x in lines] == [
        (1, 0, "NEW"),
        (2, 0, "EXECUTING"),
        (5, 9, "C9:NEW"),
        (3, 9, "C9:WON"),
    ]


def test_06_booleans_are_letters_and_custom_ones_are_filtered_by_digits() -> None:
    """Y is read and written, 1 is asked for, and asking for Y finds nothing."""
    portal = portal_of(leads=1)
    field(portal, "boolean")
    flags = {"useOriginalUfNames": "Y", "entityTypeId": 1}
    update = flags | {"id": 1, "fields": {"UF_CRM_OURS": "Y"}}
    item = one(portal, "crm.item.update", update)["result"]["item"]

    found = {
        value: one(portal, "crm.item.list", flags | {"filter": {"UF_CRM_OURS": value}})[
            "total"
        ]
        for value in ("1", "0", "Y", "N")
    }
    assert (item["UF_CRM_OURS"], item["opened"]) == ("Y", "N")
    assert found == {"1": 1, "0": 0, "Y": 0, "N": 0}


def test_06_switch_filtering_a_boolean_by_letters_is_refused() -> None:
    """The stricter reading of the documents."""
    portal = switched(Switch.BOOLEAN_FILTER_REFUSES)
    field(portal, "boolean")
    wanted = {**LEADS, "useOriginalUfNames": "Y", "filter": {"UF_CRM_OURS": "Y"}}

    assert one(portal, "crm.item.list", wanted)["error"] == "INVALID_ARG_VALUE"


def test_07_dates_have_the_portals_offset_and_no_fraction() -> None:
    """+03:00 in all dialects; an empty date is ``""`` there and ``null`` here."""
    portal = portal_of()
    make(portal, "deal", 1)

    old = one(portal, "crm.deal.get", {"ID": 1})["result"]
    new = one(portal, "crm.item.get", {"entityTypeId": 2, "id": 1})["result"]["item"]
    assert old["DATE_CREATE"] == new["createdTime"] == "2026-11-22T10:00:00+03:00"
    assert (old["CLOSEDATE"], new["closedate"]) == ("", None)


def test_08_empty_custom_fields_are_null_or_false() -> None:
    """Classic: null, and false for lists; universal: null and a list, or a switch."""
    for switches, expected in (((), []), ((Switch.EMPTY_IS_FALSE,), False)):
        portal = switched(*switches)
        field(portal, "string", MULTIPLE="Y")
        shown = one(
            portal, "crm.item.get", {**LEADS, "id": 1, "useOriginalUfNames": "Y"}
        )

        assert shown["result"]["item"]["UF_CRM_OURS"] == expected
        old = one(portal, "crm.lead.get", {"id": 1})["result"]
        assert old["UF_CRM_OURS"] is False


def test_08_an_enumeration_is_its_options_number() -> None:
    """Written and read by option id; an unknown one is refused, or dropped."""
    options = [{"VALUE": "A", "XML_ID": "tier_a"}, {"VALUE": "B", "XML_ID": "tier_b"}]
    outcome = []
    for switches in ((), (Switch.UNKNOWN_OPTION_DROPPED,)):
        portal = switched(*switches)
        number = field(portal, "enumeration", LIST=options)
        known = one(portal, "crm.lead.userfield.get", {"id": number})["result"]["LIST"]
        for option in (known[1]["ID"], "9999"):
            fields = {"UF_CRM_OURS": option}
            sent = {**LEADS, "id": 1, "useOriginalUfNames": "Y", "fields": fields}
            answer = one(portal, "crm.item.update", sent)
            outcome.append(
                answer["result"]["item"]["UF_CRM_OURS"] == int(option)
                if "result" in answer
                else answer["error"]
            )

    assert outcome == [True, "CRM_FIELD_ERROR_VALUE_NOT_VALID", True, False]


def test_08_custom_names_follow_the_rule_unless_original_is_asked_for() -> None:
    """Without the flag a field is known by its camel name only."""
    portal = portal_of(leads=1)
    field(portal, "string")
    one(portal, "crm.item.update", {**LEADS, "id": 1, "fields": {"ufCrmOurs": "told"}})

    plain = one(portal, "crm.item.get", {**LEADS, "id": 1})["result"]["item"]
    original = one(
        portal, "crm.item.get", {**LEADS, "id": 1, "useOriginalUfNames": "Y"}
    )["result"]["item"]
    assert (plain["ufCrmOurs"], original["UF_CRM_OURS"]) == ("told", "told")
    assert "UF_CRM_OURS" not in plain


def test_08_classic_select_leaves_out_custom_and_multi_fields() -> None:
    """``*`` is not everything: ``UF_*`` and ``PHONE`` are asked for by name."""
    portal = portal_of()
    field(portal, "string")
    make(portal, "lead", 1, phone=[{"ID": "1", "VALUE": "+7", "VALUE_TYPE": "WORK",
                                    "TYPE_ID": "PHONE"}])  # fmt: skip

    keys = [
        set(one(portal, "crm.lead.list", {"select": select})["result"][0])
        for select in (["*"], ["*", "UF_*", "PHONE"], ["TITLE"])
    ]
    assert not {"UF_CRM_OURS", "PHONE"} & keys[0]
    assert {"UF_CRM_OURS", "PHONE", "TITLE"} <= keys[1]
    assert keys[2] == {"ID", "TITLE"}


def test_10_a_missing_record_is_refused_in_three_ways() -> None:
    """Classic with an empty code, universal with a code, payments with zero."""
    portal = portal_of()
    update = {**LEADS, "id": 999, "fields": {}}

    assert one(portal, "crm.lead.get", {"id": 999})["error"] == ""
    assert one(portal, "crm.lead.get", {"id": 999})["error_description"] == "Not found"
    assert one(portal, "crm.item.update", update)["error"] == "NOT_FOUND"
    wanted = {"entityTypeId": 2, "entityId": 999}
    assert one(portal, "crm.item.payment.list", wanted)["error"] == 0
    assert status(portal, "crm.item.update", update) == 400


def test_12_unknown_fields_are_ignored_unknown_filters_refused() -> None:
    """A typing error in ``fields`` is silent; in ``filter`` it is loud."""
    portal = portal_of(leads=1)
    update = {**LEADS, "id": 1, "fields": {"titel": "X"}}

    assert one(portal, "crm.item.update", update)["result"]["item"]["title"] == "lead"
    wanted = {**LEADS, "filter": {">=oportunity": 5}}
    assert one(portal, "crm.item.list", wanted)["error"] == "INVALID_ARG_VALUE"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"opportunity": 20}, [2]),
        ({"!opportunity": 20}, [1, 3]),
        ({">=opportunity": 20}, [2, 3]),
        ({"<opportunity": 20}, [1]),
        ({"@id": [1, 3]}, [1, 3]),
        ({"!@id": [1, 3]}, [2]),
        ({"%title": "ET"}, [2]),
        ({"!%title": "et"}, [1, 3]),
        ({"=%title": "a%"}, [1]),
        ({"title": ["alpha", "gamma"]}, [1, 3]),
        ({"sourceId": ""}, [1, 2, 3]),
        (
            {"0": {"logic": "OR", "0": {"title": "alpha"}, "1": {">opportunity": 25}}},
            [1, 3],
        ),
        ({">createdTime": "2026-11-22T09:59:59+03:00"}, [1, 2, 3]),
        ({">createdTime": "2026-11-22T07:00:00+00:00"}, []),
    ],
)
def test_12_filters_know_all_operators_and_nested_logic(
    wanted: Any, found: list[int]
) -> None:
    """Each operator finds what it says."""
    portal = portal_of()
    for title, amount in (("alpha", 10.0), ("beta", 20.0), ("gamma", 30.0)):
        make(portal, "lead", 1, title=title, opportunity=amount)

    answer = one(portal, "crm.item.list", {**LEADS, "filter": wanted})
    assert [row["id"] for row in answer["result"]["items"]] == found


def test_30_who_may_see_less_gets_fewer_rows_and_a_smaller_total() -> None:
    """A manager's webhook reads only their own leads, and no error says so."""
    portal = portal_of(leads=3)
    make(portal, "lead", 2, assignedById=7)

    seen = one(portal, "crm.item.list", LEADS, base=MANAGER)
    assert (seen["total"], len(seen["result"]["items"])) == (2, 2)
    refused = one(portal, "crm.item.get", {**LEADS, "id": 1}, base=MANAGER)
    assert refused["error"] == "ACCESS_DENIED"
