"""A short way to the busiest route, past the machinery that serves every other.

Matching routes and solving dependencies takes as long as predicting a lead does. A
plain ``POST /v1/predict`` needs neither; anything that is not quite that goes on to
FastAPI, which answers the same through the same function and documents it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from leads.errors import LeadcastError
from serve.guard import sent
from serve.problems import problem

PATH: Final = "/v1/predict"
REASONS: Final[Mapping[bytes, bool]] = {
    b"": True, b"reasons=true": True, b"reasons=false": False,
}  # fmt: skip
"""The queries that need no parsing."""


@dataclass(frozen=True, slots=True)
class Address:
    """What counts as the route of a request that took the short way."""

    path: str


class Lane:
    """An ASGI middleware that answers plain predictions itself.

    Parameters
    ----------
    app
        Where everything else goes.
    predict
        Called with what was sent and ``reasons``; gives the answer as JSON.
    """

    def __init__(
        self, app: ASGIApp, *, predict: Callable[..., Awaitable[bytes]]
    ) -> None:
        self.app = app
        self.predict = predict
        self.address = Address(PATH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a plain prediction, or let the app answer."""
        reasons = _reasons_of(scope)
        if reasons is None:
            await self.app(scope, receive, send)
            return
        scope["route"] = self.address
        try:
            answer = await self.predict(sent(scope), reasons=reasons)
        except LeadcastError as error:
            await problem(error)(scope, receive, send)
            return
        headers: list[Any] = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(answer)).encode()),
        ]
        start = {"type": "http.response.start", "status": 200, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": answer})


def _reasons_of(scope: Scope) -> bool | None:
    """Say whether reasons are wanted; None if this is no plain prediction."""
    if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
        return None
    return REASONS.get(scope["query_string"])
