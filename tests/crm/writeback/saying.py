"""Predictions by hand, and what their cards should say."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from crm.port import NoteKind
from crm.writeback.plan import Decision, Wish, decision_of
from leads.decision import Prediction, Reason, Tier
from leads.journal import Journal

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def said(
    lead: str, tier: Tier = Tier.WARM, probability: float = 0.25, *, day: int = 0
) -> Prediction:
    """Make a prediction with a reason in two languages."""
    reason = Reason("visits", 0.5, "3", 120, 0.18, {"en": "3 visits", "ru": "3 визита"})
    return Prediction(
        lead_id=lead,
        as_of=NOW + timedelta(days=day),
        horizon_days=30,
        probability=probability,
        log_odds=-1.1,
        base=-1.6,
        tier=tier,
        shares={"visits": 0.5},
        reasons=(reason,),
        model_version="3",
        bundle_digest="ab" * 32,
    )


def decide(prediction: Prediction) -> Decision:
    """Say a prediction on the card of its lead."""
    entity = f"lead:{prediction.lead_id}"
    return decision_of(prediction, entity=entity, language="en")


def decide_with_notes(prediction: Prediction) -> Decision:
    """Say it, and hang a comment and a task as well."""
    bare = decide(prediction)
    wishes = (
        Wish(NoteKind.COMMENT, f"now {prediction.tier.value}"),
        Wish(NoteKind.TASK, "call", prediction.as_of + timedelta(days=1)),
    )
    return Decision(bare.entity, bare.fields, bare.stage, wishes)


def record(journal: Journal, predictions: Iterable[Prediction]) -> None:
    """Journal predictions, and thereby offer them."""
    journal.record(list(predictions), made_at=NOW, channel="score")
