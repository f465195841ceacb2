"""Posts a double's events to our receiver, as badly as the real ones come.

An event is promised nothing: it may come late, twice, after a newer one or never, and
anybody who knows the address may forge one. What each vendor does about a receiver
that fails is its own rule (``again``).
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np

from crm.testing.clock import Clock

FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
NO_ANSWER: Final = 0
IDLE_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class Message:
    """One event on its way; ``name`` is for people and tests only."""

    url: str
    body: bytes
    name: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: dict(FORM))


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try to post a message; status 0 stands for no answer."""

    at: float
    message: Message
    attempt: int
    status: int


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to events on the way, in shares of all events.

    ``delay`` is the stretch in seconds of the clock from which each copy draws its
    own delay: a wide one also shuffles. ``shuffled`` mixes those due together.
    """

    lost: float = 0.0
    doubled: float = 0.0
    most_copies: int = 2
    delay: tuple[float, float] = (0.0, 0.0)
    shuffled: bool = False


FAIR: Final = Weather()

Poster = Callable[[Message], Awaitable[int]]
Again = Callable[[int, int], float | None]


def never(status: int, attempt: int) -> None:
    """Do not repeat what failed, as Bitrix24's documents say."""
    del status, attempt


class Pump:
    """Holds messages until their time and posts them.

    Parameters
    ----------
    clock
        Of the double.
    post
        Posts one message and gives the HTTP status: ``asgi_poster`` or
        ``http_poster``.
    weather
        May be replaced at any time.
    seed
        Of the weather.
    again
        Takes (status, attempt from 1) and says after how many seconds to try once
        more, or ``None``.
    patience_seconds
        Real seconds that the receiver has to answer.
    """

    def __init__(
        self,
        clock: Clock,
        post: Poster,
        *,
        weather: Weather = FAIR,
        seed: int = 0,
        again: Again = never,
        patience_seconds: float = 10.0,
    ) -> None:
        self.weather = weather
        self.deliveries: list[Delivery] = []
        self.lost: list[Message] = []
        self._clock, self._post, self._again = clock, post, again
        self._patience = patience_seconds
        self._rng = np.random.default_rng(seed)
        self._count = itertools.count()
        self._waiting: list[tuple[float, float, int, int, Message]] = []

    @property
    def waiting(self) -> int:
        """How many messages have not been posted yet."""
        return len(self._waiting)

    def send(self, message: Message) -> None:
        """Put an event on its way, through the weather."""
        weather = self.weather
        if self._rng.random() < weather.lost:
            self.lost.append(message)
            return
        copies = 1
        if self._rng.random() < weather.doubled:
            copies = int(self._rng.integers(2, weather.most_copies + 1))
        low, high = weather.delay
        for _ in range(copies):
            self._hold(message, low + (high - low) * float(self._rng.random()))

    def forge(self, message: Message) -> None:
        """Put in a message that the CRM never sent; no weather hinders it."""
        self._hold(message, 0.0)

    async def deliver(self) -> int:
        """Post all that is due by the clock, one after another; give their number."""
        posted = 0
        while self._waiting and self._waiting[0][0] <= self._clock.elapsed:
            *_, attempt, message = heapq.heappop(self._waiting)
            await self._try(message, attempt)
            posted += 1
        return posted

    async def run(self) -> None:
        """Deliver for ever, for a double whose clock follows the real one."""
        while True:
            await self.deliver()
            await asyncio.sleep(IDLE_SECONDS)

    async def _try(self, message: Message, attempt: int) -> None:
        try:
            status = await asyncio.wait_for(self._post(message), self._patience)
        except (TimeoutError, OSError):
            status = NO_ANSWER
        delivery = Delivery(self._clock.elapsed, message, attempt, status)
        self.deliveries.append(delivery)
        if 200 <= status < 300:
            return
        wait = self._again(status, attempt)
        if wait is not None:
            self._hold(message, wait, attempt + 1)

    def _hold(self, message: Message, seconds: float, attempt: int = 1) -> None:
        place = float(self._rng.random()) if self.weather.shuffled else 0.0
        due = self._clock.elapsed + seconds
        heapq.heappush(self._waiting, (due, place, next(self._count), attempt, message))


def asgi_poster(app: Callable[..., Awaitable[None]]) -> Poster:
    """Post into an ASGI application of this process, without a socket."""

    async def post(message: Message) -> int:
        status = NO_ANSWER
        body = [{"type": "http.request", "body": message.body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            return body.pop() if body else {"type": "http.disconnect"}

        async def send(event: Mapping[str, Any]) -> None:
            nonlocal status
            if event["type"] == "http.response.start":
                status = event["status"]

        await app(_scope(message), receive, send)
        return status

    return post


def http_poster(timeout_seconds: float = 10.0) -> Poster:
    """Post over HTTP with the standard library, each in a thread of its own."""

    async def post(message: Message) -> int:
        return await asyncio.to_thread(_post, message, timeout_seconds)

    return post


def _post(message: Message, timeout_seconds: float) -> int:
    request = urllib.request.Request(
        message.url, data=message.body, headers=dict(message.headers), method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout_seconds) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


def _scope(message: Message) -> dict[str, Any]:
    parts = urlsplit(message.url)
    headers = {
        "host": parts.netloc,
        "content-length": str(len(message.body)),
        **message.headers,
    }
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": parts.scheme,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "root_path": "",
        "query_string": parts.query.encode(),
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        "server": (parts.hostname, parts.port or 80),
        "client": ("127.0.0.1", 0),
    }
