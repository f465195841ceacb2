"""The regularised logistic regression of the ladder, and how it becomes a scorecard.

A number enters by its place among the training rows (mid-ranks, as in Conover and Iman
1981), which no outlier moves, by itself in standard deviations, which goes on beyond
what was seen but not for ever, and by whether it is known; a text by its levels, one
column each. The penalty is ridge, the solver lbfgs. How strong the penalty is, and
whether newer rows count for more, is chosen by the rows that each fold left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from model.features.catalog import Numbers
from model.learners.blend import gains
from model.learners.boosting import Fold, Matrix, OutOfFold, recency
from model.learners.linear import Line, Linear
from model.metrics import Codes, row_losses

STRENGTHS: Final = (0.01, 0.03, 0.1, 1.0)
"""Inverse penalties, the most cautious first; tried as long as they help."""

HALF_LIVES: Final = (0.5, 0.25, 0.125)
"""Parts of the rows after which a row counts for half; only where drift was found."""

FOLDS_TO_CHOOSE: Final = 2
"""The newest folds choose where time goes forward: what held last holds longest."""

MOST_KNOTS: Final = 64
FARTHEST: Final = 1e150
"""Knots are no farther from nought, so that their distances are finite."""

BEYOND: Final = 3.0
"""Standard deviations for which a straight line goes on beyond the training rows."""

MOST_DEVIATIONS: Final = 6.0
"""A number counts for no more than this, so that no outlier carries a lead away."""

MOST_ITERATIONS: Final = 1_000
TOLERANCE: Final = 1e-4


@dataclass(frozen=True, slots=True)
class Scale:
    """How one feature enters the regression: what its columns hold at each knot.

    ``heights`` is (k, d), the d columns at the k knots; ``missing`` is (d,).
    """

    knots: Numbers
    heights: Numbers
    missing: Numbers

    def columns(self, values: Numbers) -> Numbers:
        """Give the d columns of the regression for n values, (n, d)."""
        made = np.column_stack(
            [np.interp(values, self.knots, height) for height in self.heights.T]
        )
        made[np.isnan(values)] = self.missing
        return made


@dataclass(frozen=True)
class Design:
    """What the regression sees of training rows; their outcomes are not looked at."""

    matrix: Matrix

    @cached_property
    def scales(self) -> tuple[Scale, ...]:
        """Each feature's scale, in the catalog's order."""
        texts = frozenset(self.matrix.categorical)
        return tuple(
            _levels(column) if place in texts else _numbers(column)
            for place, column in enumerate(self.matrix.values.T)
        )

    @cached_property
    def columns(self) -> Numbers:
        """The regression's columns of all training rows, (n, d)."""
        pairs = zip(self.scales, self.matrix.values.T, strict=True)
        return np.hstack([scale.columns(values) for scale, values in pairs])

    def scorecard(
        self, names: Sequence[str], weights: Numbers, intercept: float
    ) -> Linear:
        """Turn the regression's weights, (d,), into lines centred on training rows."""
        ends = np.cumsum([len(scale.missing) for scale in self.scales])[:-1]
        means = np.split(self.columns.mean(axis=0), ends)
        lines: dict[str, Line] = {}
        for scale, part, mean, name in zip(
            self.scales, np.split(weights, ends), means, names, strict=True
        ):
            # Without BLAS, whose sums differ with its threads.
            average = float(np.sum(mean * part))
            prices = np.sum(scale.heights * part, axis=1) - average
            lines[name] = Line(
                knots=tuple(scale.knots.tolist()),
                prices=tuple(prices.tolist()),
                missing=float(np.sum(scale.missing * part)) - average,
            )
            intercept += average
        return Linear(intercept, lines)


@dataclass(frozen=True, slots=True)
class Penalty:
    """How to regress: the inverse penalty, and the half-life as a part of the rows."""

    strength: float
    half_life: float | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a penalty lost on the judged rows, and the log-odds that it gave them."""

    loss: float
    penalty: Penalty
    log_odds: Numbers


def judge_linear(
    design: Design,
    folds: Sequence[Fold],
    *,
    forward: bool,
    threads: int,
    leads: Codes | None = None,
) -> tuple[OutOfFold, Penalty]:
    """Choose the penalty by the rows that each fold judges, and predict these rows.

    Parameters
    ----------
    design
        All training rows; where ``forward``, in order of time.
    folds
        Fitting and judged positions.
    forward
        Whether folds go forward in time: then the newest of them choose.
    threads
        How many folds are fitted at a time.
    leads
        Each row's lead where drift was found: newer rows may count for more.
    """
    newest = folds[-FOLDS_TO_CHOOSE:] if forward else folds
    best = Judgement(np.inf, Penalty(STRENGTHS[0]), np.empty(0))
    for strength in STRENGTHS:
        tried = _tried(design, newest, Penalty(strength), threads=threads)
        if tried.loss >= best.loss:
            break
        best = tried
    if forward:
        if leads is not None:
            best = _recent(design, newest, best, leads=leads, threads=threads)
        best = _tried(design, folds, best.penalty, threads=threads)
    unseen = OutOfFold(
        rows=np.concatenate([judged for _, judged in folds]),
        log_odds=best.log_odds,
        folds=np.repeat(np.arange(len(folds)), [len(judged) for _, judged in folds]),
        rounds=0,
    )
    return unseen, best.penalty


def fit_linear(design: Design, names: Sequence[str], penalty: Penalty) -> Linear:
    """Regress the outcomes of all training rows."""
    with threadpool_limits(1, user_api="blas"):
        weights, intercept = _fit(design.columns, design.matrix.labels, penalty)
    return design.scorecard(names, weights, intercept)


def _tried(
    design: Design, folds: Sequence[Fold], penalty: Penalty, *, threads: int
) -> Judgement:
    # Sums of BLAS depend on its threads, and one seed must give one bundle.
    with threadpool_limits(1, user_api="blas"):
        given = Parallel(n_jobs=threads, prefer="threads")(
            delayed(_judged)(design, fold, penalty) for fold in folds
        )
    log_odds = np.concatenate(given)
    labels = np.concatenate([design.matrix.labels[judged] for _, judged in folds])
    return Judgement(float(row_losses(log_odds, labels).mean()), penalty, log_odds)


def _recent(
    design: Design,
    folds: Sequence[Fold],
    best: Judgement,
    *,
    leads: Codes,
    threads: int,
) -> Judgement:
    """Let newer rows count for more, if that lowers the loss by more than chance."""
    tried = [
        _tried(design, folds, replace(best.penalty, half_life=part), threads=threads)
        for part in HALF_LIVES
    ]
    recent = min(tried, key=lambda judgement: judgement.loss)
    rows = np.concatenate([judged for _, judged in folds])
    labels = design.matrix.labels[rows]
    helps = gains(best.log_odds, recent.log_odds, labels, leads[rows])
    return recent if helps else best


def _judged(design: Design, fold: Fold, penalty: Penalty) -> Numbers:
    fit, judged = fold
    order = np.sort(fit)
    columns, labels = design.columns, design.matrix.labels
    weights, intercept = _fit(columns[order], labels[order], penalty)
    return np.asarray(np.einsum("nd,d->n", columns[judged], weights) + intercept)


def _fit(columns: Numbers, labels: Numbers, penalty: Penalty) -> tuple[Numbers, float]:
    from sklearn.linear_model import LogisticRegression  # a second to import

    model = LogisticRegression(
        C=penalty.strength, solver="lbfgs", max_iter=MOST_ITERATIONS, tol=TOLERANCE
    )
    weights = recency(len(labels), penalty.half_life)
    model.fit(columns, labels, sample_weight=weights)
    return np.asarray(model.coef_[0]), float(model.intercept_[0])


def _numbers(column: Numbers) -> Scale:
    """Place a number among the training rows; a last column says it is missing."""
    known = np.sort(np.clip(column[~np.isnan(column)], -FARTHEST, FARTHEST))
    if not len(known):
        return Scale(np.zeros(1), np.zeros((1, 1)), np.zeros(1))
    parts = np.linspace(0.0, 1.0, MOST_KNOTS)
    knots = np.unique(np.quantile(known, parts, method="nearest"))
    below = np.searchsorted(known, knots, side="left")
    upto = np.searchsorted(known, knots, side="right")
    places = (below + upto) / len(known) - 1.0
    spread = np.interp(known, knots, places)
    ranked = (places - spread.mean()) / (spread.std() or 1.0)
    deviation = known.std() or 1.0
    far = BEYOND * deviation
    knots = np.concatenate([[knots[0] - far], knots, [knots[-1] + far]])
    straight = np.clip(
        (knots - known.mean()) / deviation, -MOST_DEVIATIONS, MOST_DEVIATIONS
    )
    heights = np.column_stack([np.pad(ranked, 1, mode="edge"), straight])
    if len(known) == len(column):
        return Scale(knots, heights, np.zeros(2))
    absent = np.column_stack([heights, np.zeros(len(knots))])
    return Scale(knots, absent, np.array([0.0, 0.0, 1.0]))


def _levels(column: Numbers) -> Scale:
    """Give every code a column of its own, and one to what is not known."""
    count = int(np.nanmax(column)) + 1 if np.isfinite(column).any() else 1
    one_each = np.eye(count + 1)
    return Scale(np.arange(count, dtype=float), one_each[:count], one_each[count])
