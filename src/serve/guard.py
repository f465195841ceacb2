"""The guard in front of the API: how much may come in, how fast, and in what form.

An ASGI middleware, because limits must hold before anything is read into memory. It
reads a body whole, within its limits, parses it strictly (``serve.jsontext``, for forms
of the pages ``serve.formtext``) and hands the result on; no route sees raw bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leads.errors import TooLarge
from serve.formtext import read_form
from serve.jsontext import read_json
from serve.problems import Refusal, problem

SENT: Final = "leadcast.sent"
BODY_SECONDS: Final = 10.0
"""How long a client may take to send a body; slower ones hold a connection hostage."""

FORMS: Final = "/leads/"
"""Where forms of the pages go; all other addresses take JSON and nothing else."""

WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


class Guard:
    """Let a request in only if its body is small, timely, plain and strict JSON.

    Parameters
    ----------
    app
        What is guarded.
    max_body_bytes
        The most a body may hold, whether declared or streamed.
    """

    def __init__(
        self, app: ASGIApp, *, max_body_bytes: int, seconds: float = BODY_SECONDS
    ) -> None:
        self.app = app
        self.most = max_body_bytes
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refusal, or let the app answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            self._check_declared(scope)
            if scope["method"] in WITH_BODY:
                read = _reader_of(scope)
                scope[SENT] = read(await self._read(receive))
                receive = _Drained(receive)
        except (Refusal, TooLarge) as error:
            # What is left of the body is not read, so the connection cannot go on.
            answer = problem(error, headers={"Connection": "close"})
            await answer(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _check_declared(self, scope: Scope) -> None:
        for value in _header(scope, b"content-length"):
            # A longer number than this is over any limit and costs time to parse.
            if not value.isdigit() or len(value) > 18:
                raise Refusal(
                    400, "Content-Length is not a length.", remedy="Send the true one."
                )
            if int(value) > self.most:
                raise self._too_large()

    async def _read(self, receive: Receive) -> bytes:
        message = await receive()
        if not message.get("more_body") and message["type"] == "http.request":
            body: bytes = message.get("body", b"")
            if len(body) > self.most:
                raise self._too_large()
            return body
        try:
            async with asyncio.timeout(self.seconds):
                return await self._read_on(message, receive)
        except TimeoutError as error:
            raise Refusal(
                408,
                f"The body did not arrive within {self.seconds:g} s.",
                remedy="Send it faster, or in smaller batches.",
            ) from error

    async def _read_on(self, message: Message, receive: Receive) -> bytes:
        read = bytearray()
        while True:
            if message["type"] == "http.disconnect":
                raise Refusal(400, "The body broke off.", remedy="Send all of it.")
            read += message.get("body", b"")
            if len(read) > self.most:
                raise self._too_large()
            if not message.get("more_body"):
                return bytes(read)
            message = await receive()

    def _too_large(self) -> TooLarge:
        return TooLarge(
            f"The body is over the limit of {self.most:,} bytes.",
            remedy="Send fewer leads at a time, or only their latest events.",
        )


class _Drained:
    """Receive for an app whose request body was read already."""

    def __init__(self, receive: Receive) -> None:
        self.receive = receive
        self.asked = False

    async def __call__(self) -> Message:
        if not self.asked:
            self.asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        return await self.receive()


def sent(scope: Scope) -> Any:
    """Give the parsed body of a request that came through the guard."""
    return scope[SENT]


def _reader_of(scope: Scope) -> Callable[[bytes], Any]:
    """Choose what reads a body, by its address and how it is declared."""
    for value in _header(scope, b"content-encoding"):
        if value.strip().lower() != b"identity":
            raise Refusal(
                415, "Compressed bodies are not taken.", remedy="Send plain JSON."
            )
    kinds = list(_header(scope, b"content-type"))
    if kinds == [b"application/x-www-form-urlencoded"] and _takes_forms(scope):
        return read_form
    if len(kinds) != 1 or not _is_json(kinds[0]):
        raise Refusal(
            415,
            "The body is not declared as JSON.",
            remedy="Send Content-Type: application/json.",
        )
    return read_json


def _takes_forms(scope: Scope) -> bool:
    path: str = scope["path"]
    return scope["method"] == "POST" and path.startswith(FORMS)


def _is_json(content_type: bytes) -> bool:
    """Tell whether a content type is JSON in UTF-8.

    Examples
    --------
    >>> _is_json(b"application/json; charset=utf-8"), _is_json(b"text/plain")
    (True, False)
    """
    kind, *parameters = content_type.lower().replace(b" ", b"").split(b";")
    charsets = {p for p in parameters if p.startswith(b"charset=")}
    plain = {b"charset=utf-8", b'charset="utf-8"'}
    return kind == b"application/json" and charsets <= plain


def _header(scope: Scope, name: bytes) -> Iterator[bytes]:
    return (value for key, value in scope["headers"] if key == name)
