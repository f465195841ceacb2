"""The universal methods ``crm.item.*``: numbers as numbers, camel-case names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from crm.testing.bitrix24 import records
from crm.testing.bitrix24.account import Switch
from crm.testing.bitrix24.filters import Known
from crm.testing.bitrix24.listing import listed
from crm.testing.bitrix24.names import universal_of_custom
from crm.testing.bitrix24.portal import Context, Method, Params, Result
from crm.testing.bitrix24.refusals import Refusal, access_denied, missing, not_found
from crm.testing.bitrix24.schema import ENTITIES, Entity, Field, Type
from crm.testing.bitrix24.state import CustomField, Record
from crm.testing.bitrix24.values import EMPTY, read, universal


def entity_of(params: Params) -> Entity:
    """Find the kind of record that a call is about."""
    if params.get("entityTypeId") in (None, ""):
        raise missing("entityTypeId")
    text = str(params["entityTypeId"])
    entity = ENTITIES.get(int(text)) if text.isdigit() else None
    if entity is None:
        raise Refusal(400, "ENTITY_TYPE_NOT_SUPPORTED", "Entity type is not supported")
    return entity


def row_of(context: Context, entity: Entity, params: Params) -> Record:
    """Find the record that a call is about, if the caller may see it."""
    if params.get("id") in (None, ""):
        raise missing("id")
    text = str(params["id"])
    row = context.state.of(entity).get(int(text) if text.isdigit() else 0)
    if row is None:
        raise not_found()
    if not records.may_see(context.state.users[context.caller.user], row):
        raise access_denied(400)
    return row


def _original(params: Params) -> bool:
    return str(params.get("useOriginalUfNames", "N")).upper() in ("Y", "1", "TRUE")


def known_fields(
    context: Context, entity: Entity, *, original: bool
) -> dict[str, Field | CustomField]:
    """List all fields by the names that this call uses."""
    customs = {
        universal_of_custom(name, original=original): field
        for name, field in context.state.custom_of(entity).items()
    }
    return {**entity.by_name, **customs}


def show(row: Record, known: Known, context: Context) -> Record:
    """Write a whole record, phones and mails as ``fm``."""
    profile = context.portal.profile
    shown = {
        name: universal(row.get(field.name), field, profile)
        for name, field in known.items()
        if field.type is not Type.MULTIFIELD
    }
    contacts = [
        {
            "id": int(each["ID"]),
            "valueType": each["VALUE_TYPE"],
            "value": each["VALUE"],
            "typeId": each["TYPE_ID"],
        }
        for name in ("phone", "email")
        for each in row.get(name) or []
    ]
    if "phone" in known:
        shown |= {"fm": contacts, "hasPhone": "Y" if row.get("phone") else "N"}
    return shown


def _get(context: Context, params: Params) -> Result:
    entity = entity_of(params)
    row = row_of(context, entity, params)
    known = known_fields(context, entity, original=_original(params))
    return Result({"item": show(row, known, context)})


def _list(context: Context, params: Params) -> Result:
    entity = entity_of(params)
    known = known_fields(context, entity, original=_original(params))
    select = params.get("select") or ["*"]
    # Phones and mails come only with everything.
    wanted: Known = {
        name: field
        for name, field in known.items()
        if "*" in select or (name in select and field.type is not Type.MULTIFIELD)
    }

    def chosen(row: Record) -> Record:
        return show(row, wanted, context)

    rows = records.visible(context, entity)
    return listed(rows, known, params, context, wrapper="items", show=chosen)


def sent_values(fields: Any, known: Known, context: Context) -> Record:
    """Read the fields of an add or update; unknown and read-only ones are ignored."""
    if not isinstance(fields, Mapping):
        raise missing("fields")
    profile = context.portal.profile
    values: Record = {}
    for name, value in fields.items():
        field = known.get(name)
        if field is None or field.type is Type.MULTIFIELD:
            continue
        if isinstance(field, Field) and field.read_only:
            continue
        values[field.name] = read(value, field, profile)
    return values


def _add(context: Context, params: Params) -> Result:
    entity = entity_of(params)
    known = known_fields(context, entity, original=_original(params))
    values = sent_values(params.get("fields"), known, context)
    _take_contacts(params["fields"], values, context)
    row = records.add(context, entity, values)
    return Result({"item": show(row, known, context)})


def _update(context: Context, params: Params) -> Result:
    entity = entity_of(params)
    row = row_of(context, entity, params)
    known = known_fields(context, entity, original=_original(params))
    values = sent_values(params.get("fields"), known, context)
    _take_contacts(params["fields"], values, context)
    if context.portal.profile.on(Switch.CLEARING_IGNORED):
        customs = context.state.custom_of(entity)
        values = {n: v for n, v in values.items() if n not in customs or v not in EMPTY}
    if context.portal.profile.on(Switch.STAGE_IGNORED):
        values.pop("stageId", None)
    records.update(context, entity, row, values)
    return Result({"item": show(row, known, context)})


def _take_contacts(fields: Mapping[str, Any], values: Record, context: Context) -> None:
    """Read ``fm``: rows without an id are added; the documents say no more."""
    rows = fields.get("fm")
    if not isinstance(rows, list):
        return
    for kind, name in (("PHONE", "phone"), ("EMAIL", "email")):
        own = [each for each in rows if each.get("typeId") == kind]
        if own:
            values[name] = [
                {
                    "ID": str(context.state.new_id("multifield")),
                    "VALUE_TYPE": each.get("valueType", "WORK"),
                    "VALUE": str(each.get("value", "")),
                    "TYPE_ID": kind,
                }
                for each in own
            ]


def _delete(context: Context, params: Params) -> Result:
    entity = entity_of(params)
    records.delete(context, entity, row_of(context, entity, params))
    return Result([])


def _fields(context: Context, params: Params) -> Result:
    entity = entity_of(params)
    known = known_fields(context, entity, original=_original(params))
    described = {name: describe(field, entity) for name, field in known.items()}
    return Result({"fields": described})


def describe(field: Field | CustomField, entity: Entity) -> dict[str, Any]:
    """Describe one field as both dialects do."""
    described: dict[str, Any] = {"isImmutable": False, "upperName": field.name}
    if isinstance(field, CustomField):
        described |= {
            "type": field.user_type,
            "isRequired": field.mandatory,
            "isReadOnly": False,
            "isMultiple": field.multiple,
            "isDynamic": True,
            "title": field.labels.get("ru", field.name),
        }
        if field.options:
            described["items"] = [
                {"ID": str(each.id), "VALUE": each.value} for each in field.options
            ]
        return described
    described |= {
        "type": field.type.value,
        "isRequired": field.required,
        "isReadOnly": field.read_only,
        "isMultiple": field.type is Type.MULTIFIELD,
        "isDynamic": False,
        "title": field.name,
        "upperName": field.classic,
    }
    if field.name == "stageId":
        described["statusType"] = entity.stages
    return described


METHODS: Final[Mapping[str, Method]] = {
    "crm.item.get": _get,
    "crm.item.list": _list,
    "crm.item.add": _add,
    "crm.item.update": _update,
    "crm.item.delete": _delete,
    "crm.item.fields": _fields,
}
