"""Robot, tab and widget: known by their secrets, and a user by their own right."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import jwt
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from tests.serve.conftest import Company
from tests.serve.visited import LEADS, Side, amocrm, bitrix24, until

from crm.amocrm.widget import viewer_in
from crm.bitrix24.client import Client, webhook_in
from crm.bitrix24.enrolling import enrol
from crm.bitrix24.robot import CODE
from crm.bitrix24.tab import enrol_tabs
from crm.bitrix24.visits import Visits
from crm.testing.amocrm import AmoCrm
from crm.testing.amocrm.double import CLIENT
from crm.testing.amocrm.founding import OWNER
from crm.testing.bitrix24.placements import open_tab
from crm.testing.bitrix24.records import change_by
from crm.testing.bitrix24.robots import run_robot
from crm.testing.bitrix24.schema import DEAL, LEAD
from crm.testing.bitrix24.subscriptions import Workflow
from crm.testing.clock import Clock
from crm.testing.faults import Fault, Kind, Scripted
from crm.testing.pump import Message
from leads.errors import BadConfig

HOST = "http://127.0.0.1:9"
TAB = f"{HOST}/crm/bitrix24/tab"
CARD = "/crm/amocrm/card"
SECRET = "s" * 64


class Open:
    """A gate that lets everything through."""

    def enter(self) -> None:
        """Let one request leave."""

    def heard(self, *_: object) -> None:
        """Take no note."""


@pytest.fixture(scope="module")
def side(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    """Serve beside a portal, robot and tabs registered."""
    folder = tmp_path_factory.mktemp("side")
    with (
        pytest.MonkeyPatch.context() as patch,
        bitrix24(company, folder, patch) as made,
    ):
        enrolled(made)
        for lead in range(1, LEADS + 1):
            change_by(made.portal, LEAD, lead, {"assignedById": 1})
        yield made


def enrolled(side: Side) -> list[str]:
    """Register robot and tabs as an administrator's application does."""
    access = side.portal.credentials.grant("local.demo").access
    visits = Visits(side.address, Open())
    try:
        return enrol(partial(visits.call, access), HOST)
    finally:
        visits.close()


def robot_called(side: Side, number: int, **more: Any) -> tuple[Workflow, Message]:
    """Let the client's automation call the robot; nothing is posted yet."""
    flow = run_robot(side.portal, CODE, LEAD, number, **more)
    return flow, side.posted()


def test_registering_again_changes_nothing_twice(side: Side) -> None:
    """Robot and tabs stand once, under names in both languages."""
    assert enrolled(side) == []

    robot = side.portal.subscriptions.robots[CODE]
    assert robot["NAME"] == {"ru": "Прогноз конверсии", "en": "Conversion forecast"}
    assert set(robot["RETURN_PROPERTIES"]) == {
        "tier", "probability", "expected_money", "reasons", "action",
    }  # fmt: skip
    placed = [each["placement"] for each in side.portal.subscriptions.placements]
    assert placed == ["CRM_LEAD_DETAIL_TAB", "CRM_DEAL_DETAIL_TAB"]


def test_a_webhook_is_told_that_robots_belong_to_applications(side: Side) -> None:
    """The refusal names the way out; an address in the open is refused as well."""
    hook = Client(webhook_in("LEADCAST_CRM_URL"), Open())

    with pytest.raises(BadConfig, match="local application"):
        enrol(hook.call, HOST)
    with pytest.raises(BadConfig, match="https"):
        enrol(hook.call, "http://leads.example")
    hook.close()


def test_a_tab_that_moved_leaves_no_other_behind(side: Side) -> None:
    """After a new address the old one is taken away."""
    access = side.portal.credentials.grant("local.demo").access
    visits = Visits(side.address, Open())

    made = enrol_tabs(partial(visits.call, access), TAB + "/2")
    back = enrol_tabs(partial(visits.call, access), TAB)
    handlers = {each["handler"] for each in side.portal.subscriptions.placements}
    assert len(made) == len(back) == 2
    assert handlers == {TAB}
    visits.close()


def test_the_automation_gets_the_forecast_back(side: Side) -> None:
    """Tier, probability and reasons come into the waiting workflow, once."""
    flow, message = robot_called(side, 5)

    first = side.carried(message)
    again = side.carried(message)
    until(lambda: flow.answered)
    assert (first.status_code, again.status_code) == (200, 200)
    assert flow.values["tier"] in {"hot", "warm", "cold"}
    assert 0 <= int(flow.values["probability"]) <= 100
    assert flow.values["reasons"]
    stored = side.client.get("/v1/leads/5/history").json()["entries"]
    assert len(stored) == 1
    until(lambda: kept_secrets(side) == 0)


def kept_secrets(side: Side) -> int:
    """Count the calls whose tokens still lie in the database."""
    journal = side.client.app.state.desk.journal  # type: ignore[attr-defined]  # FastAPI's
    with journal.reading() as connection:
        asked = text("SELECT count(*) FROM crm_calls WHERE secret IS NOT NULL")
        return int(connection.execute(asked).scalar_one())


def test_a_robot_that_cannot_know_says_so(side: Side) -> None:
    """A lead that was never ingested lets the workflow go on, with nothing."""
    number = 900
    side.portal.state.of(LEAD)[number] = {**side.portal.state.of(LEAD)[1], "id": number}
    flow, message = robot_called(side, number)

    side.carried(message)
    until(lambda: flow.answered)
    assert flow.values["tier"] == ""
    assert "not known" in flow.log


def test_an_answer_that_was_lost_is_given_once(side: Side) -> None:
    """The portal took it and the line broke: the second try finds it over."""
    method = "bizproc.event.send"
    before = side.portal.calls[method]
    side.portal.plan = Scripted({(method, before + 1): Fault(Kind.LOSE)})
    flow, message = robot_called(side, 6)

    side.carried(message)
    until(lambda: side.portal.calls[method] == before + 2)
    until(lambda: kept_secrets(side) == 0)
    assert flow.answered
    assert flow.values["tier"]
    assert len(side.client.get("/v1/leads/6/history").json()["entries"]) == 1


@pytest.mark.parametrize("forged", ["apptok0", "", "x" * 300])
def test_a_forged_call_is_not_kept(side: Side, forged: str) -> None:
    """Who does not know the application's token leaves no trace."""
    flow, message = robot_called(side, 7)

    answer = side.carried(message, **{"auth%5Bapplication_token%5D": forged})
    assert answer.status_code == 401
    assert kept_secrets(side) == 0
    assert not flow.answered


def opened(side: Side, number: int = 5, *, user: int = 1, kind: Any = LEAD) -> Message:
    """Open our tab as a user's browser does."""
    return open_tab(side.portal, kind, number, user=user)


def test_a_user_who_may_see_the_card_sees_the_forecast(side: Side) -> None:
    """The page stands in a frame of that portal alone, without ways out of it."""
    side.client.post("/v1/predict", json={"lead_id": "5"})

    answer = side.carried(opened(side))
    policy = answer.headers["content-security-policy"]
    assert answer.status_code == 200
    assert "Лид 5" in answer.text
    assert policy.endswith(f"frame-ancestors {side.address}")
    assert "x-frame-options" not in answer.headers
    assert "href=" not in answer.text.replace('rel="icon" href=', "")
    assert "<form" not in answer.text


def test_the_portal_is_asked_before_a_word_is_told(side: Side) -> None:
    """A user without the right to a card learns not even whether it was predicted."""
    side.client.post("/v1/predict", json={"lead_id": "5"})

    hidden = side.carried(opened(side, 5, user=7))
    absent = side.carried(opened(side, 999, user=7))
    assert hidden.status_code == absent.status_code == 403
    assert hidden.text == absent.text
    assert "frame-ancestors" in hidden.headers["content-security-policy"]


@pytest.mark.parametrize(
    "forged",
    [
        {"APPLICATION_TOKEN": "apptok0"},
        {"AUTH_ID": "access999999"},
        {"AUTH_ID": ""},
        {"PLACEMENT": "CRM_CONTACT_DETAIL_TAB"},
        {"PLACEMENT_OPTIONS": "%7B%22ID%22%3A%225%2F..%22%7D"},
        {"PLACEMENT_OPTIONS": "%5B%5D"},
    ],
)
def test_a_forged_opening_is_turned_away(side: Side, forged: dict[str, str]) -> None:
    """Nothing in the post is believed, for it came through a browser."""
    side.client.post("/v1/predict", json={"lead_id": "5"})

    answer = side.carried(opened(side), **forged)
    assert answer.status_code == 403
    assert "Лид" not in answer.text


def test_another_portal_that_the_browser_names_is_not_asked(side: Side) -> None:
    """DOMAIN and SERVER_ENDPOINT of the post decide nothing."""
    message = opened(side)
    elsewhere = message.url.replace("DOMAIN=demo", "DOMAIN=evil")

    asked = len(side.portal.ledger.requests)
    answer = side.carried(Message(elsewhere, message.body))
    assert answer.status_code in {200, 404}
    assert len(side.portal.ledger.requests) == asked + 1


def test_the_tab_of_a_deal_shows_its_lead(side: Side) -> None:
    """A deal belongs to the lead that it was made of."""
    side.client.post("/v1/predict", json={"lead_id": "8"})
    side.portal.state.of(DEAL)[1]["leadId"] = 8

    answer = side.carried(opened(side, 1, kind=DEAL))
    assert answer.status_code == 200
    assert "Лид 8" in answer.text


def test_the_language_is_the_portals(side: Side) -> None:
    """The user's interface decides, not the company's setting."""
    side.client.post("/v1/predict", json={"lead_id": "5"})
    message = opened(side)

    english = Message(message.url.replace("LANG=ru", "LANG=en"), message.body)
    assert "Lead 5" in side.carried(english).text


def test_a_body_without_end_is_not_read(side: Side) -> None:
    """What no CRM sends costs no memory."""
    answer = side.client.post("/crm/bitrix24/tab", content=b"a" * 70_000)

    assert answer.status_code == 413


ACCOUNT = "https://acme.amocrm.ru"


def token(**changed: Any) -> str:
    """Make a token as amoCRM does for a card's widget."""
    now = int(time.time())
    claims = {
        "iss": ACCOUNT, "aud": "https://we.example", "jti": f"j{time.monotonic_ns()}",
        "iat": now, "nbf": now, "exp": now + 1_800, "account_id": 1,
        "user_id": OWNER, "subdomain": "acme", "client_uuid": "we",
    }  # fmt: skip
    told = {name: v for name, v in (claims | changed).items() if v is not None}
    return jwt.encode(told, SECRET, algorithm="HS256")


def test_a_viewer_is_read_off_the_double_s_own_token() -> None:
    """The token that the account makes is understood."""
    amo = AmoCrm(clock=Clock(datetime.now(UTC)))
    client = replace(amo.tokens.integrations[CLIENT.client_id], client_secret=SECRET)
    amo.tokens.install(client)
    made = amo.tokens.card_token(client.client_id, OWNER)

    viewer = viewer_in(made, secret=SECRET, origin=f"https://{amo.profile.domain}")
    assert viewer is not None
    assert viewer.user == OWNER


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": 1_000}, {"exp": None}, {"jti": None}, {"user_id": None},
        {"user_id": "1"}, {"iss": "https://evil.amocrm.ru"}, {"nbf": 4_000_000_000},
    ],
)  # fmt: skip
def test_a_token_that_is_over_or_another_s_is_none(changed: dict[str, Any]) -> None:
    """Every claim that matters is looked at."""
    assert viewer_in(token(), secret=SECRET, origin=ACCOUNT) is not None
    assert viewer_in(token(**changed), secret=SECRET, origin=ACCOUNT) is None


def test_a_token_must_be_signed_with_our_secret() -> None:
    """Neither another secret nor none at all will do."""
    unsigned = jwt.encode({"user_id": 1}, "", algorithm="none")

    assert viewer_in(token(), secret="t" * 64, origin=ACCOUNT) is None
    assert viewer_in(unsigned, secret=SECRET, origin=ACCOUNT) is None
    assert viewer_in(token(), secret="", origin=ACCOUNT) is None


@pytest.fixture(scope="module")
def widget(
    company: Company, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[TestClient, str, int]]:
    """Serve beside an account with our widget; client, address and a lead."""
    folder = tmp_path_factory.mktemp("widget")
    amo = AmoCrm()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEADCAST_CRM_SECRET", SECRET)
        with amocrm(company, folder, patch, amo) as (client, address):
            lead = amo.person().create(name="one")
            yield client, address, lead


def known(lead: int) -> dict[str, Any]:
    """Say a lead whole, under the account's number."""
    return {"lead_id": str(lead), "created_at": "2026-05-01T09:00:00+03:00"}


def test_the_widget_is_told_what_is_predicted(
    widget: tuple[TestClient, str, int],
) -> None:
    """Short words and numbers, for the account's own page alone, a token once."""
    client, address, lead = widget
    client.post("/v1/predict", json=known(lead))
    headers = {"X-Auth-Token": token(iss=address)}

    first = client.get(f"{CARD}?lead={lead}", headers=headers)
    again = client.get(f"{CARD}?lead={lead}", headers=headers)
    asked_first = client.options(CARD)
    assert first.status_code == 200
    assert first.json()["tier"] in {"hot", "warm", "cold"}
    assert first.json()["text"]
    assert first.headers["access-control-allow-origin"] == address
    assert again.status_code == 401
    assert asked_first.headers["access-control-allow-headers"] == "X-Auth-Token"


def test_the_widget_is_told_nothing_of_a_lead_that_its_user_may_not_see(
    widget: tuple[TestClient, str, int],
) -> None:
    """The account is asked in the user's own name."""
    client, address, lead = widget
    client.post("/v1/predict", json=known(lead))

    for user, number in ((OWNER, lead + 77), (999_999, lead)):
        headers = {"X-Auth-Token": token(iss=address, user_id=user)}
        answer = client.get(f"{CARD}?lead={number}", headers=headers)
        assert answer.status_code == 401
