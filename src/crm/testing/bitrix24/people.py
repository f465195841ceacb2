"""Whose call it is and whose phone: users, rights, settings, duplicates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from crm.testing.bitrix24.listing import page, start_of
from crm.testing.bitrix24.portal import Context, Method, Params, Result
from crm.testing.bitrix24.records import visible
from crm.testing.bitrix24.refusals import Refusal
from crm.testing.bitrix24.schema import COMPANY, CONTACT, LEAD
from crm.testing.bitrix24.state import User

CLASSIC_MODE, SIMPLE_MODE = 1, 2
MOST_MATCHES: Final = 20


def _shown(user: User) -> dict[str, Any]:
    return {"ID": str(user.id), "NAME": user.name, "LAST_NAME": "", "ACTIVE": True}


def _profile(context: Context, params: Params) -> Result:
    del params
    user = context.state.users[context.caller.user]
    return Result({"ID": str(user.id), "ADMIN": user.admin, "NAME": user.name})


def _user_current(context: Context, params: Params) -> Result:
    del params
    return Result(_shown(context.state.users[context.caller.user]))


def _user_get(context: Context, params: Params) -> Result:
    wanted = params.get("FILTER") or params.get("filter") or {}
    rows = [_shown(user) for user in context.state.users.values()]
    found = [
        row
        for row in rows
        if all(str(row.get(name)) == str(value) for name, value in wanted.items())
    ]
    cut, after, total = page(found, start_of(params))
    return Result(cut, after, total)


def _scope(context: Context, params: Params) -> Result:
    del params
    return Result(sorted(context.caller.scopes))


def _mode(context: Context, params: Params) -> Result:
    del params
    simple = context.portal.profile.simple_crm
    return Result(SIMPLE_MODE if simple else CLASSIC_MODE)


def _feature(context: Context, params: Params) -> Result:
    wanted = str(params.get("CODE") or params.get("code") or "")
    has = wanted == "rest_offline_extended" and context.portal.profile.offline_extended
    return Result({"value": "Y" if has else "N"})


def _server_time(context: Context, params: Params) -> Result:
    del params
    return Result(context.portal.now_text)


def _duplicates(context: Context, params: Params) -> Result:
    """Find records by phone or mail; nothing found is a list, not a map."""
    name = {"PHONE": "phone", "EMAIL": "email"}.get(str(params.get("type")))
    if name is None:
        text = "Communication type is not defined"
        raise Refusal(400, text, text)
    values = [_bare(name, each) for each in params.get("values") or []]
    if not values or len(values) > MOST_MATCHES:
        text = "Communication values are not defined"
        raise Refusal(400, text, text)
    found: dict[str, list[int]] = {}
    for entity in (LEAD, CONTACT, COMPANY):
        if params.get("entity_type") not in (None, "", entity.name.upper()):
            continue
        ids = [
            row["id"]
            for row in visible(context, entity)
            if any(_bare(name, each["VALUE"]) in values for each in row[name] or [])
        ]
        if ids:
            found[entity.name.upper()] = ids[:MOST_MATCHES]
        if len(ids) >= MOST_MATCHES:
            break
    return Result(found or [])


def _bare(name: str, value: Any) -> str:
    """Compare phones by their digits, mails without case."""
    text = str(value)
    if name == "email":
        return text.lower()
    return "".join(each for each in text if each.isdigit())


METHODS: Final[Mapping[str, Method]] = {
    "profile": _profile,
    "user.current": _user_current,
    "user.get": _user_get,
    "scope": _scope,
    "server.time": _server_time,
    "feature.get": _feature,
    "crm.settings.mode.get": _mode,
    "crm.duplicate.findbycomm": _duplicates,
}
