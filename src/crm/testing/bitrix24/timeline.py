"""The timeline of a card: comments, to-dos, activities.

None of these takes a key of the caller's own: a repeated create is a second one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from crm.testing.bitrix24.classic import lowered
from crm.testing.bitrix24.filters import Known
from crm.testing.bitrix24.listing import listed
from crm.testing.bitrix24.portal import Context, Method, Params, Result
from crm.testing.bitrix24.refusals import Refusal, missing, not_found
from crm.testing.bitrix24.rows import find, owner_of, remove, save, sent_fields
from crm.testing.bitrix24.schema import Field, Type
from crm.testing.bitrix24.state import Record
from crm.testing.bitrix24.telling import tell
from crm.testing.bitrix24.values import moment

_COMMENT_FIELDS: Final[Known] = {
    name: Field("id" if name == "ID" else name, name, kind)
    for name, kind in (
        ("ID", Type.INTEGER), ("ENTITY_ID", Type.INTEGER), ("ENTITY_TYPE", Type.STRING),
        ("CREATED", Type.DATETIME), ("COMMENT", Type.STRING), ("AUTHOR_ID", Type.USER),
    )
}  # fmt: skip
_ACTIVITY_FIELDS: Final[Known] = {
    name: Field("id" if name == "ID" else name, name, kind)
    for kind, names in (
        (Type.INTEGER, "ID OWNER_TYPE_ID OWNER_ID TYPE_ID DIRECTION STATUS DURATION"),
        (Type.USER, "RESPONSIBLE_ID AUTHOR_ID"),
        (Type.DATETIME, "CREATED LAST_UPDATED START_TIME END_TIME DEADLINE"),
        (Type.STRING, "PROVIDER_ID SUBJECT DESCRIPTION COMPLETED ORIGIN_ID"),
    )
    for name in names.split()
}


def text_row(row: Record, known: Known, context: Context) -> dict[str, Any]:
    """Write a row as classic methods do: strings, and empty dates as ``""``."""
    shown: dict[str, Any] = {}
    for name, field in known.items():
        value = row.get(field.name)
        if isinstance(value, datetime):
            value = context.portal.local(value)
        shown[name] = "" if value is None else str(value)
    return shown


def _comment_add(context: Context, params: Params) -> Result:
    fields = sent_fields(params)
    for name in ("ENTITY_ID", "ENTITY_TYPE"):
        if not fields.get(name):
            raise missing(name)
    if not str(fields.get("COMMENT") or ""):
        raise Refusal(400, "INVALID_ARG_VALUE", "Comment message is empty.")
    entity, owner = owner_of(context, fields["ENTITY_TYPE"], fields["ENTITY_ID"])
    row = save(
        context,
        "comment",
        {
            "ENTITY_ID": owner,
            "ENTITY_TYPE": entity.name,
            "COMMENT": str(fields["COMMENT"]),
            "CREATED": context.portal.clock.now,
            "AUTHOR_ID": context.caller.user,
        },
        first=5512,
    )
    _tell(context, "ONCRMTIMELINECOMMENTADD", row)
    return Result(row["id"])


def _comment(context: Context, params: Params) -> Record:
    return find(context, "comment", params.get("id"), not_found())


def _comment_update(context: Context, params: Params) -> Result:
    row, fields = _comment(context, params), sent_fields(params)
    row = save(context, "comment", {**row, "COMMENT": str(fields.get("COMMENT") or "")})
    _tell(context, "ONCRMTIMELINECOMMENTUPDATE", row)
    return Result(value=True)


def _comment_get(context: Context, params: Params) -> Result:
    return Result(text_row(_comment(context, params), _COMMENT_FIELDS, context))


def _comment_delete(context: Context, params: Params) -> Result:
    remove(context, "comment", _comment(context, params))
    return Result(value=True)


def _comment_list(context: Context, params: Params) -> Result:
    return listed(
        context.state.table("comment").values(), _COMMENT_FIELDS, params, context,
        show=lambda row: text_row(row, _COMMENT_FIELDS, context),
    )  # fmt: skip


def _todo_add(context: Context, params: Params) -> Result:
    for name in ("ownerTypeId", "ownerId", "deadline"):
        if not params.get(name):
            raise missing(name)
    entity, owner = owner_of(context, params["ownerTypeId"], params["ownerId"])
    try:
        deadline = moment(params["deadline"])
    except ValueError as fault:
        raise Refusal(400, "WRONG_DATETIME_FORMAT", "Wrong date format") from fault
    row = add_activity(
        context,
        {
            "OWNER_TYPE_ID": entity.type_id,
            "OWNER_ID": owner,
            "TYPE_ID": 6,
            "PROVIDER_ID": "CRM_TODO",
            "SUBJECT": str(params.get("title") or ""),
            "DESCRIPTION": str(params.get("description") or ""),
            "DEADLINE": deadline,
            "RESPONSIBLE_ID": int(params.get("responsibleId") or context.caller.user),
        },
    )
    return Result({"id": row["id"]})


def add_activity(context: Context, values: Record) -> Record:
    """Add an activity: a call, a mail, a meeting or a to-do."""
    now = context.portal.clock.now
    row = {
        "COMPLETED": "N",
        "DIRECTION": 0,
        "STATUS": 1,
        "AUTHOR_ID": context.caller.user,
        "CREATED": now,
        "LAST_UPDATED": now,
        **values,
    }
    row = save(context, "activity", row, first=999)
    _tell(context, "ONCRMACTIVITYADD", row)
    return row


def _activity_add(context: Context, params: Params) -> Result:
    fields = sent_fields(params)
    owner_of(context, fields.get("OWNER_TYPE_ID"), fields.get("OWNER_ID"))
    values = {
        name: _typed(value, _ACTIVITY_FIELDS[name].type)
        for name, value in fields.items()
        if name in _ACTIVITY_FIELDS and name != "ID"
    }
    return Result(add_activity(context, values)["id"])


def _typed(value: Any, kind: Type) -> Any:
    try:
        if kind is Type.DATETIME:
            return moment(value)
        return int(value) if kind in (Type.INTEGER, Type.USER) else str(value)
    except (TypeError, ValueError) as fault:
        raise Refusal(400, "", "Wrong value") from fault


def _activity(context: Context, params: Params) -> Record:
    return find(context, "activity", params.get("id"), Refusal(400, "", "Not found"))


def _activity_update(context: Context, params: Params) -> Result:
    row = dict(_activity(context, params))
    for name, value in sent_fields(params).items():
        if name in _ACTIVITY_FIELDS and name != "ID":
            row[name] = _typed(value, _ACTIVITY_FIELDS[name].type)
    save(context, "activity", row | {"LAST_UPDATED": context.portal.clock.now})
    _tell(context, "ONCRMACTIVITYUPDATE", row)
    return Result(value=True)


def _activity_get(context: Context, params: Params) -> Result:
    return Result(text_row(_activity(context, params), _ACTIVITY_FIELDS, context))


def _activity_list(context: Context, params: Params) -> Result:
    """List activities; one bound to several wanted records comes once for each."""
    wanted = dict(params.get("filter") or {})
    bindings = wanted.pop("BINDINGS", None)
    rows = list(context.state.table("activity").values())
    if bindings is not None:
        rows = [row for row in rows for each in bindings if _bound(row, each)]
    return listed(
        rows, _ACTIVITY_FIELDS, {**params, "filter": wanted}, context,
        show=lambda row: text_row(row, _ACTIVITY_FIELDS, context),
    )  # fmt: skip


def _bound(row: Record, binding: Mapping[str, Any]) -> bool:
    pairs = row.get("BINDINGS") or [(row["OWNER_TYPE_ID"], row["OWNER_ID"])]
    wanted = (int(binding["OWNER_TYPE_ID"]), int(binding["OWNER_ID"]))
    return wanted in [tuple(pair) for pair in pairs]


def _tell(context: Context, event: str, row: Record) -> None:
    tell(
        context.portal, event, {"ID": row["id"]},
        by=context.caller, connector=context.connector,
    )  # fmt: skip


def _any_case(method: Method) -> Method:
    return lambda context, params: method(context, lowered(params))


METHODS: Final[Mapping[str, Method]] = {
    "crm.activity.todo.add": _todo_add,
    **{
        name: _any_case(method)
        for name, method in {
            "crm.timeline.comment.add": _comment_add,
            "crm.timeline.comment.update": _comment_update,
            "crm.timeline.comment.get": _comment_get,
            "crm.timeline.comment.delete": _comment_delete,
            "crm.timeline.comment.list": _comment_list,
            "crm.activity.add": _activity_add,
            "crm.activity.update": _activity_update,
            "crm.activity.get": _activity_get,
            "crm.activity.list": _activity_list,
        }.items()
    },
}
