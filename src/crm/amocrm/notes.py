"""Comments and tasks on a card, found again by the marker at the end of their text.

No create takes a key (``request_id`` is only an echo), so a repeated one would be a
second note. Whoever calls looks first; here a note is only ever created or changed
once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from crm.amocrm.client import AmoClient
from crm.amocrm.paging import Listing, every
from crm.amocrm.writes import Address, Item, send_all, send_one
from crm.port import Note, NoteKind, Outcome, Result

CALL: Final = 1
TYPES: Final = {"meeting": 2, "demo": 2}
"""Types of tasks that every account has; what is none of them goes as a call."""

ADDRESSES: Final = {
    (NoteKind.COMMENT, True): Address("POST", "leads/notes", "notes"),
    (NoteKind.TASK, True): Address("POST", "tasks", "tasks"),
    (NoteKind.TASK, False): Address("PATCH", "tasks", "tasks"),
}
"""Where a kind of note goes, by whether it is new."""


def find(client: AmoClient, wanted: Sequence[Note]) -> Mapping[str, str]:
    """Look for notes by their markers; remote id by marker, of two the oldest.

    Raises
    ------
    Unavailable
        Some part of the answer is missing.
    """
    found: dict[str, tuple[int, str]] = {}
    for kind in NoteKind:
        mine = {mark(note): note.marker for note in wanted if note.kind is kind}
        if not mine:
            continue
        ids = sorted({_lead(note) for note in wanted if note.kind is kind})
        for key, text in _texts(client, kind, ids):
            for marked, marker in mine.items():
                if marked in text and (marker not in found or key < found[marker][0]):
                    found[marker] = (key, str(key))
    return {marker: key for marker, (_, key) in found.items()}


def post(client: AmoClient, wanted: Sequence[Note]) -> list[Result]:
    """Create or change notes; one result each, in their order."""
    # Comments are changed one by one: there is no address for several.
    ends = {
        place: send_one(client, "PATCH", _own_address(note), _item(note))
        for place, note in enumerate(wanted)
        if note.kind is NoteKind.COMMENT and note.remote_id is not None
    }
    for (kind, is_new), address in ADDRESSES.items():
        places = [
            place
            for place, note in enumerate(wanted)
            if note.kind is kind and (note.remote_id is None) is is_new
        ]
        items = [_item(wanted[place]) for place in places]
        ended = send_all(client, address, items)
        ends |= dict(zip(places, ended, strict=True))
    return [_end(note, ends[place]) for place, note in enumerate(wanted)]


def mark(note: Note) -> str:
    """Give the text by which a note is found again."""
    return f"[lcp:{note.marker}]"


def _texts(
    client: AmoClient, kind: NoteKind, ids: Sequence[int]
) -> Iterator[tuple[int, str]]:
    if kind is NoteKind.COMMENT:
        asked: dict[str, Any] = {"filter[entity_id][]": ids}
        asked["filter[note_type][]"] = ["common"]
        listing = Listing("leads/notes", "notes", asked)
    else:
        told: dict[str, Any] = {"filter[entity_type]": "leads"}
        listing = Listing("tasks", "tasks", {**told, "filter[entity_id][]": ids})
    for rows in every(client.get, listing):
        for row in rows:
            text = row.get("text") or (row.get("params") or {}).get("text")
            yield int(row["id"]), str(text or "")


def _item(note: Note) -> Item:
    text = f"{note.text}\n{mark(note)}"
    if note.kind is NoteKind.COMMENT:
        told = {"note_type": "common", "params": {"text": text}}
        return told if note.remote_id else {"entity_id": _lead(note), **told}
    item: Item = {"text": text}
    if note.remote_id is not None:
        item["id"] = int(note.remote_id)
    if note.deadline is not None:
        item["complete_till"] = int(note.deadline.timestamp())
    if note.remote_id is None:
        item |= {"entity_id": _lead(note), "entity_type": "leads"}
        item["task_type_id"] = TYPES.get(note.type, CALL)
        if note.responsible is not None:
            item["responsible_user_id"] = int(note.responsible)
    return item


def _end(note: Note, end: Result) -> Result:
    if end.outcome is Outcome.APPLIED and note.remote_id is not None:
        return Result(Outcome.APPLIED, remote_id=note.remote_id)
    return end


def _own_address(note: Note) -> str:
    return f"leads/{_lead(note)}/notes/{note.remote_id}"


def _lead(note: Note) -> int:
    return int(note.entity.partition(":")[2])
