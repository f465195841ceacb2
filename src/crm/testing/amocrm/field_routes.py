"""``/{kind}/custom_fields``: what an integration provisions and what people undo."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from crm.testing.amocrm.account import KINDS, Account, Change, Hand
from crm.testing.amocrm.desk import Asked, Desk, Route, hal, nothing, request_id
from crm.testing.amocrm.drafts import text
from crm.testing.amocrm.fields import CHOICES, TYPES, Field, Option, whole
from crm.testing.amocrm.listing import Filter, among, listed
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

KEYS: Final = frozenset(
    {"name", "type", "code", "sort", "is_api_only", "enums", "request_id",
     "required_statuses", "hidden_statuses", "group_id", "is_visible", "is_deletable"}
)  # fmt: skip


def list_fields(kind: str, desk: Desk, asked: Asked) -> Answer:
    """Answer a page of definitions."""
    filter_ = Filter(asked)
    types = filter_.one_of("type")
    filter_.done()
    fields = desk.account.fields[kind]
    return listed(
        desk,
        asked,
        name="custom_fields",
        rows=lambda: [each for each in fields.values() if among(each.type, types)],
        shown=lambda each: each.shown(kind, desk.account.profile.account_id),
    )


def get_field(kind: str, desk: Desk, asked: Asked) -> Answer:
    """Answer one definition; 404 if there is none."""
    field = _field(desk, kind, asked)
    return hal(field.shown(kind, desk.account.profile.account_id))


def post_fields(kind: str, desk: Desk, asked: Asked) -> Answer:
    """Make fields, 201; administrators only."""
    desk.need_admin(asked.hand)
    items = asked.items()
    found = {
        request_id(item, place): list(_faults(desk.account, kind, item, new=True))
        for place, item in enumerate(items)
    }
    _refuse(found)
    shown = []
    for place, item in enumerate(items):
        field = make_field(desk.account, kind, item, asked.hand)
        told = field.shown(kind, desk.account.profile.account_id)
        shown.append({**told, "request_id": request_id(item, place)})
    return hal({"_embedded": {"custom_fields": shown}}, status=201)


def patch_field(kind: str, desk: Desk, asked: Asked) -> Answer:
    """Change a definition; ``enums`` replaces the choices, those with ids stay."""
    desk.need_admin(asked.hand)
    field, item = _field(desk, kind, asked), asked.item()
    _refuse({"0": list(_faults(desk.account, kind, item, new=False, own=field))})
    before = field.shown(kind, desk.account.profile.account_id)
    for name in ("name", "code", "sort", "is_api_only"):
        if name in item:
            setattr(field, name, item[name])
    if "enums" in item:
        field.options = _options(desk.account, item["enums"] or [])
        drop_lost_options(desk.account, kind, field)
    after = field.shown(kind, desk.account.profile.account_id)
    desk.account.changed(
        Change("fields", field.id, "update", before, after, asked.hand)
    )
    return hal(after)


def delete_field(kind: str, desk: Desk, asked: Asked) -> Answer:
    """Delete a field with all its values."""
    desk.need_admin(asked.hand)
    remove_field(desk.account, kind, _field(desk, kind, asked).id, asked.hand)
    return nothing()


def make_field(
    account: Account, kind: str, item: Mapping[str, Any], hand: Hand
) -> Field:
    """Make a field of a body without faults."""
    field = Field(
        id=account.next_id("custom_fields"),
        name=item["name"],
        type=item["type"],
        code=item.get("code"),
        sort=item.get("sort", 500),
        is_api_only=item.get("is_api_only", False),
        options=_options(account, item.get("enums") or []),
        required_statuses=_pairs(item.get("required_statuses")),
        hidden_statuses=_pairs(item.get("hidden_statuses")),
    )
    account.fields[kind][field.id] = field
    shown = field.shown(kind, account.profile.account_id)
    account.changed(Change("fields", field.id, "add", {}, shown, hand))
    return field


def remove_field(account: Account, kind: str, key: int, hand: Hand) -> None:
    """Take a field and its values away; the cards keep their ``updated_at``."""
    field = account.fields[kind].pop(key)
    for card in account.cards.get(kind, {}).values():
        card.values.pop(key, None)
    shown = field.shown(kind, account.profile.account_id)
    account.changed(Change("fields", key, "delete", shown, {}, hand))


def drop_lost_options(account: Account, kind: str, field: Field) -> None:
    """Empty the values whose choice no longer exists."""
    known = {option.id for option in field.options}
    for card in account.cards.get(kind, {}).values():
        values = card.values.get(field.id, [])
        kept = [v for v in values if v.get("enum_id") in known or "enum_id" not in v]
        if kept:
            card.values[field.id] = kept
        else:
            card.values.pop(field.id, None)


def _field(desk: Desk, kind: str, asked: Asked) -> Field:
    field = desk.account.fields[kind].get(asked.id)
    if field is None:
        raise problem(404, "There is no such custom field")
    return field


def _refuse(found: Mapping[str, list[Finding]]) -> None:
    if any(found.values()):
        raise invalid(found)


def _faults(
    account: Account,
    kind: str,
    item: Mapping[str, Any],
    *,
    new: bool,
    own: Field | None = None,
) -> list[Finding]:
    found = [Finding(NOT_EXPECTED, name) for name in item if name not in KEYS]
    if new:
        found += [Finding(MISSING, n) for n in ("name", "type") if n not in item]
    known = isinstance(item.get("type"), str) and item["type"] in TYPES
    if "type" in item and (not known or not new):
        found.append(Finding(NOT_A_CHOICE if new else NOT_EXPECTED, "type"))
    # Whether a code may be taken twice is not documented: refused.
    taken = {f.code for f in account.fields[kind].values() if f is not own} - {None}
    found += _plain_faults(item)
    if isinstance(item.get("code"), str) and item["code"] in taken:
        found.append(Finding(NOT_A_CHOICE, "code"))
    type_ = own.type if own else item["type"] if known else ""
    if item.get("enums") and type_ in TYPES - CHOICES - {"multitext"}:
        found.append(Finding(NOT_EXPECTED, "enums"))
    return found + _option_faults(item.get("enums"))


def _plain_faults(item: Mapping[str, Any]) -> list[Finding]:
    right = {
        "name": text,
        "code": lambda code: code is None or text(code),
        "sort": whole,
        "is_api_only": lambda flag: isinstance(flag, bool),
        "required_statuses": _is_pairs,
        "hidden_statuses": _is_pairs,
    }
    return [
        Finding(WRONG_TYPE, name)
        for name, check in right.items()
        if name in item and not check(item[name])
    ]


def _is_pairs(pairs: Any) -> bool:
    return pairs is None or (
        isinstance(pairs, list)
        and all(
            isinstance(each, dict)
            and whole(each.get("pipeline_id"))
            and whole(each.get("status_id"))
            for each in pairs
        )
    )


def _option_faults(enums: Any) -> list[Finding]:
    if enums is None:
        return []
    if not isinstance(enums, list):
        return [Finding(WRONG_TYPE, "enums")]
    found = []
    for place, option in enumerate(enums):
        if not isinstance(option, dict) or not text(option.get("value")):
            found.append(Finding(WRONG_TYPE, f"enums.{place}.value"))
            continue
        for name, check in (("sort", whole), ("id", whole), ("code", text)):
            if option.get(name) is not None and not check(option[name]):
                found.append(Finding(WRONG_TYPE, f"enums.{place}.{name}"))
    return found


def _options(account: Account, enums: list[dict[str, Any]]) -> list[Option]:
    return [
        Option(
            id=each.get("id") or account.next_id("enums"),
            value=each["value"],
            sort=each.get("sort", place),
            code=each.get("code"),
        )
        for place, each in enumerate(enums)
    ]


def _pairs(pairs: Any) -> list[tuple[int, int]]:
    return [(each["pipeline_id"], each["status_id"]) for each in pairs or []]


ROUTES: Final = tuple(
    Route(verb, f"{kind}/custom_fields{tail}", partial(handler, kind))
    for kind in KINDS
    for verb, tail, handler in (
        ("GET", "", list_fields),
        ("POST", "", post_fields),
        ("GET", "/{id}", get_field),
        ("PATCH", "/{id}", patch_field),
        ("DELETE", "/{id}", delete_field),
    )
)
