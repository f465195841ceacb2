"""All methods by name, and one call of one method within its limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from crm.testing.bitrix24 import (
    classic,
    hearing,
    items,
    payments,
    people,
    placements,
    robots,
    stages,
    tasks,
    ties,
    timeline,
    userfields,
)
from crm.testing.bitrix24.portal import Context, Method, Params, Result
from crm.testing.bitrix24.refusals import CutShort, Refusal, out_of_time

METHODS: Final[Mapping[str, Method]] = {
    name: method
    for family in (
        items, classic, ties, stages, userfields, timeline, tasks, payments, people,
        hearing, robots, placements,
    )
    for name, method in family.METHODS.items()
}  # fmt: skip

_SCOPES: Final[Mapping[str, tuple[str, ...]]] = {
    "crm": ("crm",), "tasks": ("task", "tasks"), "bizproc": ("bizproc",),
    "placement": ("placement",), "sale": ("sale",), "user": ("user", "user_brief"),
    "userfieldconfig": ("userfieldconfig",),
}  # fmt: skip
READS: Final = (".get", ".list", ".fields", "findbycomm", "profile", "scope")


def writes(method: str) -> bool:
    """Say whether a method changes anything."""
    return not method.endswith((*READS, "user.current", "server.time"))


def method_of(context: Context, name: str) -> Method:
    """Find a method that the caller's scopes include.

    A method outside of the scopes is as unknown as one that never was.
    """
    method = METHODS.get(name)
    needed = _SCOPES.get(name.split(".")[0])
    if method is None or (needed and not context.caller.scopes & set(needed)):
        raise Refusal(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")
    return method


def call(context: Context, name: str, params: Params, *, billed: bool = True) -> Result:
    """Call one method; count its seconds against its budget and the request's.

    Raises
    ------
    Refusal
        The method says no, or its operating time is used up.
    CutShort
        The whole request has taken too long; this method has not run.
    """
    portal, credential = context.portal, context.caller.credential
    method = method_of(context, name)
    if billed and portal.operating.blocked(credential, name):
        raise out_of_time()
    if context.spent >= portal.profile.request_seconds:
        raise CutShort
    seconds = portal.cost(name)
    context.spent += seconds
    context.spent_on[name] = context.spent_on.get(name, 0.0) + seconds
    if billed:
        portal.operating.bill(credential, name, seconds)
    before, context.connector = context.connector, str(params.get("auth_connector", ""))
    try:
        return method(context, params)
    finally:
        context.connector = before


def time_of(context: Context, name: str, seconds: float) -> dict[str, Any]:
    """Write the ``time`` of an answer or of one command."""
    portal, credential = context.portal, context.caller.credential
    start = portal.clock.timestamp
    told: dict[str, Any] = {
        "start": start,
        "finish": start + seconds,
        "duration": seconds,
        "processing": seconds,
        "date_start": portal.now_text,
        "date_finish": portal.now_text,
    }
    if portal.profile.operating_seconds is not None:
        told["operating_reset_at"] = portal.operating.reset_at(credential, name)
        told["operating"] = round(portal.operating.spent(credential, name), 3)
    return told
