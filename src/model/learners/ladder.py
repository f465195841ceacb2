"""The ladder of learners: each is judged on rows it never saw, and all are blended.

The rungs are the base rate of each pipeline, a logistic regression, and boosted trees
twice: restrained, for little or drifting data, and with the best splits, for much. None
is chosen by belief: weights in log-odds are learned out of fold, and where the blend
cannot be told from the base rates, these are what remains. On top of the blend a
pipeline gets a model of its own where that proves better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from leads.settings import Model
from model.features.catalog import Numbers
from model.learners.blend import gains, learn_blend
from model.learners.boosting import OutOfFold, Recipe, Style, grow, judge
from model.learners.calibration import IDENTITY, Calibrator
from model.learners.drift import Drift, measure_drift, newest_shift
from model.learners.forest import NO_TREES, merged
from model.learners.ground import Ground as Ground
from model.learners.linear import NOTHING, Linear
from model.learners.pooling import Own, Seen, deserving, grow_own
from model.learners.rates import rates
from model.learners.recalibration import choose_calibrator
from model.learners.regression import Design, Penalty, fit_linear, judge_linear
from model.learners.tuning import Tuned, tune
from model.metrics import Codes, row_losses

LEAST_WEIGHT: Final = 0.02
"""A learner that weighs less than this part of the whole is left out."""

LINEAR: Final = "linear"
BASE_RATE: Final = "base rate"


@dataclass(frozen=True, slots=True)
class Rung:
    """What a learner was worth: its log-loss out of fold, and its weight."""

    logloss: float
    weight: float


@dataclass(frozen=True, slots=True)
class Tuning:
    """How many trials tuning made for a style, and the parameters it changed."""

    trials: int
    changes: Mapping[str, float]


@dataclass(frozen=True)
class Ladder:
    """What the learners became, and what they say together of rows they never saw.

    ``log_odds`` is (n,), the calibrated blend out of fold. Trees and prices are weighed
    already: calibrated, their sum is the prediction. ``own`` are the pipelines with a
    model of their own. ``drift`` is what moved, None where time does not go forward;
    ``half_lives`` name the learners for whom newer rows count for more, ``shift`` is by
    how much the intercept follows the newest rows, ``tuning`` what was tuned.
    """

    booster: str
    linear: Linear
    calibrator: Calibrator
    rungs: Mapping[str, Rung]
    rounds: int
    log_odds: Numbers
    own: tuple[Own, ...] = ()
    drift: Drift | None = None
    half_lives: Mapping[str, float] = field(default_factory=dict)
    shift: float = 0.0
    tuning: Mapping[str, Tuning] = field(default_factory=dict)


def climb(ground: Ground, model: Model, say: Callable[[str], None]) -> Ladder:
    """Judge every learner out of fold, blend them, and fit those that count."""
    judged = _judged(ground, model, say)
    weights = _weights(judged, ground)
    rungs = _rungs(judged, ground, weights)
    if not weights.any():
        return _lowest(ground, rungs)
    seen = _seen(judged, ground, weights)
    own = () if seen.pipeline < 0 else deserving(seen, seed=model.seed)
    blended = seen.log_odds + sum((each.log_odds for each in own), np.zeros(1))
    shift, shifts = _shift(judged, seen, blended)
    blended = blended + shifts
    calibrator = choose_calibrator(
        blended,
        seen.labels,
        folds=seen.folds,
        leads=seen.leads,
        forward=ground.forward,
    )
    say("Fitting on all training snapshots")
    weighed = {style: rungs[style.value].weight for style in Style}
    alone = [grow_own(seen, each, seed=model.seed) for each in own]
    return Ladder(
        booster=merged([_trees(ground, model, judged, weighed), *alone]),
        linear=_scorecard(ground, judged, rungs[LINEAR].weight).plus(shift),
        calibrator=calibrator,
        rungs=rungs,
        rounds=sum(judged.rounds(s) for s in Style if weighed[s]),
        log_odds=calibrator.apply(blended),
        own=own,
        drift=judged.drift,
        half_lives=judged.half_lives,
        shift=shift,
        tuning=judged.tuning,
    )


@dataclass(frozen=True)
class _Judged:
    """What every learner said of the rows that it never saw."""

    design: Design
    penalty: Penalty
    linear: OutOfFold
    trees: Mapping[Style, Tuned]
    drift: Drift | None

    @property
    def half_lives(self) -> dict[str, float]:
        """The half-life of each learner that has one."""
        every = {LINEAR: self.penalty.half_life} | {
            style.value: self.recipe(style).half_life for style in Style
        }
        return {name: part for name, part in every.items() if part is not None}

    @property
    def tuning(self) -> dict[str, Tuning]:
        """What tuning found for each style; nothing where it was not asked for."""
        return {
            style.value: Tuning(tuned.trials, dict(self.recipe(style).changes))
            for style, tuned in self.trees.items()
            if tuned.trials
        }

    def recipe(self, style: Style) -> Recipe:
        """Tell how a style's trees are to be grown."""
        recipe = self.trees[style].unseen.recipe
        assert recipe is not None, "trees have recipes"
        return recipe

    def rounds(self, style: Style) -> int:
        """Tell how many rounds of a style are to be grown."""
        return self.trees[style].unseen.rounds

    @property
    def log_odds(self) -> Numbers:
        """(n, m): the logistic regression first, then the styles of trees."""
        every = (self.linear, *(self.trees[style].unseen for style in Style))
        return np.column_stack([unseen.log_odds for unseen in every])


def _judged(ground: Ground, model: Model, say: Callable[[str], None]) -> _Judged:
    matrix, folds, forward = ground.matrix, ground.folds, ground.forward
    drift = None
    if forward:
        drift = measure_drift(matrix, ground.names, ground.leads, folds[-1])
    say(f"Regressing {len(folds)} folds of {len(matrix.labels):,} snapshots")
    design = Design(matrix)
    leads = ground.leads if drift and drift.found else None
    linear, penalty = judge_linear(
        design, folds, forward=forward, threads=model.threads, leads=leads
    )
    trees = {
        style: _grown(ground, model, style, half_life=penalty.half_life, say=say)
        for style in Style
    }
    return _Judged(design, penalty, linear, trees, drift)


def _grown(
    ground: Ground,
    model: Model,
    style: Style,
    *,
    half_life: float | None,
    say: Callable[[str], None],
) -> Tuned:
    """Judge a style; newer rows count for more only where that helps it as well."""
    matrix, folds, forward = ground.matrix, ground.folds, ground.forward
    say(f"Growing {style.value} trees in {len(folds)} folds")
    best = judge(matrix, folds, model, Recipe(style), forward=forward)
    if half_life is not None:
        recent = judge(matrix, folds, model, Recipe(style, half_life), forward=forward)
        labels, leads = matrix.labels[best.rows], ground.leads[best.rows]
        helps = gains(best.log_odds, recent.log_odds, labels, leads)
        best = recent if helps else best
    if not model.tune_seconds:
        return Tuned(best, 0)
    seconds = model.tune_seconds / len(Style)
    return tune(ground, model, best, seconds=seconds, say=say)


def _shift(judged: _Judged, seen: Seen, blended: Numbers) -> tuple[float, Numbers]:
    """Let the intercept follow the newest rows where the rate drifts."""
    if not (judged.drift and judged.drift.of_rate):
        return 0.0, np.zeros(len(blended))
    return newest_shift(blended, seen.labels, folds=seen.folds, leads=seen.leads)


def _weights(judged: _Judged, ground: Ground) -> Numbers:
    """Weigh the learners, (m,), adding up to one; all nought if the base rate wins."""
    rows, folds = judged.linear.rows, judged.linear.folds
    labels, leads = ground.matrix.labels[rows], ground.leads[rows]
    blend = learn_blend(judged.log_odds, labels, folds=folds)
    if not gains(_base_rates(ground), blend.log_odds, labels, leads):
        return np.zeros(len(blend.weights))
    total = blend.weights.sum()
    kept = np.where(blend.weights < LEAST_WEIGHT * total, 0.0, blend.weights)
    return np.asarray(kept / (kept.sum() or 1.0))


def _trees(
    ground: Ground, model: Model, judged: _Judged, weights: Mapping[Style, float]
) -> str:
    grown = [
        grow(ground.matrix, model, judged.rounds(style), judged.recipe(style))
        if weights[style]
        else NO_TREES
        for style in Style
    ]
    return merged(grown, [weights[style] for style in Style])


def _scorecard(ground: Ground, judged: _Judged, weight: float) -> Linear:
    if not weight:
        return NOTHING
    return fit_linear(judged.design, ground.names, judged.penalty).times(weight)


def _rungs(judged: _Judged, ground: Ground, weights: Numbers) -> dict[str, Rung]:
    labels = ground.matrix.labels[judged.linear.rows]
    names = (LINEAR, *(style.value for style in Style), BASE_RATE)
    given = (*judged.log_odds.T, _base_rates(ground))
    worth = (*weights, not weights.any())
    return {
        name: Rung(float(row_losses(said, labels).mean()), float(weight))
        for name, said, weight in zip(names, given, worth, strict=True)
    }


def _lowest(ground: Ground, rungs: Mapping[str, Rung]) -> Ladder:
    """Stay with the base rates."""
    everyone = np.arange(len(ground.matrix.labels))
    prices = _rates(ground, everyone)
    return Ladder(NO_TREES, prices, IDENTITY, rungs, 0, _base_rates(ground))


def _base_rates(ground: Ground) -> Numbers:
    """Give what knowing only the fitting rows' rates says of each judged row."""
    values = ground.matrix.values
    return np.concatenate(
        [_rates(ground, fit).log_odds(values[judged]) for fit, judged in ground.folds]
    )


def _rates(ground: Ground, taught: Codes) -> Linear:
    matrix, column = ground.matrix.rows(taught), ground.pipeline
    return rates(
        matrix.values,
        matrix.labels,
        ground.leads[taught],
        names=ground.names,
        pipeline=None if column is None else ground.names[column],
    )


def _seen(judged: _Judged, ground: Ground, weights: Numbers) -> Seen:
    unseen = judged.linear
    return Seen(
        matrix=ground.matrix,
        pipeline=-1 if ground.pipeline is None else ground.pipeline,
        rows=unseen.rows,
        log_odds=np.einsum("nm,m->n", judged.log_odds, weights),
        folds=unseen.folds,
        leads=ground.leads[unseen.rows],
    )
