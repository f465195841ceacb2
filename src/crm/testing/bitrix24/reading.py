"""Reading an HTTP request: path, credentials, parameters in any of the forms taken.

Multipart bodies are documented too; nothing we send needs them, so they are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from crm.testing.bitrix24.refusals import Refusal
from crm.testing.brackets import decode
from crm.testing.wire import Receive, Scope

PATH: Final = re.compile(
    r"^/rest/(?P<v3>api/)?(?:(?P<user>\d+)/(?P<secret>[^/]+)/)?(?P<method>[^/]+)$"
)


@dataclass(frozen=True, slots=True)
class Heard:
    """One request, read."""

    path: str
    address: str
    scheme: str
    query: str
    headers: dict[str, str]
    body: bytes
    method: str = ""
    user: int = 0
    secret: str = ""
    version: int = 2
    params: dict[str, Any] = field(default_factory=dict)


async def hear(scope: Scope, receive: Receive) -> Heard:
    """Read a request; its method is empty when the path is none of ours.

    Raises
    ------
    Refusal
        The body cannot be read.
    """
    path = str(scope["path"])
    found = PATH.match(path)
    named = found.groupdict() if found else {}
    headers = {k.decode().lower(): v.decode() for k, v in scope["headers"]}
    body = await _body(receive)
    query = scope["query_string"].decode()
    version = 3 if named.get("v3") else 2
    # Version 3 does not look at the query.
    params = {} if version == 3 else decode(query)
    return Heard(
        path=path,
        address=str((scope.get("client") or ("", 0))[0]),
        scheme=str(scope.get("scheme", "http")),
        query=query,
        headers=headers,
        body=body,
        method=_method(named.get("method") or ""),
        user=int(named.get("user") or 0),
        secret=named.get("secret") or "",
        version=version,
        params=params | _sent(body, headers.get("content-type", "")),
    )


async def _body(receive: Receive) -> bytes:
    whole = b""
    while True:
        message = await receive()
        whole += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return whole


def _method(name: str) -> str:
    """Names are taken in any case and with ``.json``; XML is not offered here."""
    return name.lower().removesuffix(".json")


def _sent(body: bytes, kind: str) -> dict[str, Any]:
    if not body:
        return {}
    if kind.startswith("application/x-www-form-urlencoded"):
        return decode(body.decode())
    if not kind.startswith("application/json"):
        raise Refusal(400, "INVALID_REQUEST", f"Content type {kind!r} is not read")
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError as fault:
        raise Refusal(400, "INVALID_REQUEST", "Broken JSON") from fault
    return sent if isinstance(sent, dict) else {}
