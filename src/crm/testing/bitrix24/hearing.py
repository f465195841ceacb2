"""Being told: handlers bound to events, and the queue that waits to be asked.

A reservation (``clear=0``) is kept 30 days and then gone with its rows: the contracts
say only "kept", and lost is what a careful client must be ready for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from crm.testing.bitrix24.portal import Context, Method, Params, Result
from crm.testing.bitrix24.refusals import (
    Refusal,
    access_denied,
    missing,
    wrong_auth_type,
)
from crm.testing.bitrix24.subscriptions import Binding, QueueRow
from crm.testing.bitrix24.telling import PING

EVENTS: Final = frozenset(
    [f"ONCRM{kind}{what}" for kind in ("LEAD", "DEAL", "CONTACT", "COMPANY", "ACTIVITY",
                                       "DYNAMICITEM", "TIMELINECOMMENT")
     for what in ("ADD", "UPDATE", "DELETE")]
    + ["ONTASKADD", "ONTASKUPDATE", "ONTASKDELETE", "ONAPPINSTALL", "ONAPPUNINSTALL",
       "ONCRMDEALMOVETOCATEGORY", "ONPAYMENTENTITYSAVED", PING]
)  # fmt: skip
KEPT_SECONDS: Final = 30 * 86_400
MOST_ROWS: Final = 50


def application(context: Context) -> str:
    """Give the caller's application, or refuse a webhook."""
    if context.caller.kind != "app":
        raise wrong_auth_type()
    return context.caller.client_id


def administrator(context: Context) -> None:
    """Refuse a caller who is no administrator."""
    if not context.state.users[context.caller.user].admin:
        raise access_denied()


def _wanted(params: Params) -> tuple[str, bool]:
    event = str(params.get("event") or "").upper()
    if event not in EVENTS:
        raise Refusal(400, "ERROR_EVENT_NOT_FOUND", "Event not found")
    return event, str(params.get("event_type") or "online").lower() == "offline"


def _bind(context: Context, params: Params) -> Result:
    client_id = application(context)
    event, offline = _wanted(params)
    user = int(params.get("auth_type") or context.caller.user)
    if offline or user != context.caller.user:
        administrator(context)
    if not offline and not params.get("handler"):
        raise missing("handler")
    options = params.get("options") or {}
    context.portal.subscriptions.bindings.append(
        Binding(
            client_id=client_id,
            event=event,
            handler=str(params.get("handler") or ""),
            user=user,
            id=context.state.new_id("handler", 975),
            offline=offline,
            connector=str(params.get("auth_connector") or ""),
            least_seconds=float(options.get("minTimeout") or 0),
        )
    )
    return Result(value=True)


def _unbind(context: Context, params: Params) -> Result:
    client_id = application(context)
    event, offline = _wanted(params)
    bindings = context.portal.subscriptions.bindings
    gone = [
        each
        for each in bindings
        if (each.client_id, each.event, each.offline) == (client_id, event, offline)
        and params.get("handler") in (None, "", each.handler)
    ]
    for each in gone:
        bindings.remove(each)
    return Result({"count": len(gone)})


def _bound(context: Context, params: Params) -> Result:
    del params
    client_id = application(context)
    return Result(
        [
            {
                "event": each.event,
                "handler": each.handler,
                "auth_type": str(each.user),
                "offline": int(each.offline),
            }
            for each in context.portal.subscriptions.bindings
            if each.client_id == client_id
        ]
    )


def _offline_get(context: Context, params: Params) -> Result:
    client_id = application(context)
    administrator(context)
    clear = str(params.get("clear", 1)) != "0"
    if not clear and not context.portal.profile.offline_extended:
        raise access_denied()
    rows = _readable(context, client_id, params)
    if clear:
        queue = context.portal.subscriptions.queue
        context.portal.subscriptions.queue = [row for row in queue if row not in rows]
        return Result({"process_id": None, "events": _shown(context, rows)})
    number = context.state.new_id("process")
    # A continued process keeps its id, so that one call clears all of its rows.
    process = str(params.get("process_id") or hashlib.md5(b"%d" % number).hexdigest())
    for row in rows:
        row.process, row.reserved_at = process, context.portal.clock.elapsed
    return Result({"process_id": process, "events": _shown(context, rows)})


def _readable(context: Context, client_id: str, params: Params) -> list[QueueRow]:
    """List the rows that nobody has reserved, oldest first."""
    subscriptions = context.portal.subscriptions
    now = context.portal.clock.elapsed
    subscriptions.queue = [
        row
        for row in subscriptions.queue
        if not row.process or now - row.reserved_at < KEPT_SECONDS
    ]
    connector = str(params.get("auth_connector") or "")
    failed = str(params.get("error", 0)) == "1"
    wanted = {n.lstrip("="): v for n, v in (params.get("filter") or {}).items()}
    limit = min(int(params.get("limit") or MOST_ROWS), MOST_ROWS)
    found = [
        row
        for row in subscriptions.queue
        if (row.client_id, row.connector) == (client_id, connector)
        and (not row.process or (failed and row.failed))
        and wanted.get("EVENT_NAME", row.event) == row.event
    ]
    return found[:limit]


def _shown(context: Context, rows: list[QueueRow]) -> list[dict[str, Any]]:
    return [
        {
            "ID": str(row.id),
            "TIMESTAMP_X": context.portal.local(row.at),
            "EVENT_NAME": row.event,
            "EVENT_DATA": row.data,
            "EVENT_ADDITIONAL": False,
            "MESSAGE_ID": hashlib.md5(row.message.encode()).hexdigest(),
        }
        for row in rows
    ]


def _of_process(context: Context, params: Params) -> list[QueueRow]:
    application(context)
    administrator(context)
    if not params.get("process_id"):
        raise missing("process_id")
    ids = {str(each) for each in params.get("id") or []}
    messages = {str(each) for each in params.get("message_id") or []}
    return [
        row
        for row in context.portal.subscriptions.queue
        if row.process == params["process_id"]
        and (not ids or str(row.id) in ids)
        and (not messages or _shown(context, [row])[0]["MESSAGE_ID"] in messages)
    ]


def _offline_clear(context: Context, params: Params) -> Result:
    done = _of_process(context, params)
    queue = context.portal.subscriptions.queue
    context.portal.subscriptions.queue = [row for row in queue if row not in done]
    return Result(value=True)


def _offline_error(context: Context, params: Params) -> Result:
    for row in _of_process(context, params):
        row.failed = True
    return Result(value=True)


METHODS: Final[Mapping[str, Method]] = {
    "event.bind": _bind,
    "event.unbind": _unbind,
    "event.get": _bound,
    "event.offline.get": _offline_get,
    "event.offline.clear": _offline_clear,
    "event.offline.error": _offline_error,
}
