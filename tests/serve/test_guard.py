from __future__ import annotations

import asyncio
import gzip
import json
import resource
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from serve.guard import Guard

CANARY = "CanaryIvanov"
MOST_ERROR = 4_096
JSON = {"content-type": "application/json"}


def lead(**more: Any) -> bytes:
    """Write a lead that is fine but for what is given."""
    fine = {"lead_id": CANARY, "created_at": "2026-03-01T00:00:00Z"}
    return orjson.dumps(fine | more)


def hostile() -> Iterator[tuple[str, bytes]]:
    """List bodies that would break a careless service, by name."""
    start = f'{{"lead_id": "{CANARY}", "created_at": "2026-03-01T00:00:00Z"'
    for name, text in {
        "NaN": "NaN", "Infinity": "Infinity", "minus Infinity": "-Infinity",
        "1e400": "1e400", "nan as text": '"nan"', "inf as text": '"inf"',
        "true for a number": "true", "text for a number": '"1"',
        "20 digits": "1" * 20, "5,000 digits": "1" * 5000, "a list": "[1]",
        "an object": "{}", "lone surrogate": '"\\ud800"', "NUL": '"\\u0000"',
    }.items():  # fmt: skip
        yield name, f'{start}, "fields": {{"size": {text}}}}}'.encode()
    yield "doubled key", f'{{"lead_id": "{CANARY}", "lead_id": "b"}}'.encode()
    yield "surrogate in a key", f'{{"{CANARY}\\ud800": 1}}'.encode()
    yield "UTF-16", lead().decode().encode("utf-16")
    yield "bad UTF-8", lead().replace(b"Canary", b"Canary\xff")
    yield "depth 100,000", b"[" * 100_000
    yield "depth 5,000", b'{"fields":' * 5_000 + b"1" + b"}" * 5_000
    yield "a list", b"[]"
    yield "null", b"null"
    yield "a text", orjson.dumps(CANARY)
    yield "empty", b""
    yield "not JSON", CANARY.encode()
    yield "unknown key", lead(**{CANARY: CANARY})
    yield "unknown key within", lead(events=[{CANARY: 1}])
    yield "empty id", orjson.dumps({"lead_id": ""})
    yield "1 MB id", orjson.dumps({"lead_id": CANARY * 60_000})
    yield "number as id", orjson.dumps({"lead_id": 7})
    for moment in (
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-02-31T00:00:00Z",
        "2026-03-01", "2026-03-01T00:00:00", "1700000000", CANARY,
        "2026-03-01T00:00:00+99:99", "2026-03-01T24:61:00Z", "٢٠٢٦-03-01T00:00:00Z",
        "2026-03-01T00:00:00Z\n",
    ):  # fmt: skip
        yield f"created {moment}", lead(created_at=moment)
        yield f"as of {moment}", lead(as_of=moment)
    for number in (1700000000, 1e300, True, None):
        yield f"event at {number}", lead(events=[{"at": number, "kind": "visit"}])
    at = "2026-03-01T00:00:00Z"
    yield "11,000 events", lead(events=[{"at": at, "kind": "v"}] * 11_000)
    yield "2,000 fields", lead(fields={f"{CANARY}{i}": 1 for i in range(2_000)})
    money = {"at": at, "currency": "RUB"}
    yield "10^18 paid", lead(payments=[{**money, "amount_minor": 10**18}])
    yield "1.5 paid", lead(payments=[{**money, "amount_minor": 1.5}])
    yield "text currency", lead(payments=[{**money, "currency": CANARY}])
    yield "wrong type in a known field", lead(fields={"city": 5.0, "vip": CANARY})


HOSTILE = dict(hostile())


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/predict/batch"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_are_refused_in_few_words(
    client: TestClient, path: str, name: str
) -> None:
    """No body makes the service fail, and no error repeats what was sent."""
    answer = client.post(path, content=HOSTILE[name], headers=JSON)

    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) <= MOST_ERROR
    assert CANARY not in answer.text


@pytest.mark.parametrize("name", sorted(set(HOSTILE) - {"1 MB id", "11,000 events"}))
def test_hostile_leads_in_a_batch_are_refused_alone(
    client: TestClient, name: str
) -> None:
    """A lead that cannot be read as JSON costs its batch, any other only itself."""
    body = b'{"leads": [' + HOSTILE[name] + b', {"lead_id": "L00001"}]}'

    answer = client.post("/v1/predict/batch", content=body, headers=JSON)

    if answer.status_code == 200:
        refused, fine = answer.json()["items"]
        assert refused["prediction"] is None
        assert CANARY not in orjson.dumps(refused["problem"]).decode()
        assert fine["prediction"]["lead_id"] == "L00001"
    else:
        assert answer.status_code == 400
        assert CANARY not in answer.text


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "lead_id",
                    "created_at",
                    "as_of",
                    "fields",
                    "events",
                    "at",
                    "kind",
                    "x",
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(JUNK)
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_generated_body_makes_the_service_fail(
    client: TestClient, junk: object
) -> None:
    """Whatever shape is sent, the answer is an answer or a problem document."""
    body = json.dumps(junk).encode()

    for path in ("/v1/predict", "/v1/predict/batch"):
        answer = client.post(path, content=body, headers=JSON)
        assert answer.status_code < 500
        assert len(answer.content) <= MOST_ERROR or answer.status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({}, 415),
        ({"content-type": "application/json; charset=utf-16"}, 415),
        ({**JSON, "content-encoding": "gzip"}, 415),
        ({**JSON, "content-length": "200000000"}, 413),
        ({**JSON, "content-length": "9" * 5000}, 400),
        ({**JSON, "content-length": "-1"}, 400),
    ],
)
def test_the_form_of_a_body_is_checked_before_it_is_read(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    """What is too long, compressed or not JSON is refused by its headers."""
    answer = client.post("/v1/predict", content=gzip.compress(b"{}"), headers=headers)

    assert answer.status_code == status
    assert answer.headers["connection"] == "close"


class Streamed:
    """A body that comes in pieces without a declared length."""

    def __init__(self, piece: bytes, count: int, *, pause: float = 0.0) -> None:
        self.piece, self.left, self.pause = piece, count, pause
        self.taken = 0

    async def __call__(self) -> Message:
        """Hand over the next piece."""
        await asyncio.sleep(self.pause)
        self.left -= 1
        self.taken += len(self.piece)
        return {
            "type": "http.request", "body": self.piece, "more_body": self.left > 0,
        }  # fmt: skip


def ask(guard: Guard, receive: Receive) -> int:
    """Send a streamed POST through a guard; give the status of the answer."""
    scope: Scope = {
        "type": "http", "method": "POST", "path": "/", "state": {},
        "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip
    statuses: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    asyncio.run(guard(scope, receive, send))
    return statuses[0]


async def fine(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 200 to whatever comes through."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_a_streamed_body_is_cut_off_at_the_limit() -> None:
    """200 MB sent in pieces are refused at the first too many, not at the last."""
    body = Streamed(b"[" * 65_536, 3_200)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    status = ask(Guard(fine, max_body_bytes=1_000_000), body)

    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert status == 413
    assert body.taken <= 1_100_000
    assert grown < 64 * 1024


def test_a_body_that_trickles_is_given_up() -> None:
    """A client may not hold a connection by sending a byte now and then."""
    body = Streamed(b" ", 1_000, pause=0.01)

    assert ask(Guard(fine, max_body_bytes=1_000, seconds=0.1), body) == 408


def test_a_body_in_pieces_is_put_together() -> None:
    """Where the network cuts a body makes no difference."""
    pieces = iter([(b'{"a"', True), (b": 1}", False)])

    async def receive() -> Message:
        body, more = next(pieces)
        return {"type": "http.request", "body": body, "more_body": more}

    assert ask(Guard(fine, max_body_bytes=1_000), receive) == 200


def test_the_hostile_list_is_not_thinned() -> None:
    """The list of hostile bodies keeps every kind that was ever found to hurt."""
    assert len(HOSTILE) == 61
