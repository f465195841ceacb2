"""Changes become events: posted at once to bound handlers, or queued for later.

An event holds an id and nothing of what changed, and our own writes raise it too. The
offline queue holds one row per object, however often it changed.
"""

from __future__ import annotations

from typing import Any, Final

from crm.testing.bitrix24.account import Switch
from crm.testing.bitrix24.credentials import Caller
from crm.testing.bitrix24.portal import Portal
from crm.testing.bitrix24.subscriptions import Binding, QueueRow
from crm.testing.brackets import encode
from crm.testing.pump import Message

PING: Final = "ONOFFLINEEVENT"
OAUTH_SERVER: Final = "https://oauth.bitrix.info/rest/"


def tell(
    portal: Portal, event: str, fields: dict[str, Any], *, by: Caller, connector: str
) -> None:
    """Raise an event towards everybody who asked for it."""
    data = {"FIELDS": {name: str(value) for name, value in fields.items()}}
    for hook in portal.subscriptions.webhooks:
        if event in hook.events:
            auth = _auth(portal, hook.token)
            _post(portal, hook.url, event, data, auth=auth, handler=hook.id)
    for binding in portal.subscriptions.bindings:
        if binding.event != event or not _alive(portal, binding):
            continue
        if not binding.offline:
            auth = application_auth(portal, binding.client_id, by)
            _post(portal, binding.handler, event, data, auth=auth, handler=binding.id)
        elif not (binding.connector and binding.connector == connector):
            _queue(portal, binding, data)


def application_auth(portal: Portal, client_id: str, by: Caller) -> dict[str, Any]:
    """Give the auth keys of an application; no tokens when a robot made the change."""
    app = portal.credentials.applications[client_id]
    auth = _auth(portal, app.application_token)
    if by.kind == "robot":
        return auth
    pair = portal.credentials.grant(client_id, by.user)
    return auth | {
        "access_token": pair.access,
        "expires": round(portal.clock.timestamp + 3_600),
        "expires_in": 3_600,
        "scope": ",".join(sorted(app.scopes)),
        "status": "L",
        "user_id": by.user,
    }


def event_body(
    portal: Portal, event: str, data: Any, *, auth: dict[str, Any], handler: int
) -> bytes:
    """Write the form that an event is posted as."""
    return encode(
        {
            "event": event,
            "event_handler_id": handler,
            "data": data,
            "ts": round(portal.clock.timestamp),
            "auth": auth,
        }
    )


def _post(
    portal: Portal,
    url: str,
    event: str,
    data: Any,
    *,
    auth: dict[str, Any],
    handler: int,
) -> None:
    body = event_body(portal, event, data, auth=auth, handler=handler)
    portal.pump.send(Message(url, body, name=event))


def _auth(portal: Portal, token: str) -> dict[str, Any]:
    domain = portal.renamed_to or portal.profile.domain
    return {
        "domain": domain,
        "client_endpoint": f"https://{domain}/rest/",
        "server_endpoint": OAUTH_SERVER,
        "member_id": portal.profile.member_id,
        "application_token": token,
    }


def _alive(portal: Portal, binding: Binding) -> bool:
    return portal.credentials.applications[binding.client_id].installed


def _queue(portal: Portal, binding: Binding, data: dict[str, Any]) -> None:
    shown: Any = False if portal.profile.on(Switch.OFFLINE_DATA_FALSE) else data
    queue = portal.subscriptions.queue
    message = f"{binding.event}:{data['FIELDS']}"
    for row in queue:
        same = (row.client_id, row.connector, row.message.split("#")[0])
        if same == (binding.client_id, binding.connector, message) and not row.process:
            row.at = portal.clock.now
            return
    number = portal.state.new_id("offline", 11)
    queue.append(
        QueueRow(
            number,
            binding.client_id,
            binding.connector,
            binding.event,
            shown,
            portal.clock.now,
            f"{message}#{number}",
        )
    )
    _ping(portal, binding.client_id)


def _ping(portal: Portal, client_id: str) -> None:
    """Post the data-less ping, at most once in the stretch that was asked for."""
    now = portal.clock.elapsed
    for binding in portal.subscriptions.bindings:
        if (binding.event, binding.client_id) != (PING, client_id):
            continue
        last = portal.subscriptions.last_ping.get(client_id, float("-inf"))
        if now - last < binding.least_seconds:
            continue
        portal.subscriptions.last_ping[client_id] = now
        app = portal.credentials.applications[client_id]
        auth = _auth(portal, app.application_token)
        _post(portal, binding.handler, PING, "", auth=auth, handler=binding.id)
