"""Calls with a token that the portal itself handed to us.

The robot's call and the tab's opening carry a token, and more that a browser could have
made up. So whatever they say, the portal asked is always the one that is configured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import httpx2

from crm.bitrix24.answers import Kind, Trouble, judge, refused, trouble_in
from crm.port import Gate
from crm.transport import Limits, Transport

TYPES: Final[Mapping[str, int]] = {"lead": 1, "deal": 2}


class Call(Protocol):
    """Calls a method of the portal by somebody's right."""

    def __call__(self, method: str, params: Mapping[str, Any]) -> Any:
        """Give the result, or raise as ``Visits.call``."""
        ...


class Visits:
    """One portal, entered with tokens that it handed out; safe between threads.

    Parameters
    ----------
    base
        ``https://portal``, as configured.
    gate
        That of the account.
    carrier
        Of the bytes; the network unless a test gives another.
    """

    def __init__(
        self,
        base: str,
        gate: Gate,
        *,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        carrier: httpx2.BaseTransport | None = None,
    ) -> None:
        self.base = base
        self._transport = Transport(
            base, gate, judge=judge, limits=limits, carrier=carrier
        )

    def call(self, token: str, method: str, params: Mapping[str, Any]) -> Any:
        """Call one method with a token.

        Raises
        ------
        GateClosed, NotSent, Lost
            As ``Transport.request``.
        Refused
            Bitrix24 said no; ``Failed`` if that may pass.
        """
        body = {**params, "auth": token}
        answer = self._transport.post(f"/rest/{method}", body)
        trouble = trouble_in(answer)
        if trouble is not None:
            raise refused(method, trouble)
        return answer.json()["result"]

    def item(self, token: str, kind: str, number: int) -> Mapping[str, Any]:
        """Look at a card as whoever has the token may; raises as ``call``.

        A portal that gives another card than was asked for has refused.
        """
        asked = {"entityTypeId": TYPES[kind], "id": number}
        told = self.call(token, "crm.item.get", asked)
        item = told.get("item") if isinstance(told, Mapping) else None
        if not isinstance(item, Mapping) or str(item.get("id")) != str(number):
            raise refused("crm.item.get", Trouble(Kind.REFUSAL, "NOT_THE_CARD"))
        return item

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


def lead_of(item: Mapping[str, Any], kind: str, entity: str) -> str:
    """Name the lead that a card belongs to.

    Parameters
    ----------
    item
        The card.
    kind
        What it is: ``"lead"`` or ``"deal"``.
    entity
        What counts as a lead here, as in ``[crm] entity``.

    Examples
    --------
    >>> lead_of({"id": 7}, "lead", "lead"), lead_of({"id": 7}, "deal", "deal")
    ('7', '7')
    >>> lead_of({"id": 9, "leadId": 7}, "deal", "lead")
    '7'
    """
    if kind == entity:
        return str(item["id"])
    if kind == "deal" and item.get("leadId"):
        return str(item["leadId"])
    return f"{kind}:{item['id']}"
