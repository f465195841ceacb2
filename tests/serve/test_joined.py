"""Application mode as a whole: connected, called, answered, and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import orjson
import pytest
from tests.serve.conftest import Company
from tests.serve.joined import Joined, joined
from tests.serve.service import Service
from tests.serve.visited import until

from crm.bitrix24.robot import CODE
from crm.testing.bitrix24.placements import open_tab
from crm.testing.bitrix24.robots import run_robot
from crm.testing.bitrix24.schema import LEAD
from crm.testing.pump import Message


@pytest.fixture(scope="module")
def side(
    company: Company, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Joined]:
    """Connect and ingest by our own commands."""
    folder = tmp_path_factory.mktemp("joined")
    with (
        pytest.MonkeyPatch.context() as patch,
        joined(company, folder, patch) as made,
    ):
        made.keep_consent()
        first = made.run("connect", "bitrix24")
        assert first.exit_code == 0, first.output
        assert "calls us event ONCRMLEADADD" in first.output
        assert made.run("ingest").exit_code == 0
        yield made


@pytest.fixture(scope="module")
def service(side: Joined) -> Iterator[Service]:
    """Serve at the public address."""
    with side.serving() as made:
        yield made


def carried(message: Message, **form: str) -> httpx2.Response:
    """Carry one post of the portal to the service, some of its fields forged."""
    body = message.body.decode() + "".join(f"&{k}={v}" for k, v in form.items())
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return httpx2.post(message.url, content=body, headers=headers, timeout=20)


def test_connecting_again_registers_nothing_twice(side: Joined) -> None:
    """Events, queue, robot and tabs stand once at the public address."""
    bindings = len(side.portal.subscriptions.bindings)
    again = side.run("connect", "bitrix24")

    assert again.exit_code == 0, again.output
    assert "calls us" not in again.output
    assert len(side.portal.subscriptions.bindings) == bindings == 19
    assert list(side.portal.subscriptions.robots) == [CODE]
    assert len(side.portal.subscriptions.placements) == 2


def test_a_new_lead_gets_its_tier_by_the_stored_token(
    side: Joined, service: Service
) -> None:
    """Heard by the token of the consent alone, and the portal's queue is emptied."""
    side.tier_on(side.lead())
    until(lambda: not side.portal.subscriptions.queue)

    ready = orjson.loads(service.get("/readyz")[1])
    assert ready["listening"]["stopped"] is None
    assert ready["delivery"]["stopped"] is None


def test_a_robot_that_runs_on_a_new_lead_is_told_its_tier(
    side: Joined, service: Service
) -> None:
    """A lead that nobody has ingested is looked at before the workflow is answered."""
    assert service
    flow = run_robot(side.portal, CODE, LEAD, side.lead())
    until(lambda: flow.answered)

    assert flow.values["tier"] in {"hot", "warm", "cold"}


def test_the_tab_opens_by_the_stored_token(side: Joined, service: Service) -> None:
    """The portal's own post is let in, one with no token or another portal's is not."""
    assert service
    lead = side.lead()
    side.tier_on(lead)

    assert carried(open_tab(side.portal, LEAD, lead)).status_code == 200
    for forged in ({"APPLICATION_TOKEN": ""}, {"member_id": "another"}):
        assert carried(open_tab(side.portal, LEAD, lead), **forged).status_code == 403


def test_disconnecting_leaves_nothing_behind(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that calls us is taken back, the tokens too; and again does no harm."""
    with joined(company, tmp_path, monkeypatch, leads=1) as made:
        made.keep_consent()
        made.run("connect", "bitrix24")
        first = made.run("connect", "bitrix24", "--disconnect")
        again = made.run("connect", "bitrix24", "--disconnect")
        lost = made.run("connect", "bitrix24", "--check")
        told = made.portal.subscriptions

    assert first.exit_code == 0, first.output
    assert "our tokens" in first.output
    assert (told.bindings, told.robots, told.placements) == ([], {}, [])
    assert again.exit_code == 0, again.output
    assert lost.exit_code == 4
    assert "was never connected" in lost.stderr
