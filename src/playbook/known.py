"""The facts of one lead at one moment, in plain Python.

The history that is given must be what was visible at the moment (``as_of``): the same
function serves this morning's leads and those of the past, so neither can see the
future.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from leads.answers import answer
from leads.decision import Prediction, Tier
from leads.lead import LeadHistory, microseconds
from leads.pointed import pointed
from leads.settings.distance import OF_CARD
from leads.tables import FieldType
from playbook.condition import holds, tests_of
from playbook.facts import OF_POINTS, Asked, Facts, Value, family_of
from playbook.norms import DAY, Norms
from playbook.plan import Playbook
from playbook.points import Score, Scorecard

SECOND: Final = 1_000_000
MAIN_REASONS: Final = 3
"""How many reasons of either direction count as main ones."""

HUNDRED: Final = 100
RETURNING: Final = "is_return_customer"
"""The card field in which Bitrix24 marks who comes back."""

TIERS: Final[Mapping[Tier, str]] = {
    Tier.HOT: "hot",
    Tier.WARM: "warm",
    Tier.COLD: "cold",
    Tier.NO_DATA: "no_data",
}


PaidElsewhere = Callable[[str, int], bool]
"""Whether the person behind a lead had paid under another by a moment."""


def nobody(_: str, __: int) -> bool:
    """Know of nobody who paid under another lead."""
    return False


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of a lead at the moment of its prediction.

    ``lead`` is its history as of that moment, None if it was never ingested;
    ``override`` the tier that a person set, if one stands.
    """

    prediction: Prediction
    lead: LeadHistory | None
    norms: Norms
    override: Tier | None = None
    paid_elsewhere: PaidElsewhere = nobody

    @classmethod
    def unpredicted(
        cls,
        lead: LeadHistory,
        at: int,
        norms: Norms,
        paid_elsewhere: PaidElsewhere = nobody,
    ) -> Known:
        """Take a lead at a moment (microseconds), whatever a model may say of it."""
        moment = datetime.fromtimestamp(at / SECOND, UTC)
        nothing = Prediction(
            lead.lead_id, moment, 1, 0.0, 0.0, 0.0, Tier.NO_DATA, {}, (), "", ""
        )
        return cls(nothing, lead, norms, paid_elsewhere=paid_elsewhere)

    @property
    def now(self) -> int:
        """The moment of the prediction, in microseconds."""
        return microseconds(self.prediction.as_of)


def facts_of(playbook: Playbook, known: Known) -> Facts:
    """Work out every fact that a playbook asks about.

    Facts of the history of a lead that was never ingested are not known.
    """
    facts = _facts(playbook, known, playbook.asks)
    asked = [one for one in facts if one.fact in OF_POINTS]
    if asked:
        score = points_of(playbook.points, playbook, known)
        for one in asked:
            facts[one] = None if score is None else getattr(score, one.fact)
    return facts


def points_of(card: Scorecard | None, playbook: Playbook, known: Known) -> Score | None:
    """Give the points of a lead by a scorecard; None if it was never ingested.

    Parameters
    ----------
    card
        The playbook's own, or another one, such as a learned one.
    playbook
        Says what usage and trial mean.
    """
    if card is None or known.lead is None:
        return None
    ages: defaultdict[str, list[float]] = defaultdict(list)
    for event in known.lead.events:
        ages[event.kind].append((known.now - event.at) / SECOND)
    return card.score(_facts(playbook, known, card.asks), ages)


def tier_of(playbook: Playbook, known: Known) -> Tier:
    """Give a lead's tier: the model's, or while there is none that of its points."""
    made = known.prediction
    if made.tier is not Tier.NO_DATA and pointed(made) is None:
        return made.tier
    score = points_of(playbook.points, playbook, known)
    if playbook.points is None or score is None:
        return Tier.NO_DATA
    return playbook.points.tier_of(score.grid)


def _facts(
    playbook: Playbook, known: Known, asked: frozenset[Asked]
) -> dict[Asked, Value | None]:
    stated = {t.asked for state in playbook.usage for t in tests_of(state.when)}
    facts = {one: _value(one, known, playbook) for one in asked | stated}
    if Asked("usage") in asked:
        facts[Asked("usage")] = _usage(playbook, known, facts)
    return facts


def _usage(playbook: Playbook, known: Known, facts: Facts) -> str | None:
    if known.lead is None:
        return None
    fitting = (state.name for state in playbook.usage if holds(state.when, facts))
    return next(fitting, None)


def _value(asked: Asked, known: Known, playbook: Playbook) -> Value | None:
    if asked.fact == "tier":
        return TIERS[tier_of(playbook, known)]
    if asked.fact in OF_PREDICTION:
        return OF_PREDICTION[asked.fact](known)
    if known.lead is None or asked.fact in {"usage", *OF_POINTS}:
        return None
    if asked.fact in OF_LEAD:
        return OF_LEAD[asked.fact](known, known.lead)
    if asked.fact == "trial_ends_in":
        return _trial_ends_in(known, known.lead, playbook)
    family, name = family_of(asked.fact)
    if family == "card":
        return _card(known, known.lead, name)
    times = [event.at for event in known.lead.events if event.kind == name]
    if family == "days_since":
        return (known.now - max(times)) / DAY if times else None
    since = -1 if asked.within is None else known.now - asked.within * SECOND
    return float(sum(at > since for at in times))


def _card(known: Known, lead: LeadHistory, name: str) -> Value | None:
    value = lead.fields.get(name)
    if value is not None and lead.types.get(name) is FieldType.TIME:
        assert isinstance(value, int), "a time on the card is in microseconds"
        return (value - known.now) / DAY
    return value


def _money(known: Known) -> float | None:
    outlook = known.prediction.outlook
    if outlook is None or outlook.expected_minor is None:
        return None
    return outlook.expected_minor / HUNDRED


def _reasons(known: Known, sign: int) -> frozenset[str] | None:
    """Name the fields that speak most in a direction; None if none were asked for."""
    if not known.prediction.shares and not known.prediction.reasons:
        return None
    speaking = [
        reason for reason in known.prediction.reasons
        if reason.advisable and reason.share * sign > 0
    ]  # fmt: skip
    main = sorted(speaking, key=lambda reason: -abs(reason.share))[:MAIN_REASONS]
    return frozenset(reason.field for reason in main)


OF_PREDICTION: Final[Mapping[str, Callable[[Known], Value | None]]] = {
    "probability": lambda known: known.prediction.probability,
    "expected_money": _money,
    "reasons_for": lambda known: _reasons(known, 1),
    "reasons_against": lambda known: _reasons(known, -1),
    "override": lambda known: TIERS[known.override] if known.override else "none",
}


def _stage(_: Known, lead: LeadHistory) -> str | None:
    return lead.stages[-1].stage if lead.stages else None


def _stage_age(known: Known, lead: LeadHistory) -> float | None:
    """Count the days since the lead entered the stage it is in."""
    if not lead.stages:
        return None
    entered = lead.stages[-1]
    for change in reversed(lead.stages):
        if (change.pipeline, change.stage) != (entered.pipeline, entered.stage):
            break
        entered = change
    return (known.now - entered.at) / DAY


def _stage_age_ratio(known: Known, lead: LeadHistory) -> float | None:
    age = _stage_age(known, lead)
    if age is None:
        return None
    last = lead.stages[-1]
    usual = known.norms.usual(last.pipeline or lead.pipeline, last.stage)
    return None if usual is None else age / usual


def _age_ratio(known: Known, lead: LeadHistory) -> float | None:
    """Measure the lead's age by how long deals of its pipeline take on average."""
    days = known.norms.cycle(lead.pipeline)
    return None if days is None else (known.now - lead.created_at) / DAY / days


def _timing(known: Known, lead: LeadHistory) -> bool | None:
    ratio = _age_ratio(known, lead)
    return None if ratio is None else ratio <= known.norms.criteria.late


def _answered(question: str, known: Known, lead: LeadHistory) -> bool | None:
    """Read the card field that answers a question; None if nobody named one."""
    criteria = known.norms.criteria
    field = criteria.fields.get(question)
    return None if field is None else answer(lead.fields.get(field), criteria.refusals)


def _criteria_met(known: Known, lead: LeadHistory) -> float:
    asked = (_answered(name, known, lead) for name in OF_CARD)
    return float(sum(one is True for one in (*asked, _timing(known, lead))))


def _pipeline(_: Known, lead: LeadHistory) -> str | None:
    moved = [change.pipeline for change in lead.stages if change.pipeline]
    return moved[-1] if moved else lead.pipeline


def _quiet(known: Known, lead: LeadHistory) -> float:
    rows: Iterable[int] = (
        row.at
        for rows in (lead.events, lead.stages, lead.payments, lead.field_changes)
        for row in rows
    )
    return (known.now - max(rows, default=lead.created_at)) / DAY


def _customer(known: Known, lead: LeadHistory) -> str:
    """Tell who paid before, as this lead or another, or is marked so by the CRM."""
    received = sum(payment.amount_minor for payment in lead.payments)
    is_back = received > 0 or lead.fields.get(RETURNING) is True
    if is_back or known.paid_elsewhere(lead.lead_id, known.now):
        return "returning"
    return "new"


OF_LEAD: Final[Mapping[str, Callable[[Known, LeadHistory], Value | None]]] = {
    "stage": _stage,
    "pipeline": _pipeline,
    "source": lambda _, lead: lead.source,
    "manager": lambda _, lead: lead.owner,
    "stage_age": _stage_age,
    "stage_age_ratio": _stage_age_ratio,
    "lead_age": lambda known, lead: (known.now - lead.created_at) / DAY,
    "quiet": _quiet,
    "lead_age_ratio": _age_ratio,
    "right_timing": _timing,
    "criteria_met": _criteria_met,
    **{name: partial(_answered, name) for name in OF_CARD},
    "customer": _customer,
    "payments": lambda _, lead: float(sum(p.amount_minor > 0 for p in lead.payments)),
}


def _trial_ends_in(known: Known, lead: LeadHistory, playbook: Playbook) -> float | None:
    """Count the days until the trial ends; negative once it has."""
    trial = playbook.trial
    if trial is None:
        return None
    begun = lead.created_at
    if trial.starts is not None:
        starts = [event.at for event in lead.events if event.kind == trial.starts]
        if not starts:
            return None
        begun = min(starts)
    return trial.days - (known.now - begun) / DAY
