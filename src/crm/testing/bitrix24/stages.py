"""Stages, pipelines and the history of stages."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from crm.testing.bitrix24.filters import Known, condition, in_order
from crm.testing.bitrix24.items import entity_of
from crm.testing.bitrix24.listing import NO_COUNT, floor_of, listed, start_of
from crm.testing.bitrix24.portal import Context, Method, Params, Result
from crm.testing.bitrix24.records import may_see
from crm.testing.bitrix24.schema import LEAD, Entity, Field, Type
from crm.testing.bitrix24.state import Category, State, Status, Step, stage_list

LEAD_STAGES: Final = (
    ("NEW", "Новый", None),
    ("IN_PROCESS", "В работе", None),
    ("PROCESSED", "Обработан", None),
    ("CONVERTED", "Качественный лид", "S"),
    ("JUNK", "Некачественный лид", "F"),
)
DEAL_STAGES: Final = (
    ("NEW", "Новая", None),
    ("PREPARATION", "Подготовка документов", None),
    ("EXECUTING", "В работе", None),
    ("WON", "Сделка успешна", "S"),
    ("LOSE", "Сделка провалена", "F"),
)
INVOICE_STAGES: Final = (
    ("N", "Новый", None),
    ("S", "Отправлен", None),
    ("P", "Оплачен", "S"),
    ("D", "Не оплачен", "F"),
)


def add_pipeline(
    state: State, entity: Entity, category: Category, stages: tuple[Any, ...]
) -> None:
    """Add a pipeline with its stages; each is (id, name, semantics)."""
    state.categories.append(category)
    plain = not entity.stage_prefix or (entity.name == "deal" and category.id == 0)
    prefix = "" if plain else f"{entity.stage_prefix}{category.id}:"
    for place, (stage, name, semantics) in enumerate(stages, start=1):
        made = Status(
            state.new_id("status", 100), stage_list(entity, category.id),
            prefix + stage, name, place * 10, semantics, category.id,
        )  # fmt: skip
        state.statuses.append(made)


def add_source(state: State, source: str, name: str) -> None:
    """Add a source of leads."""
    place = 10 + sum(10 for each in state.statuses if each.entity == "SOURCE")
    number = state.new_id("status", 100)
    state.statuses.append(Status(number, "SOURCE", source, name, place))


STATUS_FIELDS: Final[Known] = {
    name: Field(name.lower() if name == "ID" else name, name, kind)
    for name, kind in (
        ("ID", Type.INTEGER), ("ENTITY_ID", Type.STRING), ("STATUS_ID", Type.STRING),
        ("NAME", Type.STRING), ("SORT", Type.INTEGER), ("CATEGORY_ID", Type.INTEGER),
        ("SEMANTICS", Type.STRING),
    )
}  # fmt: skip


def _status_list(context: Context, params: Params) -> Result:
    """List without pages: all rows and a total."""
    rows = [
        {
            "id": each.id, "ENTITY_ID": each.entity, "STATUS_ID": each.status,
            "NAME": each.name, "SORT": each.sort, "CATEGORY_ID": each.category,
            "SEMANTICS": each.semantics,
        }
        for each in context.state.statuses
    ]  # fmt: skip
    test = condition(params.get("filter"), STATUS_FIELDS, context.portal.profile)
    found = in_order(
        [row for row in rows if test(row)], params.get("order"), STATUS_FIELDS
    )
    return Result([_shown(row) for row in found], total=len(found))


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    word = {"S": "success", "F": "failure"}.get(row["SEMANTICS"], "process")
    return {
        "ID": str(row["id"]),
        "ENTITY_ID": row["ENTITY_ID"],
        "STATUS_ID": row["STATUS_ID"],
        "NAME": row["NAME"],
        "NAME_INIT": "",
        "SORT": str(row["SORT"]),
        "SYSTEM": "Y",
        "CATEGORY_ID": str(row["CATEGORY_ID"]),
        "COLOR": "#39A8EF",
        "SEMANTICS": row["SEMANTICS"],
        "EXTRA": {"SEMANTICS": word, "COLOR": "#39A8EF"},
    }


def _category_list(context: Context, params: Params) -> Result:
    entity = entity_of(params)
    rows = [
        {
            "id": each.id,
            "name": each.name,
            "sort": each.sort,
            "entityTypeId": each.entity_type,
            "isDefault": "Y" if place == 0 else "N",
        }
        for place, each in enumerate(
            each
            for each in context.state.categories
            if each.entity_type == entity.type_id
        )
    ]
    return Result({"categories": rows}, total=len(rows))


def _history(context: Context, params: Params) -> Result:
    entity = entity_of(params)
    user = context.state.users[context.caller.user]
    owners = context.state.of(entity)
    steps = context.state.history
    begin = 0
    if start_of(params) == NO_COUNT:
        begin = bisect_right(steps, floor_of(params), key=lambda step: step.id)
    rows = (
        _line(step, entity)
        for step in islice(steps, begin, None)
        if step.entity_type == entity.type_id
        and (step.owner not in owners or may_see(user, owners[step.owner]))
    )
    known = {
        name: Field("id" if name == "ID" else name, name, kind)
        for name, kind in _columns(entity).items()
    }

    def show(row: Mapping[str, Any]) -> dict[str, Any]:
        at = context.portal.local(row["CREATED_TIME"])
        rest = {name: value for name, value in row.items() if name != "id"}
        return {"ID": row["id"], **rest, "CREATED_TIME": at}

    return listed(rows, known, params, context, wrapper="items", show=show)


def _columns(entity: Entity) -> dict[str, Type]:
    columns = {
        "ID": Type.INTEGER,
        "TYPE_ID": Type.INTEGER,
        "OWNER_ID": Type.INTEGER,
        "CREATED_TIME": Type.DATETIME,
    }
    if entity is LEAD:
        return columns | {"STATUS_SEMANTIC_ID": Type.STRING, "STATUS_ID": Type.STRING}
    return columns | {
        "CATEGORY_ID": Type.INTEGER,
        "STAGE_SEMANTIC_ID": Type.STRING,
        "STAGE_ID": Type.STRING,
    }


def _line(step: Step, entity: Entity) -> dict[str, Any]:
    """Write a line of history; there is no author in it."""
    line = {
        "id": step.id,
        "TYPE_ID": step.kind,
        "OWNER_ID": step.owner,
        "CREATED_TIME": step.at,
    }
    if entity is LEAD:
        return line | {"STATUS_SEMANTIC_ID": step.semantics, "STATUS_ID": step.stage}
    return line | {
        "CATEGORY_ID": step.category,
        "STAGE_SEMANTIC_ID": step.semantics,
        "STAGE_ID": step.stage,
    }


METHODS: Final[Mapping[str, Method]] = {
    "crm.status.list": _status_list,
    "crm.category.list": _category_list,
    "crm.stagehistory.list": _history,
}
