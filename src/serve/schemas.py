"""The API's words: what a caller sends and what it gets, declared once.

The same declarations validate requests and make the OpenAPI document. They are typed
dictionaries, not models: a lead with its fifty events is checked by pydantic's compiled
core and stays plain data, no object is made only to be taken apart again.

Times are texts in ISO 8601 with a time of day and an offset; a bare number or a bare
date would mean different moments to different people.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from leads.decision import Tier
from leads.records import MOST_LEAD_ID

MOST_ROWS: Final = 10_000
MOST_FIELDS: Final = 1_000

INSTANT_PATTERN: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}"
    r"(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})$"
)
STRICT: Final = ConfigDict(strict=True, extra="forbid")

LeadId = Annotated[str, Field(min_length=1, max_length=MOST_LEAD_ID)]
Name = Annotated[str, Field(min_length=1, max_length=500)]
Instant = Annotated[
    str,
    Field(
        pattern=INSTANT_PATTERN,
        json_schema_extra={"format": "date-time"},
        examples=["2026-03-01T12:30:00+03:00"],
    ),
]
CardValue = float | str | bool | None


@with_config(STRICT)
class EventSent(TypedDict):
    """Something that happened to the lead."""

    at: Instant
    kind: Name
    value: NotRequired[float | None]
    recorded_at: NotRequired[Instant | None]


@with_config(STRICT)
class StageSent(TypedDict):
    """The lead entered a stage, of the pipeline named as in the ingested data."""

    at: Instant
    stage: Name
    pipeline: NotRequired[Name | None]
    recorded_at: NotRequired[Instant | None]


@with_config(STRICT)
class PaymentSent(TypedDict):
    """Money received, in the smallest unit of its currency; negative is a refund."""

    at: Instant
    amount_minor: Annotated[int, Field(ge=-(10**15), le=10**15)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    recorded_at: NotRequired[Instant | None]


@with_config(STRICT)
class FieldChangeSent(TypedDict):
    """A card field got a new value, as text; null if it was emptied."""

    at: Instant
    field: Name
    value: str | None
    recorded_at: NotRequired[Instant | None]


@with_config(STRICT)
class LeadSent(TypedDict):
    """One lead as the CRM knows it, or only the id of an ingested one.

    ``created_at`` may be left out if nothing but ``lead_id`` and ``as_of`` is sent (the
    lead is then looked up among the ingested ones), or if the model was learned from a
    table without times. ``as_of`` is now by default, for an ingested lead the moment
    up to which data were ingested.
    """

    lead_id: LeadId
    as_of: NotRequired[Instant | None]
    created_at: NotRequired[Instant | None]
    recorded_at: NotRequired[Instant | None]
    source: NotRequired[str | None]
    pipeline: NotRequired[str | None]
    owner: NotRequired[str | None]
    fields: NotRequired[Annotated[dict[Name, CardValue], Field(max_length=MOST_FIELDS)]]
    events: NotRequired[Annotated[list[EventSent], Field(max_length=MOST_ROWS)]]
    stages: NotRequired[Annotated[list[StageSent], Field(max_length=MOST_ROWS)]]
    payments: NotRequired[Annotated[list[PaymentSent], Field(max_length=MOST_ROWS)]]
    field_changes: NotRequired[
        Annotated[list[FieldChangeSent], Field(max_length=MOST_ROWS)]
    ]


@with_config(STRICT)
class BatchSent(TypedDict):
    """Many leads; each is answered on its own, in the order they came."""

    leads: Annotated[list[LeadSent], Field(min_length=1)]


@with_config(STRICT)
class WhatIfSent(TypedDict):
    """What to change of a predicted lead: card fields, and more events of a kind."""

    fields: NotRequired[Annotated[dict[Name, CardValue], Field(max_length=MOST_FIELDS)]]
    events: NotRequired[
        Annotated[
            dict[Name, Annotated[int, Field(ge=0, le=MOST_ROWS)]],
            Field(max_length=MOST_FIELDS),
        ]
    ]


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


class ChangePartSaid(TypedDict):
    """What one cause moved; several causes are ones that cannot be told apart.

    ``log_odds`` is ``base`` plus all ``fields``; both are null where one of the two
    predictions was made without reasons. ``points`` are of probability: 0.12 is twelve.
    """

    causes: list[Literal["rewritten", "model", "time", "data"]]
    log_odds: float
    points: float
    base: float | None
    fields: dict[str, float] | None


class ArrivalSaid(TypedDict):
    """What became visible between two predictions, rows of one kind together."""

    sort: Literal["event", "stage", "payment", "refund", "field"]
    what: str
    field: str | None
    count: int
    first: str
    last: str
    value: str | None


class ChangeLineSaid(TypedDict):
    """One thing that moved the chance, in words."""

    causes: list[Literal["rewritten", "model", "time", "data"]]
    field: str | None
    log_odds: float
    points: float
    text: str
    texts: dict[str, str]


class ChangeSaid(TypedDict):
    """Why a chance is not what it was: ``parts`` add up, and so do ``lines``.

    ``missing`` names what was not there to look at again.
    """

    lead_id: str
    before: EntrySaid
    after: EntrySaid
    log_odds: float
    points: float
    headline: str
    headlines: dict[str, str]
    parts: list[ChangePartSaid]
    lines: list[ChangeLineSaid]
    arrivals: list[ArrivalSaid]
    missing: list[Literal["history", "old_model", "new_model", "reasons", "order"]]


class ChanceSaid(TypedDict):
    """A probability and its tier."""

    probability: float
    log_odds: float
    tier: Tier


class WhatIfSaid(TypedDict):
    """Before and after a change; ``note`` says that this is association, not proof."""

    lead_id: str
    before: ChanceSaid
    after: ChanceSaid
    points: float
    fields: dict[str, float]
    note: str
    model_version: str
    bundle_digest: str


class NeighbourSaid(TypedDict):
    """A past lead like this one, without anything that says who it was.

    ``probability`` and ``tier`` are what this model says of what was known on ``day``.
    """

    day: str | None
    probability: float
    tier: Tier
    converted: bool
    days: float | None
    stage: str | None
    source: str | None
    distance: float


class SimilarSaid(TypedDict):
    """The past leads most like one, nearest first."""

    lead_id: str
    leads: list[NeighbourSaid]
    converted: int
    model_version: str
    bundle_digest: str


class TiersSaid(TypedDict):
    """A lead is hot or warm if its probability is greater than this."""

    hot: float
    warm: float


class MeasureSaid(TypedDict):
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


class ModelSaid(TypedDict):
    """The model that answers now."""

    model_version: str
    bundle_digest: str
    promoted_at: str
    loaded_at: str
    horizon_days: int
    base: float
    base_rate: float
    tiers: TiersSaid
    features: int
    metrics: dict[str, MeasureSaid]


class HealthSaid(TypedDict):
    """The process is alive."""

    status: Literal["alive"]


class StopSaid(TypedDict):
    """What keeps us from the CRM until a person acts."""

    kind: str
    why: str
    remedy: str


class DeliverySaid(TypedDict):
    """How writing to the CRM is doing; it never makes the service unready."""

    waiting: int
    oldest_seconds: float
    unclear: int
    dead: int
    breaker: Literal["closed", "open", "blocked"]
    stopped: StopSaid | None


class DailySaid(TypedDict):
    """How this morning's run stands."""

    day: str
    is_finished: bool
    is_late: bool
    failed_why: str | None


class ListeningSaid(TypedDict):
    """How hearing from the CRM is doing; it never makes the service unready."""

    waiting: int
    oldest_seconds: float
    dead: int
    reconciled_seconds: float | None
    stopped: StopSaid | None


class ReadySaid(TypedDict):
    """The service can predict.

    It is degraded while there is no space to record predictions in, asked anew.
    """

    status: Literal["ready", "degraded"]
    recording: bool
    model_version: str
    bundle_digest: str
    delivery: DeliverySaid | None
    daily: DailySaid | None
    listening: ListeningSaid | None


LEAD: Final[TypeAdapter[LeadSent]] = TypeAdapter(LeadSent)
WHAT_IF: Final[TypeAdapter[WhatIfSent]] = TypeAdapter(WhatIfSent)


def body_of(kind: Any) -> dict[str, Any]:
    """Describe a request body for OpenAPI, by the name of its schema."""
    reference = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"required": True, "content": {"application/json": {"schema": reference}}}
