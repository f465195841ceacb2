"""The reception: what a CRM posts to us, outside the doors that ask for an API key.

A CRM has no key of ours and posts forms, not JSON. Each address here proves in its own
way who calls; what they share is that a body is small and comes in time, and that
nothing is told to whom is turned away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from leads.errors import LeadcastError, TooLarge
from serve.problems import Refusal, problem

MOST_BYTES: Final = 64 * 1024
MOST_FIELDS: Final = 200
BODY_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Posted:
    """One request: its body read whole, nothing of it believed."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    tail: str = ""
    """What follows the address in the path."""

    @cached_property
    def form(self) -> Mapping[str, str]:
        """The body as a form: names as they stand, of one given twice the last.

        Raises
        ------
        Refusal
            It is none.
        """
        try:
            text = self.body.decode()
            return dict(
                parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
            )
        except ValueError as error:
            raise _unreadable("a form") from error

    @cached_property
    def json(self) -> Any:
        """The body as JSON.

        Raises
        ------
        Refusal
            It is none.
        """
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise _unreadable("JSON") from error


Door = Callable[[Posted], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Route:
    path: str


class Reception:
    """An ASGI middleware that answers the addresses of the CRM itself.

    Parameters
    ----------
    app
        Where everything else goes.
    doors
        What answers, by method and path; a path that ends with a slash takes whatever
        follows it, as ``Posted.tail``.
    """

    def __init__(self, app: ASGIApp, *, doors: Mapping[tuple[str, str], Door]) -> None:
        self.app = app
        self.doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is ours, or let the app answer."""
        found = self._found(scope) if scope["type"] == "http" else None
        if found is None:
            await self.app(scope, receive, send)
            return
        path, door = found
        scope["route"] = _Route(path)  # for the monitor: never the tail, nor an id
        try:
            posted = await _read(scope, receive, path)
            answer = await door(posted)
        except LeadcastError as error:
            answer = problem(error, headers={"Connection": "close"})
        await answer(scope, receive, send)

    def _found(self, scope: Scope) -> tuple[str, Door] | None:
        method, path = scope["method"], scope["path"]
        door = self.doors.get((method, path))
        if door is not None:
            return path, door
        stem = path[: path.rfind("/") + 1]
        door = self.doors.get((method, stem))
        return None if door is None else (stem, door)


async def _read(scope: Scope, receive: Receive, path: str) -> Posted:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _body(receive)
    except TimeoutError as error:
        raise Refusal(
            408, "The body did not arrive in time.", remedy="Send it faster."
        ) from error
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    headers = {
        name.decode("latin-1"): v.decode("latin-1") for name, v in scope["headers"]
    }
    tail = str(scope["path"]).removeprefix(path)
    return Posted(scope["method"], dict(query), headers, body, tail)


async def _body(receive: Receive) -> bytes:
    read = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "The body broke off.", remedy="Send all of it.")
        read += message.get("body", b"")
        if len(read) > MOST_BYTES:
            raise TooLarge(
                f"The body is over the limit of {MOST_BYTES:,} bytes.",
                remedy="Send only what the CRM sends.",
            )
        if not message.get("more_body"):
            return bytes(read)


def _unreadable(what: str) -> Refusal:
    return Refusal(400, f"The body is not {what}.", remedy="Send it as the CRM does.")
