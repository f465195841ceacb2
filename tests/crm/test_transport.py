"""Requests end in time, in size, and without a word of the secret."""

from __future__ import annotations

import socket
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from tests.crm.bitrix24.portal import Gate

from crm.port import GateClosed, Heard
from crm.transport import (
    Answer,
    Limits,
    Lost,
    NotSent,
    Patience,
    Transport,
    Verdict,
    retry_after,
)

SECRET = "".join(["c4n", "4ry"])  # never whole in a line that a traceback quotes
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SHORT = Limits(
    connect=timedelta(seconds=0.3), whole=timedelta(seconds=0.5), most_bytes=100_000
)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


@contextmanager
def saying(*parts: bytes, pause: float = 0.0, repeat: int = 1) -> Iterator[str]:
    """Answer every connection with these bytes; give the address."""
    server = socket.create_server(("127.0.0.1", 0))
    ending = threading.Event()

    def serve() -> None:
        while not ending.is_set():
            try:
                line, _ = server.accept()
            except OSError:
                return
            with line:
                try:
                    heard = b""
                    while not heard.endswith(b"{}}"):  # unread bytes would reset it
                        heard += line.recv(65_536)
                    for part in parts * repeat:
                        line.sendall(part)
                        ending.wait(pause)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        ending.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(2)


def asked(base: str, gate: Gate | None = None) -> Answer:
    """Send one request with a secret in its path."""
    transport = Transport(
        base, gate or Gate(), judge=lambda _: Verdict(Heard.WELL), limits=SHORT
    )
    try:
        return transport.post(f"/rest/1/{SECRET}/batch", {"cmd": {}})
    finally:
        transport.close()


def test_a_whole_answer_comes_through() -> None:
    """Status, headers in lower case, and body."""
    with saying(HEAD + b"X-Some: 1\r\ncontent-length: 2\r\n\r\n{}") as base:
        answer = asked(base)

    assert (answer.status, answer.json(), answer.headers["x-some"]) == (200, {}, "1")


def test_nobody_there_is_not_sent() -> None:
    """A refused connection is certain: nothing happened."""
    gate = Gate()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(NotSent):
        asked(f"http://127.0.0.1:{port}", gate)
    assert gate.told == [Heard.DOWN]


@pytest.mark.parametrize(
    ("parts", "pause", "repeat"),
    [
        ((b"",), 2.0, 1),
        ((HEAD,), 2.0, 1),
        ((HEAD + b"content-length: 99\r\n\r\n{",), 0.0, 1),
        ((HEAD + b"content-length: 999\r\n\r\n", *[b"x"] * 40), 0.05, 1),
        ((HEAD + b"content-length: 200000\r\n\r\n" + b"x" * 200_000,), 0.0, 1),
        ((b"nonsense\r\n\r\n",), 0.0, 1),
    ],
)  # fmt: skip
def test_half_answers_are_lost_in_time(
    parts: tuple[bytes, ...], pause: float, repeat: int
) -> None:
    """Silence, trickles, floods and nonsense end as lost, soon, without the secret."""
    begun = time.monotonic()
    with saying(*parts, pause=pause, repeat=repeat) as base:
        with pytest.raises(Lost) as lost:
            asked(base)
        took = time.monotonic() - begun

    told = "".join(traceback.format_exception(lost.value))
    assert took < 1.5
    assert SECRET not in told


def test_no_redirect_is_followed() -> None:
    """Where an answer points to is never asked."""
    with saying(HEAD + b"content-length: 2\r\n\r\n{}") as trap:
        moved = f"HTTP/1.1 302 Found\r\nlocation: {trap}/\r\ncontent-length: 0\r\n\r\n"
        with saying(moved.encode()) as base:
            answer = asked(base)

    assert answer.status == 302


@pytest.mark.parametrize("value", ["-1", "0", "abc", "", None, "1e9", "١٢"])
def test_a_senseless_wish_to_wait_is_no_wish(value: str | None) -> None:
    """A ``Retry-After`` that says nothing leaves our own pause."""
    assert retry_after(value, NOW) is None


@pytest.mark.parametrize("value", ["1000000000", "Fri, 31 Dec 2099 23:59:59 GMT"])
def test_a_wish_without_end_is_clamped(value: str) -> None:
    """No answer can keep us away for longer than ten minutes."""
    assert retry_after(value, NOW) == timedelta(minutes=10)


def test_patience_doubles_within_bounds_and_ends() -> None:
    """Pauses grow from one to two times their base, and the last failure is told."""
    slept: list[float] = []
    patience = Patience(tries=4, sleep=slept.append)

    def ask() -> None:
        raise Lost("x", remedy="y")

    with pytest.raises(Lost):
        patience.asking(ask, again=(Lost,))
    bounds = [(1, 2), (2, 4), (4, 8)]
    assert len(slept) == 3
    assert all(low <= s <= high for s, (low, high) in zip(slept, bounds, strict=True))


def test_a_shut_gate_is_waited_for_only_so_long() -> None:
    """A ban that lasts an hour ends a read; a limit of seconds does not."""
    left = [timedelta(seconds=3), timedelta(seconds=3), timedelta(hours=1)]
    slept: list[float] = []

    def ask() -> None:
        raise GateClosed("Shut.", remedy="Wait.", retry_after=left.pop(0))

    with pytest.raises(GateClosed):
        Patience(sleep=slept.append).asking(ask, again=())
    assert slept == [3.0, 3.0]
