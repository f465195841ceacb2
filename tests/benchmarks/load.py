"""A load generator cheap enough to share a machine with the service it loads.

It runs in a process of its own: keep-alive connections, each sending its next request
when the answer to the last one is whole, httptools on uvloop and nothing else. Run as
``python load.py URL BODY_FILE CONNECTIONS SECONDS``; prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop


@dataclass
class Tally:
    """What came back: seconds per good answer, and how many were not good."""

    until: float
    seconds: list[float] = field(default_factory=list)
    failures: int = 0


@dataclass(frozen=True)
class Load:
    """The outcome of one run: requests per second, milliseconds, failures."""

    rate: float
    p50: float
    p99: float
    failures: int


class Caller(asyncio.Protocol):
    """One keep-alive connection that asks again as soon as it is answered."""

    def __init__(self, request: bytes, tally: Tally) -> None:
        self.request = request
        self.tally = tally
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is its own
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Feed what came to the parser."""
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Count a whole answer and ask again, until the time is up."""
        now = time.perf_counter()
        if self.parser.get_status_code() == 200:
            self.tally.seconds.append(now - self.asked)
        else:
            self.tally.failures += 1
        if now < self.tally.until:
            self._ask()
        else:
            self.transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        """Count an answer that will never come."""
        if time.perf_counter() < self.tally.until:
            self.tally.failures += 1
        if not self.done.done():
            self.done.set_result(None)

    def _ask(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.asked = time.perf_counter()
        self.transport.write(self.request)


async def load(url: str, body: bytes, connections: int, seconds: float) -> Load:
    """Keep that many connections busy for that long."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    head = (
        f"POST {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    request = head.encode() + body
    started = time.perf_counter()
    tally = Tally(until=started + seconds)
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Caller(request, tally), host, port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(caller.done for _, caller in made))
    took = time.perf_counter() - started
    ranked = sorted(tally.seconds) or [float("nan")]
    return Load(
        rate=len(tally.seconds) / took,
        p50=1e3 * ranked[len(ranked) // 2],
        p99=1e3 * ranked[min(len(ranked) - 1, int(0.99 * len(ranked)))],
        failures=tally.failures,
    )


def load_apart(url: str, body_file: Path, connections: int, seconds: float) -> Load:
    """Run this file in its own process and read its line."""
    command = [sys.executable, __file__, url, str(body_file)]
    done = subprocess.run(
        [*command, str(connections), str(seconds)],
        check=True, capture_output=True, timeout=seconds + 60,
    )  # fmt: skip
    return Load(**json.loads(done.stdout))


def main() -> None:
    """Read the command line, load, print."""
    url, body_file, connections, seconds = sys.argv[1:]
    body = Path(body_file).read_bytes()
    result = uvloop.run(load(url, body, int(connections), float(seconds)))
    sys.stdout.write(json.dumps(result.__dict__) + "\n")


if __name__ == "__main__":
    main()
