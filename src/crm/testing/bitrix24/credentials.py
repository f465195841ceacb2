"""Who may call: webhooks, applications and their tokens."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Final

from crm.testing.bitrix24.account import PortalProfile
from crm.testing.bitrix24.refusals import Refusal
from crm.testing.clock import Clock

ALL_SCOPES: Final = frozenset(
    [
        "crm",
        "user",
        "user_brief",
        "task",
        "tasks",
        "bizproc",
        "placement",
        "sale",
        "userfieldconfig",
    ]
)
ACCESS_SECONDS: Final = 3_600
REFRESH_SECONDS: Final = 180 * 86_400
CODE_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Webhook:
    """An incoming webhook: acts as the user who made it."""

    user: int
    secret: str
    scopes: frozenset[str] = ALL_SCOPES
    expires: float = float("inf")  # seconds of the clock


@dataclass(slots=True)
class Application:
    """A local application; without ``installed`` its events and placements are dead."""

    client_id: str
    client_secret: str
    handler: str
    scopes: frozenset[str] = ALL_SCOPES
    installed: bool = True
    application_token: str = "apptok1"


@dataclass(frozen=True, slots=True)
class Caller:
    """The author of a call or of a change."""

    kind: str  # webhook, app, person, robot
    credential: str
    user: int
    scopes: frozenset[str] = ALL_SCOPES
    client_id: str = ""


@dataclass(slots=True)
class Pair:
    """An access token with the refresh token that came with it."""

    client_id: str
    user: int
    access: str
    refresh: str
    expires: float
    refresh_expires: float
    used: bool = False


@dataclass
class Credentials:
    """All credentials of a portal."""

    clock: Clock
    profile: PortalProfile
    webhooks: list[Webhook] = field(default_factory=list)
    applications: dict[str, Application] = field(default_factory=dict)
    pairs: dict[str, Pair] = field(default_factory=dict)  # by access token
    codes: dict[str, tuple[str, int, float]] = field(default_factory=dict)
    refreshes: int = 0
    _count: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def webhook(self, user: int = 1, secret: str = "s3cret") -> str:
        """Make an incoming webhook; give the path that calls start with."""
        self.webhooks.append(Webhook(user, secret))
        return f"/rest/{user}/{secret}/"

    def install(self, handler: str, client_id: str = "local.demo") -> Application:
        """Install a local application."""
        made = Application(client_id, f"{client_id}-secret", handler)
        self.applications[client_id] = made
        return made

    def code(self, client_id: str, user: int) -> str:
        """Make a code that lives half a minute."""
        code = f"code{next(self._count)}"
        self.codes[code] = (client_id, user, self.clock.elapsed + CODE_SECONDS)
        return code

    def grant(self, client_id: str, user: int = 1) -> Pair:
        """Give an application a new pair of tokens."""
        number, now = next(self._count), self.clock.elapsed
        pair = Pair(
            client_id,
            user,
            f"access{number}",
            f"refresh{number}",
            now + ACCESS_SECONDS,
            now + REFRESH_SECONDS,
        )
        self.pairs[pair.access] = pair
        return pair

    def by_path(self, user: int, secret: str) -> Caller:
        """Find who calls through a webhook."""
        for hook in self.webhooks:
            if (hook.user, hook.secret) == (user, secret):
                if hook.expires <= self.clock.elapsed:
                    break
                return Caller("webhook", f"webhook:{user}", user, hook.scopes)
        raise Refusal(401, "INVALID_CREDENTIALS", "Invalid request credentials")

    def by_token(self, token: str) -> Caller:
        """Find who calls with an access token."""
        pair = self.pairs.get(token)
        if pair is None:
            raise Refusal(401, "NO_AUTH_FOUND", "Wrong authorization data")
        # A refresh replaces both tokens: the old access token is as good as expired.
        if pair.used or pair.expires <= self.clock.elapsed:
            raise Refusal(401, "expired_token", "The access token provided has expired")
        app = self.applications[pair.client_id]
        credential = f"app:{pair.client_id}"
        return Caller("app", credential, pair.user, app.scopes, pair.client_id)
