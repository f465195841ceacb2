"""The sketch of a card shows what the portal holds, and opens our tab as it does."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import httpx2
import pytest
from tests.crm.bitrix24.portal import client_of

from crm.bitrix24.cards import Desk
from crm.bitrix24.enrolling import enrol
from crm.bitrix24.installing import install
from crm.port import Change, OurField, Value
from crm.testing.bitrix24.portal import Portal
from crm.testing.bitrix24.records import change_by
from crm.testing.bitrix24.schema import LEAD
from crm.testing.bitrix24.showing import CLIENT, prepared, shown

SERVICE = "http://127.0.0.1:9"


@pytest.fixture
def portal() -> Portal:
    """Open a portal with our fields and a forecast on lead 1."""
    made = prepared(leads=5, seed=1, service=SERVICE, until=date(2026, 11, 1))
    client = client_of(made)
    install(client, language="en")
    values: dict[OurField, Value] = {
        OurField.TIER: "hot", OurField.PROBABILITY: 37,
        OurField.REASONS: "<b>x", OurField.VERSION: 1,
    }  # fmt: skip
    Desk(client).write([Change("lead:1", values)])
    return made


def asked(portal: Portal, method: str, path: str, body: Any = None) -> httpx2.Response:
    """Ask the portal as a browser or an application does."""

    async def answered() -> httpx2.Response:
        inside = httpx2.ASGITransport(app=shown(portal))
        base = "http://portal.test"
        async with httpx2.AsyncClient(transport=inside, base_url=base) as client:
            return await client.request(method, path, json=body)

    return asyncio.run(answered())


def enrolled(portal: Portal) -> None:
    """Register robot and tabs with a token of the installed application."""
    access = asked(portal, "GET", "/demo/application").json()["access"]

    def call(method: str, params: Any) -> Any:
        body = {**params, "auth": access}
        return asked(portal, "POST", f"/rest/{method}", body).json()["result"]

    enrol(call, SERVICE)
    assert CLIENT in portal.credentials.applications


def test_the_card_shows_our_fields_in_words_and_escapes_them(portal: Portal) -> None:
    """An option is shown by its word, and no value becomes markup."""
    page = asked(portal, "GET", "/crm/lead/details/1/?lang=en").text

    assert "<dt>Forecast: tier</dt><dd>Hot</dd>" in page
    assert "<dd>37</dd>" in page
    assert "&lt;b&gt;x" in page
    assert "The tab is not bound." in page


def test_the_card_opens_the_tab_with_the_user_s_token(portal: Portal) -> None:
    """The browser posts a form into a frame, as in a real card."""
    enrolled(portal)

    page = asked(portal, "GET", "/crm/lead/details/1/").text
    assert f'action="{SERVICE}/crm/bitrix24/tab?' in page
    assert 'name="AUTH_ID" value="access' in page
    assert 'target="tab"' in page


def test_people_work_in_the_portal_by_hand(portal: Portal) -> None:
    """A manager moves a lead; the automation calls the robot and waits."""
    enrolled(portal)
    change_by(portal, LEAD, 1, {"stageId": "NEW"})

    asked(portal, "POST", "/demo/stage/1/IN_PROCESS")
    asked(portal, "POST", "/demo/robot/1")
    assert portal.state.of(LEAD)[1]["stageId"] == "IN_PROCESS"
    assert portal.subscriptions.workflows[-1].document == "LEAD_1"
    assert not asked(portal, "GET", "/demo/robot/1").json()["answered"]
    assert asked(portal, "GET", "/crm/lead/details/999/").status_code == 404
