"""One table per pipeline: each stage's percentage beside what came of it.

Three numbers stand beside each other. The hand-set percentage is about the deal at any
time, so it is held against what came of leads whose fate is settled, with Wilson's
interval. The model's mean chance is about the leads that stand there now and about the
horizon, so it is held against what converted within the horizon of entering.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from leads.settings import Settings
from model.distance.maps import hand_set
from model.stages import Rate, Stage, Stages

FEWEST: Final = 20
"""Leads of a settled fate below which a percentage is not judged."""

Verdict = Literal["few", "agrees", "too high", "too low"]
Now = Literal["unknown", "alike", "weaker", "stronger"]


@dataclass(frozen=True, slots=True)
class Rung:
    """A stage: by hand, by count, by the model, and how they differ.

    ``off`` is how many points of per cent the hand-set one is above the counted share.
    ``now`` says how the leads that stand there now compare with those who entered.
    """

    pipeline: str
    stage: str
    here: int
    waiting_days: float | None
    percent: int
    proposed: bool
    finally_: Rate | None
    soon: Rate | None
    model: float | None
    verdict: Verdict
    off: float | None
    now: Now


def climb(
    stages: Stages, settings: Settings, chances: pl.DataFrame
) -> tuple[Rung, ...]:
    """Lay the three numbers side by side, pipeline by pipeline.

    Parameters
    ----------
    chances
        ``pipeline``, ``stage`` and ``chance`` of the open leads.
    """
    means = {
        (pipeline, stage): mean
        for pipeline, stage, mean in chances.group_by("pipeline", "stage")
        .agg(pl.col("chance").mean())
        .iter_rows()
    }
    return tuple(
        rung
        for pipeline in stages.pipelines
        for rung in _pipeline(stages.of(pipeline), settings, means)
    )


def _pipeline(
    stages: tuple[Stage, ...],
    settings: Settings,
    means: Mapping[tuple[str, str], float],
) -> list[Rung]:
    still = [one for one in stages if one.state == "open"]
    names = [one.stage for one in still]
    if not still:
        return []
    hands = hand_set(settings.stage_map, still[0].pipeline, names)
    made = []
    for one in still:
        hand, model = hands[one.stage], means.get((one.pipeline, one.stage))
        verdict, off = judge(hand.percent, one.finally_)
        made.append(
            Rung(
                one.pipeline,
                one.stage,
                one.here,
                one.waiting_days,
                hand.percent,
                hand.proposed,
                one.finally_,
                one.soon,
                model,
                verdict,
                off,
                compared(model, one.soon),
            )
        )
    return made


def judge(percent: int, found: Rate | None) -> tuple[Verdict, float | None]:
    """Hold a percentage against a counted share.

    Examples
    --------
    >>> judge(75, Rate.of(30, 100))
    ('too high', 45.0)
    >>> judge(30, Rate.of(30, 100)), judge(75, Rate.of(3, 10))[0]
    (('agrees', 0.0), 'few')
    """
    if found is None or found.count < FEWEST:
        return "few", None
    off = round(percent - 100.0 * found.share, 6)
    if percent / 100.0 > found.high:
        return "too high", off
    return ("too low" if percent / 100.0 < found.low else "agrees"), off


def compared(model: float | None, soon: Rate | None) -> Now:
    """Hold the mean chance of who stands there against those who entered."""
    if model is None or soon is None or soon.count < FEWEST:
        return "unknown"
    if model < soon.low:
        return "weaker"
    return "stronger" if model > soon.high else "alike"
