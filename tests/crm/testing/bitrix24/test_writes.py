"""Behaviours 11, 13, 14, 20, 21, 27, 28, 29 and 31: writes, tasks, faults, people."""

import asyncio
import dataclasses
from typing import Any

import pytest
from tests.crm.testing.bitrix24.portals import (
    HOOK,
    MANAGER,
    Client,
    ask,
    make,
    one,
    portal_of,
    status,
)

from crm.testing.bitrix24 import Portal
from crm.testing.bitrix24.account import FREE, SIMPLE, STANDARD, Switch
from crm.testing.bitrix24.records import change_by, drop_field
from crm.testing.bitrix24.refusals import ERROR_IN_200
from crm.testing.bitrix24.schema import LEAD
from crm.testing.faults import Fault, Kind, Scripted

V3 = "/rest/api/1/s3cret/"


def update(portal: Portal, fields: dict[str, Any], **more: Any) -> Any:
    """Update lead 1."""
    sent = {"entityTypeId": 1, "id": 1, "useOriginalUfNames": "Y", "fields": fields}
    return one(portal, "crm.item.update", sent, **more)


def test_13_required_fields_count_only_when_the_stage_changes() -> None:
    """The gap passes without a stage change and stops one."""
    portal = portal_of(leads=1)
    portal.state.stage_required[1, "IN_PROCESS"] = frozenset({"comments"})

    assert "result" in update(portal, {"title": "X"})
    assert update(portal, {"stageId": "IN_PROCESS"})["error_description"] == (
        'Field "comments" is required'
    )
    assert "result" in update(portal, {"stageId": "IN_PROCESS", "comments": "so"})


def test_13_no_right_to_a_stage_is_an_empty_code() -> None:
    """A user whom a stage is denied to is refused without a code."""
    portal = portal_of()
    make(portal, "lead", 1, assignedById=7)
    portal.state.users[7].denied_stages = frozenset({"PROCESSED"})

    refused = update(portal, {"stageId": "PROCESSED"}, base=MANAGER)
    assert (refused["error"], refused["error_description"]) == ("", "Access denied.")
    assert "result" in update(portal, {"stageId": "IN_PROCESS"}, base=MANAGER)


def test_13_a_stage_of_another_pipeline_is_no_value() -> None:
    """A deal cannot be put into a stage that its pipeline does not have."""
    portal = portal_of()
    make(portal, "deal", 1)
    sent = {"entityTypeId": 2, "id": 1, "fields": {"stageId": "C9:NEW"}}

    refused = one(portal, "crm.item.update", sent)
    assert refused["error"] == "CRM_FIELD_ERROR_VALUE_NOT_VALID"


def test_14_equal_values_are_not_saved_and_raise_no_event() -> None:
    """``updatedTime`` stays, the ledger has no entry; a switch tells all the same."""
    for switches, events in (((), 0), ((Switch.EQUAL_UPDATE_TELLS,), 1)):
        profile = dataclasses.replace(STANDARD, switches=frozenset(switches))
        portal = portal_of(profile, leads=1)
        ask(portal, lambda client: client.app(
            "event.bind", {"event": "ONCRMLEADUPDATE", "handler": "https://us.test/b24"}
        ))  # fmt: skip
        before = one(portal, "crm.item.get", {"entityTypeId": 1, "id": 1})["result"]
        written = len(portal.ledger.writes)
        portal.clock.move(60)

        after = update(portal, {"title": "lead"})["result"]

        assert after["item"]["updatedTime"] == before["item"]["updatedTime"]
        assert len(portal.ledger.writes) == written
        assert portal.pump.waiting == events


def test_14_a_real_change_moves_the_time_and_names_the_author() -> None:
    """What differs is saved, and the answer shows the whole item afterwards."""
    portal = portal_of(leads=1)
    portal.clock.move(60)

    item = update(portal, {"title": "new"})["result"]["item"]

    assert item["updatedTime"] == "2026-11-22T10:01:00+03:00"
    assert (item["title"], item["updatedBy"]) == ("new", 1)


def test_13_a_multiple_field_wants_a_list() -> None:
    """A scalar for a multiple field is error 100."""
    portal = portal_of(leads=1)
    field = {"FIELD_NAME": "MANY", "USER_TYPE_ID": "string", "MULTIPLE": "Y"}
    one(portal, "crm.lead.userfield.add", {"fields": field})

    assert update(portal, {"UF_CRM_MANY": "one"})["error"] == "100"
    assert "result" in update(portal, {"UF_CRM_MANY": ["one", "two"]})


def test_11_an_error_can_come_inside_200() -> None:
    """``placement.bind`` without a placement, and any method by a scripted fault."""
    portal = portal_of(leads=1)

    async def bind(client: Client) -> Any:
        token = client.portal.credentials.grant("local.demo").access
        return await client.post("placement.bind", {"auth": token}, base="/rest/")

    answer = ask(portal, bind)
    assert answer.status_code == 200
    assert answer.json()["error"] == "ERROR_ARGUMENT"
    assert answer.json()["argument"] == "PLACEMENT"
    portal.plan = Scripted({("crm.item.get", 1): ERROR_IN_200})
    assert "error" in one(portal, "crm.item.get", {"entityTypeId": 1, "id": 1})


def add_twice(portal: Portal, method: str, params: Any) -> None:
    """Create, lose the answer, and naively create again."""

    async def story(client: Client) -> None:
        with pytest.raises(ConnectionResetError):
            await client.post(method, params)
        await client.post(method, params)

    portal.plan = Scripted({(method, 1): Fault(Kind.LOSE)})
    ask(portal, story)


@pytest.mark.parametrize(
    ("method", "params", "entity"),
    [
        ("crm.item.add", {"entityTypeId": 1, "fields": {"title": "M"}}, "lead"),
        (
            "tasks.task.add",
            {"fields": {"TITLE": "M", "RESPONSIBLE_ID": 7}},
            "task",
        ),
        (
            "crm.timeline.comment.add",
            {"fields": {"ENTITY_ID": 1, "ENTITY_TYPE": "lead", "COMMENT": "M"}},
            "comment",
        ),
        (
            "crm.activity.todo.add",
            {"ownerTypeId": 1, "ownerId": 1, "deadline": "2026-11-23T12:00:00+03:00"},
            "activity",
        ),
    ],
)
def test_20_a_lost_answer_and_a_naive_repeat_make_two(
    method: str, params: Any, entity: str
) -> None:
    """No create has a key of its own: the ledger sees both."""
    portal = portal_of(leads=1)
    before = len(portal.ledger.of(entity))

    add_twice(portal, method, params)

    made = portal.ledger.of(entity)[before:]
    assert [write.action for write in made] == ["add", "add"]
    assert portal.ledger.requests[0].fault == "lose"


def test_20_a_late_write_is_applied_after_its_504() -> None:
    """The older write lands after the newer one, and the ledger says how late."""
    portal = portal_of(leads=1)
    portal.plan = Scripted({("crm.item.update", 1): Fault(Kind.LATE, seconds=30)})

    async def story(client: Client) -> list[int]:
        heard = []
        for title in ("older", "newer"):
            sent = {"entityTypeId": 1, "id": 1, "fields": {"title": title}}
            heard.append((await client.post("crm.item.update", sent)).status_code)
        await client.portal.clock.advance(60)
        return heard

    assert ask(portal, story) == [504, 200]
    assert portal.ledger.values("lead", 1, "title") == ["lead", "newer", "older"]
    assert [write.lateness for write in portal.ledger.late()] == [30]


def test_21_html_redirect_suffix_case_and_forms() -> None:
    """Odd answers and odd requests are both possible."""
    portal = portal_of(leads=1)
    portal.plan = Scripted({("*", 1): Fault(Kind.REFUSE, status=502)})

    async def story(client: Client) -> list[Any]:
        html = await client.post("profile")
        form = await client.http.post(
            HOOK + "CRM.ITEM.GET.json", data={"entityTypeId": "1", "id": "1"}
        )
        query = await client.http.get(HOOK + "crm.lead.list?filter[>ID]=0&select[]=ID")
        client.portal.renamed_to = "new.bitrix24.test"
        moved = await client.post("profile")
        return [html, form, query, moved]

    html, form, query, moved = ask(portal, story)
    assert (html.status_code, html.headers["content-type"]) == (502, "text/html")
    assert form.json()["result"]["item"]["id"] == 1
    assert query.json()["result"] == [{"ID": "1"}]
    assert moved.status_code == 302
    assert moved.headers["location"].startswith("https://new.bitrix24.test/rest/")


def task(**fields: Any) -> dict[str, Any]:
    """Give the parameters of a version 3 task."""
    return {"fields": {"title": "Call", "creatorId": 1, "responsibleId": 7} | fields}


def test_27_a_key_makes_a_task_once_for_a_day() -> None:
    """A replay does not run and says so; another body is 422; after 24 h it runs."""
    portal = portal_of()

    async def story(client: Client) -> list[Any]:
        headers = {"Idempotency-Key": "lead-1-v3"}
        first, again, other = [
            await client.post("tasks.task.add", sent, base=V3, headers=headers)
            for sent in (task(), task(), task(title="Write"))
        ]
        client.portal.clock.move(86_401)
        late = await client.post("tasks.task.add", task(), base=V3, headers=headers)
        return [first, again, other, late]

    first, again, other, late = ask(portal, story)
    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert other.status_code == 422
    assert late.json()["result"]["item"]["id"] != first.json()["result"]["item"]["id"]
    assert len(portal.ledger.of("task")) == 2


def test_27_errors_are_not_kept_and_version_2_ignores_the_key() -> None:
    """A failed call may be repeated with its key; on old addresses it means nothing."""
    portal = portal_of()

    async def story(client: Client) -> None:
        headers = {"Idempotency-Key": "k"}
        wrong = await client.post("tasks.task.add", {}, base=V3, headers=headers)
        right = await client.post("tasks.task.add", task(), base=V3, headers=headers)
        assert (wrong.status_code, right.status_code) == (400, 200)
        for _ in range(2):
            old = {"fields": {"TITLE": "Call", "RESPONSIBLE_ID": 7}}
            await client.post("tasks.task.add", old, headers=headers)

    ask(portal, story)
    assert len(portal.ledger.of("task")) == 3


def test_27_two_calls_at_once_with_one_key_both_run() -> None:
    """The key is looked up on arrival, before the first of two has ended."""
    portal = portal_of()
    portal.plan = Scripted({("tasks.task.add", 1): Fault(Kind.DELAY, seconds=5)})

    async def story(client: Client) -> None:
        calls = [
            asyncio.ensure_future(
                client.post(
                    "tasks.task.add", task(), base=V3, headers={"Idempotency-Key": "k"}
                )
            )
            for _ in range(2)
        ]
        await client.portal.clock.advance(10)
        await asyncio.gather(*calls)

    ask(portal, story)
    assert len(portal.ledger.of("task")) == 2


def test_28_task_errors_differ_by_version() -> None:
    """Version 2 answers ERROR_CORE with a line break, version 3 a nested object."""
    portal = portal_of()
    old = one(portal, "tasks.task.add", {"fields": {"TITLE": "Call"}})
    new = one(portal, "tasks.task.add", {"fields": {"title": "Call"}}, base=V3)

    assert (old["error"], "<br>" in old["error_description"]) == ("ERROR_CORE", True)
    assert new["error"]["code"].startswith("BITRIX_REST_V3_EXCEPTION_")
    assert new["error"]["validation"][0]["field"] == "creatorId"


def test_29_in_the_simple_mode_a_lead_is_converted_at_once() -> None:
    """The added lead comes back CONVERTED, and its deal is there."""
    portal = portal_of(SIMPLE)
    fields = {"title": "T", "opportunity": 5}
    item = one(portal, "crm.item.add", {"entityTypeId": 1, "fields": fields})

    deal = one(portal, "crm.item.list", {"entityTypeId": 2})["result"]["items"][0]
    assert item["result"]["item"]["stageId"] == "CONVERTED"
    assert (deal["leadId"], deal["opportunity"]) == (1, 5)
    assert one(portal, "crm.settings.mode.get")["result"] == 2


def test_31_people_change_stage_option_and_field_between_read_and_write() -> None:
    """What a person does stands, raises no request, and breaks our next write."""
    portal = portal_of(leads=1)
    field = {"FIELD_NAME": "TIER", "USER_TYPE_ID": "enumeration",
             "LIST": [{"VALUE": "A"}, {"VALUE": "B"}]}  # fmt: skip
    one(portal, "crm.lead.userfield.add", {"fields": field})
    options = portal.state.fields[0].options

    change_by(portal, LEAD, 1, {"stageId": "JUNK"})
    gone = options.pop().id
    refused = update(portal, {"UF_CRM_TIER": gone})
    drop_field(portal, "UF_CRM_TIER")
    ignored = update(portal, {"UF_CRM_TIER": options[0].id})

    assert ignored["result"]["item"]["stageId"] == "JUNK"
    assert refused["error"] == "CRM_FIELD_ERROR_VALUE_NOT_VALID"
    assert "UF_CRM_TIER" not in ignored["result"]["item"]
    assert [w.request for w in portal.ledger.of("lead", 1)] == [0, 0]


def test_custom_fields_have_rules_of_their_names_and_their_administrators() -> None:
    """Name, type, doubles and rights are checked with the codes they really have."""
    portal = portal_of()
    good = {"FIELD_NAME": "tier", "USER_TYPE_ID": "string", "XML_ID": "lcp_tier"}

    def add(**more: Any) -> Any:
        sent = {"fields": good | more}
        return one(portal, "crm.lead.userfield.add", sent).get("error")

    assert add(FIELD_NAME="T" * 44) == "ERROR_CORE"
    assert add(USER_TYPE_ID="boolean", MULTIPLE="Y") == "ERROR_CORE"
    assert (add(), add()) == (None, "ERROR_CORE")
    refused = one(portal, "crm.lead.userfield.add", {"fields": good}, base=MANAGER)
    assert refused["error"] == "ACCESS_DENIED"
    listed = one(portal, "crm.lead.userfield.list")["result"]
    assert [(f["FIELD_NAME"], f["XML_ID"]) for f in listed] == [
        ("UF_CRM_TIER", "lcp_tier")
    ]


def test_system_errors_have_their_statuses() -> None:
    """Unknown method, missing parameter, type not served, unpaid plan."""
    portal = portal_of()

    assert status(portal, "crm.nothing") == 404
    assert one(portal, "crm.nothing")["error"] == "ERROR_METHOD_NOT_FOUND"
    assert one(portal, "crm.item.list")["error"] == "100"
    old_invoice = one(portal, "crm.item.list", {"entityTypeId": 5})
    assert old_invoice["error"] == "ENTITY_TYPE_NOT_SUPPORTED"
    assert status(portal_of(FREE), "profile") == 403


def test_duplicates_are_found_by_phone_and_nothing_is_a_list() -> None:
    """A map of ids by kind, or ``[]``; a sentence is the code of an error."""
    portal = portal_of()
    phone = {"fm": [{"typeId": "PHONE", "value": "+7 999 000-00-00"}]}
    one(portal, "crm.item.add", {"entityTypeId": 1, "fields": phone})
    wanted = {"type": "PHONE", "values": ["+79990000000"]}

    assert one(portal, "crm.duplicate.findbycomm", wanted)["result"] == {"LEAD": [1]}
    nobody = wanted | {"values": ["+70000000000"]}
    assert one(portal, "crm.duplicate.findbycomm", nobody)["result"] == []
    wrong = one(portal, "crm.duplicate.findbycomm", {})
    assert wrong["error"] == "Communication type is not defined"
