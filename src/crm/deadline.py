"""Connections that keep a deadline, however slowly their bytes come.

The HTTP library bounds each silence, so an answer whose header comes byte by byte would
never be late. Here no single wait lasts past the moment at which the whole must end.
"""

from __future__ import annotations

import math
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any, Final

import httpcore2
import httpx2

MOST_LINES: Final = 100
MOST_IDLE: Final = 20
IDLE_SECONDS: Final = 5.0


class Deadline(threading.local):
    """Until when this thread's request must have ended, in ``time.monotonic``."""

    until: float = math.inf

    def left(self, timeout: float | None) -> float:
        """Give how long one wait may last: no longer than usual, nor than is left."""
        left = self.until - time.monotonic()
        return left if timeout is None else min(timeout, left)


class Punctual(httpx2.HTTPTransport):
    """The network, with a deadline that covers connecting, headers and body."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__(verify=(trusted := httpx2.create_ssl_context(trust_env=False)))
        # The only place of the library where a backend can be named is its pool.
        self._pool = httpcore2.ConnectionPool(
            ssl_context=trusted,
            max_connections=MOST_LINES,
            max_keepalive_connections=MOST_IDLE,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=_Backend(deadline),
        )


class _Backend(httpcore2.SyncBackend):
    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        timeout = _some(self._deadline.left(timeout), httpcore2.ConnectTimeout)
        line = super().connect_tcp(host, port, timeout, local_address, socket_options)
        return _Stream(line, self._deadline)


class _Stream(httpcore2.NetworkStream):
    def __init__(self, line: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._line = line
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        timeout = _some(self._deadline.left(timeout), httpcore2.ReadTimeout)
        return self._line.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        timeout = _some(self._deadline.left(timeout), httpcore2.WriteTimeout)
        self._line.write(buffer, timeout)

    def close(self) -> None:
        self._line.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        timeout = _some(self._deadline.left(timeout), httpcore2.ConnectTimeout)
        line = self._line.start_tls(ssl_context, server_hostname, timeout)
        return _Stream(line, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._line.get_extra_info(info)


def _some(left: float, late: type[Exception]) -> float:
    if left <= 0:
        raise late("the deadline has passed")
    return left
