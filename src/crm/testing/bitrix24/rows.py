"""Rows of the smaller tables: comments, activities, tasks, payments, products.

They are kept under the names that their methods use, with typed values; ``id`` is the
key of all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm.testing.bitrix24.portal import Context, Params
from crm.testing.bitrix24.refusals import Refusal, missing
from crm.testing.bitrix24.schema import BY_NAME, ENTITIES, Entity
from crm.testing.bitrix24.state import Record


def save(context: Context, table: str, row: Record, *, first: int = 1) -> Record:
    """Add a row, or replace the one of the same id, and enter it in the ledger."""
    state, portal = context.state, context.portal
    action = "update" if "id" in row else "add"
    if action == "add":
        row = {**row, "id": state.new_id(table, first)}
    before = state.table(table).get(row["id"], {})
    state.table(table)[row["id"]] = row
    change = (table, str(row["id"]), action)
    portal.ledger.applied(
        context.request, portal.clock.now, change, before=before, after=row
    )
    return row


def remove(context: Context, table: str, row: Record) -> None:
    """Delete a row and enter it in the ledger."""
    portal = context.portal
    del context.state.table(table)[row["id"]]
    change = (table, str(row["id"]), "delete")
    portal.ledger.applied(
        context.request, portal.clock.now, change, before=row, after={}
    )


def find(context: Context, table: str, key: Any, refusal: Refusal) -> Record:
    """Find a row by id, or refuse."""
    text = str(key or "")
    row = context.state.table(table).get(int(text) if text.isdigit() else 0)
    if row is None:
        raise refusal
    return row


def sent_fields(params: Params) -> Mapping[str, Any]:
    """Give ``fields``, or refuse."""
    fields = params.get("fields")
    if not isinstance(fields, Mapping):
        raise missing("fields")
    return fields


def owner_of(context: Context, kind: Any, key: Any) -> tuple[Entity, int]:
    """Find the record that a comment or to-do belongs to, by name or type number."""
    text = str(kind)
    entity = ENTITIES.get(int(text)) if text.isdigit() else BY_NAME.get(text)
    if entity is None:
        raise Refusal(400, "INVALID_ARG_VALUE", "Invalid owner type")
    number = int(str(key)) if str(key).isdigit() else 0
    if number not in context.state.of(entity):
        raise Refusal(400, "OWNER_NOT_FOUND", "Owner was not found")
    return entity, number
