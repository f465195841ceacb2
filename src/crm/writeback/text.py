"""A decision as the text that the outbox keeps of it."""

from __future__ import annotations

from datetime import datetime

import orjson

from crm.port import NoteKind
from crm.writeback.plan import Decision, Wish
from crm.writeback.tables import fields_of, text_of


def text_of_decision(decision: Decision) -> str:
    """Write what a card should say and carry as JSON, all but its stage."""
    wishes = [
        {
            "kind": wish.kind.value,
            "text": wish.text,
            "deadline": wish.deadline and wish.deadline.isoformat(),
        }
        for wish in decision.wishes
    ]
    fields = orjson.Fragment(text_of(decision.fields))
    return orjson.dumps({"fields": fields, "wishes": wishes}).decode()


def decision_in(entity: str, text: str, stage: str | None) -> Decision:
    """Read a decision back."""
    found = orjson.loads(text)
    wishes = tuple(
        Wish(
            NoteKind(wish["kind"]),
            wish["text"],
            datetime.fromisoformat(wish["deadline"]) if wish["deadline"] else None,
        )
        for wish in found["wishes"]
    )
    fields = fields_of(orjson.dumps(found["fields"]).decode())
    return Decision(entity, fields, stage, wishes)
