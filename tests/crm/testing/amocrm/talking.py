"""Asks a double of amoCRM without sockets, a second after the last request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx2

from crm.testing.amocrm import AmoCrm

FIELDS: list[dict[str, Any]] = [
    {
        "name": "Tier",
        "type": "select",
        "code": "TIER",
        "is_api_only": True,
        "enums": [
            {"value": "A", "sort": 1, "code": "tier_a"},
            {"value": "B", "sort": 2, "code": "tier_b"},
        ],
    },
    {"name": "Chance", "type": "numeric", "code": "CHANCE", "is_api_only": True},
    {"name": "As of", "type": "date_time", "code": "AS_OF"},
    {"name": "Budget", "type": "text", "code": "BUDGET"},
]


def ask(
    amo: AmoCrm,
    verb: str,
    path: str,
    body: Any = None,
    *,
    token: str | None = None,
    pause: float = 1.0,
    headers: Mapping[str, str] | None = None,
) -> httpx2.Response:
    """Ask once; ``path`` without ``/api/v4/`` unless it begins with a slash."""
    amo.clock.move(pause)
    sent = {"authorization": f"Bearer {token or amo.token}", **(headers or {})}
    address = path if path.startswith("/") else f"/api/v4/{path}"

    async def run() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=amo.app)
        async with httpx2.AsyncClient(
            transport=transport,
            base_url="https://demo.amocrm.ru",
            headers=sent,
            trust_env=False,
        ) as client:
            if body is None:
                return await client.request(verb, address)
            if isinstance(body, bytes):
                return await client.request(verb, address, content=body)
            return await client.request(verb, address, json=body)

    return asyncio.run(run())


def read(amo: AmoCrm, path: str) -> Any:
    """Read and give the JSON; fails unless the answer is 200."""
    answer = ask(amo, "GET", path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def rows(amo: AmoCrm, path: str) -> list[Any]:
    """Read the rows of one page; none for 204."""
    answer = ask(amo, "GET", path)
    if answer.status_code == 204:
        return []
    [found] = answer.json()["_embedded"].values()
    return list(found)


def provisioned(amo: AmoCrm) -> dict[str, int]:
    """Make our fields; give their ids by code."""
    answer = ask(amo, "POST", "leads/custom_fields", FIELDS)
    return {f["code"]: f["id"] for f in answer.json()["_embedded"]["custom_fields"]}


def filled(code: str, value: Any, by: str = "value") -> list[dict[str, Any]]:
    """Write ``custom_fields_values`` that fill one field."""
    return [{"field_code": code, "values": [{by: value}]}]


def faults(answer: httpx2.Response) -> dict[str, list[tuple[str, str]]]:
    """Give code and path of the validation errors, by request id."""
    assert answer.status_code == 400, answer.text
    return {
        each["request_id"]: [(e["code"], e["path"]) for e in each["errors"]]
        for each in answer.json()["validation-errors"]
    }
