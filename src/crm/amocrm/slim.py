"""What is kept of each row that amoCRM gives: what the tables need, and no more.

Names of leads and the texts of notes stay behind; fields of ours are left out too, or
the model would learn from its own predictions. What tells who a contact or a company
is (name, phones, addresses) goes from here into no table but that of persons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from crm.amocrm.paging import Row
from crm.amocrm.shelf import Kept

OURS: Final = "LCP_"
"""What the codes of our own fields begin with."""

MARK: Final = "[lcp:"
"""What our own notes carry."""

LEAD_KEYS: Final = (
    "price", "responsible_user_id", "status_id", "pipeline_id", "created_at",
    "closed_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Times:
    """Which keys of a row of some kind tell its own time and when it was known."""

    kind: str
    own: str = "created_at"
    known: str = "created_at"


def lead(row: Row) -> dict[str, Any]:
    """Keep a lead's standard fields, its own fields and what it is tied to."""
    embedded = row.get("_embedded") or {}
    source = embedded.get("source") or {}
    if isinstance(source, list):
        source = source[0] if source else {}
    return {
        **{key: row.get(key) for key in LEAD_KEYS},
        "source": source.get("name"),
        "fields": custom(row),
        "contacts": _contacts(embedded.get("contacts") or []),
        "company": next((c["id"] for c in embedded.get("companies") or []), None),
        "elements": sorted(
            each["id"] for each in embedded.get("catalog_elements") or []
        ),
    }


def person(row: Row) -> dict[str, Any]:
    """Keep the name and the fields of a contact or a company."""
    return {
        "created_at": row.get("created_at"),
        "name": row.get("name") or "",
        "fields": custom(row),
    }


def customer(row: Row) -> dict[str, Any]:
    """Keep whom a customer is."""
    embedded = row.get("_embedded") or {}
    return {"contacts": _contacts(embedded.get("contacts") or [])}


def purchase(row: Row) -> dict[str, Any]:
    """Keep what a customer paid, and when."""
    kept = {key: row.get(key) for key in ("price", "completed_at", "is_deleted")}
    return {**kept, "customer_id": row.get("customer_id")}


def invoice(row: Row) -> dict[str, Any]:
    """Keep an invoice's state, sum and day of payment."""
    filled = {
        each.get("field_code"): (each.get("values") or [{}])[0]
        for each in row.get("custom_fields_values") or []
    }
    return {
        "status": filled.get("BILL_STATUS", {}).get("enum_code"),
        "price": filled.get("BILL_PRICE", {}).get("value"),
        "paid_at": filled.get("BILL_PAYMENT_DATE", {}).get("value"),
        "is_deleted": bool(row.get("is_deleted")),
    }


def note(row: Row) -> dict[str, Any] | None:
    """Keep that a note was left, and how long a call took; None for our own."""
    params = row.get("params") or {}
    if MARK in str(params.get("text") or ""):
        return None
    seconds = params.get("duration")
    return {
        "type": row["note_type"],
        "entity_id": row["entity_id"],
        "created_at": row["created_at"],
        "seconds": seconds if isinstance(seconds, int | float) else None,
    }


def entry(row: Row) -> dict[str, Any]:
    """Keep an entry of the log: what, of which card, from what, to what."""
    return {
        "type": row["type"],
        "entity": row["entity_type"],
        "entity_id": row["entity_id"],
        "before": _value(row.get("value_before")),
        "after": _value(row.get("value_after")),
    }


def custom(row: Row) -> dict[str, list[Any]]:
    """Keep the values of the custom fields, by the field's id; none of ours."""
    return {
        str(each["field_id"]): [value.get("value") for value in each["values"]]
        for each in row.get("custom_fields_values") or []
        if not str(each.get("field_code") or "").startswith(OURS)
    }


def kept(stream: Times, row: Row, body: Any, *, now: int, backfill: bool) -> Kept:
    """Say when a row was, and when we could first know it.

    What the CRM had before we ever looked was known there at its own time; what comes
    later is known to us when we read it.
    """
    at, known = int(row.get(stream.own) or 0), int(row.get(stream.known) or 0)
    known_at = known if backfill else max(known, now)
    return Kept(stream.kind, str(row["id"]), at, known_at, body)


def _contacts(rows: list[Mapping[str, Any]]) -> list[int]:
    """List contacts, the main one first."""
    ranked = sorted(rows, key=lambda row: (not row.get("is_main", False), row["id"]))
    return [int(row["id"]) for row in ranked]


def _value(values: Any) -> dict[str, Any] | None:
    """Take the inner map of an event's first value."""
    if not isinstance(values, list) or not values or not isinstance(values[0], dict):
        return None
    inner = next(iter(values[0].values()), None)
    return inner if isinstance(inner, dict) else None
