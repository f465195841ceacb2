"""Behaviours 1, 2 and the cut after 60 seconds: limits."""

import dataclasses
from typing import Any

from tests.crm.testing.bitrix24.portals import HOOK, Client, ask, one, portal_of

from crm.testing.bitrix24.account import ENTERPRISE, SELF_HOSTED, STANDARD, Switch

FULL = {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}
GET = {"entityTypeId": 1, "id": 1}


def statuses(number: int) -> Any:
    """Make a story: so many calls, their statuses."""

    async def story(client: Client) -> list[int]:
        return [
            (await client.post("crm.item.get", GET)).status_code for _ in range(number)
        ]

    return story


def test_01_the_bucket_holds_50_and_leaks_2_a_second() -> None:
    """The 51st request at once is refused; a second later two more fit."""
    portal = portal_of(leads=1)

    assert ask(portal, statuses(51)) == [200] * 50 + [503]
    assert one(portal, "crm.item.get", GET) == FULL
    portal.clock.move(1)
    assert ask(portal, statuses(3)) == [200, 200, 503]


def test_01_a_refused_write_has_not_run() -> None:
    """What does not fit into the bucket leaves no trace in the CRM."""
    portal = portal_of()
    ask(portal, statuses(50))
    update = {"entityTypeId": 1, "fields": {"title": "X"}}

    assert one(portal, "crm.item.add", update) == FULL
    assert portal.ledger.writes == []


def test_01_a_batch_counts_once_and_each_address_has_a_bucket() -> None:
    """Fifty commands are one request; another address is not hindered."""
    portal = portal_of(leads=1)
    commands = {str(n): "crm.item.get?entityTypeId=1&id=1" for n in range(50)}

    async def story(client: Client) -> list[int]:
        heard = [await client.post("batch", {"cmd": commands}) for _ in range(51)]
        async with Client(client.portal, "10.0.0.2").http as other:
            heard.append(await other.post(HOOK + "batch", json={"cmd": commands}))
        return [each.status_code for each in heard]

    assert ask(portal, story) == [200] * 50 + [503, 200]


def test_01_enterprise_has_250_and_self_hosted_none() -> None:
    """The profile decides how much fits."""
    assert ask(portal_of(ENTERPRISE, leads=1), statuses(251)).count(200) == 250
    assert ask(portal_of(SELF_HOSTED, leads=1), statuses(300)).count(200) == 300


def test_02_the_call_that_crosses_the_budget_ends_the_next_is_refused() -> None:
    """Checked before a call, per method, and the answer tells when it changes."""
    portal = portal_of(leads=1)
    portal.cost = lambda method: 250.0 if method == "crm.item.get" else 1.0

    async def story(client: Client) -> list[Any]:
        first, second, third = [await client.call("crm.item.get", GET) for _ in "123"]
        other = await client.call("crm.item.list", {"entityTypeId": 1})
        return [first["time"]["operating"], second["time"], third, other]

    portal.profile = dataclasses.replace(STANDARD, request_seconds=1_000)
    operating, crossed, refused, other = ask(portal, story)
    assert operating == 250
    assert crossed["operating"] == 500
    assert crossed["operating_reset_at"] == round(portal.clock.timestamp) + 600
    assert refused["error"] == "OPERATION_TIME_LIMIT"
    assert refused["time"]["operating_reset_at"] == crossed["operating_reset_at"]
    assert "result" in other


def test_02_only_the_oldest_minute_leaves() -> None:
    """When the oldest basket goes, the sum of the others stays."""
    portal = portal_of(leads=1)
    portal.profile = dataclasses.replace(STANDARD, request_seconds=1_000)
    portal.cost = lambda _: 250.0
    one(portal, "crm.item.get", GET)
    portal.clock.move(120)
    one(portal, "crm.item.get", GET)

    portal.clock.move(479)
    assert one(portal, "crm.item.get", GET)["error"] == "OPERATION_TIME_LIMIT"
    portal.clock.move(2)
    assert one(portal, "crm.item.get", GET)["time"]["operating"] == 500


def test_02_a_self_hosted_portal_says_nothing_of_operating_time() -> None:
    """Where the limiter is off, its keys are missing."""
    time = one(portal_of(SELF_HOSTED, leads=1), "crm.item.get", GET)["time"]

    assert "duration" in time
    assert not {"operating", "operating_reset_at"} & set(time)


def test_02_switch_nested_commands_or_the_batch_are_billed() -> None:
    """By the documents each method is billed; by a measurement, ``batch`` is."""
    spent = {}
    for switches in (frozenset(), frozenset({Switch.BILL_BATCH})):
        portal = portal_of(dataclasses.replace(STANDARD, switches=switches), leads=1)
        one(portal, "batch", {"cmd": {"a": "crm.item.get?entityTypeId=1&id=1"}})
        spent[len(switches)] = [
            portal.operating.spent("webhook:1", name) > 0
            for name in ("crm.item.get", "batch")
        ]

    assert spent == {0: [True, False], 1: [False, True]}


def test_20_a_request_of_over_60_seconds_is_cut_with_its_work_half_done() -> None:
    """A long batch gets a 504; what ran before the cut is applied."""
    portal = portal_of(leads=50)
    portal.cost = lambda _: 2.0
    commands = {
        str(n): f"crm.item.update?entityTypeId=1&id={n}&fields[title]=T{n}"
        for n in range(1, 51)
    }
    written = len(portal.ledger.writes)

    answer = ask(portal, lambda client: client.post("batch", {"cmd": commands}))

    assert answer.status_code == 504
    assert answer.text.startswith("<html>")
    assert len(portal.ledger.writes) - written == 30
