"""Opens the line to an account from the environment: its address and its token.

Neither is ever in a configuration file, a log or an error.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx2

from crm.amocrm.client import Again, AmoClient, Tokens, judged
from crm.amocrm.oauth import OAuth
from crm.granting import address_in, credentials_in, renewing
from crm.port import Gate
from crm.sealing import seal_in
from crm.tokens import Terms, TokenStore
from crm.transport import Transport
from leads.errors import BadConfig, Fault
from leads.journal import Journal
from leads.settings import CrmAccount

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
KIND: Final = "amocrm"
AHEAD: Final = timedelta(minutes=10)
"""Tokens live a day; each is renewed so long before its end."""


class Named(Protocol):
    """A section that names the variables with the address and the token."""

    @property
    def url_env(self) -> str:
        """The variable with the account's address."""
        ...

    @property
    def token_env(self) -> str:
        """The variable with the long-lived token."""
        ...


def open_client(
    section: Named,
    gate: Gate,
    *,
    tokens: Tokens | None = None,
    again: Again | None = None,
    carrier: httpx2.BaseTransport | None = None,
    environment: Mapping[str, str] | None = None,
) -> AmoClient:
    """Open an account; nothing is asked yet.

    Parameters
    ----------
    section
        Which variables to look into.
    gate
        Where every request passes.
    tokens, again
        Give access tokens in place of the variable, for OAuth.
    carrier
        Of the bytes; the network unless a test gives another.

    Raises
    ------
    BadConfig
        With everything that is missing or wrong.
    """
    known = os.environ if environment is None else environment
    address = known.get(section.url_env, "").strip().rstrip("/")
    token = known.get(section.token_env, "").strip()
    faults = _address_faults(section.url_env, address)
    if tokens is None and not _is_token(token):
        faults.append(
            Fault(
                section.token_env,
                "the variable holds no token" if not token else "this is no token",
                "Set it to the long-lived token of the integration in amoCRM.",
            )
        )
    if faults:
        raise BadConfig(
            "amoCRM cannot be opened.", remedy="Set these variables:", faults=faults
        )
    given = tokens or (lambda: token)
    transport = Transport(address, gate, judge=judged, carrier=carrier)
    return AmoClient(transport, given, again=again)


def open_account(
    section: CrmAccount,
    gate: Gate,
    journal: Journal,
    *,
    carrier: httpx2.BaseTransport | None = None,
) -> AmoClient:
    """Open an account by a long-lived token or by OAuth, as configured.

    Raises
    ------
    BadConfig
        The environment lacks what that needs.
    """
    if not section.by_oauth:
        return open_client(section, gate, carrier=carrier)
    store = store_of(section, gate, journal, carrier=carrier)
    name = section.account
    return open_client(
        section, gate, tokens=partial(store.access, name),
        again=partial(store.again, name), carrier=carrier,
    )  # fmt: skip


def granter_of(
    section: CrmAccount, gate: Gate, *, carrier: httpx2.BaseTransport | None = None
) -> OAuth:
    """Open the way to tokens; raises as ``open_account``."""
    return OAuth(
        address_in(section), credentials_in(section), redirect=section.redirect,
        gate=gate, server=section.auth_url, carrier=carrier,
    )  # fmt: skip


def store_of(
    section: CrmAccount,
    gate: Gate,
    journal: Journal,
    *,
    carrier: httpx2.BaseTransport | None = None,
) -> TokenStore:
    """Open the tokens of accounts; they are renewed before they end."""
    granter = granter_of(section, gate, carrier=carrier)
    return TokenStore(
        journal, KIND, seal=seal_in(), renew=renewing(granter),
        terms=Terms(ahead=AHEAD),
    )  # fmt: skip


def _address_faults(variable: str, address: str) -> list[Fault]:
    remedy = "Set it to the account's address, like https://name.amocrm.ru."
    if not address:
        return [Fault(variable, "the variable holds no address", remedy)]
    try:
        parts = urlsplit(address)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return [Fault(variable, "this is no address", remedy)]
    bare = not (parts.path or parts.query or parts.fragment or parts.username)
    if not host or not bare or parts.scheme not in {"http", "https"}:
        return [Fault(variable, "this is no address of an account alone", remedy)]
    if parts.scheme == "http" and host not in LOOPBACK:
        what = "a token would cross the network in the open (http)"
        return [Fault(variable, what, remedy)]
    return []


def _is_token(token: str) -> bool:
    """Whether a header can carry it; line ends would add headers of their own."""
    return bool(token) and token.isascii() and token.isprintable() and " " not in token
