"""How leads pass the stages of a funnel, where they stand, and what comes of them.

A stay is the time from entering a stage to entering the next one; the usual stay is the
median of those that have ended, a long one longer than nine in ten of them. Conversion
is counted as for the model: an entry into a stage is a moment at which a lead that had
not converted yet is looked at, and what counts is ``labels.label``, so an entry
younger than the horizon is not judged. What finally came of it is counted among the
leads whose fate is settled: converted, or in a closing stage.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from leads.funnel import Funnel, State, stage_moves
from leads.history import History
from leads.lead import EPOCH
from leads.settings import Settings
from model.examples.labels import LONG_AGO, converted_at, funnel_of, label
from model.examples.snapshots import open_leads
from model.proof.counting import wilson

DAY: Final = 86_400_000_000
SLOW: Final = 0.9
"""The part of all past stays that are shorter than a long one."""

DIGITS: Final = 6
_STAGE: Final = ("pipeline", "stage")


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of ``count`` leads converted, as a share with Wilson's 95% interval."""

    count: int
    converted: int
    share: float
    low: float
    high: float

    @classmethod
    def of(cls, converted: int, count: int) -> Rate | None:
        """Count; None of nothing."""
        if not count:
            return None
        return cls(count, converted, *wilson(converted / count, count))


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of one pipeline; days are None where nobody has left it yet.

    ``here`` open leads stand in it, for ``waiting_days`` in the median, and ``slow`` of
    them for longer than ``slow_days``. ``entered`` leads were ever in it. ``soon`` is
    what converted within the horizon of entering, ``finally_`` what converted of those
    whose fate is settled.
    """

    pipeline: str
    stage: str
    state: State
    here: int
    waiting_days: float | None
    slow: int
    entered: int
    stays: int
    usual_days: float | None
    slow_days: float | None
    soon: Rate | None
    finally_: Rate | None


@dataclass(frozen=True, slots=True)
class Stages:
    """All stages, pipeline by pipeline, in the order of the funnel.

    ``unstaged`` open leads were never in any stage.
    """

    horizon_days: int
    as_of: int
    stages: tuple[Stage, ...]
    unstaged: int

    @property
    def known_at(self) -> datetime:
        """The cut-off as a moment."""
        return EPOCH + timedelta(microseconds=self.as_of)

    @property
    def pipelines(self) -> tuple[str, ...]:
        """The pipelines, in their order."""
        return tuple(dict.fromkeys(stage.pipeline for stage in self.stages))

    def of(self, pipeline: str) -> tuple[Stage, ...]:
        """Give the stages of one pipeline."""
        return tuple(item for item in self.stages if item.pipeline == pipeline)


def pass_stages(history: History, settings: Settings) -> Stages:
    """Count how leads pass the stages, as known at the cut-off."""
    known = history.until(history.cut_off)
    days = settings.conversion.horizon_days
    still = open_leads(known, settings)["lead_id"]
    moves = _moves(known)
    if moves.is_empty() or settings.conversion.kind == "outcome":
        return Stages(days, history.cut_off, (), len(still))
    funnel = funnel_of(known, settings)
    counted = (
        _standing(moves, still, known.cut_off)
        .join(_fates(known, settings, moves, funnel), on=_STAGE, how="left")
        .rows_by_key(_STAGE, named=True, unique=True)
    )
    stages = tuple(
        _stage(pipeline, stage, funnel.state_of(pipeline, stage), row)
        for pipeline, order in funnel.order.items()
        for stage in order
        if (row := counted.get((pipeline, stage)))
    )
    return Stages(days, history.cut_off, stages, int((~still.is_in(
        moves["lead_id"].unique().implode())).sum()))  # fmt: skip


def _moves(known: History) -> pl.DataFrame:
    """List the moves with when the lead went on: ``at``, ``left_at`` (i64, or null)."""
    moves = stage_moves(known.tables).with_columns(pl.col("at").cast(pl.Int64))
    left_at = pl.col("at").shift(-1).over("lead_id")
    return moves.select("lead_id", *_STAGE, "at", left_at=left_at)


def _standing(moves: pl.DataFrame, still: pl.Series, now: int) -> pl.DataFrame:
    """Count by stage who ever entered, who is there now, and how long they stay."""
    stay = (pl.col("left_at") - pl.col("at")) / DAY
    here = pl.col("left_at").is_null() & pl.col("lead_id").is_in(still.implode())
    slow_days = pl.col("stay").quantile(SLOW, "linear").over(_STAGE)
    waits = pl.when(here).then((now - pl.col("at")) / DAY)
    return (
        moves.with_columns(stay=stay, waits=waits)
        .with_columns(slow_days=slow_days)
        .group_by(_STAGE)
        .agg(
            here=pl.col("waits").count(),
            waiting_days=pl.col("waits").median(),
            slow=(pl.col("waits") > pl.col("slow_days")).sum(),
            entered=pl.col("lead_id").n_unique(),
            stays=pl.col("stay").count(),
            usual_days=pl.col("stay").median(),
            slow_days=pl.col("slow_days").first(),
        )
    )


def _fates(
    known: History, settings: Settings, moves: pl.DataFrame, funnel: Funnel
) -> pl.DataFrame:
    """Count by stage what came of first entries of leads that had not converted."""
    firsts = moves.group_by("lead_id", *_STAGE).agg(moment=pl.col("at").min())
    firsts = firsts.sort("lead_id", "moment", "stage")
    if not settings.conversion.repeat:
        past = firsts.select("lead_id", start=pl.lit(LONG_AGO), end="moment")
        firsts = firsts.filter(converted_at(known, settings, past, funnel).is_null())
    judged = label(known, settings, firsts, funnel)
    windows = firsts.select("lead_id", start="moment", end=pl.lit(known.cut_off))
    won = converted_at(known, settings, windows, funnel).is_not_null()
    still = open_leads(known, settings, funnel=funnel)["lead_id"]
    settled = won | ~firsts["lead_id"].is_in(still.implode())
    return (
        judged.with_columns(won=won, settled=settled)
        .group_by(_STAGE)
        .agg(
            judged=pl.col("label").count(),
            soon=pl.col("label").sum(),
            settled=pl.col("settled").sum(),
            won=(pl.col("won") & pl.col("settled")).sum(),
        )
    )


def _stage(pipeline: str, stage: str, state: State, row: dict[str, object]) -> Stage:
    numbers = {name: row[name] or 0 for name in ("judged", "soon", "settled", "won")}
    counts = {name: int(str(value)) for name, value in numbers.items()}
    return Stage(
        pipeline=pipeline,
        stage=stage,
        state=state,
        soon=Rate.of(counts["soon"], counts["judged"]),
        finally_=Rate.of(counts["won"], counts["settled"]),
        **{name: _plain(row[name]) for name in _STANDING},  # type: ignore[arg-type]
    )


_STANDING: Final = (
    "here", "waiting_days", "slow", "entered", "stays", "usual_days", "slow_days",
)  # fmt: skip


def _plain(value: object) -> object:
    return round(value, DIGITS) if isinstance(value, float) else value
