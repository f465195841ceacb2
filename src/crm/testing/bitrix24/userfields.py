"""Custom fields: making, listing, changing and deleting them, in both dialects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from crm.testing.bitrix24.classic import lowered
from crm.testing.bitrix24.names import PREFIX
from crm.testing.bitrix24.portal import Context, Method, Params, Result
from crm.testing.bitrix24.records import drop_field
from crm.testing.bitrix24.refusals import Refusal, access_denied, missing
from crm.testing.bitrix24.schema import BY_CUSTOM, COMPANY, CONTACT, DEAL, LEAD, Type
from crm.testing.bitrix24.state import CustomField, Option

LONGEST: Final = 50
KINDS: Final[Mapping[str, Type]] = {
    "string": Type.STRING, "integer": Type.INTEGER, "double": Type.DOUBLE,
    "boolean": Type.BOOLEAN, "date": Type.DATE, "datetime": Type.DATETIME,
    "money": Type.MONEY, "url": Type.STRING, "address": Type.STRING,
    "enumeration": Type.ENUMERATION, "file": Type.STRING, "employee": Type.USER,
    "crm_status": Type.STRING, "crm": Type.STRING, "iblock_element": Type.STRING,
    "iblock_section": Type.STRING,
}  # fmt: skip
Handler = Callable[[Context, str, Params], Result]


def _faulty(text: str) -> Refusal:
    return Refusal(400, "ERROR_CORE", f"{text}<br>")


def _administrator(context: Context) -> None:
    if not context.state.users[context.caller.user].admin:
        raise access_denied(400)


def make(context: Context, entity: str, fields: Mapping[str, Any]) -> CustomField:
    """Make a custom field from its classic description."""
    name = str(fields.get("FIELD_NAME") or "").upper()
    name = name if name.startswith(PREFIX) else PREFIX + name
    kind, multiple = (
        str(fields.get("USER_TYPE_ID") or ""),
        fields.get("MULTIPLE") == "Y",
    )
    if len(name) > LONGEST or not re.fullmatch(r"UF_CRM_[A-Z0-9_]+", name):
        raise _faulty(f"The field name {name} is not valid")
    if kind not in KINDS:
        raise _faulty(f"The type {kind} is not valid")
    if kind == "boolean" and multiple:
        raise _faulty("A boolean field cannot be multiple")
    state = context.state
    if any((each.entity, each.name) == (entity, name) for each in state.fields):
        raise _faulty(f"The field {name} for the object {entity} exists already")
    label = fields.get("EDIT_FORM_LABEL")
    field = CustomField(
        id=state.new_id("userfield", 6997),
        entity=entity,
        name=name,
        type=KINDS[kind],
        user_type=kind,
        xml_id=str(fields.get("XML_ID") or ""),
        multiple=multiple,
        mandatory=fields.get("MANDATORY") == "Y",
        labels=dict(label) if isinstance(label, Mapping) else {},
        options=[_option(context, each) for each in fields.get("LIST") or []],
        more={"SORT": str(fields.get("SORT") or 100)},
    )
    state.fields.append(field)
    _enter(context, field, "add", {})
    return field


def _option(context: Context, sent: Mapping[str, Any]) -> Option:
    return Option(
        context.state.new_id("option", 400),
        str(sent.get("VALUE")),
        str(sent.get("XML_ID") or ""),
        int(sent.get("SORT") or 500),
    )


def _enter(
    context: Context, field: CustomField, action: str, before: Mapping[str, Any]
) -> None:
    portal = context.portal
    change = ("userfield", str(field.id), action)
    after = {} if action == "delete" else _shown(field)
    portal.ledger.applied(
        context.request, portal.clock.now, change, before=before, after=after
    )


def _shown(field: CustomField) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "ID": str(field.id),
        "ENTITY_ID": field.entity,
        "FIELD_NAME": field.name,
        "USER_TYPE_ID": field.user_type,
        "XML_ID": field.xml_id,
        "MULTIPLE": "Y" if field.multiple else "N",
        "MANDATORY": "Y" if field.mandatory else "N",
        "EDIT_FORM_LABEL": dict(field.labels),
        **field.more,
    }
    if field.options:
        shown["LIST"] = [
            {"ID": str(each.id), "VALUE": each.value, "XML_ID": each.xml_id,
             "SORT": str(each.sort), "DEF": "N"}
            for each in field.options
        ]  # fmt: skip
    return shown


def _of(context: Context, entity: str, params: Params) -> CustomField:
    text = str(params.get("id") or "")
    for field in context.state.fields:
        if field.entity == entity and str(field.id) == text:
            return field
    raise Refusal(400, "ERROR_NOT_FOUND", "The custom field is not found")


def _add(context: Context, entity: str, params: Params) -> Result:
    _administrator(context)
    if not isinstance(params.get("fields"), Mapping):
        raise missing("fields")
    return Result(make(context, entity, params["fields"]).id)


def _get(context: Context, entity: str, params: Params) -> Result:
    return Result(_shown(_of(context, entity, params)))


def _list(context: Context, entity: str, params: Params) -> Result:
    """List all custom fields; only equality is filtered, the documents say no more."""
    wanted = params.get("filter") or {}
    rows = [_shown(each) for each in context.state.fields if each.entity == entity]
    found = [
        row
        for row in rows
        if all(str(row.get(name)) == str(value) for name, value in wanted.items())
    ]
    return Result(found, total=len(found))


def _update(context: Context, entity: str, params: Params) -> Result:
    _administrator(context)
    field, sent = _of(context, entity, params), params.get("fields") or {}
    before = _shown(field)
    if isinstance(sent.get("EDIT_FORM_LABEL"), Mapping):
        field.labels = dict(sent["EDIT_FORM_LABEL"])
    field.xml_id = str(sent.get("XML_ID", field.xml_id))
    for each in sent.get("LIST") or []:
        _change_option(context, field, each)
    _enter(context, field, "update", before)
    return Result(value=True)


def _change_option(
    context: Context, field: CustomField, sent: Mapping[str, Any]
) -> None:
    own = next((o for o in field.options if str(o.id) == str(sent.get("ID"))), None)
    if own is None:
        field.options.append(_option(context, sent))
    elif sent.get("DEL") == "Y":
        field.options.remove(own)
    else:
        own.value = str(sent.get("VALUE", own.value))


def _delete(context: Context, entity: str, params: Params) -> Result:
    _administrator(context)
    field = _of(context, entity, params)
    before = _shown(field)
    drop_field(context.portal, field.name)
    _enter(context, field, "delete", before)
    return Result(value=True)


HANDLERS: Final[Mapping[str, Handler]] = {
    "add": _add, "get": _get, "list": _list, "update": _update, "delete": _delete,
}  # fmt: skip


def _bound(entity: str, handler: Handler) -> Method:
    return lambda context, params: handler(context, entity, lowered(params))


def _config_add(context: Context, params: Params) -> Result:
    """Make a custom field of any kind of record, smart invoices too."""
    _administrator(context)
    sent = params.get("field")
    if not isinstance(sent, Mapping) or params.get("moduleId") != "crm":
        raise missing("field")
    if sent.get("entityId") not in BY_CUSTOM:
        raise Refusal(400, "INVALID_ARG_VALUE", "Invalid entityId")
    field = make(
        context,
        str(sent["entityId"]),
        {
            "FIELD_NAME": sent.get("fieldName"),
            "USER_TYPE_ID": sent.get("userTypeId"),
            "XML_ID": sent.get("xmlId"),
            "MULTIPLE": sent.get("multiple"),
            "MANDATORY": sent.get("mandatory"),
            "EDIT_FORM_LABEL": sent.get("editFormLabel"),
            "LIST": [
                {
                    "VALUE": o.get("value"),
                    "SORT": o.get("sort"),
                    "XML_ID": o.get("xmlId"),
                }
                for o in sent.get("enum") or []
            ],
        },
    )
    return Result({"field": {"id": str(field.id), "fieldName": field.name}})


METHODS: Final[Mapping[str, Method]] = {
    "userfieldconfig.add": _config_add,
    **{
        f"crm.{entity.name}.userfield.{verb}": _bound(entity.custom, handler)
        for entity in (LEAD, DEAL, CONTACT, COMPANY)
        for verb, handler in HANDLERS.items()
    },
}
