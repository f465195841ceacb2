"""Faults carried out, in one process and over a socket."""

import asyncio
import http.client
from typing import Any

import httpx2
import pytest

from crm.testing.clock import Clock
from crm.testing.faults import Fault, Kind
from crm.testing.serving import running
from crm.testing.wire import Answer, Line, carry_out

WHOLE = b'{"result": true, "long": "enough to be cut in two"}'


class Small:
    """A double of one write, which counts when it was applied."""

    def __init__(self, fault: Fault | None) -> None:
        self.fault = fault
        self.clock = Clock()
        self.applied: list[float] = []

    def work(self) -> Answer:
        """Apply the write."""
        self.applied.append(self.clock.elapsed)
        return Answer(200, WHOLE)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer any request, as the fault will have it."""
        line = Line(scope, receive, send)
        await carry_out(self.fault, self.work, line, clock=self.clock)


def outcome(double: Small, *, moved: float = 10) -> int | str:
    """Ask once and move the clock: the status, or the name of the failure."""

    async def run() -> int | str:
        transport = httpx2.ASGITransport(app=double.app)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://x"
        ) as client:
            asking = asyncio.ensure_future(client.post("/"))
            await double.clock.advance(moved)
            try:
                return (await asking).status_code
            except (ConnectionResetError, httpx2.HTTPError) as failure:
                return type(failure).__name__

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("fault", "heard", "applied"),
    [
        (None, 200, [0.0]),
        (Fault(Kind.REFUSE, status=502), 502, []),
        (Fault(Kind.DROP), "ConnectionResetError", []),
        (Fault(Kind.LOSE), "ConnectionResetError", [0.0]),
        (Fault(Kind.TIMEOUT), 504, [0.0]),
        (Fault(Kind.LATE, seconds=3), 504, [3.0]),
        (Fault(Kind.DELAY, seconds=3), 200, [3.0]),
        (Fault(Kind.SLOW, seconds=3), 200, [0.0]),
        (Fault(Kind.TRUNCATE), "ConnectionResetError", [0.0]),
        (Fault(Kind.TWICE), 200, [0.0, 0.0]),
    ],
)
def test_each_fault_applies_when_and_as_often_as_it_says(
    fault: Fault | None, heard: int | str, applied: list[float]
) -> None:
    """What the caller hears and what is applied are the two sides of a fault."""
    double = Small(fault)

    assert outcome(double) == heard
    assert double.applied == applied


def test_a_late_write_waits_for_its_time() -> None:
    """Until its seconds have passed, a late write is not applied."""
    double = Small(Fault(Kind.LATE, seconds=30))

    assert outcome(double, moved=29) == 504
    assert double.applied == []


@pytest.mark.parametrize(
    ("kind", "refusal"),
    [
        (Kind.DROP, (ConnectionResetError, http.client.RemoteDisconnected)),
        (Kind.LOSE, (ConnectionResetError, http.client.RemoteDisconnected)),
        (Kind.TRUNCATE, (ConnectionResetError, http.client.IncompleteRead)),
    ],
)
def test_over_a_socket_the_connection_is_really_cut(
    kind: Kind, refusal: tuple[type[Exception], ...]
) -> None:
    """A caller over a socket sees a reset, no polite status."""
    with running(Small(Fault(kind)).app) as address:
        asking = http.client.HTTPConnection(address.removeprefix("http://"), timeout=5)
        with pytest.raises(refusal):  # noqa: PT012 (either step may see the cut)
            asking.request("POST", "/")
            asking.getresponse().read()
        asking.close()


def test_an_endless_body_goes_on_until_the_caller_hangs_up() -> None:
    """A megabyte can be read, and the double ends when the caller goes."""
    with running(Small(Fault(Kind.ENDLESS)).app) as address:
        asking = http.client.HTTPConnection(address.removeprefix("http://"), timeout=5)
        asking.request("POST", "/")
        answer = asking.getresponse()

        assert len(answer.read(1_000_000)) == 1_000_000

        answer.close()
        asking.close()
