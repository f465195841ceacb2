"""Robots and triggers: the client's automation calls us, we call it.

A workflow that called a robot waits until it is answered or its time is up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from crm.testing.bitrix24.credentials import Caller
from crm.testing.bitrix24.hearing import administrator, application
from crm.testing.bitrix24.portal import Context, Method, Params, Portal, Result
from crm.testing.bitrix24.refusals import Refusal, missing
from crm.testing.bitrix24.rows import owner_of
from crm.testing.bitrix24.schema import Entity
from crm.testing.bitrix24.subscriptions import Workflow
from crm.testing.bitrix24.telling import application_auth
from crm.testing.brackets import encode
from crm.testing.pump import Message

WAIT_SECONDS: Final = 60


def _checked(context: Context, fields: Mapping[str, Any]) -> None:
    handler = str(fields.get("HANDLER") or "")
    if not handler.startswith(("https://", "http://127.0.0.1")):
        raise Refusal(400, "ERROR_UNSUPPORTED_PROTOCOL", "Unsupported protocol")
    own = context.portal.credentials.applications[context.caller.client_id].handler
    if handler.split("/")[2] != own.split("/")[2]:
        text = "The handler is not on the domain of the application"
        raise Refusal(400, "ERROR_WRONG_HANDLER_URL", text)


def _add(context: Context, params: Params) -> Result:
    application(context)
    administrator(context)
    code = str(params.get("CODE") or "")
    if not code or not params.get("NAME"):
        text = "Empty code or name"
        raise Refusal(400, "ERROR_ACTIVITY_VALIDATION_FAILURE", text)
    _checked(context, params)
    robots = context.portal.subscriptions.robots
    if code in robots:
        text = "Activity or Robot already installed"
        raise Refusal(400, "ERROR_ACTIVITY_ALREADY_INSTALLED", text)
    robots[code] = {**params, "client_id": context.caller.client_id}
    return Result(value=True)


def _update(context: Context, params: Params) -> Result:
    application(context)
    administrator(context)
    robot = _robot(context, params)
    fields = params.get("FIELDS")
    if not isinstance(fields, Mapping):
        raise missing("FIELDS")
    if "HANDLER" in fields:
        _checked(context, fields)
    robot |= fields
    return Result(value=True)


def _robot(context: Context, params: Params) -> dict[str, Any]:
    robots = context.portal.subscriptions.robots
    code = str(params.get("CODE") or "")
    if code not in robots:
        raise Refusal(400, "ERROR_ACTIVITY_NOT_FOUND", "Activity or Robot not found")
    return robots[code]


def _delete(context: Context, params: Params) -> Result:
    application(context)
    administrator(context)
    _robot(context, params)
    del context.portal.subscriptions.robots[str(params["CODE"])]
    return Result(value=True)


def _list(context: Context, params: Params) -> Result:
    del params
    application(context)
    return Result(list(context.portal.subscriptions.robots))


def run_robot(
    portal: Portal,
    code: str,
    entity: Entity,
    key: int,
    *,
    properties: Mapping[str, Any] | None = None,
    seconds: float = WAIT_SECONDS,
) -> Workflow:
    """Let the client's automation call a robot about a record."""
    robot = portal.subscriptions.robots[code]
    number = portal.state.new_id("workflow")
    document = f"{entity.name.upper()}_{key}"
    flow = Workflow(
        f"wf{number}", f"wf{number}|A1|{number * 7919:x}", code, document,
        portal.clock.elapsed + seconds,
    )  # fmt: skip
    portal.subscriptions.workflows.append(flow)
    kind = f"CCrmDocument{entity.name.capitalize()}"
    user = int(robot.get("AUTH_USER_ID") or 1)
    by = Caller("app", "automation", user)
    form = {
        "workflow_id": flow.id,
        "code": code,
        "document_id": ["crm", kind, document],
        "document_type": ["crm", kind, entity.name.upper()],
        "event_token": flow.token,
        "use_subscription": "N" if robot.get("USE_SUBSCRIPTION") == "N" else "Y",
        "timeout_duration": round(seconds),
        "ts": round(portal.clock.timestamp),
        "properties": dict(properties or {}),
        "auth": application_auth(portal, robot["client_id"], by),
    }
    portal.pump.send(Message(str(robot["HANDLER"]), encode(form), name="robot"))
    return flow


def _event_send(context: Context, params: Params) -> Result:
    """Take the answer of a robot; single use is inferred, not documented."""
    application(context)
    token = str(params.get("EVENT_TOKEN") or "")
    for flow in context.portal.subscriptions.workflows:
        if flow.token != token or flow.answered:
            continue
        if flow.until <= context.portal.clock.elapsed:
            break
        flow.answered = True
        flow.values = dict(params.get("RETURN_VALUES") or {})
        flow.log = str(params.get("LOG_MESSAGE") or "")
        return Result(value=True)
    raise Refusal(403, "ACCESS_DENIED", "Access denied!")


def _trigger_add(context: Context, params: Params) -> Result:
    application(context)
    administrator(context)
    for name in ("CODE", "NAME"):
        if not params.get(name):
            raise missing(name)
    context.portal.subscriptions.triggers[str(params["CODE"])] = str(params["NAME"])
    return Result(value=True)


def _trigger_execute(context: Context, params: Params) -> Result:
    application(context)
    code = str(params.get("CODE") or "")
    if code not in context.portal.subscriptions.triggers:
        raise Refusal(400, "NOT_FOUND", "Trigger not found")
    kind, key = params.get("OWNER_TYPE_ID"), params.get("OWNER_ID")
    entity, owner = owner_of(context, kind, key)
    context.portal.subscriptions.triggered.append((code, entity.type_id, owner))
    return Result(value=True)


METHODS: Final[Mapping[str, Method]] = {
    "bizproc.robot.add": _add,
    "bizproc.robot.update": _update,
    "bizproc.robot.delete": _delete,
    "bizproc.robot.list": _list,
    "bizproc.event.send": _event_send,
    "crm.automation.trigger.add": _trigger_add,
    "crm.automation.trigger.execute": _trigger_execute,
}
