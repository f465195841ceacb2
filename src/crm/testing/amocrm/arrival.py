"""A request as it comes in over ASGI, parsed but not yet judged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from crm.testing import brackets
from crm.testing.amocrm.problems import problem
from crm.testing.wire import Receive, Scope

TOKENS: Final = "/oauth2/access_token"
FORM: Final = "x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Incoming:
    """One request as it came in, before anybody has judged it."""

    verb: str
    path: str
    query: Mapping[str, Any]
    body: bytes
    headers: Mapping[str, str]
    address: str
    scheme: str

    @property
    def site(self) -> str:
        """Scheme and host, as the caller knows them."""
        return f"{self.scheme}://{self.headers.get('host', 'localhost')}"

    @property
    def token(self) -> str | None:
        """The bearer token."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token if kind.lower() == "bearer" and token else None

    @property
    def told(self) -> Any:
        """The body, unfolded; ``None`` if there is none or it cannot be read."""
        if not self.body:
            return None
        if self._is_form:
            return brackets.decode(self.body.decode(errors="replace"))
        try:
            return json.loads(self.body, parse_constant=_no_number)
        except ValueError:
            return None

    def read(self) -> Any:
        """Give the body; only the tokens' address takes forms, as OAuth clients send.

        Raises
        ------
        Refusal
            400: it is not JSON.
        """
        told = self.told
        form = self._is_form and self.path != TOKENS
        if self.body and (told is None or form):
            raise problem(400, "The body is not JSON")
        return told

    @property
    def _is_form(self) -> bool:
        return FORM in self.headers.get("content-type", "")


async def arrived(scope: Scope, receive: Receive) -> Incoming:
    """Take in a whole request."""
    body, more = b"", True
    while more:
        event = await receive()
        body += event.get("body", b"")
        more = event.get("more_body", False)
    client = scope.get("client") or ("", 0)
    return Incoming(
        verb=scope["method"],
        path=scope["path"],
        query=brackets.decode(scope["query_string"].decode("latin-1")),
        body=body,
        headers={k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]},
        address=client[0],
        scheme=scope.get("scheme", "http"),
    )


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")
