"""REST 3.0, as far as it is needed: ``tasks.task.add`` with its ``Idempotency-Key``.

Whether a key is known is decided when the call arrives: two calls under way at once
both run, as the documents warn. Errors are not kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from crm.testing.bitrix24 import tasks
from crm.testing.bitrix24.portal import Context, Params
from crm.testing.bitrix24.values import moment
from crm.testing.wire import JSON, Answer

CODE: Final = "BITRIX_REST_V3_EXCEPTION_"
KEPT_SECONDS: Final = 86_400
LONGEST: Final = 255
Work = Callable[[], Answer]


class Refusal3(Exception):
    """An error of version 3: a nested object."""

    def __init__(self, status: int, code: str, text: str, field: str = "") -> None:
        super().__init__(text)
        self.status = status
        error: dict[str, Any] = {"code": f"{CODE}{code}", "message": text}
        if field:
            error["validation"] = [{"field": field, "message": text}]
        self.body = {"error": error}


def prepare(
    context: Context, method: str, params: Params, *, body: bytes, key: str | None
) -> Work:
    """Look up the key on arrival; give what is to be done."""
    try:
        kept = _kept(context, method, key, body)
    except Refusal3 as refusal:
        return lambda refusal=refusal: _answer(refusal.status, refusal.body)  # type: ignore[misc]
    if kept is not None:
        return lambda: Answer(200, kept, {**JSON, "Idempotent-Replayed": "true"})
    return lambda: _run(context, method, params, body=body, key=key)


def _kept(context: Context, method: str, key: str | None, body: bytes) -> bytes | None:
    if key is None:
        return None
    if not 1 <= len(key) <= LONGEST or not (key.isascii() and key.isprintable()):
        raise Refusal3(400, "INVALIDIDEMPOTENCYKEYEXCEPTION", "Invalid key")
    found = context.portal.replays.get(_place(context, method, key))
    if found is None or context.portal.clock.elapsed - found[0] >= KEPT_SECONDS:
        return None
    if found[1] != body:
        text = "The key was used with another body"
        raise Refusal3(422, "IDEMPOTENCYKEYREUSEDEXCEPTION", text)
    return found[2]


def _place(context: Context, method: str, key: str) -> tuple[str, str, str]:
    return (f"{context.caller.credential}:{context.caller.user}", method, key)


def _run(
    context: Context, method: str, params: Params, *, body: bytes, key: str | None
) -> Answer:
    try:
        if method != "tasks.task.add":
            text = f"Method {method} not found"
            raise Refusal3(404, "METHODNOTFOUNDEXCEPTION", text)
        answer = _answer(200, {"result": {"item": _task_add(context, params)}})
    except Refusal3 as refusal:
        return _answer(refusal.status, refusal.body)
    if key is not None:
        place = _place(context, method, key)
        context.portal.replays[place] = (
            context.portal.clock.elapsed, body, answer.body,
        )  # fmt: skip
    return answer


def _task_add(context: Context, params: Params) -> dict[str, Any]:
    fields = params.get("fields")
    if not isinstance(fields, Mapping):
        raise Refusal3(400, "VALIDATIONEXCEPTION", "Required field", "fields")
    for name in ("title", "creatorId", "responsibleId"):
        if not fields.get(name):
            raise Refusal3(400, "VALIDATIONEXCEPTION", "Required field", name)
    try:
        deadline = moment(fields["deadline"]) if fields.get("deadline") else None
    except ValueError as fault:
        raise Refusal3(400, "VALIDATIONEXCEPTION", "Wrong date", "deadline") from fault
    row = tasks.make(
        context,
        {
            "TITLE": str(fields["title"]),
            "DESCRIPTION": str(fields.get("description") or ""),
            "CREATED_BY": int(fields["creatorId"]),
            "RESPONSIBLE_ID": int(fields["responsibleId"]),
            "DEADLINE": deadline,
            "UF_CRM_TASK": list(fields.get("crmItemIds") or []),
        },
    )
    return {
        "id": row["id"],
        "title": row["TITLE"],
        "status": "pending",
        "priority": "average",
        "xmlId": None,
        "responsibleId": row["RESPONSIBLE_ID"],
        "deadline": context.portal.local(deadline) if deadline else None,
        "crmItemIds": row["UF_CRM_TASK"],
    }


def _answer(status: int, body: Mapping[str, Any]) -> Answer:
    return Answer(status, json.dumps(body, ensure_ascii=False).encode())
