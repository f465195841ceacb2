"""What is said beside a prediction: why it changed, what-ifs, and leads like it."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from leads.decision import Tier
from serve.schemas.predicted import EntrySaid


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
