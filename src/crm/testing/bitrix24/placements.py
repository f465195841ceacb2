"""Tabs in the cards: binding them, and opening one as a browser does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from crm.testing.bitrix24.account import Switch
from crm.testing.bitrix24.hearing import administrator, application
from crm.testing.bitrix24.portal import Context, Method, Params, Portal, Result
from crm.testing.bitrix24.refusals import Refusal
from crm.testing.bitrix24.schema import Entity
from crm.testing.pump import Message

TABS: Final = frozenset(
    f"CRM_{kind}_DETAIL_TAB"
    for kind in ("LEAD", "DEAL", "CONTACT", "COMPANY", "SMART_INVOICE")
)


def _refuse(argument: str, code: str, text: str) -> Refusal:
    """Refuse inside HTTP 200, as this method does."""
    return Refusal(200, code, text, argument=argument)


def _bind(context: Context, params: Params) -> Result:
    client_id = application(context)
    administrator(context)
    placement, handler = params.get("PLACEMENT"), params.get("HANDLER")
    if not placement:
        text = "Argument 'PLACEMENT' is null or empty"
        raise _refuse("PLACEMENT", "ERROR_ARGUMENT", text)
    if not handler:
        raise _refuse("HANDLER", "EMPTY_ERROR_HANDLER_URL", "Handler is empty")
    if placement not in TABS:
        raise Refusal(400, "ERROR_PLACEMENT_NOT_FOUND", "Placement not found")
    bound = context.portal.subscriptions.placements
    if any((p["placement"], p["handler"]) == (placement, handler) for p in bound):
        text = "Unable to set placement handler: Handler already binded"
        raise Refusal(400, "ERROR_CORE", text)
    made = {
        "placement": placement,
        "handler": handler,
        "title": str(params.get("TITLE") or ""),
        "client_id": client_id,
    }
    bound.append(made)
    return Result(value=True)


def _unbind(context: Context, params: Params) -> Result:
    application(context)
    administrator(context)
    bound = context.portal.subscriptions.placements
    gone = [
        each
        for each in bound
        if each["placement"] == params.get("PLACEMENT")
        and params.get("HANDLER") in (None, "", each["handler"])
    ]
    for each in gone:
        bound.remove(each)
    return Result({"count": len(gone)})


def _get(context: Context, params: Params) -> Result:
    del params
    client_id = application(context)
    rows = context.portal.subscriptions.placements
    shown = [
        {key: each[key] for key in ("placement", "handler", "title")}
        for each in rows
        if each["client_id"] == client_id
    ]
    return Result(shown)


def open_tab(portal: Portal, entity: Entity, key: int, *, user: int = 1) -> Message:
    """Make the POST that a user's browser sends when they open our tab in a card.

    Raises
    ------
    ValueError
        No such tab is bound, or the application is not installed to the end.
    """
    tab = f"CRM_{entity.name.upper()}_DETAIL_TAB"
    bound = portal.subscriptions.placements
    own = next((each for each in bound if each["placement"] == tab), None)
    if own is None or not portal.credentials.applications[own["client_id"]].installed:
        raise ValueError(f"Nothing is shown at {tab}: bind it, finish the install.")
    app = portal.credentials.applications[own["client_id"]]
    pair = portal.credentials.grant(app.client_id, user)
    options: dict[str, Any] = {"ID": str(key)}
    if not portal.profile.on(Switch.PLACEMENT_WITHOUT_URI):
        options["URI"] = f"/crm/{entity.name}/details/{key}/"
    query = {"DOMAIN": portal.profile.domain, "PROTOCOL": 1, "LANG": "ru"}
    query["APP_SID"] = f"sid{portal.state.new_id('sid')}"
    body = {
        "AUTH_ID": pair.access,
        "AUTH_EXPIRES": 3_600,
        "REFRESH_ID": pair.refresh,
        "SERVER_ENDPOINT": "https://oauth.bitrix.info/rest/",
        "APPLICATION_TOKEN": app.application_token,
        "APPLICATION_SCOPE": ",".join(sorted(app.scopes)),
        "member_id": portal.profile.member_id,
        "status": "L",
        "PLACEMENT": tab,
        "PLACEMENT_OPTIONS": json.dumps(options),
    }
    url = f"{own['handler']}?{urlencode(query)}"
    return Message(url, urlencode(body).encode(), name=tab)


METHODS: Final[Mapping[str, Method]] = {
    "placement.bind": _bind,
    "placement.unbind": _unbind,
    "placement.get": _get,
}
