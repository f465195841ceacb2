"""The frozen methods ``crm.lead.*`` and its kin: every scalar is a string.

Parameters are taken in any case, as the samples write ``id`` and ``ID``; names inside
``fields``, ``filter``, ``order`` and ``select`` only as documented.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from crm.testing.bitrix24 import records
from crm.testing.bitrix24.filters import Known
from crm.testing.bitrix24.items import describe, sent_values
from crm.testing.bitrix24.listing import listed
from crm.testing.bitrix24.portal import Context, Method, Params, Result
from crm.testing.bitrix24.refusals import Refusal, classic_not_found, missing
from crm.testing.bitrix24.schema import COMPANY, CONTACT, DEAL, LEAD, Entity, Type
from crm.testing.bitrix24.state import Record
from crm.testing.bitrix24.values import classic

Handler = Callable[[Context, Entity, Params], Result]


def lowered(params: Params) -> dict[str, Any]:
    """Bring the names of parameters into lower case."""
    return {name.lower(): value for name, value in params.items()}


def known_fields(context: Context, entity: Entity) -> Known:
    """List all fields by their classic names."""
    return {**entity.by_classic, **context.state.custom_of(entity)}


def _row(context: Context, entity: Entity, params: Params) -> Record:
    text = str(params.get("id") or "")
    if not text.isdigit() or int(text) == 0:
        raise Refusal(400, "", "ID is not defined or invalid.")
    row = context.state.of(entity).get(int(text))
    if row is None:
        raise classic_not_found()
    if not records.may_see(context.state.users[context.caller.user], row):
        raise Refusal(400, "", "Access denied")
    return row


def _show(row: Record, known: Known, context: Context, select: list[str]) -> Record:
    profile = context.portal.profile
    return {
        name: classic(row.get(field.name), field, profile)
        for name, field in known.items()
        if _selected(name, field.type, select)
        # A person without phones has no such key at all.
        and not (field.type is Type.MULTIFIELD and not row.get(field.name))
    }


def _selected(name: str, kind: Type, select: list[str]) -> bool:
    if name in select or name == "ID":
        return True
    if name.startswith("UF_"):
        return "UF_*" in select
    return kind is not Type.MULTIFIELD and ("*" in select or not select)


def _get(context: Context, entity: Entity, params: Params) -> Result:
    row = _row(context, entity, params)
    everything = ["*", "UF_*", "PHONE", "EMAIL"]
    return Result(_show(row, known_fields(context, entity), context, everything))


def _list(context: Context, entity: Entity, params: Params) -> Result:
    known = known_fields(context, entity)
    select = list(params.get("select") or [])
    rows = records.visible(context, entity)
    return listed(
        rows, known, params, context,
        show=lambda row: _show(row, known, context, select),
    )  # fmt: skip


def _add(context: Context, entity: Entity, params: Params) -> Result:
    values = _values(context, entity, params)
    return Result(records.add(context, entity, values)["id"])


def _update(context: Context, entity: Entity, params: Params) -> Result:
    row = _row(context, entity, params)
    records.update(context, entity, row, _values(context, entity, params))
    return Result(value=True)


def _values(context: Context, entity: Entity, params: Params) -> Record:
    fields = params.get("fields")
    if not isinstance(fields, Mapping):
        raise missing("fields")
    known = known_fields(context, entity)
    try:
        values = sent_values(fields, known, context)
    except Refusal as refusal:
        # Classic methods have no codes.
        raise Refusal(400, "", refusal.text) from refusal
    for name in ("PHONE", "EMAIL"):
        if isinstance(fields.get(name), list) and name in entity.by_classic:
            values[name.lower()] = [
                {"VALUE_TYPE": "WORK", **each, "TYPE_ID": name}
                | {"ID": str(each.get("ID") or context.state.new_id("multifield"))}
                for each in fields[name]
            ]
    return values


def _delete(context: Context, entity: Entity, params: Params) -> Result:
    records.delete(context, entity, _row(context, entity, params))
    return Result(value=True)


def _fields(context: Context, entity: Entity, params: Params) -> Result:
    del params
    known = known_fields(context, entity)
    return Result({name: describe(field, entity) for name, field in known.items()})


HANDLERS: Final[Mapping[str, Handler]] = {
    "get": _get,
    "list": _list,
    "add": _add,
    "update": _update,
    "delete": _delete,
    "fields": _fields,
}


def _bound(entity: Entity, handler: Handler) -> Method:
    return lambda context, params: handler(context, entity, lowered(params))


METHODS: Final[Mapping[str, Method]] = {
    f"crm.{entity.name}.{verb}": _bound(entity, handler)
    for entity in (LEAD, DEAL, CONTACT, COMPANY)
    for verb, handler in HANDLERS.items()
}
