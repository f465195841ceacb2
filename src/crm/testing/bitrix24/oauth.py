"""The authorization server: codes for a first pair of tokens, refresh for the next.

A refresh replaces both tokens at once; of several refreshes with one token the first
wins and the others are told ``invalid_grant`` (inferred, the documents only list it).
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import urlencode

from crm.testing.bitrix24.credentials import Application, Pair
from crm.testing.bitrix24.portal import Params, Portal
from crm.testing.bitrix24.refusals import Refusal
from crm.testing.wire import Answer

SERVER: Final = "oauth.bitrix.info"


def authorize(portal: Portal, params: Params, *, user: int = 1) -> Answer:
    """Send the browser back to the application with a code."""
    client_id = str(params.get("client_id") or "")
    app = portal.credentials.applications.get(client_id)
    if app is None:
        raise Refusal(400, "invalid_client", "Invalid client")
    back = {
        "code": portal.credentials.code(client_id, user),
        "state": str(params.get("state") or ""),
        "domain": portal.renamed_to or portal.profile.domain,
        "member_id": portal.profile.member_id,
        "scope": ",".join(sorted(app.scopes)),
        "server_domain": SERVER,
    }
    return Answer(302, b"", {"location": f"{app.handler}?{urlencode(back)}"})


def token(portal: Portal, params: Params) -> Answer:
    """Change a code or a refresh token into a new pair."""
    app = _application(portal, params)
    if not portal.profile.commercial:
        raise Refusal(402, "PAYMENT_REQUIRED", "Payment required")
    match params.get("grant_type"):
        case "authorization_code":
            pair = _by_code(portal, app, str(params.get("code") or ""))
        case "refresh_token":
            pair = _by_refresh(portal, app, str(params.get("refresh_token") or ""))
        case _:
            raise Refusal(400, "invalid_request", "Invalid grant type")
    return Answer(200, json.dumps(_shown(portal, app, pair)).encode())


def _application(portal: Portal, params: Params) -> Application:
    app = portal.credentials.applications.get(str(params.get("client_id") or ""))
    if app is None or app.client_secret != params.get("client_secret"):
        raise Refusal(401, "invalid_client", "Invalid client")
    return app


def _by_code(portal: Portal, app: Application, code: str) -> Pair:
    client_id, user, until = portal.credentials.codes.pop(code, ("", 0, 0.0))
    if client_id != app.client_id or until <= portal.clock.elapsed:
        raise Refusal(400, "invalid_grant", "Invalid or expired code")
    return portal.credentials.grant(client_id, user)


def _by_refresh(portal: Portal, app: Application, refresh: str) -> Pair:
    credentials = portal.credentials
    for old in credentials.pairs.values():
        if old.refresh != refresh or old.client_id != app.client_id:
            continue
        if old.used or old.refresh_expires <= portal.clock.elapsed:
            break
        old.used = True
        credentials.refreshes += 1
        return credentials.grant(app.client_id, old.user)
    raise Refusal(400, "invalid_grant", "Invalid refresh token")


def _shown(portal: Portal, app: Application, pair: Pair) -> dict[str, Any]:
    domain = portal.renamed_to or portal.profile.domain
    return {
        "access_token": pair.access,
        "refresh_token": pair.refresh,
        "expires": round(portal.clock.timestamp + 3_600),
        "expires_in": 3_600,
        "scope": ",".join(sorted(app.scopes)),
        "domain": SERVER,
        "server_endpoint": f"https://{SERVER}/rest/",
        "client_endpoint": f"https://{domain}/rest/",
        "member_id": portal.profile.member_id,
        "status": "L",
        "user_id": pair.user,
    }
