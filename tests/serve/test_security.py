from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.serve.company import settings_in

from serve.app import create_app
from serve.security import OPEN, Keys

KEY = "correct horse"
OTHER = "battery staple"


def digest(key: str) -> str:
    """Digest a key as the configuration keeps it."""
    return hashlib.sha256(key.encode()).hexdigest()


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Ask a service with two keys and no model."""
    folder = tmp_path_factory.mktemp("locked")
    settings = settings_in(folder, keys=(digest(KEY), digest(OTHER)))
    with TestClient(create_app(settings), raise_server_exceptions=False) as asking:
        yield asking


def basic(password: str) -> str:
    """Say a password as a browser does."""
    return "Basic " + base64.b64encode(f"anyone:{password}".encode()).decode()


WRONG = (
    None, "", "Bearer", "Bearer ", "Bearer wrong", f"Bearer {digest(KEY)}",
    f"bearer{KEY}", KEY, f"Digest {KEY}", "Basic", "Basic ###", basic("wrong"),
    basic(""), "Basic " + base64.b64encode(KEY.encode()).decode(),
    f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", "Bearer " + "x" * 5_000,
)  # fmt: skip


@pytest.mark.parametrize("given", WRONG)
def test_without_a_known_key_the_door_stays_shut(
    locked: TestClient, given: str | None
) -> None:
    """No header that lacks a whole known key opens anything."""
    headers = {} if given is None else {"authorization": given}

    answer = locked.get("/v1/model", headers=headers)

    assert answer.status_code == 401
    assert "Bearer" in answer.headers["www-authenticate"]
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "given", [f"Bearer {KEY}", f"bearer {OTHER}", basic(KEY), basic(OTHER)]
)
def test_any_known_key_opens_in_both_forms(locked: TestClient, given: str) -> None:
    """A program sends a key as Bearer, a browser as a password: both get through."""
    answer = locked.get("/v1/model", headers={"authorization": given})

    assert answer.status_code == 503  # through the door; there is no model behind it


def test_two_authorization_headers_are_none(locked: TestClient) -> None:
    """Two headers could be read as either, so they open nothing."""
    headers = [("authorization", f"Bearer {KEY}"), ("authorization", "Bearer wrong")]

    assert locked.get("/v1/model", headers=headers).status_code == 401


def test_every_address_is_closed_unless_named_open(locked: TestClient) -> None:
    """Each route, known or not, asks for a key, but for the three named open."""
    schema = locked.get("/openapi.json", headers={"authorization": f"Bearer {KEY}"})
    known = {path.replace("{lead_id}", "7") for path in schema.json()["paths"]}
    paths = known | {"/", "/model", "/docs", "/openapi.json", "/leads/7", "/nothing"}

    closed = {path for path in paths if locked.get(path).status_code == 401}

    assert known >= OPEN
    assert closed == paths - OPEN


def test_the_body_is_not_read_before_the_key(locked: TestClient) -> None:
    """Without a key a caller does not even learn that its body is bad."""
    headers = {"content-length": "200000000"}

    assert locked.post("/v1/predict", headers=headers).status_code == 401


def test_with_no_keys_everyone_may_ask(tmp_path: Path) -> None:
    """On loopback without keys nothing is asked for."""
    with TestClient(create_app(settings_in(tmp_path))) as asking:
        assert asking.get("/v1/model").status_code == 503


def test_keys_compare_whole_digests() -> None:
    """A key is known by its whole digest, and no keys know nothing."""
    assert Keys([digest(KEY)]).know(KEY.encode())
    assert not Keys([]).know(b"")
    assert not Keys([])
