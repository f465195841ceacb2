"""Opens the line to a portal, by webhook or as an application, from the environment."""

from __future__ import annotations

import httpx2

from crm.bitrix24.client import Client, Entry, webhook_in
from crm.bitrix24.oauth import OAuth
from crm.granting import address_in, credentials_in, renewing
from crm.port import Gate
from crm.sealing import seal_in
from crm.tokens import TokenStore
from leads.journal import Journal
from leads.settings import CrmAccount

KIND = "bitrix24"


def open_client(
    section: CrmAccount,
    gate: Gate,
    journal: Journal,
    *,
    carrier: httpx2.BaseTransport | None = None,
) -> Client:
    """Open a portal; nothing is asked yet.

    Raises
    ------
    BadConfig
        The environment lacks the webhook, or what an application needs.
    """
    if not section.by_oauth:
        return Client(webhook_in(section.url_env), gate, carrier=carrier)
    store = store_of(section, journal, carrier=carrier)
    entry = Entry(address_in(section), store, section.account)
    return Client(entry, gate, carrier=carrier)


def granter_of(
    section: CrmAccount, *, carrier: httpx2.BaseTransport | None = None
) -> OAuth:
    """Open the way to tokens; raises as ``open_client``."""
    return OAuth(
        address_in(section), credentials_in(section), server=section.auth_url,
        carrier=carrier,
    )  # fmt: skip


def store_of(
    section: CrmAccount,
    journal: Journal,
    *,
    carrier: httpx2.BaseTransport | None = None,
) -> TokenStore:
    """Open the tokens of portals; they are renewed only when Bitrix24 asks for it.

    Its documents warn against renewing by a timer, and threaten to block who does.
    """
    granter = granter_of(section, carrier=carrier)
    return TokenStore(journal, KIND, seal=seal_in(), renew=renewing(granter))
