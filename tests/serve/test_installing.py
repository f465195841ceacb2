"""The address that a consent comes back to: open, small, and hard to fool."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from crm.connecting import Connecting
from leads.errors import Unauthorized
from serve.guard import Guard
from serve.installing import MOST_BYTES, Installing
from serve.security import Doorkeeper, Keys

KEYS = Keys(["0" * 64])


@dataclass
class Noted(Connecting):
    """Takes whatever comes, but for a forged state."""

    came: list[dict[str, str]] = field(default_factory=list)

    def finish(self, came: object) -> object:  # type: ignore[override]
        """Take a query."""
        assert isinstance(came, dict)
        if came.get("state") == "forged":
            raise Unauthorized("No consent is under way.", remedy="Connect.")
        self.came.append(came)
        return None

    installed = finish  # type: ignore[assignment]


@pytest.fixture
def noted() -> Noted:
    """Take notes."""
    return Noted()


@pytest.fixture
def client(noted: Noted) -> TestClient:
    """Stand where the portal and a person's browser do: outside, without a key."""
    inner = Guard(PlainTextResponse("inside"), max_body_bytes=1_000_000)
    app = Installing(
        Doorkeeper(inner, keys=KEYS),
        connecting=lambda: noted, kind="bitrix24", language="ru",
    )  # fmt: skip
    return TestClient(app)


def test_a_code_is_taken_without_a_key(client: TestClient, noted: Noted) -> None:
    """The page says what to do next, in the company's language."""
    answer = client.get("/crm/bitrix24/install?code=c1&state=s1")

    assert answer.status_code == 200
    assert noted.came == [{"code": "c1", "state": "s1"}]
    assert "Leadcast подключён" in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_the_installer_is_taken_and_told_to_finish(
    client: TestClient, noted: Noted
) -> None:
    """Without its last word a portal keeps events and tabs dead."""
    form = {"AUTH_ID": "a", "REFRESH_ID": "r", "auth[application_token]": "t"}
    answer = client.post("/crm/bitrix24/install?DOMAIN=x", data=form)

    assert noted.came == [form]
    assert "BX24.installFinish()" in answer.text


def test_what_is_refused_repeats_nothing(client: TestClient) -> None:
    """A refusal is a problem document without a word of what came."""
    answer = client.get("/crm/bitrix24/install?code=c4n4ry&state=forged")

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert "c4n4ry" not in answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"x" * (MOST_BYTES + 1), 413),
        (b"&".join(b"a=1" for _ in range(200)), 400),
        ("имя=1".encode(), 400),
    ],
)
def test_a_form_is_bounded(
    client: TestClient, noted: Noted, body: bytes, status: int
) -> None:
    """Nobody may fill the memory of a door without a key."""
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = client.post("/crm/bitrix24/install", content=body, headers=kind)

    assert answer.status_code == status
    assert noted.came == []


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("GET", "/v1/leads", 401),
        ("GET", "/crm/bitrix24/install/", 401),
        ("GET", "/crm/amocrm/install", 401),
        ("PUT", "/crm/bitrix24/install", 405),
    ],
)
def test_no_other_door_stands_open(
    client: TestClient, verb: str, path: str, status: int
) -> None:
    """Only this one address goes without a key."""
    assert client.request(verb, path).status_code == status
