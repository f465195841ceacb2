"""Whom a card belongs to: its contacts, added and taken away one by one, its company.

One by one, so that a contact that a person adds meanwhile is not lost, as it would be
by writing the whole list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crm.bitrix24.client import Command
from crm.bitrix24.fields import ENTITIES
from crm.bitrix24.subjects import clients_of
from crm.port import Change, Tie


def clients_in(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Name whom a card belongs to, as ``crm.port.Card.clients``.

    Examples
    --------
    >>> clients_in({"contactId": 7, "contactIds": [7, 9], "companyId": 3})
    ('contact:7', 'contact:9', 'company:3')
    """
    told = (f"{kind}:{number}" for kind, number in clients_of(row))
    return tuple(dict.fromkeys(told))


def commands_of(change: Change) -> Iterator[Command]:
    """Word the commands that make a change's tie."""
    tie = change.tie
    assert tie is not None, "only of changes with a tie"
    kind, _, number = change.entity.partition(":")
    for one in tie.lost:
        if one.startswith("contact:"):
            yield f"crm.{kind}.contact.delete", _link(number, one)
    has_main = any(one.startswith("contact:") for one in tie.before)
    for one in tie.gained:
        if one.startswith("contact:"):
            main = "N" if has_main else "Y"
            yield f"crm.{kind}.contact.add", _link(number, one, IS_PRIMARY=main)
            has_main = True
    yield from _company(kind, number, tie)


def _link(number: str, client: str, **more: str) -> dict[str, Any]:
    return {"id": number, "fields": {"CONTACT_ID": _number(client), **more}}


def _company(kind: str, number: str, tie: Tie) -> Iterator[Command]:
    before, after = (
        next((_number(one) for one in some if one.startswith("company:")), "0")
        for some in (tie.before, tie.after)
    )
    if before != after:
        asked = {"entityTypeId": ENTITIES[kind], "id": number}
        yield "crm.item.update", {**asked, "fields": {"companyId": after}}


def _number(client: str) -> str:
    return client.partition(":")[2]
