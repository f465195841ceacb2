"""Bitrix24's authorization server: an application's code or refresh token for a pair.

It stands beside the portals and counts no portal's limit. The answer names the portal
that the pair opens: that, unlike anything a browser sends, can be believed.
"""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx2

from crm.bitrix24.answers import judge
from crm.granting import Credentials, FreeGate, Grant, body_of, refused, tokens_in
from crm.transport import Lost, Transport

SERVER: Final = "https://oauth.bitrix.info"
KNOWN: Final = frozenset(
    {
        "invalid_request", "invalid_client", "invalid_grant", "insufficient_scope",
        "invalid_scope", "PAYMENT_REQUIRED", "ACCESS_DENIED",
    }
)  # fmt: skip


class OAuth:
    """Asks for tokens of one portal.

    Parameters
    ----------
    portal
        Its bare address.
    credentials
        Of our local application.
    server
        Where tokens are given.
    carrier
        Of the bytes; the network unless a test gives another.
    """

    def __init__(
        self,
        portal: str,
        credentials: Credentials,
        *,
        server: str = "",
        carrier: httpx2.BaseTransport | None = None,
    ) -> None:
        self._portal = portal
        self._credentials = credentials
        self._server = server or SERVER
        self._carrier = carrier

    def consent(self, state: str) -> str:
        """Give the address where a person lets us in."""
        query = urlencode({"client_id": self._credentials.client, "state": state})
        return f"{self._portal}/oauth/authorize/?{query}"

    def by_code(self, code: str, now: datetime) -> Grant:
        """Change a code, which lives 30 s, into a pair; see ``Granter``."""
        return self._granted({"grant_type": "authorization_code", "code": code}, now)

    def by_refresh(self, refresh: str, now: datetime) -> Grant:
        """Change a refresh token into the next pair; see ``Granter``."""
        asked = {"grant_type": "refresh_token", "refresh_token": refresh}
        return self._granted(asked, now)

    def _granted(self, asked: dict[str, str], now: datetime) -> Grant:
        whole = {
            **asked,
            "client_id": self._credentials.client,
            "client_secret": self._credentials.secret,
        }
        way = Transport(self._server, FreeGate(), judge=judge, carrier=self._carrier)
        with closing(way):
            answer = way.request("GET", f"/oauth/token/?{urlencode(whole)}")
        body = body_of(answer)
        if "error" in body:
            code = str(body["error"])
            named = code if code in KNOWN else "unknown"
            raise refused(named, for_good=code == "invalid_grant")
        if not 200 <= answer.status < 300 or not body:
            raise Lost("No tokens, but no refusal.", remedy="It is asked again.")
        tokens = tokens_in(
            body, now, member=_text(body, "member_id"), user=_text(body, "user_id")
        )
        return Grant(tokens, _address(_text(body, "client_endpoint")))


def _address(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"


def _text(body: Any, name: str) -> str:
    value = body.get(name)
    return str(value) if isinstance(value, str | int) else ""
