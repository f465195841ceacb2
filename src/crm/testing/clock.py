"""A clock that stands still until a test moves it.

Everything in a double that waits (a late write, a slow answer, an expiring token, a
leaking bucket) asks this clock and no other, so a test of ten minutes takes no time.
A double that is started by hand lets the clock ``follow`` the real one.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

START: Final = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
TICK_SECONDS: Final = 0.02
SETTLING_TURNS: Final = 20  # turns of the loop in which what was woken comes to rest


class Clock:
    """Time that only ``move`` and ``advance`` change.

    Parameters
    ----------
    start
        The first moment; must know its time zone.

    Examples
    --------
    >>> clock = Clock()
    >>> done = []
    >>> clock.after(5, lambda: done.append(clock.elapsed))
    >>> clock.move(4.9)
    >>> done
    []
    >>> clock.move(10)
    >>> done, clock.elapsed
    ([5.0], 14.9)

    Nothing here is guarded by locks: move the clock from the thread that the double
    runs in, or while no request is under way.
    """

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._elapsed = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    @property
    def now(self) -> datetime:
        """The moment that it is."""
        return self._start + timedelta(seconds=self._elapsed)

    @property
    def elapsed(self) -> float:
        """Seconds since the start; never goes back."""
        return self._elapsed

    @property
    def timestamp(self) -> float:
        """The moment in seconds since 1970."""
        return self.now.timestamp()

    @property
    def waiting(self) -> int:
        """How many actions and sleepers wait for their time."""
        return len(self._due)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Run an action once, when so many seconds have passed.

        The action sees the clock at its own time, however far a move goes beyond it;
        actions of one time run in the order in which they were asked for.
        """
        heapq.heappush(self._due, (self._elapsed + seconds, next(self._count), action))

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has been moved so many seconds."""
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not woken.done():  # the sleeper may be gone: its caller hung up
                woken.set_result(None)

        self.after(seconds, lambda: _soon(loop, wake))
        await woken

    def move(self, seconds: float) -> None:
        """Pass so many seconds at once; actions on the way run at their times.

        Sleepers are woken but run only when the event loop does: what they do next
        sees the end of the move. Use ``advance`` where that matters.
        """
        until = self._elapsed + seconds
        while self._due and self._due[0][0] <= until:
            self._step()
        self._elapsed = until

    async def advance(self, seconds: float) -> None:
        """Pass so many seconds and let each woken sleeper act at its own time."""
        until = self._elapsed + seconds
        await _settle()
        while self._due and self._due[0][0] <= until:
            self._step()
            await _settle()
        self._elapsed = until
        await _settle()

    async def follow(self, *, speed: float = 1.0) -> None:
        """Go with the real clock, ``speed`` times as fast, until cancelled."""
        begun, passed = time.monotonic(), 0.0
        while True:
            await asyncio.sleep(TICK_SECONDS)
            gone = (time.monotonic() - begun) * speed
            self.move(gone - passed)
            passed = gone

    def _step(self) -> None:
        when, _, action = heapq.heappop(self._due)
        self._elapsed = when
        action()


def _soon(loop: asyncio.AbstractEventLoop, action: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(action)


async def _settle() -> None:
    for _ in range(SETTLING_TURNS):
        await asyncio.sleep(0)
