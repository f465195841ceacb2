"""The one place that knows which client speaks to which CRM."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from crm.amocrm import cards as amocrm_cards
from crm.amocrm import opening as amocrm
from crm.bitrix24 import cards as bitrix24_cards
from crm.bitrix24 import opening as bitrix24
from crm.connecting import Connecting
from crm.granting import Granter
from crm.port import Allowance, CardDesk, Gate
from crm.tokens import TokenStore
from crm.writeback.pace import PaceGate, account_gate
from leads.errors import BadConfig
from leads.journal import Journal
from leads.settings import Crm, CrmAccount

Open = Callable[[Crm, Gate, Journal], CardDesk]
"""Makes the client of an account; it sends through the gate it is given."""

ALLOWANCES: Final[Mapping[str, Allowance]] = {
    "bitrix24": bitrix24_cards.ALLOWANCE,
    "amocrm": amocrm_cards.ALLOWANCE,
}
"""What each CRM takes; Bitrix24's is the standard plan, amoCRM's below its 7."""


def _bitrix24(crm: Crm, gate: Gate, journal: Journal) -> CardDesk:
    client = bitrix24.open_client(crm, gate, journal)
    return bitrix24_cards.Desk(client)


def _amocrm(crm: Crm, gate: Gate, journal: Journal) -> CardDesk:
    if crm.entity != "lead":
        raise BadConfig(
            f"amoCRM has no cards of kind {crm.entity!r}: its leads are its deals.",
            remedy="Leave [crm] entity out, or set it to 'lead'.",
        )
    client = amocrm.open_account(crm, gate, journal)
    return amocrm_cards.Desk(client)


DOORS: Final[dict[str, Open]] = {"bitrix24": _bitrix24, "amocrm": _amocrm}
"""The client of each kind of CRM."""


def desk_of(crm: Crm, gate: Gate, journal: Journal) -> CardDesk:
    """Open the desk of the configured account; nothing is asked yet.

    Raises
    ------
    BadConfig
        There is no client for this kind of CRM.
    """
    if crm.kind not in DOORS:
        raise BadConfig(
            f"There is no client for [crm] kind = {crm.kind!r}.",
            remedy="Take [crm] out until there is one.",
        )
    return DOORS[crm.kind](crm, gate, journal)


def gate_of(section: CrmAccount, journal: Journal) -> PaceGate:
    """Open the gate that all requests to an account pass, reading or writing."""
    return account_gate(section, journal, ALLOWANCES[section.kind])


def tokens_of(section: CrmAccount, journal: Journal) -> TokenStore:
    """Open the tokens of an account that is entered by OAuth; nothing is asked yet.

    Raises
    ------
    BadConfig
        The environment lacks the application's id or secret, or the address.
    """
    if section.kind == "bitrix24":
        return bitrix24.store_of(section, journal)
    return amocrm.store_of(section, gate_of(section, journal), journal)


def granter_of(section: CrmAccount, journal: Journal) -> Granter:
    """Open the way to an account's first tokens; raises as ``tokens_of``."""
    if section.kind == "bitrix24":
        return bitrix24.granter_of(section)
    return amocrm.granter_of(section, gate_of(section, journal))


def connecting_of(
    section: CrmAccount, journal: Journal, now: Callable[[], datetime]
) -> Connecting:
    """Make what a person's consent passes through; raises as ``tokens_of``."""
    return Connecting(
        section, journal, granter=granter_of(section, journal),
        store=tokens_of(section, journal), now=now,
    )  # fmt: skip
