"""Asks a portal to tell us of its leads; an application may, a webhook may not."""

from __future__ import annotations

from typing import Any, Final

from crm.bitrix24.answers import Refused
from crm.bitrix24.client import Client

EVENTS: Final = tuple(
    f"ONCRM{kind}{what}"
    for kind in ("LEAD", "DEAL", "ACTIVITY")
    for what in ("ADD", "UPDATE", "DELETE")
)
PING: Final = "ONOFFLINEEVENT"
PING_SECONDS: Final = 5


def subscribe(client: Client, handler: str, *, queue: bool = False) -> list[str]:
    """Bind our address to what happens to leads; safe to repeat.

    Parameters
    ----------
    client
        Of an application.
    handler
        Our address, ``https://<host>/crm/bitrix24/events``.
    queue
        Whether events also wait in the portal's own queue, of which a ping tells.

    Returns
    -------
    list
        The events that were bound now.

    Raises
    ------
    Refused
        The caller is no application, or no administrator.
    """
    bound = _bound(client)
    for name, told in bound:
        if told not in ("", handler) and name in (*EVENTS, PING):  # earlier addresses
            _unbound(client, {"event": name, "handler": told})
    wanted: list[dict[str, Any]] = [
        {"event": name, "handler": handler} for name in EVENTS
    ]
    if queue:
        wanted += [{"event": name, "event_type": "offline"} for name in EVENTS]
        options = {"minTimeout": PING_SECONDS}
        wanted.append({"event": PING, "handler": handler, "options": options})
    new = [one for one in wanted if _key(one) not in bound]
    for one in new:
        client.call("event.bind", one)
    return [str(one["event"]) for one in new]


def unsubscribe_all(client: Client) -> list[str]:
    """Take back all that we ever bound, wherever it leads; give the events.

    An application sees, and takes back, its own bindings alone.
    """
    gone = []
    for name, handler in sorted(_bound(client)):
        told = {"handler": handler} if handler else {"event_type": "offline"}
        if name in (*EVENTS, PING) and _unbound(client, {"event": name, **told}):
            gone.append(name)
    return list(dict.fromkeys(gone))


def _unbound(client: Client, asked: dict[str, Any]) -> int:
    try:
        told = client.call("event.unbind", asked)
    except Refused as refusal:
        if refusal.trouble.code == "ERROR_EVENT_NOT_FOUND":
            return 0
        raise
    return int(told.get("count", 0)) if isinstance(told, dict) else 0


def _bound(client: Client) -> set[tuple[str, str]]:
    return {_key(one) for one in client.call("event.get") or []}


def _key(one: dict[str, Any]) -> tuple[str, str]:
    is_queued = str(one.get("offline", 0)) == "1" or one.get("event_type") == "offline"
    told = "" if is_queued else str(one.get("handler") or "")
    return str(one.get("event") or "").upper(), told
