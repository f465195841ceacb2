"""The reception: what a CRM posts to us, outside the doors that ask for an API key.

A CRM has no key of ours and posts forms, not JSON. Each address here proves in its own
way who calls; what they share is that a body is small and comes in time, and that
nothing is told to whom is turned away.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final
from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from leads.errors import LeadcastError
from serve.body import read_body
from serve.problems import Refusal, problem

MOST_BYTES: Final = 64 * 1024
MOST_FIELDS: Final = 200


@dataclass(frozen=True)
class Posted:
    """One request: its body read whole, nothing of it believed."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

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
            raise Refusal(
                400, "The body is not a form.", remedy="Send it as the CRM does."
            ) from error


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
        What answers, by method and path.
    """

    def __init__(self, app: ASGIApp, *, doors: Mapping[tuple[str, str], Door]) -> None:
        self.app = app
        self.doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is ours, or let the app answer."""
        is_http = scope["type"] == "http"
        door = self.doors.get((scope["method"], scope["path"])) if is_http else None
        if door is None:
            await self.app(scope, receive, send)
            return
        scope["route"] = _Route(scope["path"])  # for the monitor
        try:
            posted = await _read(scope, receive)
            answer = await door(posted)
        except LeadcastError as error:
            answer = problem(error, headers={"Connection": "close"})
        await answer(scope, receive, send)


async def _read(scope: Scope, receive: Receive) -> Posted:
    body = await read_body(receive, most=MOST_BYTES)
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    headers = {
        name.decode("latin-1"): v.decode("latin-1") for name, v in scope["headers"]
    }
    return Posted(scope["method"], dict(query), headers, body)
