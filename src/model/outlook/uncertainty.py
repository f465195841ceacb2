r"""Learning the interval: how far the model would land elsewhere on other leads.

Half-sampling (McCarthy 1969): fits A and B on two halves of the leads differ by twice
the error of a fit on all of them, so :math:`((f_A - f_B) / 2)^2` estimates, without
bias, the variance of the log-odds at a row that neither half holds. One part of the
leads after the other is kept out, so that every row gives one such estimate, and a
small gamma regression smooths them into a variance by features. The fits are a cheap
stand-in for the blend: restrained trees and the regularised regression.

A variance does not see what every fit gets wrong alike. So outcomes are redrawn from
what the stand-in itself says (a parametric bootstrap, Efron 1979): one draw per lead,
since the snapshots of a lead share its fate, and from a fit on half of the leads, since
truth is rougher than what is learned of it. The stand-in learns them anew, and its miss
of the probabilities that were drawn from says by how much to inflate, so that nine
misses out of ten are covered. No true probability is needed for that.

Two things are added that no redrawing shows: the calibration's own error, and how much
the outcomes of one fold and stretch of log-odds differ from what was said of them,
beyond what chance explains (after DerSimonian and Laird 1986): levels drift with the
months, and tomorrow's is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import lightgbm
import numpy as np
from threadpoolctl import threadpool_limits

from model.features.catalog import Numbers
from model.learners.boosting import Matrix
from model.learners.regression import Design
from model.metrics import Codes, log_odds_of, probabilities
from model.outlook.ground import Ground, text_of
from model.outlook.spread import QUANTILE, Spread

PARTS: Final = 5
REDRAWN: Final = 2
"""Parts of the leads on which the redrawn outcomes are judged; of few rows, all."""
FEW_ROWS: Final = 5_000
ROUNDS: Final = 60
STRENGTH: Final = 0.1
COVERED: Final = 0.9
MOST_ROWS: Final = 16_000
"""More training rows than this are thinned; the variance is scaled to all of them."""
LEAST_INFLATION: Final = 1.0
SPREAD_ROUNDS: Final = 60
STRETCHES: Final = 5
"""Parts of equal size into which each fold's log-odds are cut, to see levels drift."""
LEAST_WINS: Final = 5.0
FLOOR: Final = 1e-6


@dataclass(frozen=True)
class _StandIn:
    """The cheap learner: its rows, the columns of its regression, its weights."""

    matrix: Matrix
    columns: Numbers
    linear: float

    @cached_property
    def _binned(self) -> lightgbm.Dataset:
        """All rows, put into bins once for every fit."""
        return self.matrix.dataset(_parameters(len(self.columns), "binary")).construct()

    def fitted(self, rows: Codes, labels: Numbers, at: Codes) -> Numbers:
        """Fit some rows and give the log-odds of others."""
        wins = float(labels[rows].sum())
        if wins in {0.0, float(len(rows))}:
            return np.full(len(at), log_odds_of((wins + 0.5) / (len(rows) + 1.0)))
        made = np.zeros(len(at))
        if self.linear < 1.0:
            made += (1.0 - self.linear) * self._trees(rows, labels, at)
        if self.linear > 0.0:
            made += self.linear * self._line(rows, labels, at)
        return made

    def _trees(self, rows: Codes, labels: Numbers, at: Codes) -> Numbers:
        parameters = _parameters(len(rows), "binary") | {"num_leaves": 15}
        data = self._binned.subset(rows.tolist(), params=parameters)
        data.construct().set_label(labels[rows])
        booster = lightgbm.train(parameters, data, ROUNDS)
        values = self.matrix.values[at]
        return np.asarray(booster.predict(values, raw_score=True, num_threads=1))

    def _line(self, rows: Codes, labels: Numbers, at: Codes) -> Numbers:
        from sklearn.linear_model import LogisticRegression  # a second to import

        model = LogisticRegression(C=STRENGTH, solver="lbfgs", max_iter=200, tol=1e-3)
        model.fit(self.columns[rows], labels[rows])
        line = np.einsum("nd,d->n", self.columns[at], model.coef_[0])
        return np.asarray(line + model.intercept_[0])


def learn_spread(ground: Ground) -> tuple[Spread, str | None]:
    """Learn the interval's numbers, and its trees if there is more than a constant."""
    if ground.constant:
        return plain_spread(ground), None
    with threadpool_limits(1, user_api="blas"):  # sums of BLAS depend on its threads
        return _learned(ground, _calibration(ground))


def plain_spread(ground: Ground) -> Spread:
    """Learn the interval that the calibration alone leaves, the same for all rows."""
    return Spread(base=None, inflation=1.0, **_calibration(ground))


def _learned(
    ground: Ground, calibration: dict[str, float]
) -> tuple[Spread, str | None]:
    rng = np.random.default_rng(ground.seed)
    chosen, share = _thinned(ground, rng)
    matrix, leads = ground.matrix.rows(chosen), ground.leads[chosen]
    columns = Design(ground.matrix).columns[chosen]
    stand_in = _StandIn(matrix, columns, ground.linear)
    variances, fitted = _variances(stand_in, leads, rng)
    base = float(np.log(max(variances.mean(), FLOOR)))
    booster = _smoothed(matrix, variances, base)
    trees = np.asarray(booster.predict(matrix.values, raw_score=True, num_threads=1))
    misses = _misses(stand_in, leads, fitted, rng)
    judged = ~np.isnan(misses)
    reached = np.sqrt(np.exp(base + trees[judged]))
    ratio = float(np.quantile(np.abs(misses[judged]) / reached, COVERED)) / QUANTILE
    # The stand-in's log-odds may be steeper or flatter than the calibrated ones.
    steeper = float(np.std(ground.log_odds)) / max(float(np.std(fitted)), FLOOR)
    inflation = max(ratio**2, LEAST_INFLATION) * min(steeper, 2.0) ** 2
    spread = Spread(base=base, inflation=inflation * share, **calibration)
    return spread, text_of(booster)


def _thinned(ground: Ground, rng: np.random.Generator) -> tuple[Codes, float]:
    """Take whole leads until there are rows enough; say which part that was."""
    rows = np.arange(len(ground.matrix.labels))
    share = min(1.0, MOST_ROWS / len(rows))
    drawn = rng.random(int(ground.leads.max()) + 1) < share
    return (rows, 1.0) if share == 1.0 else (rows[drawn[ground.leads]], share)


def _variances(
    stand_in: _StandIn, leads: Codes, rng: np.random.Generator
) -> tuple[Numbers, Numbers]:
    """Estimate each row's variance by halves that do not hold it; (n,) twice.

    The second is what one half says: log-odds out of sample.
    """
    labels = stand_in.matrix.labels
    variances, fitted = np.empty(len(leads)), np.empty(len(leads))
    for kept_out, rest in _parted(leads, rng):
        coin = rng.permutation(int(leads.max()) + 1) % 2 == 0
        first, second = rest[coin[leads[rest]]], rest[~coin[leads[rest]]]
        a = stand_in.fitted(first, labels, kept_out)
        b = stand_in.fitted(second, labels, kept_out)
        # A fit on all leads has a little less variance than one on these.
        variances[kept_out] = ((a - b) / 2.0) ** 2 * (1.0 - 1.0 / PARTS)
        fitted[kept_out] = a
    return variances, fitted


def _parted(leads: Codes, rng: np.random.Generator) -> Iterator[tuple[Codes, Codes]]:
    """Keep out one part of the leads after the other: rows kept out, and the rest."""
    part = (rng.permutation(int(leads.max()) + 1) % PARTS)[leads]
    for number in range(PARTS):
        yield np.flatnonzero(part == number), np.flatnonzero(part != number)


def _smoothed(matrix: Matrix, variances: Numbers, base: float) -> lightgbm.Booster:
    parameters = _parameters(len(variances), "gamma") | {"num_leaves": 7}
    data = lightgbm.Dataset(
        matrix.values, np.maximum(variances, FLOOR), params=parameters,
        init_score=np.full(len(variances), base),
        categorical_feature=list(matrix.categorical),
    )  # fmt: skip
    return lightgbm.train(parameters, data, SPREAD_ROUNDS)


def _misses(
    stand_in: _StandIn, leads: Codes, fitted: Numbers, rng: np.random.Generator
) -> Numbers:
    """Redraw all outcomes from ``fitted``, learn them, and say how far that lands.

    NaN where it was not judged.
    """
    fate = rng.random(int(leads.max()) + 1)[leads]
    redrawn = (fate < probabilities(fitted)).astype(np.float64)
    misses = np.full(len(leads), np.nan)
    parts = PARTS if len(leads) <= FEW_ROWS else REDRAWN
    for kept_out, rest in list(_parted(leads, rng))[:parts]:
        again = stand_in.fitted(rest, redrawn, kept_out)
        misses[kept_out] = again - fitted[kept_out]
    return misses


def _parameters(rows: int, objective: str) -> dict[str, Any]:
    return {
        "objective": objective, "learning_rate": 0.1, "max_depth": 6,
        "min_data_in_leaf": int(np.clip(0.005 * rows, 5, 200)), "lambda_l2": 5.0,
        "path_smooth": 20.0, "feature_fraction": 0.8, "extra_trees": True,
        "max_cat_to_onehot": 64, "seed": 1, "deterministic": True, "max_bin": 63,
        "force_row_wise": True, "num_threads": 1, "verbosity": -1,
    }  # fmt: skip


def _calibration(ground: Ground) -> dict[str, float]:
    """Give the variances of the calibration's line, robust to leads seen repeatedly.

    The sandwich of Huber (1967) with leads as clusters, at slope 1 and intercept 0.
    """
    rows, log_odds = ground.rows, ground.log_odds
    labels, leads = ground.matrix.labels[rows], ground.leads[rows]
    chance = probabilities(log_odds)
    weight = chance * (1.0 - chance)
    centre = float(np.average(log_odds, weights=weight))
    away = log_odds - centre
    line = np.column_stack([np.ones(len(away)), away])
    if float(np.std(log_odds)) < FLOOR:
        line = line[:, :1]
    bread = np.linalg.pinv(np.einsum("ni,nj,n->ij", line, line, weight))
    scores = np.zeros((int(leads.max()) + 1, line.shape[1]))
    np.add.at(scores, leads, line * (labels - chance)[:, None])
    meat = np.einsum("li,lj->ij", scores, scores)
    found = np.zeros((2, 2))
    found[: len(bread), : len(bread)] = bread @ meat @ bread
    drift = _drift(log_odds, labels, leads, ground.fold_numbers)
    return {
        "centre": centre, "offset": float(found[0, 0]) + drift,
        "slope": float(found[1, 1]), "both": float(found[0, 1]),
    }  # fmt: skip


def _drift(log_odds: Numbers, labels: Numbers, leads: Codes, folds: Codes) -> float:
    """Estimate by which variance levels differ between folds and stretches of log-odds.

    A group's level is the shift of log-odds that its outcomes ask for, by one Newton
    step; leads are the clusters of its variance.
    """
    chance = probabilities(log_odds)
    shifts, variances = [], []
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        ordered = rows[np.argsort(log_odds[rows], kind="stable")]
        for group in np.array_split(ordered, STRETCHES):
            weight = float(np.sum(chance[group] * (1.0 - chance[group])))
            if weight < LEAST_WINS:
                continue
            miss = labels[group] - chance[group]
            of_lead = np.bincount(leads[group], weights=miss)
            shifts.append(float(miss.sum()) / weight)
            variances.append(float(np.sum(of_lead**2)) / weight**2)
    return _between(np.array(shifts), np.array(variances))


def _between(shifts: Numbers, variances: Numbers) -> float:
    """Give the variance between groups, less what their own variances explain."""
    if len(shifts) < 2:
        return 0.0
    weights = 1.0 / np.maximum(variances, FLOOR)
    whole = weights.sum()
    excess = float(np.sum(weights * shifts**2)) - len(shifts)
    return max(0.0, excess / float(whole))
