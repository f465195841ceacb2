"""Integrations and their tokens: codes, pairs that rotate, long-lived ones.

A refresh token is good once. Whoever uses it again, also because the first answer was
lost on the way, is told that it has been revoked and must install anew.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from crm.testing.amocrm.account_profile import OLD_REFRESH_UNTIL_USED, AmoProfile
from crm.testing.amocrm.problems import problem, revoked
from crm.testing.clock import Clock

CODE_LIFE: Final = timedelta(minutes=20)
ACCESS_LIFE: Final = timedelta(hours=24)
REFRESH_LIFE: Final = timedelta(days=90)
CARD_TOKEN_LIFE: Final = timedelta(minutes=30)
LONG_LIVED_DAYS: Final = (1, 5 * 366)


@dataclass(frozen=True, slots=True)
class Integration:
    """An integration that a user of the account has installed; acts as that user."""

    client_id: str
    client_secret: str
    redirect_uri: str
    user_id: int


@dataclass(slots=True)
class Grant:
    """A code or token; ``before`` is the refresh token whose pair this one opens."""

    client_id: str
    until: float
    before: str | None = None


class TokenDesk:
    """Gives out tokens, takes them back, knows whose they are.

    Attributes
    ----------
    integrations
        Installed ones, by client id.
    refreshes
        How many pairs were given for refresh tokens.
    made
        How many codes and tokens were ever given.
    """

    def __init__(self, clock: Clock, profile: AmoProfile) -> None:
        self.integrations: dict[str, Integration] = {}
        self.refreshes = 0
        self._clock, self._profile = clock, profile
        self._codes: dict[str, Grant] = {}
        self._access: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}
        self.made = 0

    def install(self, integration: Integration) -> None:
        """Install an integration; its codes and tokens can be had from now on."""
        self.integrations[integration.client_id] = integration

    def code(self, client_id: str) -> str:
        """Give the code that a person's consent brings; good once, for 20 minutes.

        Raises
        ------
        KeyError
            No such integration is installed.
        """
        self.integrations[client_id]
        return self._give(self._codes, client_id, CODE_LIFE)

    def long_lived(self, client_id: str, *, days: int = 365) -> str:
        """Give an access token for 1 day to 5 years, without a refresh token."""
        low, high = LONG_LIVED_DAYS
        if not low <= days <= high:
            raise ValueError(f"A long-lived token lives {low} to {high} days.")
        return self._access_token(client_id, timedelta(days=days))

    def exchange(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Give a pair for a code or for a refresh token.

        Raises
        ------
        Refusal
            400 for a request that makes no sense; 401 for a grant that is not good.
        """
        integration = self._client(body)
        match body.get("grant_type"):
            case "authorization_code":
                self._use(self._codes, body.get("code"), integration.client_id)
                return self._pair(integration.client_id)
            case "refresh_token":
                old = body.get("refresh_token")
                return self._refreshed(old, integration.client_id)
        raise revoked("Check the `grant_type` parameter", 400)

    def holder(self, token: str | None) -> Integration:
        """Say whose access token this is.

        Raises
        ------
        Refusal
            401: unknown, expired or revoked.
        """
        grant = self._access.get(token or "")
        if grant is None or grant.until <= self._clock.elapsed:
            raise problem(401, "The access token is missing, expired or revoked")
        if grant.before is not None:  # the new pair is in use: the old one is gone
            self._refresh.pop(grant.before, None)
            grant.before = None
        return self.integrations[grant.client_id]

    def uninstall(self, client_id: str) -> str:
        """Remove an integration, revoke all it has; give the hook's query.

        amoCRM calls the integration's own address with it by GET. The signature is
        HMAC-SHA256 over ``client_uuid|account_id`` with the secret, as far as known:
        the contracts name the three parameters only.
        """
        gone = self.integrations.pop(client_id)
        for grants in (self._codes, self._access, self._refresh):
            for token in [t for t, g in grants.items() if g.client_id == client_id]:
                del grants[token]
        account = self._profile.account_id
        told, key = f"{client_id}|{account}".encode(), gone.client_secret.encode()
        signature = hmac.new(key, told, hashlib.sha256).hexdigest()
        return f"client_uuid={client_id}&account_id={account}&signature={signature}"

    def card_token(self, client_id: str, user_id: int) -> str:
        """Give the one-time token that a card's widget sends as ``X-Auth-Token``."""
        integration, now = self.integrations[client_id], int(self._clock.timestamp)
        claims = {
            "iss": f"https://{self._profile.domain}",
            "aud": integration.redirect_uri,
            "jti": self._serial("card"),
            "iat": now,
            "nbf": now,
            "exp": now + int(CARD_TOKEN_LIFE.total_seconds()),
            "account_id": self._profile.account_id,
            "user_id": user_id,
            "subdomain": self._profile.subdomain,
            "client_uuid": client_id,
        }
        return signed(claims, integration.client_secret)

    def _client(self, body: Mapping[str, Any]) -> Integration:
        needed = ("client_id", "client_secret", "grant_type", "redirect_uri")
        missing = [name for name in needed if not body.get(name)]
        if missing:
            raise revoked(f"Check the `{missing[0]}` parameter", 400)
        found = self.integrations.get(str(body["client_id"]))
        if found is None or found.client_secret != body["client_secret"]:
            raise revoked("Client authentication failed")
        if found.redirect_uri != body["redirect_uri"]:
            raise revoked("Check the `redirect_uri` parameter", 400)
        return found

    def _use(self, grants: dict[str, Grant], token: Any, client_id: str) -> None:
        grant = grants.get(token) if isinstance(token, str) else None
        good = grant and grant.client_id == client_id
        if grant is None or not good or grant.until <= self._clock.elapsed:
            raise revoked("Token has been revoked")
        del grants[token]

    def _refreshed(self, old: Any, client_id: str) -> dict[str, Any]:
        kept = self._refresh.get(old) if isinstance(old, str) else None
        self._use(self._refresh, old, client_id)
        pair = self._pair(client_id)
        self.refreshes += 1
        if kept is not None and self._profile.on(OLD_REFRESH_UNTIL_USED):
            self._refresh[old] = kept
            self._access[pair["access_token"]].before = old
        return pair

    def _pair(self, client_id: str) -> dict[str, Any]:
        # The access token before this one lives to its own end: not documented.
        return {
            "token_type": "Bearer",
            "expires_in": int(ACCESS_LIFE.total_seconds()),
            "access_token": self._access_token(client_id, ACCESS_LIFE),
            "refresh_token": self._give(self._refresh, client_id, REFRESH_LIFE),
        }

    def _access_token(self, client_id: str, life: timedelta) -> str:
        """Make a token that tells its own end, as amoCRM's do.

        Which claims it carries is not documented, nor with what it is signed; a client
        may read ``exp`` and believe nothing.
        """
        now = int(self._clock.timestamp)
        claims = {
            "aud": client_id,
            "jti": self._serial(client_id),
            "iat": now,
            "nbf": now,
            "exp": now + int(life.total_seconds()),
            "sub": str(self.integrations[client_id].user_id),
            "account_id": self._profile.account_id,
        }
        token = signed(claims, self._serial("server"))
        self._keep(self._access, token, client_id, life)
        return token

    def _give(self, grants: dict[str, Grant], client_id: str, life: timedelta) -> str:
        token = self._serial(client_id)
        self._keep(grants, token, client_id, life)
        return token

    def _keep(
        self, grants: dict[str, Grant], token: str, client_id: str, life: timedelta
    ) -> None:
        until = self._clock.elapsed + life.total_seconds()
        grants[token] = Grant(client_id, until)

    def _serial(self, salt: str) -> str:
        self.made += 1
        return hashlib.sha256(f"{salt} {self.made}".encode()).hexdigest()


def signed(claims: Mapping[str, Any], secret: str) -> str:
    """Sign claims as a JSON Web Token, HS256.

    Examples
    --------
    >>> signed({"user_id": 1}, "secret").split(".")[0]
    'eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9'
    """
    head = {"typ": "JWT", "alg": "HS256"}
    told = ".".join(
        _plain(json.dumps(part, separators=(",", ":")).encode())
        for part in (head, claims)
    )
    mark = hmac.new(secret.encode(), told.encode(), hashlib.sha256).digest()
    return f"{told}.{_plain(mark)}"


def _plain(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
