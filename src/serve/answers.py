"""From predictions to the JSON of the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import orjson

from crm.courier import CourierState
from crm.hearing.listener import ListeningState
from crm.stoppage import Stop
from crm.writeback.pace import Breaker
from leads.decision import Outlook, Prediction, Reason
from leads.errors import LeadcastError
from leads.journal import Stored
from leads.pointed import Pointed, pointed
from model.bundle.whole import Bundle
from model.change.split import Part
from model.reasons.similar import Neighbour
from model.reasons.whatif import ASSOCIATION
from serve.insight import Answered, Change, Similar
from serve.live import Serving
from serve.problems import problem_of
from serve.scheduler import DailyState


def prediction_said(prediction: Prediction, language: str) -> dict[str, Any]:
    """Say a prediction, reasons for and against apart.

    ``language`` is the company's: "ru" or "en".
    """
    by = pointed(prediction)
    reasons = prediction.reasons if by is None else prediction.reasons[1:]
    said = [_reason_said(reason, language) for reason in reasons]
    return {
        "lead_id": prediction.lead_id,
        "probability": prediction.probability,
        **_outlook_said(prediction.outlook),
        "horizon_days": prediction.horizon_days,
        "tier": prediction.tier.value,
        "tier_by": "model" if by is None else "points",
        "points": None if by is None else _points_said(by, language),
        "reasons_for": [reason for reason in said if reason["share"] > 0],
        "reasons_against": [reason for reason in said if reason["share"] <= 0],
        "base": prediction.base,
        "log_odds": prediction.log_odds,
        "as_of": prediction.as_of.isoformat(),
        "model_version": prediction.model_version,
        "bundle_digest": prediction.bundle_digest,
    }


def _points_said(by: Pointed, language: str) -> dict[str, Any]:
    return {
        "points": by.points,
        "fit": by.fit,
        "engagement": by.engagement,
        "grid": by.grid,
        "text": by.text[language],
        "texts": by.text,
    }


UNKNOWN: Final = ("low", "high", "curve", "expected_days", "expected_money")
"""What is null where there is no outlook."""


def _outlook_said(outlook: Outlook | None) -> dict[str, Any]:
    if outlook is None:
        return dict.fromkeys(UNKNOWN)
    money = {"amount_minor": outlook.expected_minor, "currency": outlook.currency}
    curve = {str(days): chance for days, chance in outlook.curve.items()}
    return {
        "low": outlook.low,
        "high": outlook.high,
        "curve": curve or None,
        "expected_days": outlook.expected_days,
        "expected_money": None if outlook.expected_minor is None else money,
    }


def answer_said(
    prediction: Prediction, language: str, *, recorded: bool
) -> dict[str, Any]:
    """Say a prediction that was just made, and whether it is in the journal."""
    return {**prediction_said(prediction, language), "recorded": recorded}


def delivery_said(state: CourierState) -> dict[str, Any]:
    """Say how writing to the CRM is doing; of several buckets the worst speaks."""
    breakers = {one.breaker for one in state.pace}
    worst = [Breaker.BLOCKED, Breaker.OPEN, Breaker.CLOSED]
    return {
        "waiting": state.outbox.waiting,
        "oldest_seconds": state.outbox.oldest.total_seconds(),
        "unclear": state.outbox.unclear,
        "dead": state.outbox.dead,
        "breaker": next(one.value for one in worst if one in breakers),
        "stopped": _stop_said(state.stop),
    }


def daily_said(state: DailyState) -> dict[str, Any]:
    """Say how this morning's run stands."""
    return {**asdict(state), "day": state.day.isoformat()}


def listening_said(state: ListeningState) -> dict[str, Any]:
    """Say how listening to the CRM is doing."""
    ago = state.reconciled
    return {
        "waiting": state.inbox.waiting,
        "oldest_seconds": state.inbox.oldest.total_seconds(),
        "dead": state.inbox.dead,
        "reconciled_seconds": None if ago is None else ago.total_seconds(),
        "stopped": _stop_said(state.stop),
    }


def _stop_said(stop: Stop | None) -> dict[str, str] | None:
    """Say what only a person mends, and how."""
    return None if stop is None else asdict(stop)


def _reason_said(reason: Reason, language: str) -> dict[str, Any]:
    return {
        "field": reason.field,
        "share": reason.share,
        "points": reason.points,
        "value": reason.value,
        "count": reason.count,
        "rate": reason.rate,
        "text": reason.text[language],
        "texts": reason.text,
        "advisable": reason.advisable,
    }


def batch_said(
    items: Sequence[Prediction | LeadcastError], language: str, *, recorded: bool
) -> dict[str, Any]:
    """Say the answers to a batch, in its order, and whether they are in the journal."""
    said = [_item_said(item, language, recorded=recorded) for item in items]
    refused = sum(isinstance(item, LeadcastError) for item in items)
    return {"items": said, "predicted": len(items) - refused, "refused": refused}


def _item_said(
    item: Prediction | LeadcastError, language: str, *, recorded: bool
) -> dict[str, Any]:
    if isinstance(item, LeadcastError):
        return {"prediction": None, "problem": {"faults": [], **problem_of(item)}}
    said = answer_said(item, language, recorded=recorded)
    return {"prediction": said, "problem": None}


def history_said(
    lead_id: str, entries: Sequence[Stored], *, limit: int, language: str
) -> dict[str, Any]:
    """Say what the journal holds of a lead, and where to go on."""
    return {
        "lead_id": lead_id,
        "entries": [entry_said(entry, language) for entry in entries],
        "next_before": entries[-1].id if len(entries) == limit else None,
    }


def entry_said(entry: Stored, language: str) -> dict[str, Any]:
    """Say one entry of the journal."""
    return {
        "id": entry.id,
        "made_at": entry.made_at.isoformat(),
        "channel": entry.channel,
        "prediction": prediction_said(entry.prediction, language),
    }


def change_said(change: Change, language: str) -> dict[str, Any]:
    """Say why a chance is not what it was."""
    before, after = change.before.prediction, change.after.prediction
    return {
        "lead_id": after.lead_id,
        "before": entry_said(change.before, language),
        "after": entry_said(change.after, language),
        "log_odds": after.log_odds - before.log_odds,
        "points": change.points,
        "headline": change.headlines[language],
        "headlines": change.headlines,
        "parts": [_part_said(part) for part in change.road.parts],
        "lines": [
            {**asdict(line), "text": line.text[language], "texts": line.text}
            for line in change.lines
        ],
        "arrivals": [
            {
                **asdict(one),
                "first": one.first.isoformat(),
                "last": one.last.isoformat(),
            }
            for one in change.road.arrivals
        ],
        "missing": list(change.road.missing),
    }


def _part_said(part: Part) -> dict[str, Any]:
    said = asdict(part)
    del said["field_points"]
    return said


def what_if_said(asked: Answered, language: str) -> dict[str, Any]:
    """Say what a change would go with."""
    return {
        "before": asdict(asked.found.before),
        "after": asdict(asked.found.after),
        "points": asked.found.points,
        "fields": dict(asked.found.fields),
        "note": ASSOCIATION[language],
        **_source_of(asked.prediction),
    }


def similar_said(similar: Similar) -> dict[str, Any]:
    """Say which past leads were like this one."""
    return {
        "leads": [_neighbour_said(one) for one in similar.neighbours],
        "converted": similar.converted,
        **_source_of(similar.prediction),
    }


def _neighbour_said(one: Neighbour) -> dict[str, Any]:
    said = asdict(one)
    chance = said.pop("chance")
    day = one.day and one.day.isoformat()
    return {**said, "day": day, "probability": chance}


def _source_of(prediction: Prediction) -> dict[str, str]:
    return {
        "lead_id": prediction.lead_id,
        "model_version": prediction.model_version,
        "bundle_digest": prediction.bundle_digest,
    }


def model_said(serving: Serving) -> dict[str, Any]:
    """Say which model answers."""
    bundle: Bundle = serving.bundle
    manifest = bundle.manifest
    return {
        "model_version": serving.version,
        "bundle_digest": bundle.digest,
        "promoted_at": serving.champion.promoted_at.isoformat(),
        "loaded_at": serving.loaded_at.isoformat(),
        "horizon_days": bundle.horizon_days,
        "base": bundle.base,
        "base_rate": manifest.base_rate,
        "tiers": {"hot": bundle.borders.hot, "warm": bundle.borders.warm},
        "features": len(bundle.catalog.features),
        "metrics": {
            name: {"value": m.value, "low": m.low, "high": m.high}
            for name, m in manifest.metrics.items()
        },
    }


def written(said: dict[str, Any]) -> bytes:
    """Write an answer as JSON."""
    return orjson.dumps(said)
