"""What each group of features is worth: the loss when a learner has to do without it.

A restrained forest is refitted without the group on the rows before the newest judged
slice of the training rows, and judged on that slice; the test rows are not touched. A
refit says what would be lost if the data were not collected: shuffling columns of the
finished model says only how much it leans on them, and calls a group dear that others
could stand in for. The price is kept down by a small forest on at most ``MOST_ROWS``
rows: some seconds however large the company, a few per cent of a training.

The interval is a paired bootstrap by lead. It holds the luck of the judged leads, not
that of the refit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import lightgbm
import numpy as np

from leads.settings import Model
from model.features.catalog import Catalog, Feature, Numbers
from model.learners.boosting import Fold, Matrix, Style, parameters_of
from model.metrics import Codes, Measured, mean_difference, row_losses
from model.proof.record import DIGITS, Worth

MOST_ROWS: Final = 6_000
"""Fitting rows of the newest whole leads that a refit sees at most."""

ROUNDS: Final = 80
STEP: Final = 0.1

FAMILIES: Final[Mapping[str, str]] = {
    "event": "events", "kinds": "events",
    "payment": "payments", "refund": "payments",
    "stage": "stages",
    "card": "card",
    "contact": "contact",
    "source": "origin", "pipeline": "origin",
    "lead": "time", "hour": "time", "weekday": "time", "month": "time",
}  # fmt: skip
"""The group of each family of feature kinds."""


def group_of(feature: Feature) -> str:
    """Name the group that a feature belongs to.

    Examples
    --------
    >>> from model.features.catalog import Words
    >>> words = Words("Moves back", "Возвраты")
    >>> group_of(Feature("stage.moves_back", "stage_moves_back", "stage", words))
    'stages'
    """
    return FAMILIES.get(feature.kind.partition("_")[0], "other")


def ablate(
    catalog: Catalog,
    matrix: Matrix,
    leads: Codes,
    *,
    fold: Fold,
    model: Model,
) -> tuple[Worth, ...]:
    """Measure what each group of features is worth, the dearest first.

    Parameters
    ----------
    catalog
        Says which columns of ``matrix`` belong together.
    matrix, leads
        All n training rows in order of time, and the number of each row's lead.
    fold
        Fitting and judged positions: the newest of the training.
    model
        The seed and the size of trees.

    Returns
    -------
    tuple
        A worth per group: how much the mean log-loss of the judged rows grows without
        it. Nothing if there is only one group.
    """
    groups: dict[str, list[int]] = {}
    for column, feature in enumerate(catalog.features):
        groups.setdefault(group_of(feature), []).append(column)
    if len(groups) < 2:
        return ()
    fit, judged = newest(fold[0], leads), fold[1]
    every = range(len(catalog.features))
    with_all = _losses(matrix, (fit, judged), model, every)
    found = []
    for group, columns in groups.items():
        kept = [column for column in every if column not in set(columns)]
        lost = _losses(matrix, (fit, judged), model, kept) - with_all
        numbers = np.unique(leads[judged], return_inverse=True)[1].astype(np.intp)
        worth = mean_difference(lost, numbers, seed=model.seed)
        found.append(_worth(group, len(columns), worth))
    return tuple(sorted(found, key=lambda worth: (-worth.value, worth.group)))


def newest(fit: Codes, leads: Codes) -> Codes:
    """Keep so many of the newest fitting rows that whole leads remain."""
    ordered = np.sort(fit)
    if len(ordered) <= MOST_ROWS:
        return ordered
    kept = np.unique(leads[ordered[-MOST_ROWS:]])
    whole = ordered[np.isin(leads[ordered], kept)]
    return np.asarray(whole[-2 * MOST_ROWS :])


def _losses(
    matrix: Matrix, fold: Fold, model: Model, columns: Sequence[int]
) -> Numbers:
    """Fit a small forest on some columns; give the judged rows' log-losses."""
    given = small_forest(matrix, fold, model, columns=columns)
    return row_losses(given, matrix.labels[fold[1]])


def small_forest(
    matrix: Matrix,
    fold: Fold,
    model: Model,
    *,
    columns: Sequence[int] | None = None,
) -> Numbers:
    """Fit a small forest on some columns, all if not said; give log-odds.

    ``fold`` are fitting and judged positions; the answer is of the m judged rows.
    """
    chosen = np.asarray(
        range(matrix.values.shape[1]) if columns is None else columns, dtype=np.intp
    )
    texts = set(matrix.categorical)
    narrow = Matrix(
        matrix.values[:, chosen],
        matrix.labels,
        tuple(place for place, column in enumerate(chosen) if column in texts),
    )
    fit, judged = narrow.rows(fold[0]), narrow.rows(fold[1])
    parameters: dict[str, Any] = parameters_of(
        model, len(fit.labels), Style.RESTRAINED
    ) | {"learning_rate": STEP}
    forest = lightgbm.train(parameters, fit.dataset(parameters), ROUNDS)
    return np.asarray(forest.predict(judged.values, raw_score=True, num_threads=1))


def _worth(group: str, features: int, worth: Measured) -> Worth:
    figures = (round(x, DIGITS) for x in (worth.value, worth.low, worth.high))
    return Worth(group, features, *figures)
