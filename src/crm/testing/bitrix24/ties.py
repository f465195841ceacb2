"""``crm.lead.contact.*`` and ``crm.deal.contact.*``: contacts of a card, one by one.

The first contact is the main one, whatever was asked; when the main one goes, the next
takes its place. That the card counts as changed by it is not documented: here it does,
which is the harder case for whoever must not run in circles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from crm.testing.bitrix24 import records
from crm.testing.bitrix24.account import Switch
from crm.testing.bitrix24.classic import lowered
from crm.testing.bitrix24.items import row_of
from crm.testing.bitrix24.portal import Context, Method, Params, Result
from crm.testing.bitrix24.refusals import missing, not_found
from crm.testing.bitrix24.schema import CONTACT, DEAL, LEAD, Entity
from crm.testing.bitrix24.state import Record

Handler = Callable[[Context, Entity, Params], Result]


def _add(context: Context, entity: Entity, params: Params) -> Result:
    row = row_of(context, entity, params)
    number, fields = _contact(params)
    if number not in context.state.of(CONTACT):
        raise not_found()
    held = [each for each in _held(row) if each != number]
    is_main = str(fields.get("IS_PRIMARY", "N")).upper() == "Y"
    _set(context, entity, row, [number, *held] if is_main else [*held, number])
    return Result(value=True)


def _delete(context: Context, entity: Entity, params: Params) -> Result:
    row = row_of(context, entity, params)
    number, _ = _contact(params)
    if number not in _held(row):
        raise not_found()
    _set(context, entity, row, [each for each in _held(row) if each != number])
    return Result(value=True)


def _items(context: Context, entity: Entity, params: Params) -> Result:
    held = _held(row_of(context, entity, params))
    return Result(
        [
            {"CONTACT_ID": number, "SORT": 10 * place, "ROLE_ID": 0,
             "IS_PRIMARY": "Y" if place == 1 else "N"}
            for place, number in enumerate(held, start=1)
        ]
    )  # fmt: skip


def _held(row: Record) -> list[int]:
    """List a card's contacts; the main one alone may be all that was ever set."""
    return row["contactIds"] or [each for each in [row["contactId"]] if each]


def _set(context: Context, entity: Entity, row: Record, held: list[int]) -> None:
    if context.portal.profile.on(Switch.TIES_IGNORED):
        return
    values = {"contactIds": held, "contactId": held[0] if held else 0}
    records.update(context, entity, row, values)


def _contact(params: Params) -> tuple[int, Mapping[str, Any]]:
    fields = params.get("fields")
    if not isinstance(fields, Mapping):
        raise missing("fields")
    text = str(fields.get("CONTACT_ID") or "")
    if not text.isdigit():
        raise missing("CONTACT_ID")
    return int(text), fields


HANDLERS: Final[Mapping[str, Handler]] = {
    "contact.add": _add, "contact.delete": _delete, "contact.items.get": _items,
}  # fmt: skip


def _bound(entity: Entity, handler: Handler) -> Method:
    return lambda context, params: handler(context, entity, lowered(params))


METHODS: Final[Mapping[str, Method]] = {
    f"crm.{entity.name}.{verb}": _bound(entity, handler)
    for entity in (LEAD, DEAL)
    for verb, handler in HANDLERS.items()
}
