"""How an answer leaves a double, or does not: carries out one fault over ASGI.

``work`` is the whole effect of a request, ledger entry included, as one step that
nothing can interrupt; when it runs, or whether, is what the fault decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final

from crm.testing.clock import Clock
from crm.testing.faults import Fault, Kind

JSON: Final = {"content-type": "application/json; charset=utf-8"}
CUT: Final = "crm.testing.cut"
"""ASGI extension: resets the connection. ``serving`` offers it over a socket."""

CHUNK: Final = b" " * 65_536
BREATH_SECONDS: Final = 0.01

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: dict(JSON))


@dataclass(frozen=True, slots=True)
class Line:
    """The caller's end of one request, in ASGI's three words."""

    scope: Scope
    receive: Receive
    send: Send

    async def answer(self, answer: Answer) -> None:
        """Send a whole answer."""
        await self._start(answer)
        await self.send({"type": "http.response.body", "body": answer.body})

    async def half(self, answer: Answer) -> None:
        """Promise a whole answer, send half of it and cut."""
        await self._start(answer)
        half = answer.body[: len(answer.body) // 2]
        await self.send({"type": "http.response.body", "body": half, "more_body": True})
        await asyncio.sleep(BREATH_SECONDS)  # lets the half reach the caller
        await self.cut()

    async def endless(self) -> None:
        """Send a body until the caller hangs up; only for callers over a socket."""
        await self.send({"type": "http.response.start", "status": 200, "headers": []})
        gone = asyncio.ensure_future(self._gone())
        while not gone.done():
            await self.send(
                {"type": "http.response.body", "body": CHUNK, "more_body": True}
            )
            await asyncio.sleep(BREATH_SECONDS)

    async def cut(self) -> None:
        """Reset the connection.

        Raises
        ------
        ConnectionResetError
            The double runs inside the caller's process, without a socket: the caller
            sees this error itself.
        """
        reset = self.scope.get("extensions", {}).get(CUT)
        if reset is None:
            raise ConnectionResetError("The double cut the connection.")
        reset()
        await self._gone()

    async def _gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def _start(self, answer: Answer) -> None:
        headers = {**answer.headers, "content-length": str(len(answer.body))}
        await self.send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": [
                    (name.lower().encode("latin-1"), value.encode("latin-1"))
                    for name, value in headers.items()
                ],
            }
        )


async def carry_out(
    fault: Fault | None, work: Callable[[], Answer], line: Line, *, clock: Clock
) -> None:
    """Do the work and answer, as the fault will have it.

    Raises
    ------
    ConnectionResetError
        The fault cuts a connection that is not a socket.
    """
    if fault is None:
        await line.answer(work())
        return
    own = Answer(fault.status, fault.body, fault.headers)
    match fault.kind:
        case Kind.REFUSE:
            await line.answer(own)
        case Kind.DROP:
            await line.cut()
        case Kind.ENDLESS:
            await line.endless()
        case Kind.LATE:
            clock.after(fault.seconds, lambda: _forget(work()))
            await line.answer(own)
        case Kind.DELAY:
            await line.answer(await _delayed(fault.seconds, work, clock))
        case _:
            await _applied(fault, work, own, line, clock)


async def _applied(
    fault: Fault, work: Callable[[], Answer], own: Answer, line: Line, clock: Clock
) -> None:
    answer = work()
    match fault.kind:
        case Kind.LOSE:
            await line.cut()
        case Kind.TRUNCATE:
            await line.half(answer)
        case Kind.TIMEOUT:
            await line.answer(own)
        case Kind.TWICE:
            await line.answer(work())
        case _:
            await clock.sleep(fault.seconds)
            await line.answer(answer)


async def _delayed(seconds: float, work: Callable[[], Answer], clock: Clock) -> Answer:
    done: list[Answer] = []
    # Not after the sleep: the work is done also if the caller has gone by then.
    clock.after(seconds, lambda: done.append(work()))
    await clock.sleep(seconds)
    return done[0]


def _forget(answer: Answer) -> None:
    del answer
