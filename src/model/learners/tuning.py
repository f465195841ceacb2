"""Tuning of boosted trees within a budget of seconds, judged by the ladder's folds.

The default is tried first, and Optuna's tree-structured Parzen estimator (Bergstra et
al. 2011) looks for better from a seed. What it finds is kept only if it beats the
default by more than chance. The same number of trials gives the same result; how many
fit into the budget depends on the machine, so that number is on record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from leads.settings import Model
from model.features.catalog import Numbers
from model.learners.blend import gains
from model.learners.boosting import (
    LEAF_SHARE,
    OutOfFold,
    Recipe,
    judge,
)
from model.learners.ground import Ground
from model.metrics import row_losses

if TYPE_CHECKING:
    import optuna

MOST_TRIALS: Final = 500

PROOF: Final = 3.0
"""Standard errors by which the best of many trials must beat the default."""

RANGES: Final = {
    "lambda_l2": (0.1, 100.0),
    "path_smooth": (1.0, 300.0),
    "leaf_share": (0.001, 0.05),
    "cat_smooth": (1.0, 200.0),
}
"""Where to look, on a scale of logarithms."""

FRACTIONS: Final = {"feature_fraction": (0.3, 1.0), "bagging_fraction": (0.5, 1.0)}
"""Where to look, on a straight scale."""

LEAVES: Final = (4, 48)


@dataclass(frozen=True)
class Tuned:
    """The better of the default and what was found, and how many trials it took."""

    unseen: OutOfFold
    trials: int


def tune(
    ground: Ground,
    model: Model,
    even: OutOfFold,
    *,
    seconds: float,
    say: Callable[[str], None],
    trials: int = MOST_TRIALS,
) -> Tuned:
    """Look for better parameters than the default's.

    Parameters
    ----------
    ground
        What the ladder stands on.
    model
        How to train.
    even
        What the default gave, with its recipe.
    seconds
        After how many seconds no new trial is begun.
    say
        Told when something better is found, and at the end.
    trials
        How many trials at most.
    """
    assert even.recipe is not None, "only trees are tuned"
    search = _Search(ground, model, even, say)
    study = _study(model.seed)
    study.enqueue_trial(_within_ranges(model, even.recipe, len(ground.matrix.labels)))
    study.optimize(search, n_trials=trials, timeout=seconds)
    labels, leads = ground.matrix.labels[even.rows], ground.leads[even.rows]
    found = search.best.log_odds
    helps = gains(even.log_odds, found, labels, leads, errors=PROOF)
    word = "kept" if helps else "no better than the default beyond chance"
    say(f"Tuned {even.recipe.style.value} trees in {len(study.trials)} trials: {word}")
    return Tuned(search.best if helps else even, len(study.trials))


class _Search:
    """Judges a trial's parameters, and remembers the best."""

    def __init__(
        self, ground: Ground, model: Model, even: OutOfFold, say: Callable[[str], None]
    ) -> None:
        assert even.recipe is not None, "only trees are tuned"
        self._ground, self._model, self._say = ground, model, say
        self._recipe = even.recipe
        self.best = even
        self._least = self._loss(even.log_odds)

    def __call__(self, trial: optuna.Trial) -> float:
        changes: dict[str, float] = {
            name: trial.suggest_float(name, low, high, log=True)
            for name, (low, high) in RANGES.items()
        }
        for name, (low, high) in FRACTIONS.items():
            changes[name] = trial.suggest_float(name, low, high)
        changes["num_leaves"] = trial.suggest_int("num_leaves", *LEAVES, log=True)
        ground = self._ground
        unseen = judge(
            ground.matrix,
            ground.folds,
            self._model,
            replace(self._recipe, changes=changes),
            forward=ground.forward,
        )
        loss = self._loss(unseen.log_odds)
        if loss < self._least:
            self.best, self._least = unseen, loss
            self._say(f"Trial {trial.number + 1}: log-loss {loss:.4f} out of fold")
        return loss

    def _loss(self, log_odds: Numbers) -> float:
        rows = np.concatenate([judged for _, judged in self._ground.folds])
        labels = self._ground.matrix.labels[rows]
        return float(row_losses(log_odds, labels).mean())


def _within_ranges(model: Model, recipe: Recipe, rows: int) -> dict[str, float]:
    """Begin where the default is, or at the border that is nearest to it."""
    told = recipe.parameters(model, rows) | {
        "leaf_share": recipe.changes.get("leaf_share", LEAF_SHARE)
    }
    ranges = {**RANGES, **FRACTIONS, "num_leaves": LEAVES}
    return {name: float(np.clip(told[name], *ranges[name])) for name in ranges}


def _study(seed: int) -> optuna.Study:
    import optuna  # a service only applies; it need not wait

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
