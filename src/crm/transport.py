"""HTTP to any CRM: bounded in time and size, through the gate, secrets kept out.

One request at a time, nothing repeated by itself and no redirect followed: what an
answer means, and whether to ask again, is the business of the client that knows its
CRM. What this module does know is whether a request can have arrived.

::

    TransportFailed(Unavailable)
    ├── NotSent     nobody was reached: certainly nothing happened there
    └── Lost        it was sent and no whole answer came: anything may have happened
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

import httpx2
import orjson

from crm.deadline import Deadline, Punctual
from crm.port import AccessLost, Gate, GateClosed, Heard
from leads.errors import Unavailable

T = TypeVar("T")
MOST_BYTES: Final = 16 * 1024 * 1024
LONGEST_ASKED: Final = timedelta(minutes=10)
PLAIN: Final = frozenset({"", "identity"})
AGENT: Final = "leadcast"
CHATTY: Final = (
    "httpx2", "httpcore2.connection", "httpcore2.http11", "httpcore2.http2",
    "httpcore2.proxy", "httpcore2.socks",
)  # fmt: skip


class TransportFailed(Unavailable):
    """A request without a whole answer; says the host at most, never the path."""


class NotSent(TransportFailed):
    """No connection: the CRM has not seen the request."""


class Lost(TransportFailed):
    """The request left, and what became of it is not known."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much a request may take.

    ``whole`` bounds connecting, sending and the whole answer, however slowly its bytes
    come; see ``crm.deadline``.
    """

    connect: timedelta = timedelta(seconds=5)
    whole: timedelta = timedelta(seconds=30)
    most_bytes: int = MOST_BYTES


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole. Header names are in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """Give the body as JSON, or None if it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer says of the CRM's health."""

    health: Heard
    retry_after: timedelta | None = None


Judge = Callable[[Answer], Verdict]


class Transport:
    """Sends requests to one host of a CRM.

    Parameters
    ----------
    base
        ``https://host``; the client's paths are joined to it. Plain HTTP is taken for
        loopback alone, as no secret may cross a network in the open.
    gate
        Asked before each request and told what came of it.
    judge
        Reads an answer's health in the CRM's own words.
    carrier
        Of the bytes; the network unless a test gives another.
    """

    def __init__(
        self,
        base: str,
        gate: Gate,
        *,
        judge: Judge,
        limits: Limits = Limits(),
        carrier: httpx2.BaseTransport | None = None,
    ) -> None:
        self.base = base
        self._gate = gate
        self._judge = judge
        self._limits = limits
        for chatty in CHATTY:  # they log every address, and with it the secret
            logging.getLogger(chatty).disabled = True
        whole = limits.whole / timedelta(seconds=1)
        self._deadline = Deadline()
        self._http = httpx2.Client(
            base_url=base,
            timeout=httpx2.Timeout(whole, connect=limits.connect.total_seconds()),
            follow_redirects=False,
            trust_env=False,
            transport=carrier or Punctual(self._deadline),
            headers={"accept-encoding": "identity", "user-agent": AGENT},
        )

    def post(
        self, path: str, body: Any, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send JSON by POST; see ``request``."""
        sent = {"content-type": "application/json", **(headers or {})}
        return self.request("POST", path, body=orjson.dumps(body), headers=sent)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request and take in the whole answer, of whatever status.

        Raises
        ------
        GateClosed
            Nothing was sent: the limit is used up, or the CRM is away.
        NotSent
            Nobody was reached.
        Lost
            No whole answer came in time, or it was larger than is taken.
        """
        self._gate.enter()
        try:
            answer = self._exchange(method, path, body, headers or {})
        except TransportFailed:
            self._gate.heard(Heard.DOWN)
            raise
        verdict = self._judge(answer)
        self._gate.heard(verdict.health, verdict.retry_after)
        return answer

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        until = time.monotonic() + self._limits.whole / timedelta(seconds=1)
        self._deadline.until = until
        try:
            with self._http.stream(
                method, path, content=body, headers=dict(headers)
            ) as response:
                return self._taken_in(response, until)
        # Their texts hold the address, and with it the secret: none is passed on, and
        # ``from None`` keeps them out of tracebacks too.
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout):
            raise NotSent(
                "The CRM cannot be reached.", remedy="Look at its address and the net."
            ) from None
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            raise _lost(type(error).__name__) from None

    def _taken_in(self, response: httpx2.Response, until: float) -> Answer:
        """Read the body, and stop at the limits rather than at its end."""
        if response.headers.get("content-encoding", "") not in PLAIN:
            raise _lost("a packed body that was not asked for")
        parts, size = [], 0
        for part in response.iter_raw():
            size += len(part)
            if size > self._limits.most_bytes:
                raise _lost("an answer over the size limit")
            if time.monotonic() > until:
                raise _lost("an answer that did not end in time")
            parts.append(part)
        named = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, b"".join(parts), named)


def _lost(what: str) -> Lost:
    return Lost(f"The CRM's answer was lost: {what}.", remedy="It is looked at again.")


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Read a ``Retry-After``, seconds or a date; nonsense and the past are None.

    Examples
    --------
    >>> from datetime import UTC
    >>> now = datetime(2026, 11, 22, tzinfo=UTC)
    >>> retry_after("30", now), retry_after("-1", now), retry_after("abc", now)
    (datetime.timedelta(seconds=30), None, None)
    >>> retry_after("1e9", now), retry_after("1000000000", now)
    (None, datetime.timedelta(seconds=600))
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return clamped(timedelta(seconds=min(int(text[:12]), 10**9)))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        return None
    return clamped(moment - now)


def clamped(asked: timedelta) -> timedelta | None:
    """Bound what a CRM asks for: no past, and no longer than ten minutes."""
    return min(asked, LONGEST_ASKED) if asked > timedelta(0) else None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a read goes on asking. Writes are never repeated here.

    ``pause`` doubles up to ``longest``, each time stretched by chance up to twofold, so
    that many readers do not return together. A CRM's own wish to be left alone counts
    within the gate.
    """

    tries: int = 6
    pause: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(minutes=1)
    gate: timedelta = timedelta(minutes=15)
    sleep: Callable[[float], None] = time.sleep
    chance: random.Random = field(default_factory=random.Random)

    def asking(self, ask: Callable[[], T], *, again: tuple[type[Exception], ...]) -> T:
        """Ask until it is answered, the tries are used up, or the gate stays shut.

        Raises
        ------
        Unavailable
            The last failure.
        """
        left, waited = self.tries, timedelta(0)
        while True:
            try:
                return ask()
            except AccessLost:  # only a person can open it again
                raise
            except GateClosed as closed:
                pause = max(closed.retry_after, timedelta(seconds=0.1))
                waited += pause
                if waited > self.gate:
                    raise
            except again:
                left -= 1
                if left <= 0:
                    raise
                pause = self._pause(self.tries - left)
            self.sleep(pause / timedelta(seconds=1))

    def _pause(self, failures: int) -> timedelta:
        pause: timedelta = min(self.pause * 2 ** (failures - 1), self.longest)
        return pause * self.chance.uniform(1.0, 2.0)
