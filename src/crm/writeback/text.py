"""A decision as the text that the outbox keeps of it."""

from __future__ import annotations

from datetime import datetime

import orjson

from crm.port import Move, NoteKind
from crm.writeback.plan import Decision, Wish
from crm.writeback.tables import fields_of, text_of


def text_of_decision(decision: Decision) -> str:
    """Write what a card should say and carry as JSON, all but its stage."""
    wishes = [
        {
            "kind": wish.kind.value,
            "text": wish.text,
            "deadline": wish.deadline and wish.deadline.isoformat(),
            **({"topic": wish.topic} if wish.topic else {}),
        }
        for wish in decision.wishes
    ]
    fields = orjson.Fragment(text_of(decision.fields))
    told = {"fields": fields, "wishes": wishes}
    if decision.move is not None:
        told["move"] = [decision.move.before, decision.move.after]
    return orjson.dumps(told).decode()


def decision_in(entity: str, text: str, stage: str | None) -> Decision:
    """Read a decision back."""
    found = orjson.loads(text)
    wishes = tuple(
        Wish(
            NoteKind(wish["kind"]),
            wish["text"],
            datetime.fromisoformat(wish["deadline"]) if wish["deadline"] else None,
            wish.get("topic", ""),
        )
        for wish in found["wishes"]
    )
    fields = fields_of(orjson.dumps(found["fields"]).decode())
    move = Move(*found["move"]) if "move" in found else None
    return Decision(entity, fields, stage, wishes, move)
