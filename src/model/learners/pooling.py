"""Partial pooling: a pipeline borrows the whole model, and earns what it has alone.

A pipeline's own model is a few small trees that go on from the whole model's log-odds
on the pipeline's leads alone (gradient boosting from an offset), so what a pipeline
shares with the others it need not learn again. The trees are learned and judged on rows
that the whole model never saw, fold against folds, and only a pipeline where they lower
the log-loss by more than chance keeps them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import lightgbm
import numpy as np
import numpy.typing as npt

from model.features.catalog import Numbers
from model.learners.blend import standard_error
from model.learners.boosting import Matrix, text_of
from model.learners.forest import Only, only_for
from model.metrics import Codes, row_losses

LEAST_LEADS: Final = 50
"""Leads of each outcome below which a pipeline has nothing to show of its own."""

ROUNDS: Final = (25, 100)
"""How long own trees may grow, the more cautious first."""

PROOF: Final = 2.0
"""Standard errors by which own trees must beat the whole: several pipelines try."""


@dataclass(frozen=True)
class Seen:
    """What the whole model said of rows it never saw.

    ``rows`` are positions in ``matrix``; ``log_odds``, ``folds`` and ``leads`` are
    theirs, (n,); ``pipeline`` is the column of the pipelines' codes.
    """

    matrix: Matrix
    pipeline: int
    rows: npt.NDArray[np.intp]
    log_odds: Numbers
    folds: Codes
    leads: Codes

    def of(self, code: int) -> Seen:
        """Take one pipeline's rows."""
        kept = self.matrix.values[self.rows, self.pipeline] == code
        return Seen(
            self.matrix, self.pipeline, self.rows[kept], self.log_odds[kept],
            self.folds[kept], self.leads[kept],
        )  # fmt: skip

    @property
    def labels(self) -> Numbers:
        """The outcomes of the rows, (n,)."""
        return self.matrix.labels[self.rows]


@dataclass(frozen=True)
class Own:
    """A pipeline that deserves a model of its own.

    ``gain`` is how much lower its log-loss is out of fold, ``error`` that gain's
    standard error; ``log_odds`` is what to add to the whole's, (n,) of ``Seen``'s rows.
    """

    code: int
    rounds: int
    gain: float
    error: float
    log_odds: Numbers


def deserving(seen: Seen, *, seed: int) -> tuple[Own, ...]:
    """Find the pipelines whose own trees prove better than the whole alone."""
    column = seen.matrix.values[seen.rows, seen.pipeline]
    codes = np.unique(column[~np.isnan(column)]).astype(int).tolist()
    if len(codes) < 2:
        return ()
    tried = [_best(seen, code, seed) for code in codes]
    return tuple(own for own in tried if own and own.gain > PROOF * own.error)


def grow_own(seen: Seen, own: Own, *, seed: int) -> str:
    """Grow a pipeline's trees on all its rows, to speak of this pipeline alone."""
    mine = seen.of(own.code)
    booster = _grown(mine, np.ones(len(mine.rows), dtype=bool), own.rounds, seed)
    everyone = seen.matrix.values[:, seen.pipeline]
    others = int(np.count_nonzero(everyone != own.code))
    return only_for(text_of(booster), Only(seen.pipeline, own.code, others))


def _best(seen: Seen, code: int, seed: int) -> Own | None:
    mine = seen.of(code)
    won = len(np.unique(mine.leads[mine.labels > 0]))
    lost = len(np.unique(mine.leads[mine.labels == 0]))
    if min(won, lost) < LEAST_LEADS or len(np.unique(mine.folds)) < 2:
        return None
    before = row_losses(mine.log_odds, mine.labels)
    tried: list[Own] = []
    for rounds, added in zip(ROUNDS, _crossed(mine, ROUNDS, seed), strict=True):
        gain = before - row_losses(mine.log_odds + added, mine.labels)
        everywhere = np.zeros(len(seen.rows))
        everywhere[np.isin(seen.rows, mine.rows)] = added
        error = standard_error(gain, mine.leads)
        tried.append(Own(code, rounds, float(gain.mean()), error, everywhere))
    return max(tried, key=lambda own: own.gain)


def _crossed(mine: Seen, rounds: Sequence[int], seed: int) -> list[Numbers]:
    """Correct each fold's rows by trees that the other folds taught."""
    added = [np.zeros(len(mine.rows)) for _ in rounds]
    for fold in np.unique(mine.folds):
        out = mine.folds == fold
        booster = _grown(mine, ~out, max(rounds), seed)
        for place, count in enumerate(rounds):
            added[place][out] = booster.predict(
                mine.matrix.values[mine.rows[out]],
                raw_score=True,
                num_iteration=count,
                num_threads=1,
            )
    return added


def _grown(
    mine: Seen, taught: npt.NDArray[np.bool_], rounds: int, seed: int
) -> lightgbm.Booster:
    rows = mine.matrix.rows(mine.rows[taught])
    parameters = parameters_of(len(rows.labels), seed)
    data = rows.dataset(parameters)
    data.set_init_score(mine.log_odds[taught])
    return lightgbm.train(parameters, data, rounds)


def parameters_of(rows: int, seed: int) -> dict[str, Any]:
    """Give LightGBM's parameters of own trees: small ones, since the whole is there."""
    return {
        "objective": "binary",
        "learning_rate": 0.05,
        "num_leaves": 6,
        "max_depth": 3,
        "min_data_in_leaf": int(np.clip(0.02 * rows, 10, 200)),
        "lambda_l2": 10.0,
        "extra_trees": True,
        "feature_fraction": 0.8,
        "cat_smooth": 20.0,
        "cat_l2": 20.0,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
