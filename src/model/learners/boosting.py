"""Gradient boosting in log-odds: rounds, predictions of unseen rows, final trees.

Every fold is grown on its fitting rows and stops on the rows it judges; the final trees
are grown on all training rows, for as many rounds as the newest judged slice wanted.
The same rows, settings and seed give the same trees to the bit, whatever the number of
threads. LightGBM: Ke et al. 2017; randomised split points: Geurts et al. 2006.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final

import lightgbm
import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed

from leads.settings import Model
from model.features.catalog import Numbers
from model.metrics import Codes

Fold = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]

PATIENCE: Final = 1.8
"""Rounds without gain on the judged rows, times their step, after which a fold stops:
60 rounds of the usual step."""

LEAST_PATIENCE: Final = 10

LEAF_SHARE: Final = 0.005
"""Part of the rows that a leaf holds at least."""

FEW_ROWS: Final = 5_000
"""Below, trees have 8 leaves at most: bigger ones learn by heart."""

MANY_ROWS: Final = 200_000
"""From here on a second thread pays; below, threads only wait for each other."""


class Style(Enum):
    """How split points are found.

    Drawn at random, the trees are smooth and hard to mislead; the best ones find more
    where there is much to learn from.
    """

    RESTRAINED = "restrained"
    FREE = "free"


@dataclass(frozen=True)
class Recipe:
    """How trees are grown: their style, and what differs from its parameters.

    ``half_life`` is the part of the rows after which a row counts for half; None if all
    count the same. ``changes`` are LightGBM's parameters as tuning found them, with
    ``leaf_share`` for the part of the rows that a leaf holds at least.
    """

    style: Style
    half_life: float | None = None
    changes: Mapping[str, float] = field(default_factory=dict)

    def parameters(
        self, model: Model, rows: int, *, threads: int = 1
    ) -> dict[str, Any]:
        """Give LightGBM's parameters for this many training rows."""
        return parameters_of(
            model, rows, self.style, threads=threads, changes=self.changes
        )


@dataclass(frozen=True)
class Matrix:
    """What the learner sees: encoded features and outcomes.

    ``values`` is (n, p) as ``Catalog.encode`` gives it, ``labels`` (n,) of 0.0 and 1.0,
    ``categorical`` the positions of columns that hold codes of levels. ``weights`` is
    (n,), what each row counts for in fitting; None if all count the same.
    """

    values: Numbers
    labels: Numbers
    categorical: tuple[int, ...]
    weights: Numbers | None = None

    def recent(self, half_life: float | None) -> Matrix:
        """Weigh the rows, which are in order of time, by how new they are."""
        return replace(self, weights=recency(len(self.labels), half_life))

    def rows(self, index: npt.NDArray[np.intp]) -> Matrix:
        """Take some rows."""
        weights = None if self.weights is None else self.weights[index]
        return Matrix(self.values[index], self.labels[index], self.categorical, weights)

    def dataset(
        self, parameters: dict[str, Any], *, like: lightgbm.Dataset | None = None
    ) -> lightgbm.Dataset:
        """Bin the rows, with the bins of ``like`` if given."""
        return lightgbm.Dataset(
            self.values,
            self.labels,
            weight=self.weights,
            reference=like,
            categorical_feature=list(self.categorical),
            params=parameters,
        )


@dataclass(frozen=True)
class OutOfFold:
    """What the folds found: raw log-odds of rows the predicting trees never saw.

    ``rows`` are positions in the training matrix, ``folds`` the fold that judged each;
    ``rounds`` is how many rounds the final trees should have, ``recipe`` how they were
    grown.
    """

    rows: npt.NDArray[np.intp]
    log_odds: Numbers
    folds: Codes
    rounds: int
    recipe: Recipe | None = None


def recency(rows: int, half_life: float | None) -> Numbers | None:
    """Weigh rows in order of time, the newest 1, (n,); None if all count the same.

    ``half_life`` is the part of the rows after which a row counts for half.

    Examples
    --------
    >>> recency(5, 0.5).round(2).tolist()
    [0.33, 0.44, 0.57, 0.76, 1.0]
    """
    if half_life is None:
        return None
    age = np.arange(rows, dtype=np.float64)[::-1] / rows
    return np.asarray(0.5 ** (age / half_life))


def parameters_of(
    model: Model,
    rows: int,
    style: Style,
    *,
    threads: int = 1,
    changes: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Give LightGBM's parameters for this many training rows.

    Found by cross-validation inside the training rows of public data sets from 2,700 to
    29,000 rows. ``changes`` are as in ``Recipe``.
    """
    randomly = style is Style.RESTRAINED
    changed = dict(changes or {})
    least = changed.pop("leaf_share", LEAF_SHARE) * rows
    return {
        "objective": "binary",
        # A random split gains less, so bigger steps cost nothing and save trees.
        "learning_rate": model.learning_rate * (1.5 if randomly else 1.0),
        "num_leaves": model.leaves if rows >= FEW_ROWS else min(model.leaves, 8),
        "max_depth": 8,  # the price of reasons grows with the square of the depth
        "min_data_in_leaf": int(np.clip(least, 5, 200)),
        "lambda_l2": 5.0,
        "path_smooth": 20.0,
        "feature_fraction": 0.8 if randomly else 0.6,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "extra_trees": randomly,
        "max_cat_to_onehot": 64 if randomly else 8,
        "min_data_per_group": 50,
        "cat_smooth": 20.0,
        "cat_l2": 20.0,
        "seed": model.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": threads,
        "verbosity": -1,
        **changed,
    }


def judge(
    matrix: Matrix,
    folds: Sequence[Fold],
    model: Model,
    recipe: Recipe,
    *,
    forward: bool,
) -> OutOfFold:
    """Grow every fold and predict the rows that it judges.

    Parameters
    ----------
    matrix
        All training rows.
    folds
        Fitting and judged positions in ``matrix``, oldest judged slice first.
    model
        How to train; ``model.threads`` folds grow at a time.
    recipe
        How the trees are grown.
    forward
        Whether folds go forward in time: then the newest judged slice alone says how
        many rounds to grow; of undated rows every fold is as new as any other.
    """
    grown = Parallel(n_jobs=model.threads, prefer="threads")(
        delayed(_grow_fold)(matrix, fold, model, recipe) for fold in folds
    )
    curves = [curve for _, curve in grown]
    rounds = _best_rounds(curves[-1:] if forward else curves)
    log_odds = [
        booster.predict(
            matrix.values[judged], raw_score=True, num_iteration=rounds, num_threads=1
        )
        for (booster, _), (_, judged) in zip(grown, folds, strict=True)
    ]
    return OutOfFold(
        rows=np.concatenate([judged for _, judged in folds]),
        log_odds=np.concatenate(log_odds),
        folds=np.repeat(np.arange(len(folds)), [len(judged) for _, judged in folds]),
        rounds=rounds,
        recipe=recipe,
    )


def grow(matrix: Matrix, model: Model, rounds: int, recipe: Recipe) -> str:
    """Grow the final trees on all training rows; return them as LightGBM text."""
    rows = len(matrix.labels)
    threads = model.threads if rows >= MANY_ROWS else 1
    parameters = recipe.parameters(model, rows, threads=threads)
    data = matrix.recent(recipe.half_life).dataset(parameters)
    booster = lightgbm.train(parameters, data, rounds)
    return text_of(booster)


def text_of(booster: lightgbm.Booster) -> str:
    """Write a booster as LightGBM text that ends after the trees.

    LightGBM would add its parameters, among them the number of threads, and the same
    model would have several digests.
    """
    text: str = booster.model_to_string(num_iteration=booster.current_iteration())
    return text[: text.index("\nparameters:")] + "\n"


def _grow_fold(
    matrix: Matrix, fold: Fold, model: Model, recipe: Recipe
) -> tuple[lightgbm.Booster, Sequence[float]]:
    half_life = recipe.half_life
    # Rows in order of time have ages; without them their order is the fold's.
    taught = fold[0] if half_life is None else np.sort(fold[0])
    fit, judged = matrix.rows(taught).recent(half_life), matrix.rows(fold[1])
    parameters = recipe.parameters(model, len(fit.labels))
    data = fit.dataset(parameters)
    seen: dict[str, Any] = {}
    callbacks: list[Callable[..., Any]] = [
        lightgbm.record_evaluation(seen),
        lightgbm.early_stopping(_patience(model), verbose=False),
    ]
    booster = lightgbm.train(
        parameters,
        data,
        model.rounds,
        valid_sets=[judged.dataset(parameters, like=data)],
        callbacks=callbacks,
    )
    return booster, seen["valid_0"]["binary_logloss"]


def _patience(model: Model) -> int:
    """Count the rounds: bigger steps show sooner that nothing is to be gained."""
    return max(round(PATIENCE / model.learning_rate), LEAST_PATIENCE)


def _best_rounds(curves: Sequence[Sequence[float]]) -> int:
    """Find the round with the least mean loss; a stopped curve stays where it was."""
    longest = max(len(curve) for curve in curves)
    padded = [[*curve, *[curve[-1]] * (longest - len(curve))] for curve in curves]
    return int(np.argmin(np.mean(padded, axis=0))) + 1
