"""A decision as the text that the outbox keeps of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from crm.port import Move, NoteKind, Tie
from crm.writeback.plan import Assignment, Decision, MoveRule, Wish
from crm.writeback.tables import fields_of, text_of
from leads.decision import Tier


def text_of_decision(decision: Decision) -> str:
    """Write what a card should say and carry as JSON, all but its stage."""
    wishes = [
        {
            "kind": wish.kind.value,
            "text": wish.text,
            "deadline": wish.deadline and wish.deadline.isoformat(),
            **({"topic": wish.topic} if wish.topic else {}),
            **({"type": wish.type} if wish.type != "call" else {}),
            **({"for": wish.responsible} if wish.responsible else {}),
        }
        for wish in decision.wishes
    ]
    fields = orjson.Fragment(text_of(decision.fields))
    told: dict[str, Any] = {"fields": fields, "wishes": wishes}
    if decision.move is not None:
        told["move"] = [decision.move.before, decision.move.after]
    if decision.tie is not None:
        told["tie"] = [decision.tie.before, decision.tie.after]
    if decision.mark:
        told["mark"] = decision.mark
    if decision.is_renewed:
        told["renewed"] = True
    if decision.rule is not None:
        told["rule"] = _told(decision.rule)
    if (given := decision.assignment) is not None:
        told["assign"] = [given.person, list(given.instead_of), given.since]
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
            wish.get("type", "call"),
            wish.get("for"),
        )
        for wish in found["wishes"]
    )
    fields = fields_of(orjson.dumps(found["fields"]).decode())
    move = Move(*found["move"]) if "move" in found else None
    tie = Tie(*map(tuple, found["tie"])) if "tie" in found else None
    return Decision(
        entity, fields, stage, wishes, move, tie,
        rule=_rule_in(found["rule"]) if "rule" in found else None,
        mark=found.get("mark", ""),
        is_renewed=found.get("renewed", False),
        assignment=_assignment_in(found["assign"]) if "assign" in found else None,
    )  # fmt: skip


def _assignment_in(told: list[Any]) -> Assignment:
    person, instead_of, since = told
    return Assignment(person, tuple(instead_of), since)


def _told(rule: MoveRule) -> dict[str, Any]:
    move = [rule.move.before, rule.move.after]
    return {
        "tier": rule.tier.value, "move": move, "words": rule.words, "on": rule.is_on,
    }  # fmt: skip


def _rule_in(told: dict[str, Any]) -> MoveRule:
    return MoveRule(Tier(told["tier"]), Move(*told["move"]), told["words"], told["on"])
