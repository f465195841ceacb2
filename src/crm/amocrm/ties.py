"""Whom a lead belongs to: its contacts and its company, linked and unlinked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from crm.amocrm.client import AmoClient
from crm.amocrm.writes import send_links
from crm.port import Change, Outcome, Result
from crm.tying import TIED

KINDS: Final[Mapping[str, str]] = {"contact": "contacts", "company": "companies"}
MOST_AT_ONCE: Final = 20
"""Each is a request of its own, and all must leave within seconds of their mark."""
LATER: Final = Result(Outcome.NOT_APPLIED, "TIES_FIRST")


def clients_in(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Name whom a lead belongs to, as ``crm.port.Card.clients``.

    Examples
    --------
    >>> clients_in({"_embedded": {"contacts": [{"id": 9}, {"id": 7, "is_main": True}],
    ...                           "companies": [{"id": 3}]}})
    ('contact:7', 'contact:9', 'company:3')
    """
    embedded = row.get("_embedded") or {}
    contacts = embedded.get("contacts") or []
    ranked = sorted(contacts, key=lambda one: not one.get("is_main", False))
    companies = embedded.get("companies") or []
    return (
        *(f"contact:{one['id']}" for one in ranked),
        *(f"company:{one['id']}" for one in companies),
    )


def tie(client: AmoClient, changes: Sequence[Change]) -> list[Result]:
    """Make the ties of changes; one result each, in their order."""
    now, later = changes[:MOST_AT_ONCE], changes[MOST_AT_ONCE:]
    return [*(_tied(client, one) for one in now), *(LATER for _ in later)]


def _tied(client: AmoClient, change: Change) -> Result:
    assert change.tie is not None, "only of changes with a tie"
    number = change.entity.partition(":")[2]
    has_main = any(one.startswith("contact:") for one in change.tie.before)
    for verb, others in (("unlink", change.tie.lost), ("link", change.tie.gained)):
        if others:
            is_main = verb == "link" and not has_main
            items = [_item(one, is_main=is_main) for one in others]
            end = send_links(client, f"leads/{number}/{verb}", items)
            if end.outcome is not Outcome.APPLIED:
                return end
    return TIED


def _item(client: str, *, is_main: bool) -> dict[str, Any]:
    kind, _, number = client.partition(":")
    item: dict[str, Any] = {"to_entity_id": int(number), "to_entity_type": KINDS[kind]}
    if is_main and kind == "contact":
        item["metadata"] = {"is_main": True}
    return item
