"""An amoCRM account's tokens: a code or refresh token for a pair.

The account itself gives them, within its limits, so asking passes the account's gate.
"""

from __future__ import annotations

import base64
import binascii
from contextlib import closing
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx2
import orjson

from crm.amocrm.client import judged
from crm.granting import Credentials, Grant, body_of, refused, tokens_in
from crm.port import Gate
from crm.transport import Lost, Transport

CONSENT: Final = {"kommo.com": "https://www.kommo.com"}
USUAL: Final = "https://www.amocrm.ru"
REVOKED: Final = "revoked"
WRONG: Final = frozenset({400, 401, 402, 403})


class OAuth:
    """Asks for tokens of one account.

    Parameters
    ----------
    account
        Its bare address.
    credentials
        Of our integration.
    redirect
        The address in the integration's settings, sent with every request.
    gate
        Of the account.
    server
        Where consent is asked, if not at the usual place.
    carrier
        Of the bytes; the network unless a test gives another.
    """

    def __init__(
        self,
        account: str,
        credentials: Credentials,
        *,
        redirect: str,
        gate: Gate,
        server: str = "",
        carrier: httpx2.BaseTransport | None = None,
    ) -> None:
        self._account = account
        self._credentials = credentials
        self._redirect = redirect
        self._gate = gate
        self._server = server or _usual(account)
        self._carrier = carrier

    def consent(self, state: str) -> str:
        """Give the address where a person lets us in."""
        asked = {"client_id": self._credentials.client, "state": state, "mode": "popup"}
        return f"{self._server}/oauth?{urlencode(asked)}"

    def by_code(self, code: str, now: datetime) -> Grant:
        """Change a code, which lives 20 minutes, into a pair; see ``Granter``."""
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
            "redirect_uri": self._redirect,
        }
        way = Transport(self._account, self._gate, judge=judged, carrier=self._carrier)
        with closing(way):
            answer = way.post("/oauth2/access_token", whole)
        body = body_of(answer)
        if answer.status in WRONG and body:
            # The same 401 also says that the secret is wrong; only the hint tells.
            gone = REVOKED in str(body.get("hint", "")).lower()
            raise refused(f"HTTP_{answer.status}", for_good=gone)
        if answer.status != 200 or not body:
            raise Lost("No tokens, but no refusal.", remedy="It is asked again.")
        claims = _claims(str(body.get("access_token")))
        member, user = (str(claims.get(name, "")) for name in ("account_id", "sub"))
        return Grant(tokens_in(body, now, member=member, user=user), self._account)


def _usual(account: str) -> str:
    host = urlsplit(account).hostname or ""
    if "." not in host or host[0].isdigit():
        return account  # a double on loopback asks for consent itself
    return CONSENT.get(".".join(host.split(".")[-2:]), USUAL)


def _claims(token: str) -> dict[str, Any]:
    """Read what a token says of itself, without believing it."""
    parts = token.split(".")
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = orjson.loads(base64.urlsafe_b64decode(padded))
    except (IndexError, binascii.Error, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
