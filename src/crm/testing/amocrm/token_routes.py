"""``/oauth`` and ``/oauth2/access_token``: the two addresses without a token."""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import urlencode

from crm.testing.amocrm.account import Change
from crm.testing.amocrm.desk import Asked, Desk, Route
from crm.testing.amocrm.problems import revoked
from crm.testing.wire import Answer


def exchange(desk: Desk, asked: Asked) -> Answer:
    """Give a pair for a code or a refresh token."""
    body = asked.body if isinstance(asked.body, dict) else {}
    pair = desk.tokens.exchange(body)
    told = {"grant_type": body["grant_type"], "made": desk.tokens.made}
    client = str(body["client_id"])
    desk.account.changed(Change("tokens", client, "add", {}, told, asked.hand))
    return Answer(200, json.dumps(pair).encode(), {"content-type": "application/json"})


def consent(desk: Desk, asked: Asked) -> Answer:
    """Send the browser back with a code, as if a person had said yes."""
    client = str(asked.query.get("client_id"))
    integration = desk.tokens.integrations.get(client)
    if integration is None:
        raise revoked("Check the `client_id` parameter", 400)
    query = {
        "code": desk.tokens.code(client),
        "referer": desk.account.profile.domain,
        "state": str(asked.query.get("state", "")),
        "client_id": client,
    }
    where = f"{integration.redirect_uri}?{urlencode(query)}"
    return Answer(302, b"", {"location": where})


ROUTES: Final = (
    Route("POST", "oauth2/access_token", exchange),
    Route("GET", "oauth", consent),
)
