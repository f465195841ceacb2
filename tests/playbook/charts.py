"""A small company, a playbook for it, and leads that come to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from leads.decision import Outlook, Prediction, Reason, Tier
from leads.lead import Event, LeadHistory, Payment, StageChange, microseconds
from leads.tables import FieldType
from playbook.known import Known
from playbook.norms import Norms
from playbook.world import World

NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)  # a Tuesday
DAY = 86_400_000_000
WORLD = World(
    stages=frozenset({"New", "Offer", "Won"}),
    pipelines=frozenset({"sales"}),
    sources=frozenset({"ads", "web"}),
    managers=frozenset({"M1", "M2"}),
    kinds=frozenset({"setup", "visit", "no"}),
    fields={"size": FieldType.NUMBER, "vip": FieldType.FLAG, "city": FieldType.TEXT},
    reasons=frozenset({"visit", "city"}),
    changeable=frozenset({"setup", "visit"}),
    words={"visit": {"en": "Visits", "ru": "Визиты"}},
)
TEXT = """\
playbook: 1
title: The small chart
hours: {open: 09:00, close: 18:00, country: RU}
trial: {days: 14}
usage:
  - {name: tried, when: {events.setup: {at_least: 1}}}
  - {name: idle}
branches:
  - when: {tier: hot}
    branches:
      - when: {stage_age_ratio: {more_than: 2}}
        plan: stuck
      - else: hot
  - when: {usage: tried, card.size: {at_least: 10}}
    plan: large
  - when: {reasons_for: visit}
    plan: curious
  - else: others
plans:
  stuck: {segment: Stuck, steps: [Ask what keeps it], aims: [stage]}
  hot:
    segment: Hot
    steps: [Call]
    task: {type: call, within: 4h}
    message: "Dear {card.city}, stage {stage}, {source}"
  large: {segment: Large, steps: [Offer], task: {type: demo, for: M2, within: 1d}}
  curious: {segment: Curious, steps: [Send a case], aims: [visit]}
  others: {segment: Others, steps: [Letters], automatic: true}
"""


def at(days: float) -> int:
    """Say a moment by the days before now, in microseconds."""
    return microseconds(NOW - timedelta(days=days))


def lead(lead_id: str = "L1", **facts: Any) -> LeadHistory:
    """Make a lead that came ten days ago and stands in its first stage."""
    usual: dict[str, Any] = {
        "created_at": at(10), "recorded_at": at(10), "source": "web",
        "pipeline": "sales", "owner": "M1", "fields": {"size": 20.0, "city": "Omsk"},
        "events": (), "stages": (stage(10, "New"),), "payments": (),
        "field_changes": (), "types": {"size": FieldType.NUMBER},
    }  # fmt: skip
    return LeadHistory(lead_id, **(usual | facts))


def event(days: float, kind: str) -> Event:
    """Make an event so many days ago."""
    return Event(at(days), at(days), kind, None)


def stage(days: float, name: str) -> StageChange:
    """Make a change of stage so many days ago."""
    return StageChange(at(days), at(days), "sales", name)


def payment(days: float, minor: int) -> Payment:
    """Make a payment so many days ago."""
    return Payment(at(days), at(days), minor, "RUB")


def prediction(
    lead_id: str = "L1",
    tier: Tier = Tier.COLD,
    *,
    chance: float = 0.2,
    reasons: tuple[Reason, ...] = (),
    minor: int | None = None,
    as_of: datetime = NOW,
) -> Prediction:
    """Make a prediction as of now."""
    outlook = None if minor is None else Outlook(0.1, 0.3, {}, None, minor, "RUB")
    return Prediction(
        lead_id, as_of, 30, chance, 0.0, 0.0, tier, {"visit": 0.1}, reasons, "1", "d",
        outlook,
    )  # fmt: skip


def reason(field: str, share: float, *, advisable: bool = True) -> Reason:
    """Make a reason."""
    return Reason(field, share, None, None, None, {}, advisable=advisable)


def known(
    made: Prediction | None = None,
    history: LeadHistory | None = None,
    *,
    usual: float | None = None,
    override: Tier | None = None,
) -> Known:
    """Gather a lead and its prediction; stages usually take ``usual`` days."""
    norms = Norms() if usual is None else Norms({("sales", "New"): usual})
    return Known(made or prediction(), history, norms, override)
