"""Notes of cards: ``/{kind}/notes`` and ``/{kind}/{id}/notes``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
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

WORDED: Final = {"common": ("text",), "service_message": ("service", "text")}
OTHERS: Final = frozenset({"call_in", "call_out", "sms_in", "sms_out", "geolocation"})
KEYS: Final = frozenset(
    {"entity_id", "note_type", "params", "request_id", "created_by",
     "responsible_user_id", "is_need_to_trigger_digital_pipeline"}
)  # fmt: skip
ORDERS: Final = ("created_at", "updated_at", "id")


def list_notes(kind: str, desk: Desk, asked: Asked) -> Answer:
    """Answer a page of notes, of one card or of all cards of the kind."""
    filter_ = Filter(asked)
    ids, types = filter_.one_of("id"), filter_.one_of("note_type")
    owners, changed = filter_.one_of("entity_id"), filter_.between("updated_at")
    filter_.done()
    if "id" in asked.params:
        owners = {str(asked.id)}

    def rows() -> list[dict[str, Any]]:
        found = [
            note
            for note in desk.account.records["notes"].values()
            if note["entity_type"] == kind
            and among(note["entity_id"], owners)
            and among(note["id"], ids)
            and among(note["note_type"], types)
            and within(note["updated_at"], changed)
        ]
        return ordered(asked, found, lambda note, name: note[name], ORDERS)

    return listed(desk, asked, name="notes", rows=rows, shown=_shown)


def get_note(kind: str, desk: Desk, asked: Asked) -> Answer:
    """Answer one note of a card; 204 if there is none."""
    note = desk.account.records["notes"].get(int(asked.params["note"]))
    if note is None or (note["entity_type"], note["entity_id"]) != (kind, asked.id):
        return nothing()
    return hal(_shown(note))


def post_notes(kind: str, desk: Desk, asked: Asked) -> Answer:
    """Make notes; nothing hinders making one twice."""
    own = asked.id if "id" in asked.params else None
    items = [{"entity_id": own, **i} if own else i for i in asked.items()]
    if own is not None and own not in desk.account.cards[kind]:
        raise problem(404, f"There is no such record in {kind}")
    found = {
        request_id(item, place): _faults(desk.account, kind, item)
        for place, item in enumerate(items)
    }
    if any(found.values()):
        raise invalid(found)
    made = []
    for place, item in enumerate(items):
        note = make_note(desk.account, kind, item, asked.hand)
        echo = request_id(item, place)
        made.append(
            {"id": note["id"], "entity_id": note["entity_id"], "request_id": echo}
        )
    return hal({"_embedded": {"notes": made}})


def patch_note(kind: str, desk: Desk, asked: Asked) -> Answer:
    """Change the text of a note of one's own; 404 if there is none."""
    note = desk.account.records["notes"].get(int(asked.params["note"]))
    if note is None or (note["entity_type"], note["entity_id"]) != (kind, asked.id):
        raise problem(404, "There is no such note")
    item = {"entity_id": asked.id, "note_type": note["note_type"], **asked.item()}
    found = _faults(desk.account, kind, item)
    if found:
        raise invalid({request_id(item, 0): found})
    before = _flat(note)
    at = desk.account.now
    note.update(params=item["params"], updated_at=at, updated_by=asked.hand.user_id)
    desk.account.changed(
        Change("notes", note["id"], "update", before, _flat(note), asked.hand)
    )
    return hal({"id": note["id"], "entity_id": asked.id, "updated_at": at})


def make_note(
    account: Account, kind: str, item: Mapping[str, Any], hand: Hand
) -> dict[str, Any]:
    """Make a note of a body without faults."""
    now = account.now
    note = {
        "id": account.next_id("notes"),
        "entity_id": item["entity_id"],
        "entity_type": kind,
        "created_by": hand.user_id,
        "updated_by": hand.user_id,
        "created_at": now,
        "updated_at": now,
        "responsible_user_id": item.get("responsible_user_id", hand.user_id),
        "group_id": 0,
        "note_type": item["note_type"],
        "params": dict(item["params"]),
        "is_need_to_trigger_digital_pipeline": item.get(
            "is_need_to_trigger_digital_pipeline", True
        ),
        "account_id": account.profile.account_id,
    }
    account.records["notes"][note["id"]] = note
    account.changed(Change("notes", note["id"], "add", {}, _flat(note), hand))
    return note


def _flat(note: Mapping[str, Any]) -> dict[str, Any]:
    """Show the text beside the rest: that is where the ledger looks for markers."""
    return {**note, "text": note["params"].get("text")}


def _shown(note: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in note.items() if key != "entity_type"}


def _faults(account: Account, kind: str, item: Mapping[str, Any]) -> list[Finding]:
    found = [Finding(NOT_EXPECTED, name) for name in item if name not in KEYS]
    owner, type_, params = (item.get(n) for n in ("entity_id", "note_type", "params"))
    if owner is None:
        found.append(Finding(MISSING, "entity_id"))
    elif not whole(owner):
        found.append(Finding(WRONG_TYPE, "entity_id"))
    elif owner not in account.cards[kind]:
        found.append(Finding(NOT_A_CHOICE, "entity_id"))
    if not isinstance(type_, str) or type_ not in {*WORDED, *OTHERS}:
        code = MISSING if type_ is None else NOT_A_CHOICE
        return [*found, Finding(code, "note_type")]
    if not isinstance(params, dict):
        code = MISSING if params is None else WRONG_TYPE
        return [*found, Finding(code, "params")]
    for name in WORDED.get(type_, ()):
        if not isinstance(params.get(name), str):
            code = WRONG_TYPE if name in params else MISSING
            found.append(Finding(code, f"params.{name}"))
    return found


ROUTES: Final = tuple(
    Route(verb, f"{kind}/{path}", partial(handler, kind))
    for kind in KINDS
    for verb, path, handler in (
        ("GET", "notes", list_notes),
        ("POST", "notes", post_notes),
        ("GET", "{id}/notes", list_notes),
        ("POST", "{id}/notes", post_notes),
        ("GET", "{id}/notes/{note}", get_note),
        ("PATCH", "{id}/notes/{note}", patch_note),
    )
)
