"""What is said of a lead: its prediction, a list of them, and what was said before."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from leads.decision import Tier


class ReasonSaid(TypedDict):
    """One business field's share of the prediction, in words.

    ``share`` is in log-odds, ``points`` the same in probability: those of all fields
    add up to probability less base rate. ``text`` is in the company's language,
    ``texts`` in every one; of ``count`` past leads with a like value the part ``rate``
    converted. What is not ``advisable`` is true of the model, but too few leads were
    alike, or they speak the other way: make no advice of it.
    """

    field: str
    share: float
    points: float | None
    value: str | None
    count: int | None
    rate: float | None
    text: str
    texts: dict[str, str]
    advisable: bool


class MoneySaid(TypedDict):
    """An amount in the smallest unit of its currency."""

    amount_minor: int
    currency: str


class PointsSaid(TypedDict):
    """The points that a tier is made of while data are too few for a model."""

    points: int
    fit: int
    engagement: int
    grid: str
    text: str
    texts: dict[str, str]


class PredictionSaid(TypedDict):
    """The chance that a lead converts within the horizon, and why.

    ``low`` to ``high`` is the 90 % interval of ``probability``, ``curve`` the chance to
    have converted by so many days, ``expected_days`` how long a conversion takes if it
    comes within the curve's last step, ``expected_money`` the probability times the
    amount expected of a conversion. Null if reasons were not asked for, or if the model
    does not know. While data are too few for a model, ``probability`` is the usual rate
    and ``tier`` "not enough data", unless the playbook has points: then ``tier_by`` is
    "points", and ``points`` says which.
    """

    lead_id: str
    probability: float
    low: float | None
    high: float | None
    curve: dict[str, float] | None
    expected_days: float | None
    expected_money: MoneySaid | None
    horizon_days: int
    tier: Tier
    tier_by: Literal["model", "points"]
    points: PointsSaid | None
    reasons_for: list[ReasonSaid]
    reasons_against: list[ReasonSaid]
    base: float
    log_odds: float
    as_of: str
    model_version: str
    bundle_digest: str


class AnswerSaid(PredictionSaid):
    """A prediction that was just made.

    ``recorded`` is false while the journal has no space: then the prediction is in no
    history, and nothing of it goes to the CRM.
    """

    recorded: bool


class OverrideSaid(TypedDict):
    """The tier that a person set: by whom, since when and until when.

    The reasons of a prediction are the machine's for its own tier, never for this one.
    """

    tier: Tier
    by: str
    made_at: str
    until: str | None


class LeadSaid(PredictionSaid):
    """The latest prediction of a lead, and the tier a person set beside it, if any."""

    override: OverrideSaid | None


class CardSaid(TypedDict):
    """The short form of a prediction: at most 500 characters."""

    lead_id: str
    form: Literal["text", "bb"]
    text: str


class ItemProblem(TypedDict):
    """Why one lead of a batch was not predicted."""

    type: str
    title: str
    status: int
    detail: str
    remedy: str
    faults: list[dict[str, str]]


class ItemSaid(TypedDict):
    """The answer to one lead of a batch: a prediction, or a problem."""

    prediction: AnswerSaid | None
    problem: ItemProblem | None


class BatchSaid(TypedDict):
    """The answers to a batch, in its order."""

    items: list[ItemSaid]
    predicted: int
    refused: int


class EntrySaid(TypedDict):
    """A prediction as the journal keeps it."""

    id: int
    made_at: str
    channel: str
    prediction: PredictionSaid


class HistorySaid(TypedDict):
    """What was said about a lead, newest first; ``next_before`` asks for older ones."""

    lead_id: str
    entries: list[EntrySaid]
    next_before: int | None
