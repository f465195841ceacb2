"""Tasks, by the methods of version 2; version 3 has a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from crm.testing.bitrix24.filters import Known
from crm.testing.bitrix24.listing import listed
from crm.testing.bitrix24.portal import Context, Method, Params, Result
from crm.testing.bitrix24.refusals import Refusal
from crm.testing.bitrix24.rows import find, save, sent_fields
from crm.testing.bitrix24.schema import Field, Type
from crm.testing.bitrix24.state import Record
from crm.testing.bitrix24.telling import tell
from crm.testing.bitrix24.values import moment

FIELDS: Final[Known] = {
    name: Field("id" if name == "ID" else name, name, kind)
    for name, kind in (
        ("ID", Type.INTEGER), ("TITLE", Type.STRING), ("DESCRIPTION", Type.STRING),
        ("STATUS", Type.INTEGER), ("RESPONSIBLE_ID", Type.USER),
        ("CREATED_BY", Type.USER), ("CREATED_DATE", Type.DATETIME),
        ("CHANGED_DATE", Type.DATETIME), ("CLOSED_DATE", Type.DATETIME),
        ("DEADLINE", Type.DATETIME), ("UF_CRM_TASK", Type.STRING),
    )
}  # fmt: skip
PENDING: Final = 2


def _faulty(text: str) -> Refusal:
    return Refusal(400, "ERROR_CORE", f"{text}<br>")


def make(context: Context, values: Record) -> Record:
    """Add a task from values under the names of version 2."""
    now = context.portal.clock.now
    row = save(
        context,
        "task",
        {
            "STATUS": PENDING,
            "CREATED_BY": context.caller.user,
            "CREATED_DATE": now,
            "CHANGED_DATE": now,
            "DEADLINE": None,
            "UF_CRM_TASK": [],
            **values,
        },
        first=3711,
    )
    _tell(context, "ONTASKADD", row)
    return row


def _values(fields: Mapping[str, Any]) -> Record:
    values: Record = {}
    for name, value in fields.items():
        kind = FIELDS[name].type if name in FIELDS else None
        if kind is None or name == "ID":
            continue
        try:
            if kind is Type.DATETIME:
                value = moment(value) if value else None
            elif kind in (Type.USER, Type.INTEGER):
                value = int(value)
        except (TypeError, ValueError) as fault:
            raise _faulty(f"Wrong value of {name}") from fault
        values[name] = value
    return values


def _add(context: Context, params: Params) -> Result:
    fields = sent_fields(params)
    if not fields.get("TITLE"):
        raise _faulty("Task title is not specified")
    if not fields.get("RESPONSIBLE_ID"):
        raise _faulty("Task assignee is not specified")
    return Result({"task": shown(make(context, _values(fields)), context)})


def _row(context: Context, params: Params) -> Record:
    return find(context, "task", params.get("taskId"), _faulty("Task not found"))


def _update(context: Context, params: Params) -> Result:
    row = dict(_row(context, params)) | _values(sent_fields(params))
    row = save(context, "task", row | {"CHANGED_DATE": context.portal.clock.now})
    _tell(context, "ONTASKUPDATE", row)
    return Result({"task": shown(row, context)})


def _get(context: Context, params: Params) -> Result:
    return Result({"task": shown(_row(context, params), context)})


def _list(context: Context, params: Params) -> Result:
    return listed(
        context.state.table("task").values(), FIELDS, params, context,
        wrapper="tasks", show=lambda row: shown(row, context),
    )  # fmt: skip


def shown(row: Record, context: Context) -> dict[str, Any]:
    """Write a task: lower camel names, scalars as strings."""
    written: dict[str, Any] = {}
    for name, field in FIELDS.items():
        value = row.get(field.name)
        if isinstance(value, datetime):
            value = context.portal.local(value)
        key = _camel(name) if name != "UF_CRM_TASK" else "ufCrmTask"
        kept = value is None or isinstance(value, list)
        written[key] = value if kept else str(value)
    return written


def _camel(name: str) -> str:
    first, *others = name.lower().split("_")
    return first + "".join(word.capitalize() for word in others)


def _tell(context: Context, event: str, row: Record) -> None:
    """Tell of a task; the contracts name the events but not their data (ours)."""
    tell(
        context.portal, event, {"ID": row["id"]},
        by=context.caller, connector=context.connector,
    )  # fmt: skip


METHODS: Final[Mapping[str, Method]] = {
    "tasks.task.add": _add,
    "tasks.task.update": _update,
    "tasks.task.get": _get,
    "tasks.task.list": _list,
}
