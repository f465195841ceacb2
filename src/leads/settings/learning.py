"""What counts as success, and how it is learned, tiered and promoted."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from leads.settings.section import Section, Share

AGE = re.compile(r"(?P<count>\d+)(?P<unit>[hd])")


Slice = Literal["source", "pipeline", "month", "owner"]


class Conversion(Section):
    """What counts as success, and within how many days after a snapshot.

    With ``repeat`` a lead that has paid goes on giving snapshots and the next payment
    counts: for shops whose customers come back.
    """

    kind: Literal["payment", "stage", "outcome"] = "payment"
    horizon_days: int = Field(default=30, ge=1, le=3650)
    stage: str | None = None
    repeat: bool = False

    @property
    def horizon(self) -> timedelta:
        """The horizon as a duration."""
        return timedelta(days=self.horizon_days)

    @model_validator(mode="after")
    def _stage_goes_with_kind(self) -> Self:
        if (self.kind == "stage") != (self.stage is not None):
            raise ValueError("stage goes with kind = 'stage', and only with it")
        return self


def age_of(text: str) -> timedelta | None:
    """Read an age such as ``12h`` or ``7d``; None if the text is something else.

    Examples
    --------
    >>> age_of("12h"), age_of("creation")
    (datetime.timedelta(seconds=43200), None)
    """
    found = AGE.fullmatch(text)
    if not found:
        return None
    unit = "hours" if found["unit"] == "h" else "days"
    return timedelta(**{unit: int(found["count"])})


def day_of(text: str) -> date | None:
    """Read a calendar day such as ``2026-03-01``; None if it is something else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


class Snapshots(Section):
    """The moments at which leads are looked at.

    Each is ``creation``, ``stage_change``, an age (``1h``, ``7d``) or a calendar day
    (``2026-03-01``, midnight in the company's zone).
    """

    at: tuple[str, ...] = (
        "creation", "1h", "1d", "3d", "7d", "14d", "30d", "stage_change",
    )  # fmt: skip

    @field_validator("at")
    @classmethod
    def _readable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("name at least one moment")
        words = {"creation", "stage_change"}
        bad = [t for t in value if t not in words and not age_of(t) and not day_of(t)]
        if bad:
            raise ValueError(
                f"{bad} are not moments; write 'creation', 'stage_change', an age like"
                " '1h' or '7d', or a day like '2026-03-01'"
            )
        return value


class Funnel(Section):
    """The stages that close a lead; learned from the data unless any is named here.

    A stage named here closes leads in every pipeline that has it.
    """

    won: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if both := sorted(set(self.won) & set(self.lost)):
            raise ValueError(f"{both} cannot be both won and lost")
        return self


class Model(Section):
    """How the model is trained; the defaults suit most companies.

    ``minimum`` counts training leads of each outcome. ``slices`` are what the proof is
    cut by; managers are people, so ``owner`` only if it is asked for.
    """

    name: str = "leadcast"
    seed: int = 7
    rounds: int = Field(default=2000, ge=1, le=20_000)
    leaves: int = Field(default=15, ge=2, le=1024)
    learning_rate: float = Field(default=0.03, gt=0.0, le=1.0)
    folds: int = Field(default=5, ge=2, le=20)
    test_share: Share = 0.2
    minimum: int = Field(default=50, ge=20)
    threads: int = Field(default=2, ge=1, le=256)
    tune_seconds: int = Field(default=0, ge=0, le=86_400)
    exclude: tuple[str, ...] = ("owner",)
    trust: tuple[str, ...] = ()
    slices: tuple[Slice, ...] = ("source", "pipeline", "month")
    require_clean: bool = False


PerWeek = Annotated[int, Field(ge=1, le=1_000_000)]


class Tiers(Section):
    """Which leads are hot and warm, and how willingly they change.

    ``hot`` and ``warm`` are shares; ``hot_per_week`` (of the company, or by pipeline)
    stands in for the share ``hot`` where it is given. ``floor`` is a multiple of the
    base rate, and ``hysteresis`` the part of a border that a lead must pass it by.
    With ``recut`` every training cuts anew; without, it keeps the champion's borders.
    """

    hot: Share = 0.1
    warm: Share = 0.3
    floor: float = Field(default=1.5, ge=0.0)
    hot_per_week: PerWeek | dict[str, PerWeek] | None = None
    by: Literal["chance", "money"] = "chance"
    hysteresis: float = Field(default=0.1, ge=0.0, le=0.5)
    recut: bool = True


class Promotion(Section):
    """What a challenger must show before it may serve: every threshold there is.

    ``least_gain`` and ``most_slice_loss`` are in log-loss, ``most_auc_loss`` in ROC-AUC
    and ``most_ece_loss`` in expected calibration error, all against the champion on the
    same rows; ``most_points_loss`` is in log-loss against the learned scorecard on the
    challenger's own test rows. ``slice_rows`` is the size from which a slice is judged,
    ``slice_risk`` the risk of one false alarm among all slices together,
    ``most_tier_moves`` the share of open leads that may change tier.
    """

    least_of_each: int = Field(default=20, ge=2)
    least_gain: float = Field(default=0.0, ge=0.0)
    most_auc_loss: float = Field(default=0.005, ge=0.0)
    most_ece_loss: float = Field(default=0.01, ge=0.0)
    most_points_loss: float = Field(default=0.0, ge=0.0)
    slice_rows: int = Field(default=200, ge=30)
    most_slice_loss: float = Field(default=0.01, ge=0.0)
    slice_risk: Share = 0.05
    most_tier_moves: float = Field(default=0.3, ge=0.0, le=1.0)
