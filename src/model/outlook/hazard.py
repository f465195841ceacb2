"""Learning the conversion curve: a discrete-time hazard in LightGBM.

One row per snapshot and interval of days: those who had not converted before it, and
whether they did in it. An interval counts only if the lead was watched to its end, so
what was censored is neither a conversion nor its absence. The trees correct the common
hazard of each interval; how many there are, and the factors that calibrate the steps,
are learned on folds that the trees did not see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import lightgbm
import numpy as np
import numpy.typing as npt

from model.features.catalog import Numbers
from model.learners.boosting import Matrix
from model.metrics import log_odds_of
from model.outlook.curve import Curve, anchored, cumulated
from model.outlook.forecast import periods
from model.outlook.ground import Ground, text_of
from model.outlook.sequels import Sequel

Mask = npt.NDArray[np.bool_]

EDGES: Final = (0, 1, 3, 7, 14, 30, 60, 90)
LEAST_LEADS: Final = 20
"""Leads that must have converted between one step and the next for it to be said."""
LEAST_WATCHED: Final = 200
"""Snapshots that must have been watched until a step beyond the horizon."""
MOST_PERIODS: Final = 30_000
"""More rows than this are sampled; every conversion is kept."""
MOST_ROUNDS: Final = 120
PATIENCE: Final = 15
NEWEST_FOLDS: Final = 3
LEAST_FACTOR, MOST_FACTOR = 0.02, 50.0


@dataclass(frozen=True)
class Periods:
    """Rows of snapshots by interval: (m,) each.

    ``snapshots`` and ``intervals`` are positions, ``converted`` 0.0 or 1.0, and
    ``weights`` make up for rows that were left out.
    """

    snapshots: npt.NDArray[np.intp]
    intervals: npt.NDArray[np.intp]
    converted: Numbers
    weights: Numbers


def intervals_of(sequel: Sequel, edges: Sequence[int]) -> tuple[Mask, Mask]:
    """Say which snapshots stand in which interval, and convert in it, (n, k) each.

    A snapshot stands in an interval if it had not converted before, and was watched
    until the interval's end.
    """
    start, end = np.array(edges[:-1]), np.array(edges[1:])
    days, watched = sequel.days[:, None], sequel.watched[:, None]
    with np.errstate(invalid="ignore"):
        stands = ~(days <= start) & (watched >= end)
        converts = stands & (days <= end)
    return stands, converts


def known_steps(
    sequel: Sequel, leads: npt.NDArray[np.intp], steps: Sequence[int], horizon: int
) -> tuple[int, ...]:
    """Keep the steps that mature data know of; what lies beyond is not invented."""
    kept = [step for step in steps if step <= horizon]
    for step in (step for step in steps if step > horizon):
        watched = sequel.watched >= step
        with np.errstate(invalid="ignore"):
            late = watched & (sequel.days > kept[-1]) & (sequel.days <= step)
        if watched.sum() < LEAST_WATCHED or len(set(leads[late])) < LEAST_LEADS:
            break
        kept.append(step)
    return tuple(kept)


def learn_hazard(
    ground: Ground, sequel: Sequel, steps: Sequence[int], *, horizon: int
) -> tuple[Curve, str]:
    """Learn the curve and its trees.

    Parameters
    ----------
    ground
        The training rows, folds and out-of-fold predictions.
    sequel
        What followed the training rows.
    steps
        Days at which a chance is wanted, ascending, the horizon among them.
    """
    said = known_steps(sequel, ground.leads, steps, horizon)
    edges = tuple(sorted({edge for edge in EDGES if edge < said[-1]} | {*said}))
    stands, converts = intervals_of(sequel, edges)
    base = _base(stands, converts)
    laid = _laid(stands, converts, seed=ground.seed)
    fold = ground.folds[-1]
    rounds = _rounds(ground, laid, base, fold)
    places, passed = _unseen(ground, laid, base, rounds)
    factors = _factors(
        {step: passed[edges.index(step)] for step in said},
        _Truth(ground.log_odds[places], _only(sequel, ground.rows[places])),
        horizon=horizon,
    )
    curve = Curve(
        horizon=horizon, edges=edges, base=tuple(base.tolist()),
        middles=_middles(sequel, converts, edges), steps=said,
        factors=tuple(factors[step] for step in said),
    )  # fmt: skip
    every = np.arange(len(ground.matrix.labels))
    return curve, text_of(_grown(ground.matrix, laid, base, every, rounds))


def _base(stands: Mask, converts: Mask) -> Numbers:
    rates = (converts.sum(axis=0) + 0.5) / (stands.sum(axis=0) + 1.0)
    return np.array([log_odds_of(float(rate)) for rate in rates])


def _middles(sequel: Sequel, converts: Mask, edges: Sequence[int]) -> tuple[float, ...]:
    """Give the mean day of the conversions in each interval; its middle if none."""
    return tuple(
        float(sequel.days[inside].mean()) if inside.any() else (start + end) / 2
        for inside, start, end in zip(converts.T, edges, edges[1:], strict=False)
    )


def _laid(stands: Mask, converts: Mask, *, seed: int) -> Periods:
    """Lay out the rows, all conversions and as many others as there is room for."""
    snapshots, intervals = np.nonzero(stands)
    converted = converts[snapshots, intervals]
    others = int((~converted).sum())
    share = min(1.0, max(MOST_PERIODS - int(converted.sum()), 1) / max(others, 1))
    drawn = np.random.default_rng(seed).random(len(converted)) < share
    kept = converted | drawn
    weights = np.where(converted, 1.0, 1.0 / share)
    return Periods(
        snapshots[kept], intervals[kept], converted[kept].astype(float), weights[kept]
    )


def _parameters(rows: int) -> dict[str, Any]:
    return {
        "objective": "binary", "learning_rate": 0.1, "num_leaves": 7, "max_depth": 4,
        "min_data_in_leaf": int(np.clip(0.005 * rows, 10, 200)), "lambda_l2": 20.0,
        "path_smooth": 20.0, "feature_fraction": 0.7, "max_cat_to_onehot": 8,
        "min_data_per_group": 50, "cat_smooth": 20.0, "cat_l2": 20.0, "seed": 1,
        "deterministic": True, "force_row_wise": True, "num_threads": 1,
        "max_bin": 63, "verbosity": -1,
    }  # fmt: skip


def _data(
    matrix: Matrix, laid: Periods, base: Numbers, among: npt.NDArray[np.intp]
) -> lightgbm.Dataset:
    """Give the rows of some snapshots."""
    chosen = np.zeros(len(matrix.labels), dtype=bool)
    chosen[among] = True
    at = chosen[laid.snapshots]
    intervals = laid.intervals[at]
    values = np.column_stack([matrix.values[laid.snapshots[at]], intervals])
    return lightgbm.Dataset(
        values, laid.converted[at], weight=laid.weights[at],
        init_score=base[intervals], free_raw_data=True,
        params=_parameters(len(values)),
        categorical_feature=list(matrix.categorical),
    )  # fmt: skip


def _grown(
    matrix: Matrix,
    laid: Periods,
    base: Numbers,
    among: npt.NDArray[np.intp],
    rounds: int,
    judged: lightgbm.Dataset | None = None,
) -> lightgbm.Booster:
    data = _data(matrix, laid, base, among)
    stopping: Callable[..., Any] = lightgbm.early_stopping(PATIENCE, verbose=False)
    return lightgbm.train(
        data.params or {}, data, rounds,
        valid_sets=[judged.set_reference(data)] if judged else [],
        callbacks=[stopping] if judged else [],
    )  # fmt: skip


def _rounds(
    ground: Ground,
    laid: Periods,
    base: Numbers,
    fold: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]],
) -> int:
    fit, judged = fold
    seen = _data(ground.matrix, laid, base, judged)
    grown = _grown(ground.matrix, laid, base, fit, MOST_ROUNDS, seen)
    return max(int(grown.best_iteration), 1)


def _unseen(
    ground: Ground, laid: Periods, base: Numbers, rounds: int
) -> tuple[npt.NDArray[np.intp], list[Numbers]]:
    """Predict the newest folds; return places of log-odds, and the hazard passed."""
    count = len(base)
    places, parts = [], []
    for fit, judged, place in ground.newest(NEWEST_FOLDS):
        booster = _grown(ground.matrix, laid, base, fit, rounds)
        values = periods(ground.matrix.values[judged], count)
        raw = np.asarray(booster.predict(values, raw_score=True, num_threads=1))
        parts.append(raw.reshape(len(judged), count) + base)
        places.append(place)
    hazards = np.logaddexp(0.0, np.concatenate(parts))
    return np.concatenate(places), cumulated(list(hazards.T))


def _only(sequel: Sequel, rows: npt.NDArray[np.intp]) -> Sequel:
    return Sequel(
        sequel.days[rows], sequel.watched[rows], sequel.amounts[rows], sequel.currency
    )


@dataclass(frozen=True)
class _Truth:
    log_odds: Numbers
    sequel: Sequel


def _factors(
    passed: Mapping[int, Numbers], truth: _Truth, *, horizon: int
) -> Mapping[int, float]:
    """Find each step's factor, from the horizon outwards, on rows watched so long."""
    from scipy.optimize import brentq  # a service only applies; it need not wait

    factors = dict.fromkeys(passed, 1.0)
    total = np.logaddexp(0.0, truth.log_odds)
    inner = [step for step in passed if step < horizon][::-1]
    for step in (*inner, *(step for step in passed if step > horizon)):
        watched = truth.sequel.watched >= step
        if not watched.any():
            continue
        with np.errstate(invalid="ignore"):
            rate = float(np.mean(truth.sequel.days[watched] <= step))

        def surplus(
            log_factor: float, step: int = step, rate: float = rate,
            watched: Mask = watched,
        ) -> float:  # fmt: skip
            tried = {**factors, step: float(np.exp(log_factor))}
            made = anchored(passed, tried, horizon=horizon, total=total)[step]
            return float(-np.expm1(-made[watched]).mean()) - rate

        low, high = np.log(LEAST_FACTOR), np.log(MOST_FACTOR)
        if surplus(low) > 0 or surplus(high) < 0:
            continue
        factors[step] = float(np.exp(brentq(surplus, low, high, xtol=1e-9)))
    return factors
