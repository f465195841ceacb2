"""Asks an account to tell us of its leads, and looks whether it still does."""

from __future__ import annotations

from typing import Final

from crm.amocrm.client import AmoClient, NotThere
from crm.amocrm.paging import Listing, every

SETTINGS: Final = (
    "add_lead", "update_lead", "status_lead", "responsible_lead", "delete_lead",
    "restore_lead", "note_lead", "add_task", "update_task",
)  # fmt: skip


def subscribe(client: AmoClient, destination: str) -> bool:
    """Subscribe our address; safe to repeat. Give whether that was needed.

    One that was switched off after too many bad answers is switched on again.

    Parameters
    ----------
    destination
        ``https://<host>/crm/amocrm/hooks/<secret>``.

    Raises
    ------
    NoRight, NotInPlan
        The token's user is no administrator; the plan has no webhooks.
    """
    listing = Listing("webhooks", "webhooks", {"filter[destination]": destination})
    for rows in every(client.get, listing):
        for row in rows:
            if (
                row.get("destination") == destination
                and not row.get("disabled")
                and set(SETTINGS) <= set(row.get("settings") or [])
            ):
                return False
    told = {"destination": destination, "settings": list(SETTINGS)}
    client.send("POST", "webhooks", told)
    return True


def destinations(client: AmoClient) -> list[str]:
    """Name the addresses that the account tells, ours and others'."""
    listing = Listing("webhooks", "webhooks", {})
    return [
        str(row.get("destination"))
        for rows in every(client.get, listing)
        for row in rows
    ]


def unsubscribe(client: AmoClient, destination: str) -> bool:
    """Take our address back; give whether it was there."""
    try:
        client.send("DELETE", "webhooks", {"destination": destination})
    except NotThere:
        return False
    return True
