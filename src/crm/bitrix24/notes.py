"""Comments and tasks on a card, found again by the marker at the end of their text.

No create takes a key of ours, so a repeated one would be a second comment. Whoever
calls looks first; here a note is only ever created or changed once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, Final

from crm.bitrix24.answers import Kind, Refused, Trouble
from crm.bitrix24.client import Batch, Client, Command
from crm.port import Note, NoteKind, Outcome, Result

BINDINGS: Final = {"lead": "L", "deal": "D"}
LONGEST_TITLE: Final = 120


def find(client: Client, wanted: Sequence[Note]) -> Mapping[str, str]:
    """Look for notes by their markers; remote id by marker.

    Raises
    ------
    Unavailable
        Some part of the answer is missing.
    """
    if not wanted:
        return {}
    batch = client.batch({f"n{n}": _search(one) for n, one in enumerate(wanted)})
    found: dict[str, str] = {}
    for place, note in enumerate(wanted):
        for row in _rows(batch, f"n{place}", note.kind):
            text = str(row.get("COMMENT") or row.get("description") or "")
            if mark(note) in text:
                # The oldest counts, should there ever be two.
                found.setdefault(note.marker, str(row.get("ID") or row.get("id")))
    return found


def mark(note: Note) -> str:
    """Give the text by which a note is found again."""
    return f"[lcp:{note.marker}]"


def command_of(note: Note) -> Command | None:
    """Word the creation or the change of a note; None for a task of nobody."""
    text = f"{note.text}\n{mark(note)}"
    kind, _, number = note.entity.partition(":")
    if note.kind is NoteKind.COMMENT:
        if note.remote_id is not None:
            fields = {"COMMENT": text}
            return "crm.timeline.comment.update", {
                "id": note.remote_id, "fields": fields,
            }  # fmt: skip
        fields = {"ENTITY_ID": number, "ENTITY_TYPE": kind, "COMMENT": text}
        return "crm.timeline.comment.add", {"fields": fields}
    task: dict[str, Any] = {"TITLE": _title(note.text), "DESCRIPTION": text}
    if note.deadline is not None:
        deadline = note.deadline.astimezone(UTC)
        task["DEADLINE"] = deadline.isoformat(timespec="seconds")
    if note.remote_id is not None:
        return "tasks.task.update", {"taskId": note.remote_id, "fields": task}
    if note.responsible is None:
        return None
    task["RESPONSIBLE_ID"] = note.responsible
    task["UF_CRM_TASK"] = [binding(note.entity)]
    return "tasks.task.add", {"fields": task}


def binding(entity: str) -> str:
    """Name a card as tasks do.

    Examples
    --------
    >>> binding("lead:253"), binding("deal:45")
    ('L_253', 'D_45')
    """
    kind, _, number = entity.partition(":")
    return f"{BINDINGS[kind]}_{number}"


def result_of(note: Note, end: Any) -> Result:
    """Read what creating or changing a note came to."""
    if isinstance(end, Result):
        return end
    if note.remote_id is not None:
        return Result(Outcome.APPLIED, remote_id=note.remote_id)
    task = end.get("task") if isinstance(end, Mapping) else None
    made = task.get("id") if isinstance(task, Mapping) else end
    if not str(made).isdigit():
        return Result(Outcome.UNCLEAR, "NO_ID")
    return Result(Outcome.APPLIED, remote_id=str(made))


def _search(note: Note) -> Command:
    kind, _, number = note.entity.partition(":")
    if note.kind is NoteKind.COMMENT:
        told = {"ENTITY_ID": number, "ENTITY_TYPE": kind, "%COMMENT": mark(note)}
        return "crm.timeline.comment.list", {
            "filter": told, "select": ["ID", "COMMENT"], "order": {"ID": "ASC"},
        }  # fmt: skip
    return "tasks.task.list", {
        "filter": {"UF_CRM_TASK": binding(note.entity)},
        "select": ["ID", "DESCRIPTION"],
        "order": {"ID": "ASC"},
    }


def _rows(batch: Batch, key: str, kind: NoteKind) -> list[Mapping[str, Any]]:
    found = batch.results.get(key)
    if kind is NoteKind.TASK:
        found = found.get("tasks") if isinstance(found, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(r, Mapping) for r in found):
        trouble = batch.troubles.get(key, Trouble(Kind.FAILURE, "NO_ANSWER"))
        raise Refused("find", trouble)
    return found


def _title(text: str) -> str:
    line = text.strip().partition("\n")[0]
    return line[:LONGEST_TITLE] or "Leadcast"
