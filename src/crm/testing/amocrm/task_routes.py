"""``/tasks``: made, closed, found again by the card they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from crm.testing.amocrm.account import KINDS, Account, Change, Hand
from crm.testing.amocrm.desk import Asked, Desk, Route, hal, nothing, request_id
from crm.testing.amocrm.fields import whole
from crm.testing.amocrm.listing import Filter, among, listed, ordered, within
from crm.testing.amocrm.problems import (
    MISSING,
    NOT_A_CHOICE,
    NOT_EXPECTED,
    WRONG_TYPE,
    Finding,
    invalid,
    problem,
)
from crm.testing.wire import Answer

WHOLE: Final = ("task_type_id", "complete_till", "responsible_user_id", "duration",
                "entity_id", "created_by")  # fmt: skip
KEYS: Final = frozenset(
    {*WHOLE, "text", "entity_type", "is_completed", "result", "request_id", "id"}
)
ORDERS: Final = ("created_at", "complete_till", "id")


def list_tasks(desk: Desk, asked: Asked) -> Answer:
    """Answer a page of tasks."""
    filter_ = Filter(asked)
    names = ("id", "entity_type", "entity_id", "task_type", "responsible_user_id")
    exact = {name: filter_.one_of(name) for name in names}
    done, changed = filter_.one_of("is_completed"), filter_.between("updated_at")
    filter_.done()
    exact["task_type_id"] = exact.pop("task_type")
    wanted = None if done is None else {str(each in ("1", "true")) for each in done}

    def rows() -> list[dict[str, Any]]:
        found = [
            task
            for task in desk.account.records["tasks"].values()
            if all(among(task[name], some) for name, some in exact.items())
            and among(task["is_completed"], wanted)
            and within(task["updated_at"], changed)
        ]
        return ordered(asked, found, lambda task, name: task[name], ORDERS)

    return listed(desk, asked, name="tasks", rows=rows, shown=dict)


def get_task(desk: Desk, asked: Asked) -> Answer:
    """Answer one task; 204 if there is none."""
    task = desk.account.records["tasks"].get(asked.id)
    return hal(task) if task else nothing()


def post_tasks(desk: Desk, asked: Asked) -> Answer:
    """Make tasks; nothing hinders making one twice."""
    items = asked.items()
    _refuse(desk.account, items, new=True)
    made = [
        {
            "id": make_task(desk.account, item, asked.hand)["id"],
            "request_id": request_id(item, place),
        }
        for place, item in enumerate(items)
    ]
    return hal({"_embedded": {"tasks": made}})


def patch_tasks(desk: Desk, asked: Asked) -> Answer:
    """Change several tasks."""
    items = asked.items()
    _refuse(desk.account, items, new=False)
    changed = []
    for place, item in enumerate(items):
        told = _change(desk.account, item, asked.hand)
        changed.append({**told, "request_id": request_id(item, place)})
    return hal({"_embedded": {"tasks": changed}})


def patch_task(desk: Desk, asked: Asked) -> Answer:
    """Change one task, or close it with a result; 404 if there is none."""
    if asked.id not in desk.account.records["tasks"]:
        raise problem(404, "There is no such task")
    item = {**asked.item(), "id": asked.id}
    _refuse(desk.account, [item], new=False)
    return hal(_change(desk.account, item, asked.hand))


def make_task(account: Account, item: Mapping[str, Any], hand: Hand) -> dict[str, Any]:
    """Make a task of a body without faults."""
    now = account.now
    task = {
        "id": account.next_id("tasks"),
        "created_by": hand.user_id,
        "updated_by": hand.user_id,
        "created_at": now,
        "updated_at": now,
        "responsible_user_id": item.get("responsible_user_id", hand.user_id),
        "group_id": 0,
        "entity_id": item.get("entity_id"),
        "entity_type": item.get("entity_type"),
        "duration": item.get("duration", 0),
        "is_completed": item.get("is_completed", False),
        "task_type_id": item.get("task_type_id", 1),
        "text": item["text"],
        "result": item.get("result") or [],  # an empty list, though else an object
        "complete_till": item["complete_till"],
        "account_id": account.profile.account_id,
    }
    account.records["tasks"][task["id"]] = task
    account.changed(Change("tasks", task["id"], "add", {}, dict(task), hand))
    _closest(account, task)
    return task


def _change(account: Account, item: Mapping[str, Any], hand: Hand) -> dict[str, Any]:
    task = account.records["tasks"][item["id"]]
    before = dict(task)
    new = {k: v for k, v in item.items() if k not in ("id", "request_id")}
    task.update(new, updated_by=hand.user_id, updated_at=account.now)
    account.changed(Change("tasks", task["id"], "update", before, dict(task), hand))
    _closest(account, task)
    return {"id": task["id"], "updated_at": task["updated_at"]}


def _closest(account: Account, task: Mapping[str, Any]) -> None:
    """Keep the card's ``closest_task_at``; the card's ``updated_at`` stays."""
    kind, key = task["entity_type"], task["entity_id"]
    card = account.cards.get(kind, {}).get(key)
    if card is None:
        return
    open_ = [
        each["complete_till"]
        for each in account.records["tasks"].values()
        if (each["entity_type"], each["entity_id"]) == (kind, key)
        and not each["is_completed"]
    ]
    card.plain["closest_task_at"] = min(open_, default=None)


def _refuse(account: Account, items: list[dict[str, Any]], *, new: bool) -> None:
    found = {
        request_id(item, place): _faults(account, item, new=new)
        for place, item in enumerate(items)
    }
    if any(found.values()):
        raise invalid(found)


def _faults(account: Account, item: Mapping[str, Any], *, new: bool) -> list[Finding]:
    extra = {"id"} if new else set()
    found = [Finding(NOT_EXPECTED, name) for name in item if name not in KEYS - extra]
    needed = ("text", "complete_till") if new else ("id",)
    found += [Finding(MISSING, name) for name in needed if name not in item]
    for name in WHOLE:
        if item.get(name) is not None and not whole(item[name]):
            found.append(Finding(WRONG_TYPE, name))
    if "text" in item and not isinstance(item["text"], str):
        found.append(Finding(WRONG_TYPE, "text"))
    if "is_completed" in item and not isinstance(item["is_completed"], bool):
        found.append(Finding(WRONG_TYPE, "is_completed"))
    tasks = account.records["tasks"]
    if not new and "id" in item and not (whole(item["id"]) and item["id"] in tasks):
        found.append(Finding(NOT_A_CHOICE, "id"))
    return found + _owner_faults(account, item)


def _owner_faults(account: Account, item: Mapping[str, Any]) -> list[Finding]:
    kind, key = item.get("entity_type"), item.get("entity_id")
    if kind is None and key is None:
        return []
    if kind not in KINDS or not isinstance(kind, str):
        return [Finding(NOT_A_CHOICE, "entity_type")]
    if not whole(key) or key not in account.cards[kind]:
        return [Finding(NOT_A_CHOICE, "entity_id")]
    return []


ROUTES: Final = (
    Route("GET", "tasks", list_tasks),
    Route("POST", "tasks", post_tasks),
    Route("PATCH", "tasks", patch_tasks),
    Route("GET", "tasks/{id}", get_task),
    Route("PATCH", "tasks/{id}", patch_task),
)
