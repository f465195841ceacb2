"""Learning what a conversion brings: a gamma regression of what was paid.

Amounts have heavy tails, so what lies above a high quantile counts as that quantile,
and what is cut off there is spread evenly over all, within bounds. Trees in LightGBM
(gamma deviance, log link) correct the mean of each pipeline, which itself borrows from
the whole where it has few conversions. Then rows that the trees did not see say how far
to believe them: the log of the amount is drawn towards the mean, or away from it, by a
power, and shifted so that what is expected in total is what came (a quasi-Poisson
regression, which by its first equation gets the total right).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import lightgbm
import numpy as np

from model.features.catalog import Numbers
from model.learners.boosting import Matrix
from model.metrics import Codes
from model.outlook.amount import Amount
from model.outlook.ground import Ground, text_of
from model.outlook.sequels import Sequel

LEAST: Final = 20
"""Conversions with an amount below which no money is spoken of."""
LEAST_FOR_TREES: Final = 200
QUANTILE: Final = 0.99
MOST_SPREAD: Final = 1.25
"""What was cut off raises the others by no more: one sale of a century is no rate."""
BORROWED: Final = 20.0
"""A pipeline's mean counts as much as that of all when it has so many conversions."""
ROUNDS: Final = 150
MOST_POWER: Final = 1.5
TIMES: Final = 30


@dataclass(frozen=True)
class _Paid:
    """Rows that brought money: encoded features, tamed amounts, leads, pipelines."""

    rows: Codes
    amounts: Numbers
    means: Numbers


def learn_amount(
    ground: Ground, sequel: Sequel, names: Sequence[str]
) -> tuple[Amount, str | None] | None:
    """Learn the amount expected of a conversion; None if too few brought any.

    Parameters
    ----------
    ground
        The training rows and folds.
    sequel
        What followed them.
    names
        The features of the columns.
    """
    rows = np.flatnonzero(~np.isnan(sequel.amounts))
    if sequel.currency is None or len(set(ground.leads[rows])) < LEAST:
        return None
    amounts = _tamed(sequel.amounts[rows])
    column = names.index("pipeline") if "pipeline" in names else None
    mean, means = _means(ground.matrix, rows, amounts, column)
    plain = Amount(sequel.currency, mean, means, column, power=1.0, shift=0.0)
    logs = np.array([plain.mean_of(row) for row in ground.matrix.values[rows]])
    paid = _Paid(rows, amounts, logs)
    text, unseen = None, np.zeros(len(rows))
    if len(rows) >= LEAST_FOR_TREES:
        unseen = _unseen(ground, paid)
        every = np.arange(len(rows))
        text = text_of(_grown(ground.matrix, paid, every))
    power, shift = _believed(logs + unseen, amounts)
    return Amount(sequel.currency, mean, means, column, power, shift), text


def _tamed(amounts: Numbers) -> Numbers:
    """Cut amounts at a high quantile; spread what was cut off over all, in bounds.

    Examples
    --------
    >>> _tamed(np.array([100.0] * 300 + [3_100.0])).round(2).max()
    np.float64(109.97)
    """
    cut = np.minimum(amounts, np.quantile(amounts, QUANTILE))
    return np.asarray(cut * min(amounts.mean() / cut.mean(), MOST_SPREAD))


def _means(
    matrix: Matrix, rows: Codes, amounts: Numbers, column: int | None
) -> tuple[float, dict[str, float]]:
    """Give the log mean of all, and of each pipeline by its code."""
    whole = float(amounts.mean())
    if column is None:
        return float(np.log(whole)), {}
    codes = matrix.values[rows, column]
    means = {}
    for code in np.unique(codes[~np.isnan(codes)]):
        own = amounts[codes == code]
        mean = (own.sum() + BORROWED * whole) / (len(own) + BORROWED)
        means[str(int(code))] = float(np.log(mean))
    return float(np.log(whole)), means


def _grown(matrix: Matrix, paid: _Paid, among: Codes) -> lightgbm.Booster:
    parameters: dict[str, Any] = {
        "objective": "gamma", "learning_rate": 0.1, "num_leaves": 7, "max_depth": 4,
        "min_data_in_leaf": int(np.clip(0.02 * len(among), 20, 100)),
        "lambda_l2": 5.0, "feature_fraction": 0.7, "max_cat_to_onehot": 64, "seed": 1,
        "deterministic": True, "max_bin": 63, "force_row_wise": True, "num_threads": 1,
        "verbosity": -1,
    }  # fmt: skip
    data = lightgbm.Dataset(
        matrix.values[paid.rows[among]], paid.amounts[among], params=parameters,
        init_score=paid.means[among], categorical_feature=list(matrix.categorical),
    )  # fmt: skip
    return lightgbm.train(parameters, data, ROUNDS)


def _unseen(ground: Ground, paid: _Paid) -> Numbers:
    """Give the trees' correction of each row, by trees that did not see its lead."""
    leads = ground.leads[paid.rows]
    made = np.empty(len(leads))
    for part in range(3):
        out = leads % 3 == part
        booster = _grown(ground.matrix, paid, np.flatnonzero(~out))
        values = ground.matrix.values[paid.rows[out]]
        made[out] = booster.predict(values, raw_score=True, num_threads=1)
    return made


def _believed(logs: Numbers, amounts: Numbers) -> tuple[float, float]:
    """Regress amounts on their predicted logs: the power, and the shift.

    Newton's method for a Poisson regression with one column.
    """
    centre = logs.mean()
    power, level = 1.0, float(np.log(amounts.mean()))
    for _ in range(TIMES):
        level = float(np.log(amounts.sum() / np.exp(power * (logs - centre)).sum()))
        means = np.exp(level + power * (logs - centre))
        away = logs - (logs * means).sum() / means.sum()
        slope = float((away * (amounts - means)).sum())
        bend = float((away * away * means).sum())
        power = float(np.clip(power + slope / max(bend, 1e-12), 0.0, MOST_POWER))
    level = float(np.log(amounts.sum() / np.exp(power * (logs - centre)).sum()))
    return power, level - power * float(centre)
