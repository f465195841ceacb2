"""The one place that knows which client speaks to which CRM."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from crm.amocrm import cards as amocrm_cards
from crm.amocrm.opening import open_client
from crm.bitrix24.cards import Desk
from crm.bitrix24.client import Client, webhook_in
from crm.port import Allowance, CardDesk, Gate
from leads.errors import BadConfig
from leads.settings import Crm

Open = Callable[[Crm, Gate], CardDesk]
"""Makes the client of an account; it sends through the gate it is given."""

ALLOWANCES: Final[Mapping[str, Allowance]] = {
    "bitrix24": Allowance(per_second=2.0, burst=50),
    "amocrm": amocrm_cards.ALLOWANCE,
}
"""What each CRM takes; Bitrix24's is the standard plan, amoCRM's below its 7."""


def _bitrix24(crm: Crm, gate: Gate) -> CardDesk:
    allowance = ALLOWANCES["bitrix24"]
    return Desk(Client(webhook_in(crm.url_env), gate), allowance=allowance)


def _amocrm(crm: Crm, gate: Gate) -> CardDesk:
    if crm.entity != "lead":
        raise BadConfig(
            f"amoCRM has no cards of kind {crm.entity!r}: its leads are its deals.",
            remedy="Leave [crm] entity out, or set it to 'lead'.",
        )
    client = open_client(crm, gate)
    return amocrm_cards.Desk(client, allowance=ALLOWANCES["amocrm"])


DOORS: Final[dict[str, Open]] = {"bitrix24": _bitrix24, "amocrm": _amocrm}
"""The client of each kind of CRM."""


def desk_of(crm: Crm, gate: Gate) -> CardDesk:
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
    return DOORS[crm.kind](crm, gate)
