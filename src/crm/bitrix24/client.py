"""Calls and batches of one portal, by an incoming webhook or as an application.

A call either gives its result or raises; a batch gives what each command came to, and
keeps apart the commands that failed from those that nothing was said about.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from crm.bitrix24.answers import (
    Failed,
    Kind,
    Trouble,
    has_ended,
    judge,
    judge_renewed,
    refused,
    trouble_in,
    trouble_of,
)
from crm.bitrix24.brackets import command
from crm.port import Gate, GateClosed
from crm.tokens import TokenStore
from crm.transport import Answer, Limits, Lost, NotSent, Transport, clamped
from leads.errors import BadConfig

MOST_COMMANDS: Final = 50
SERVER_SECONDS: Final = 60
"""A request is cut by the portal after so long; what it did stays done."""
BUDGET_SECONDS: Final = 480.0
NEARLY: Final = 0.8
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
PASSING: Final = (NotSent, Lost, Failed)
"""What a read may ask again after."""

Command = tuple[str, Mapping[str, Any]]
"""A method and its parameters."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An incoming webhook: whoever knows the address may do what it may.

    It has no token that ends, and so nothing to begin again with.
    """

    base: str
    path: str = field(repr=False)

    @property
    def user(self) -> str:
        """The user that it acts as."""
        return self.path.strip("/").split("/")[1]

    def ticket(self) -> str:
        """Give nothing: the path is all it needs."""
        return ""

    def worded(
        self, method: str, params: Mapping[str, Any], ticket: str
    ) -> tuple[str, Mapping[str, Any]]:
        """Give path and body of a call."""
        del ticket
        return self.path + method, params


@dataclass(frozen=True, slots=True)
class Entry:
    """A local application's way in: tokens that end, kept for all workers."""

    base: str
    store: TokenStore = field(repr=False)
    account: str

    @property
    def user(self) -> str:
        """The user that its tokens act as; raises as ``TokenStore.get``."""
        return self.store.get(self.account).user

    def ticket(self) -> str:
        """Give the token to send."""
        return self.store.access(self.account)

    def again(self, stale: str) -> str:
        """Give the token to repeat with, after the portal said that one has ended."""
        return self.store.again(self.account, stale)

    def worded(
        self, method: str, params: Mapping[str, Any], ticket: str
    ) -> tuple[str, Mapping[str, Any]]:
        """Give path and body of a call; no secret is in the address."""
        return f"/rest/{method}", {**params, "auth": ticket}


def webhook_in(variable: str) -> Webhook:
    """Read the webhook's address from the environment.

    Raises
    ------
    BadConfig
        The variable is not set, or holds something else; its value is never told.
    """
    parts = urlsplit(os.environ.get(variable, "").strip())
    steps = parts.path.strip("/").split("/")
    safe = parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in LOOPBACK
    )
    shaped = len(steps) == 3 and steps[0] == "rest" and steps[1].isdigit()
    bare = not (parts.username or parts.query or parts.fragment)
    if not (safe and shaped and bare and parts.hostname):
        raise BadConfig(
            f"The environment variable {variable} does not hold the address of an"
            " incoming webhook.",
            remedy="Set it to https://<portal>/rest/<user>/<secret>/, as Bitrix24 shows"
            " it under Developer resources, Other, Incoming webhook.",
        )
    return Webhook(f"{parts.scheme}://{parts.netloc}", f"/{'/'.join(steps)}/")


@dataclass(frozen=True, slots=True)
class Batch:
    """What the commands of a batch came to, by their keys.

    A key that is in neither map was not reached: nothing is known of its command.
    """

    results: Mapping[str, Any]
    troubles: Mapping[str, Trouble]


class Client:
    """One portal; safe between threads.

    Parameters
    ----------
    door
        Where, and by whose right.
    gate
        Through which every request passes.
    limits
        Of one request.
    carrier
        Of the bytes; the network unless a test gives another.
    """

    def __init__(
        self,
        door: Webhook | Entry,
        gate: Gate,
        *,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        carrier: httpx2.BaseTransport | None = None,
    ) -> None:
        self.door = door
        self.limits = limits
        self._transport = Transport(
            door.base,
            gate,
            judge=judge if isinstance(door, Webhook) else judge_renewed,
            limits=limits,
            carrier=carrier,
        )
        self._operating = Operating()

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """Call one method and give its result.

        Raises
        ------
        GateClosed, NotSent, Lost
            As ``Transport.request``.
        Refused
            Bitrix24 said no; ``Failed`` if that may pass.
        """
        body = self._asked(method, params or {})
        return body["result"]

    def counted(self, method: str, params: Mapping[str, Any]) -> int:
        """Call a list and give how many rows it has in all; raises as ``call``."""
        total = self._asked(method, params).get("total")
        if not isinstance(total, int):
            raise refused(method, Trouble(Kind.FAILURE, "NO_TOTAL"))
        return total

    def batch(self, commands: Mapping[str, Command]) -> Batch:
        """Run commands one after another, an error of one not stopping the next.

        Parameters
        ----------
        commands
            At most 50. Keys must not be 0, 1, 2...: PHP would make a list of them.

        Raises
        ------
        GateClosed, NotSent, Lost, Refused
            As ``call``, of the batch as a whole.
        """
        assert len(commands) <= MOST_COMMANDS
        self._operating.check(method for method, _ in commands.values())
        lines = {key: command(*one) for key, one in commands.items()}
        body = self._asked("batch", {"halt": 0, "cmd": lines})
        result = body["result"]
        if not isinstance(result, Mapping) or "result" not in result:
            raise refused("batch", Trouble(Kind.FAILURE, "NOT_A_BATCH"))
        times = _map(result.get("result_time"))
        for key, told in times.items():
            if key in commands:
                self._operating.heard(commands[key][0], told)
        errors = _map(result.get("result_error"))
        return Batch(
            {
                key: one
                for key, one in _map(result["result"]).items()
                if key in commands and key not in errors
            },
            {key: _trouble(one) for key, one in errors.items() if key in commands},
        )

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def _asked(self, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        self._operating.check([method])
        answer = self._posted(method, params)
        trouble = trouble_in(answer)
        if trouble is not None:
            raise refused(method, trouble)
        body: Mapping[str, Any] = answer.json()
        self._operating.heard(method, body.get("time"))
        return body

    def _posted(self, method: str, params: Mapping[str, Any]) -> Answer:
        """Send a call; once more if its token had ended, for then it did not run."""
        ticket = self.door.ticket()
        answer = self._transport.post(*self.door.worded(method, params, ticket))
        if isinstance(self.door, Entry) and has_ended(answer):
            ticket = self.door.again(ticket)
            answer = self._transport.post(*self.door.worded(method, params, ticket))
        return answer


class Operating:
    """Keeps off a method whose ten-minute budget is nearly used up.

    The portal counts for all that use the webhook and tells with every answer, so no
    process needs to know of the others.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}

    def heard(self, method: str, told: Any) -> None:
        """Take note of the ``time`` of an answer."""
        if not isinstance(told, Mapping):
            return
        spent = _number(told.get("operating"))
        if spent is None or spent < NEARLY * BUDGET_SECONDS:
            return
        reset, now = (
            _number(told.get("operating_reset_at")),
            _number(told.get("finish")),
        )
        left = 0.0 if reset is None or now is None else reset - now
        pause = clamped(timedelta(seconds=max(0.0, min(left, 1e6))))
        with self._lock:
            seconds = (pause or timedelta(seconds=1)).total_seconds()
            self._until[method] = time.monotonic() + seconds

    def check(self, methods: Any) -> None:
        """Refuse to send while a method rests.

        Raises
        ------
        GateClosed
            With the time left.
        """
        now = time.monotonic()
        with self._lock:
            left = max(
                (self._until.get(each, 0.0) - now for each in methods), default=0.0
            )
        if left > 0:
            raise GateClosed(
                "The portal's operating time is nearly used up.",
                remedy="It is tried again by itself.",
                retry_after=timedelta(seconds=left),
            )


def _map(value: Any) -> dict[str, Any]:
    """Read a map that PHP writes as a list when it is empty."""
    return dict(value) if isinstance(value, Mapping) else {}


def _trouble(body: Any) -> Trouble:
    if not isinstance(body, Mapping) or "error" not in body:
        return Trouble(Kind.FAILURE, "NOT_AN_ERROR")
    return trouble_of(body)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
