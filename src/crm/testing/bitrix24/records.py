"""Changes of leads, deals, contacts, companies and invoices, whoever makes them.

One door for methods, people and robots: here a stage leaves its line in the history,
the ledger its entry, and the event goes out.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Final

from crm.testing.bitrix24.account import Switch
from crm.testing.bitrix24.credentials import Caller
from crm.testing.bitrix24.portal import Context, Portal
from crm.testing.bitrix24.refusals import Refusal, not_valid
from crm.testing.bitrix24.schema import DEAL, INVOICE, LEAD, Entity, Type
from crm.testing.bitrix24.state import Record, Step, User
from crm.testing.bitrix24.telling import tell

CONVERTED: Final = "CONVERTED"
MADE, MOVED, CLOSED, OTHER_PIPELINE = 1, 2, 3, 5


def visible(context: Context, entity: Entity) -> Iterator[Record]:
    """Go through the records that the caller may read; nothing tells of the others.

    Which rows a user sees is (U) in the contracts; here all, or those they answer for.
    """
    user = context.state.users[context.caller.user]
    rows = context.state.of(entity).values()
    return (row for row in rows if may_see(user, row))


def may_see(user: User, row: Record) -> bool:
    """Say whether a user may read, and so write, a record."""
    return user.admin or user.sees_all or row["assignedById"] == user.id


def add(context: Context, entity: Entity, values: Record) -> Record:
    """Make a record of values already read; give it as it stands afterwards."""
    portal, state = context.portal, context.state
    now, user = portal.clock.now, context.caller.user
    row: Record = {field.name: _empty(field.type) for field in entity.fields}
    row |= {
        "assignedById": user,
        "opened": "N",
        "createdBy": user,
        "updatedBy": user,
        "createdTime": now,
        "updatedTime": now,
        "lastActivityTime": now,
    }
    row |= values | {"id": state.new_id(entity.name)}
    row = {name: value for name, value in row.items() if _belongs(name, entity)}
    if entity.stages:
        _enter_first_stage(context, entity, row)
    _check_stage(context, entity, row)
    state.of(entity)[row["id"]] = row
    _entered(context, entity, row, "add", before={})
    if entity is LEAD and portal.profile.simple_crm:
        _convert(context, row)
    return row


def update(context: Context, entity: Entity, row: Record, values: Record) -> bool:
    """Change a record; say whether anything differed and so was saved."""
    changed = {name: value for name, value in values.items() if row.get(name) != value}
    if not changed:
        if context.portal.profile.on(Switch.EQUAL_UPDATE_TELLS):
            _tell(context, entity, row, "UPDATE")
        return False
    before, after = copy.deepcopy(row), row | changed
    same_pipeline = before.get("categoryId") == after.get("categoryId")
    if "stageId" in changed:
        _check_stage(context, entity, after)
        if same_pipeline:
            _check_required(context, entity, after)
    now = context.portal.clock.now
    after |= {"updatedTime": now, "updatedBy": context.caller.user}
    if "stageId" in changed or not same_pipeline:
        after |= {"movedTime": now, "movedBy": context.caller.user}
        _set_semantics(context, entity, after)
        kind = _kind(after) if same_pipeline else OTHER_PIPELINE
        _remember(context, entity, after, kind)
    row |= after
    _entered(context, entity, row, "update", before=before)
    return True


def delete(context: Context, entity: Entity, row: Record) -> None:
    """Remove a record."""
    del context.state.of(entity)[row["id"]]
    now = context.portal.clock.now
    change = (entity.name, str(row["id"]), "delete")
    context.portal.ledger.applied(context.request, now, change, before=row, after={})
    _tell(context, entity, row, "DELETE")


def change_by(
    portal: Portal, entity: Entity, key: int, values: Record, *, kind: str = "person"
) -> None:
    """Let a person (or ``kind="robot"``) of the portal change a record.

    Values are given as they are kept: typed, under universal or ``UF_CRM_`` names.
    """
    caller = Caller(kind, kind, 1)
    update(Context(portal, caller), entity, portal.state.of(entity)[key], values)


def drop_field(portal: Portal, name: str) -> None:
    """Let a person delete a custom field, with all that it held."""
    state = portal.state
    gone = {each.entity for each in state.fields if each.name == name}
    state.fields = [each for each in state.fields if each.name != name]
    for rows in state.records.values():
        for row in rows.values():
            row.pop(name, None)
    if not gone:
        raise ValueError(f"No custom field is called {name!r}.")


def _belongs(name: str, entity: Entity) -> bool:
    return name in entity.by_name or name.startswith("UF_CRM_")


def _empty(kind: Type) -> Any:
    match kind:
        case Type.LINK | Type.USER:
            return 0
        case Type.LINKS | Type.MULTIFIELD:
            return []
        case Type.BOOLEAN:
            return "N"
    return None


def _enter_first_stage(context: Context, entity: Entity, row: Record) -> None:
    category = row.get("categoryId") or 0
    if "categoryId" in entity.by_name:
        row["categoryId"] = category
    if not row.get("stageId"):
        stages = context.state.stages_of(entity, category)
        row["stageId"] = stages[0].status if stages else "NEW"
    row["movedTime"], row["movedBy"] = row["createdTime"], row["createdBy"]
    _set_semantics(context, entity, row)


def _set_semantics(context: Context, entity: Entity, row: Record) -> None:
    stage = context.state.stage(entity, row["stageId"])
    row["stageSemanticId"] = (stage.semantics if stage else None) or "P"
    if entity is DEAL:
        row["closed"] = "N" if row["stageSemanticId"] == "P" else "Y"


def _check_stage(context: Context, entity: Entity, row: Record) -> None:
    if not entity.stages:
        return
    category = row.get("categoryId") or 0
    known = {each.status for each in context.state.stages_of(entity, category)}
    if row["stageId"] not in known:
        raise not_valid("stageId")
    user = context.state.users[context.caller.user]
    if row["stageId"] in user.denied_stages:
        raise Refusal(400, "", "Access denied.")


def _check_required(context: Context, entity: Entity, row: Record) -> None:
    """Refuse empty required fields, when the stage changes inside one pipeline.

    The contracts give the status (400) but no code for this; the code is ours.
    """
    names = {each.name for each in entity.fields if each.required}
    customs = context.state.custom_of(entity).values()
    names |= {each.name for each in customs if each.mandatory}
    at_stage = (entity.type_id, row["stageId"])
    names |= context.state.stage_required.get(at_stage, frozenset())
    gaps = sorted(name for name in names if row.get(name) in (None, "", [], 0))
    if gaps:
        text = "; ".join(f'Field "{name}" is required' for name in gaps)
        raise Refusal(400, "CRM_FIELD_ERROR_REQUIRED", text)


def _kind(row: Record) -> int:
    return MOVED if row["stageSemanticId"] == "P" else CLOSED


def _remember(context: Context, entity: Entity, row: Record, kind: int) -> None:
    context.state.history.append(
        Step(
            id=context.state.new_id("history"),
            entity_type=entity.type_id,
            owner=row["id"],
            kind=kind,
            at=context.portal.clock.now,
            stage=row["stageId"],
            semantics=row["stageSemanticId"],
            category=row.get("categoryId") or 0,
        )
    )


def _entered(
    context: Context, entity: Entity, row: Record, action: str, *, before: Record
) -> None:
    if action == "add" and entity.stages:
        _remember(context, entity, row, MADE)
    change = (entity.name, str(row["id"]), action)
    after = copy.deepcopy(row)
    now = context.portal.clock.now
    context.portal.ledger.applied(
        context.request, now, change, before=before, after=after
    )
    _tell(context, entity, row, action.upper())


def _tell(context: Context, entity: Entity, row: Record, action: str) -> None:
    fields = {"ID": row["id"]}
    if entity is INVOICE:
        fields["ENTITY_TYPE_ID"] = entity.type_id
    tell(
        context.portal,
        f"ONCRM{entity.event}{action}",
        fields,
        by=context.caller,
        connector=context.connector,
    )


def _convert(context: Context, lead: Record) -> None:
    """Turn a lead into a deal at once, as the simple CRM mode does."""
    update(context, LEAD, lead, {"stageId": CONVERTED})
    shared = ("title", "opportunity", "currencyId", "assignedById", "sourceId")
    values = {name: lead[name] for name in shared if lead.get(name) is not None}
    add(context, DEAL, values | {"leadId": lead["id"]})
