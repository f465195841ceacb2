"""Getting tokens from a CRM: what both kinds share, and what a refusal means.

Each kind words its own requests (``bitrix24.oauth``, ``amocrm.oauth``); what may be
tried again, what a person must mend, and that no secret reaches a message, is here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from crm.port import Heard
from crm.tokens import RefreshRefused, Renew, RenewalFailed, Tokens
from crm.transport import Answer, TransportFailed
from leads.errors import BadConfig, Fault, Unavailable
from leads.settings import CrmAccount

SOON: Final = timedelta(seconds=10)
LATER: Final = timedelta(minutes=10)
LONGEST_TOKEN: Final = 8_192
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Credentials:
    """By what a CRM knows our application."""

    client: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """A pair, and the address of the account that it opens."""

    tokens: Tokens
    address: str


class GrantRefused(Unavailable):
    """The CRM gave no tokens; ``for_good`` if the grant itself is no longer good."""

    def __init__(self, what: str, *, remedy: str, for_good: bool) -> None:
        super().__init__(what, remedy=remedy)
        self.for_good = for_good


class Granter(Protocol):
    """Asks one kind of CRM for tokens."""

    def consent(self, state: str) -> str:
        """Give the address where a person lets us in; ``state`` comes back with it."""
        ...

    def by_code(self, code: str, now: datetime) -> Grant:
        """Change the code that a consent brought into a pair.

        Raises
        ------
        GrantRefused
            The CRM said no.
        TransportFailed
            It said nothing.
        """
        ...

    def by_refresh(self, refresh: str, now: datetime) -> Grant:
        """Change a refresh token into the next pair; raises as ``by_code``."""
        ...


class FreeGate:
    """Lets every request through, to where no limit of an account counts."""

    def enter(self) -> None:
        """Let it leave."""

    def heard(self, health: Heard, retry_after: timedelta | None = None) -> None:
        """Take no note."""


def renewing(granter: Granter) -> Renew:
    """Make what a token store renews with."""

    def renew(old: Tokens, now: datetime) -> Tokens:
        try:
            return granter.by_refresh(old.refresh, now).tokens
        except GrantRefused as refusal:
            if refusal.for_good:
                raise RefreshRefused from refusal
            raise RenewalFailed(
                refusal.what, remedy=refusal.remedy, retry_after=LATER
            ) from refusal
        except TransportFailed as failure:
            raise RenewalFailed(
                f"No new tokens came. {failure.what}",
                remedy="It is tried again by itself.",
                retry_after=SOON,
            ) from failure

    return renew


def credentials_in(
    section: CrmAccount, environment: Mapping[str, str] | None = None
) -> Credentials:
    """Read the application's id and secret from the environment.

    Raises
    ------
    BadConfig
        With both variables if both are not set; no value is ever told.
    """
    known = os.environ if environment is None else environment
    names = (section.client_env, section.secret_env)
    client, secret = (known.get(name, "").strip() for name in names)
    faults = [
        Fault(name, "the variable is not set", "Copy it from the application's page.")
        for name, value in zip(names, (client, secret), strict=True)
        if not value
    ]
    if faults:
        raise BadConfig(
            f"The application of {section.kind} is not known.",
            remedy="Set these variables:",
            faults=faults,
        )
    return Credentials(client, secret)


def address_in(
    section: CrmAccount, environment: Mapping[str, str] | None = None
) -> str:
    """Read the bare address of the account from the environment.

    Raises
    ------
    BadConfig
        There is none, or more than ``https://host``; the value is never told.
    """
    known = os.environ if environment is None else environment
    parts = urlsplit(known.get(section.url_env, "").strip().rstrip("/"))
    bare = not (parts.path or parts.query or parts.fragment or parts.username)
    safe = parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in LOOPBACK
    )
    if not (bare and safe and parts.hostname):
        example = "acme.bitrix24.ru" if section.kind == "bitrix24" else "acme.amocrm.ru"
        raise BadConfig(
            f"The environment variable {section.url_env} does not hold the address of"
            " an account alone.",
            remedy=f"Set it to one like https://{example}",
        )
    return f"{parts.scheme}://{parts.netloc}"


def tokens_in(body: Mapping[str, Any], now: datetime, **more: str) -> Tokens:
    """Read a pair out of an answer.

    Raises
    ------
    GrantRefused
        It holds none.
    """
    access, refresh = body.get("access_token"), body.get("refresh_token")
    lasts = body.get("expires_in")
    if not (_is_token(access) and _is_token(refresh) and isinstance(lasts, int)):
        raise refused("NO_TOKENS", for_good=False)
    return Tokens(str(access), str(refresh), now + timedelta(seconds=lasts), **more)


def body_of(answer: Answer) -> Mapping[str, Any]:
    """Read an answer's body; an empty one if it is no JSON object."""
    body = answer.json()
    return body if isinstance(body, Mapping) else {}


def refused(code: str, *, for_good: bool) -> GrantRefused:
    """Put a refusal into words that hold nothing but a code."""
    remedies = {
        True: "What was given is used up, too old or taken back: begin again.",
        False: "Look at the application's id and secret, its rights and the plan.",
    }
    return GrantRefused(
        f"The CRM gave no tokens ({code}).", remedy=remedies[for_good],
        for_good=for_good,
    )  # fmt: skip


def _is_token(value: Any) -> bool:
    """Whether a header can carry it; line ends would add headers of their own."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= LONGEST_TOKEN
        and value.isascii()
        and value.isprintable()
        and " " not in value
    )
