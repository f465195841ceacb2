"""What is said of the service: which model answers, and how all that runs is doing."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict


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
