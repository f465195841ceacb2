"""The ladder of learners: each is judged on rows it never saw, and all are blended.

The rungs are a constant, a logistic regression, and boosted trees twice: restrained,
for little or drifting data, and with the best splits, for much. None is chosen by
belief: weights in log-odds are learned out of fold, and where the blend cannot be told
from the constant, the constant is what remains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from leads.settings import Model
from model.features.catalog import Numbers
from model.learners.blend import learn_blend, standard_error
from model.learners.boosting import Fold, Matrix, OutOfFold, Style, grow, judge
from model.learners.calibration import IDENTITY, Calibrator
from model.learners.forest import NO_TREES, merged
from model.learners.linear import NOTHING, Linear
from model.learners.recalibration import choose_calibrator
from model.learners.regression import Design, Penalty, fit_linear, judge_linear
from model.metrics import Codes, log_odds_of, row_losses

LEAST_WEIGHT: Final = 0.02
"""A learner that weighs less than this part of the whole is left out."""

LINEAR: Final = "linear"
CONSTANT: Final = "constant"
PROOF: Final = 1.0
"""Standard errors by which the blend must beat the constant out of fold."""


@dataclass(frozen=True, slots=True)
class Rung:
    """What a learner was worth: its log-loss out of fold, and its weight."""

    logloss: float
    weight: float


@dataclass(frozen=True)
class Ladder:
    """What the learners became, and what they say together of rows they never saw.

    ``log_odds`` and ``labels`` are (n,), the calibrated blend out of fold. Trees and
    prices are weighed already: calibrated, their sum is the prediction.
    """

    booster: str
    linear: Linear
    calibrator: Calibrator
    rungs: Mapping[str, Rung]
    rounds: int
    log_odds: Numbers


@dataclass(frozen=True)
class Ground:
    """What a ladder stands on: the training rows, their leads, and the folds.

    ``names`` are the features of ``matrix``, ``leads`` number each row's lead, and
    ``forward`` says whether the folds go forward in time.
    """

    matrix: Matrix
    names: Sequence[str]
    leads: Codes
    folds: Sequence[Fold]
    forward: bool


def climb(ground: Ground, model: Model, say: Callable[[str], None]) -> Ladder:
    """Judge every learner out of fold, blend them, and fit those that count."""
    judged = _judged(ground, model, say)
    unseen = judged.linear
    labels = ground.matrix.labels[unseen.rows]
    weights = _weights(judged, ground)
    constant = _constant(ground)
    rungs = {
        name: Rung(float(row_losses(given, labels).mean()), float(weight))
        for name, given, weight in zip(
            (LINEAR, *(style.value for style in Style), CONSTANT),
            (*judged.log_odds.T, constant),
            (*weights, not weights.any()),
            strict=True,
        )
    }
    if not weights.any():
        rate = log_odds_of(float(ground.matrix.labels.mean()))
        return Ladder(NO_TREES, Linear(rate, {}), IDENTITY, rungs, 0, constant)
    blended = np.einsum("nm,m->n", judged.log_odds, weights)
    calibrator = choose_calibrator(
        blended,
        labels,
        folds=unseen.folds,
        leads=ground.leads[unseen.rows],
        forward=ground.forward,
    )
    say("Fitting on all training snapshots")
    weighed = {style: rungs[style.value].weight for style in Style}
    return Ladder(
        booster=_trees(ground, model, judged, weighed),
        linear=_scorecard(ground, judged, rungs[LINEAR].weight),
        calibrator=calibrator,
        rungs=rungs,
        rounds=sum(judged.trees[s].rounds for s in Style if weighed[s]),
        log_odds=calibrator.apply(blended),
    )


@dataclass(frozen=True)
class _Judged:
    """What every learner said of the rows that it never saw."""

    design: Design
    penalty: Penalty
    linear: OutOfFold
    trees: Mapping[Style, OutOfFold]

    @property
    def log_odds(self) -> Numbers:
        """(n, m): the logistic regression first, then the styles of trees."""
        every = (self.linear, *(self.trees[style] for style in Style))
        return np.column_stack([unseen.log_odds for unseen in every])


def _judged(ground: Ground, model: Model, say: Callable[[str], None]) -> _Judged:
    matrix, folds, forward = ground.matrix, ground.folds, ground.forward
    say(f"Regressing {len(folds)} folds of {len(matrix.labels):,} snapshots")
    design = Design(matrix)
    linear, penalty = judge_linear(
        design, folds, forward=forward, threads=model.threads
    )
    trees: dict[Style, OutOfFold] = {}
    for style in Style:
        say(f"Growing {style.value} trees in {len(folds)} folds")
        trees[style] = judge(matrix, folds, model, style, forward=forward)
    return _Judged(design, penalty, linear, trees)


def _weights(judged: _Judged, ground: Ground) -> Numbers:
    """Weigh the learners, (m,), adding up to one; all nought if the constant wins."""
    rows, folds = judged.linear.rows, judged.linear.folds
    labels, leads = ground.matrix.labels[rows], ground.leads[rows]
    blend = learn_blend(judged.log_odds, labels, folds=folds, leads=leads)
    gain = row_losses(_constant(ground), labels) - row_losses(blend.log_odds, labels)
    if gain.mean() <= PROOF * standard_error(gain, leads):
        return np.zeros(len(blend.weights))
    total = blend.weights.sum()
    kept = np.where(blend.weights < LEAST_WEIGHT * total, 0.0, blend.weights)
    return np.asarray(kept / (kept.sum() or 1.0))


def _trees(
    ground: Ground, model: Model, judged: _Judged, weights: Mapping[Style, float]
) -> str:
    grown = [
        grow(ground.matrix, model, judged.trees[style].rounds, style)
        if weights[style]
        else NO_TREES
        for style in Style
    ]
    return merged(grown, [weights[style] for style in Style])


def _scorecard(ground: Ground, judged: _Judged, weight: float) -> Linear:
    if not weight:
        return NOTHING
    return fit_linear(judged.design, ground.names, judged.penalty).times(weight)


def _constant(ground: Ground) -> Numbers:
    """Give what knowing only the fitting rows' rate says of each judged row."""
    labels = ground.matrix.labels
    return np.concatenate(
        [
            np.full(len(judged), log_odds_of(float(labels[fit].mean())))
            for fit, judged in ground.folds
        ]
    )
