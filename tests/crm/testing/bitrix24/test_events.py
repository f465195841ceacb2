"""Behaviours 15 to 19 and 26: tokens, events, the offline queue, robots, tabs."""

import asyncio
import dataclasses
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.crm.testing.bitrix24.portals import US, Client, ask, one, portal_of

from crm.testing.bitrix24 import Portal
from crm.testing.bitrix24.account import STANDARD, Switch
from crm.testing.bitrix24.placements import open_tab
from crm.testing.bitrix24.records import change_by
from crm.testing.bitrix24.robots import run_robot
from crm.testing.bitrix24.schema import LEAD
from crm.testing.bitrix24.subscriptions import OutgoingWebhook
from crm.testing.brackets import decode
from crm.testing.pump import Weather

APP = {"client_id": "local.demo", "client_secret": "local.demo-secret"}
HOOK_KEYS = {
    "domain", "client_endpoint", "server_endpoint", "member_id", "application_token",
}  # fmt: skip
UPDATE = {"entityTypeId": 1, "id": 1, "fields": {"title": "new"}}


async def refresh(client: Client, token: str) -> Any:
    """Ask the authorization server for a new pair."""
    query = {"grant_type": "refresh_token", "refresh_token": token, **APP}
    return (await client.http.get("/oauth/token/", params=query)).json()


def test_15_a_token_expires_after_an_hour_and_a_refresh_rotates_both() -> None:
    """Expired, refreshed, good again; the old pair is worth nothing."""
    portal = portal_of()
    pair = portal.credentials.grant("local.demo")

    async def story(client: Client) -> list[Any]:
        async def mode(token: str) -> Any:
            return await client.call("profile", {"auth": token}, base="/rest/")

        early = await mode(pair.access)
        client.portal.clock.move(3_600)
        late = await mode(pair.access)
        new = await refresh(client, pair.refresh)
        return [early, late, await mode(new["access_token"]),
                await refresh(client, pair.refresh)]  # fmt: skip

    early, late, again, old = ask(portal, story)
    assert "result" in early
    assert late["error"] == "expired_token"
    assert "result" in again
    assert old["error"] == "invalid_grant"


def test_15_of_many_refreshes_with_one_token_the_first_wins() -> None:
    """Racing refreshes: one pair, the others are refused."""
    portal = portal_of()
    pair = portal.credentials.grant("local.demo")

    async def story(client: Client) -> list[Any]:
        calls = [refresh(client, pair.refresh) for _ in range(5)]
        return list(await asyncio.gather(*calls))

    answers = ask(portal, story)
    assert sum("access_token" in each for each in answers) == 1
    assert [each.get("error") for each in answers].count("invalid_grant") == 4
    assert portal.credentials.refreshes == 1


def test_15_a_code_brings_the_first_pair_within_half_a_minute() -> None:
    """The browser is sent back with a code that soon dies and works once."""
    portal = portal_of()

    async def story(client: Client) -> list[Any]:
        heard = []
        for wait in (29, 31):
            back = await client.http.get(
                "/oauth/authorize/", params={"client_id": "local.demo", "state": "abc"}
            )
            told = parse_qs(urlsplit(back.headers["location"]).query)
            client.portal.clock.move(wait)
            query = {"grant_type": "authorization_code", "code": told["code"][0], **APP}
            heard.append((await client.http.get("/oauth/token/", params=query)).json())
        return heard

    good, late = ask(portal, story)
    assert good["member_id"] == portal.profile.member_id
    assert late["error"] == "invalid_grant"


def test_16_an_application_is_wanted_for_events_robots_placements_triggers() -> None:
    """A webhook is refused, whatever its scopes."""
    portal = portal_of()

    for method in (
        "event.bind", "event.offline.get", "bizproc.robot.add", "bizproc.event.send",
        "placement.bind", "crm.automation.trigger.add",
    ):  # fmt: skip
        assert one(portal, method)["error"] == "WRONG_AUTH_TYPE"


def heard(portal: Portal) -> list[dict[str, Any]]:
    """Deliver what waits and read all that our receiver got."""
    ask(portal, lambda client: client.portal.pump.deliver())
    caught: Any = portal.pump._post
    return [decode(message.body.decode()) for message in caught.messages]


def listening(**weather: Any) -> Portal:
    """Open a portal with a lead and an outgoing webhook towards us."""
    portal = portal_of(leads=1)
    portal.subscriptions.webhooks.append(
        OutgoingWebhook(US, frozenset({"ONCRMLEADUPDATE"}), "token1", 975)
    )
    portal.pump.weather = Weather(**weather)
    return portal


def test_17_our_own_write_raises_an_event_with_the_id_only() -> None:
    """Form-encoded, five auth keys, no field and no author."""
    portal = listening()
    one(portal, "crm.item.update", UPDATE)

    (event,) = heard(portal)
    assert event["event"] == "ONCRMLEADUPDATE"
    assert event["data"] == {"FIELDS": {"ID": "1"}}
    assert set(event["auth"]) == HOOK_KEYS
    assert event["auth"]["application_token"] == "token1"


def test_17_events_are_doubled_delayed_and_lost_by_the_weather() -> None:
    """Each kind of weather shows in what arrives."""
    for weather, now, later in (
        ({"doubled": 1.0}, 2, 2),
        ({"lost": 1.0}, 0, 0),
        ({"delay": (60, 60)}, 0, 1),
    ):
        portal = listening(**weather)
        one(portal, "crm.item.update", UPDATE)

        assert len(heard(portal)) == now
        portal.clock.move(60)
        assert len(heard(portal)) == later


def test_17_an_application_gets_tokens_unless_a_robot_wrote() -> None:
    """The token keys are there for a person's change and absent for a robot's."""
    portal = portal_of(leads=1)
    bind = {"event": "ONCRMLEADUPDATE", "handler": US}
    ask(portal, lambda client: client.app("event.bind", bind))
    change_by(portal, LEAD, 1, {"title": "by hand"})
    change_by(portal, LEAD, 1, {"title": "by robot"}, kind="robot")

    by_hand, by_robot = heard(portal)
    assert set(by_hand["auth"]) > HOOK_KEYS
    assert by_hand["auth"]["access_token"]
    assert set(by_robot["auth"]) == HOOK_KEYS


def test_17_unknown_events_are_refused_and_dead_before_installing() -> None:
    """A wrong name is an error; a bound handler is silent until installed."""
    portal = portal_of(leads=1)
    portal.credentials.applications["local.demo"].installed = False

    async def story(client: Client) -> Any:
        wrong = await client.app("event.bind", {"event": "ONNOTHING", "handler": US})
        await client.app("event.bind", {"event": "ONCRMLEADUPDATE", "handler": US})
        return wrong

    assert ask(portal, story)["error"] == "ERROR_EVENT_NOT_FOUND"
    change_by(portal, LEAD, 1, {"title": "by hand"})
    assert heard(portal) == []


OFFLINE = {"event": "ONCRMLEADUPDATE", "event_type": "offline"}


def queued(*changes: str, profile: Any = STANDARD, connector: str = "") -> Portal:
    """Open a portal with an offline queue and change lead 1 so often."""
    portal = portal_of(profile, leads=2)
    bind = OFFLINE | {"auth_connector": connector}
    ask(portal, lambda client: client.app("event.bind", bind))
    for title in changes:
        change_by(portal, LEAD, 1, {"title": title})
    return portal


def offline(portal: Portal, **params: Any) -> Any:
    """Read the offline queue."""
    got = ask(portal, lambda client: client.app("event.offline.get", params))
    return got["result"]


def test_18_many_changes_are_one_row() -> None:
    """The queue holds one row per object, with its newest time."""
    portal = queued("a", "b", "c")
    change_by(portal, LEAD, 2, {"title": "d"})

    rows = offline(portal, clear=0)["events"]
    assert [row["EVENT_DATA"]["FIELDS"]["ID"] for row in rows] == ["1", "2"]


def test_18_clear_0_reserves_and_hides_until_cleared() -> None:
    """A parallel reader sees nothing; a change meanwhile is a new row."""
    portal = queued("a")
    first = offline(portal, clear=0)
    change_by(portal, LEAD, 1, {"title": "meanwhile"})
    second = offline(portal, clear=0)
    third = offline(portal, clear=0)
    done = {"process_id": first["process_id"]}
    ask(portal, lambda client: client.app("event.offline.clear", done))

    assert [len(each["events"]) for each in (first, second, third)] == [1, 1, 0]
    left = [row.process for row in portal.subscriptions.queue]
    assert left == [second["process_id"]]


def test_18_clear_1_is_the_default_and_deletes_on_reading() -> None:
    """Read once and it is gone: at most once."""
    portal = queued("a")

    assert len(offline(portal)["events"]) == 1
    assert portal.subscriptions.queue == []
    assert offline(portal) == {"process_id": None, "events": []}


def test_18_a_clear_may_name_single_rows() -> None:
    """Only the rows named are cleared; the rest stays reserved."""
    portal = queued("a")
    change_by(portal, LEAD, 2, {"title": "b"})
    got = offline(portal, clear=0)
    one_row = {"process_id": got["process_id"],
               "message_id": [got["events"][0]["MESSAGE_ID"]]}  # fmt: skip
    ask(portal, lambda client: client.app("event.offline.clear", one_row))

    left = [row.data["FIELDS"]["ID"] for row in portal.subscriptions.queue]
    assert left == ["2"]


def test_18_a_connector_hides_our_own_writes() -> None:
    """A write with the same key is not queued, another's is."""
    portal = queued(connector="ours")
    one(portal, "crm.item.update", UPDATE | {"auth_connector": "ours"})
    hidden = offline(portal, clear=0, auth_connector="ours")
    one(portal, "crm.item.update", UPDATE | {"id": 2, "auth_connector": "theirs"})
    seen = offline(portal, clear=0, auth_connector="ours")

    assert (len(hidden["events"]), len(seen["events"])) == (0, 1)


def test_18_a_plan_without_reservation_refuses_clear_0() -> None:
    """``feature.get`` tells beforehand; the sample's ``false`` is a switch."""
    poor = dataclasses.replace(STANDARD, offline_extended=False)
    portal = queued("a", profile=poor)
    asked = ask(portal, lambda client: client.app("event.offline.get", {"clear": 0}))
    assert asked["error"] == "ACCESS_DENIED"
    code = {"CODE": "rest_offline_extended"}
    assert one(portal, "feature.get", code)["result"] == {"value": "N"}

    bare = dataclasses.replace(
        STANDARD, switches=frozenset({Switch.OFFLINE_DATA_FALSE})
    )
    rows = offline(queued("a", profile=bare), clear=0)["events"]
    assert rows[0]["EVENT_DATA"] is False


def test_18_a_ping_comes_at_most_once_in_its_stretch() -> None:
    """``ONOFFLINEEVENT`` says only that there is something to read."""
    portal = portal_of(leads=3)

    async def bind(client: Client) -> None:
        await client.app("event.bind", OFFLINE)
        ping = {"event": "ONOFFLINEEVENT", "handler": US, "options": {"minTimeout": 60}}
        await client.app("event.bind", ping)

    ask(portal, bind)
    for key, seconds in ((1, 0), (2, 30), (3, 31)):
        portal.clock.move(seconds)
        change_by(portal, LEAD, key, {"title": "x"})

    assert [event["event"] for event in heard(portal)] == ["ONOFFLINEEVENT"] * 2


ROBOT = {"CODE": "lcp_score", "HANDLER": f"{US}/robot", "USE_SUBSCRIPTION": "Y",
         "NAME": {"ru": "Прогноз конверсии", "en": "Conversion forecast"}}  # fmt: skip


def with_robot() -> Portal:
    """Open a portal with our robot."""
    portal = portal_of(leads=1)
    ask(portal, lambda client: client.app("bizproc.robot.add", ROBOT))
    return portal


def answered(portal: Portal, token: str) -> Any:
    """Answer a workflow."""
    sent = {"EVENT_TOKEN": token, "RETURN_VALUES": {"tier": "A", "prob": 0.37}}
    return ask(portal, lambda client: client.app("bizproc.event.send", sent))


def test_19_a_robot_is_called_with_a_token_and_answered_once() -> None:
    """The form names lead and token; the answer reaches the workflow, once."""
    portal = with_robot()
    flow = run_robot(portal, "lcp_score", LEAD, 1, properties={"mode": "fast"})
    (form,) = heard(portal)

    assert form["document_id"] == ["crm", "CCrmDocumentLead", "LEAD_1"]
    assert (form["event_token"], form["properties"]) == (flow.token, {"mode": "fast"})
    assert answered(portal, flow.token)["result"] is True
    assert flow.values == {"tier": "A", "prob": 0.37}
    assert answered(portal, flow.token)["error"] == "ACCESS_DENIED"


def test_19_a_wrong_or_expired_token_is_refused() -> None:
    """The workflow waits till its time-out and no longer."""
    portal = with_robot()
    flow = run_robot(portal, "lcp_score", LEAD, 1, seconds=60)
    assert answered(portal, "wrong")["error"] == "ACCESS_DENIED"

    portal.clock.move(60)

    assert answered(portal, flow.token)["error"] == "ACCESS_DENIED"
    assert not flow.answered


def test_19_installing_twice_and_foreign_handlers_are_refused() -> None:
    """Already installed is told, and an update mends it."""
    portal = with_robot()

    async def story(client: Client) -> list[Any]:
        again = await client.app("bizproc.robot.add", ROBOT)
        foreign = ROBOT | {"CODE": "x", "HANDLER": "https://else.test/robot"}
        far = await client.app("bizproc.robot.add", foreign)
        fields = {"CODE": "lcp_score", "FIELDS": {"HANDLER": f"{US}/robot2"}}
        return [again, far, await client.app("bizproc.robot.update", fields)]

    again, far, mended = ask(portal, story)
    assert again["error"] == "ERROR_ACTIVITY_ALREADY_INSTALLED"
    assert far["error"] == "ERROR_WRONG_HANDLER_URL"
    assert mended["result"] is True


def bound(portal: Portal) -> None:
    """Bind our tab in the lead's card."""
    tab = {"PLACEMENT": "CRM_LEAD_DETAIL_TAB", "HANDLER": f"{US}/tab"}
    ask(portal, lambda client: client.app("placement.bind", tab))


def test_26_a_tab_is_opened_by_a_post_with_options_as_text() -> None:
    """Query and body as a browser sends them; the address is sometimes absent."""
    for switches, keys in (
        ((), {"ID", "URI"}),
        ((Switch.PLACEMENT_WITHOUT_URI,), {"ID"}),
    ):
        profile = dataclasses.replace(STANDARD, switches=frozenset(switches))
        portal = portal_of(profile, leads=1)
        bound(portal)

        message = open_tab(portal, LEAD, 1, user=7)

        query = parse_qs(urlsplit(message.url).query)
        body = parse_qs(message.body.decode())
        assert query["DOMAIN"] == [portal.profile.domain]
        assert set(json.loads(body["PLACEMENT_OPTIONS"][0])) == keys
        token = body["AUTH_ID"][0]
        mine = one(portal, "user.current", {"auth": token}, base="/rest/")
        assert mine["result"]["ID"] == "7"
