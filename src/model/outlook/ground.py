"""What outlooks are learned on: the ladder's rows, folds, out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import lightgbm
import numpy as np

from model.features.catalog import Numbers
from model.learners.boosting import Fold, Matrix
from model.metrics import Codes


@dataclass(frozen=True)
class Ground:
    """The training rows as every part of an outlook sees them.

    ``leads`` number each row's lead from 0; ``log_odds`` are the calibrated predictions
    of the rows that the folds judge, one fold after another; ``linear`` is the part of
    the blend that is not trees; ``constant`` says that nothing was learned at all.
    """

    matrix: Matrix
    leads: Codes
    folds: Sequence[Fold]
    log_odds: Numbers
    linear: float
    constant: bool
    seed: int

    @property
    def rows(self) -> Codes:
        """The training row of each out-of-fold prediction."""
        return np.concatenate([judged for _, judged in self.folds])

    @property
    def fold_numbers(self) -> Codes:
        """The fold of each out-of-fold prediction."""
        sizes = [len(judged) for _, judged in self.folds]
        return np.repeat(np.arange(len(self.folds)), sizes)

    def newest(self, count: int) -> Iterator[tuple[Codes, Codes, Codes]]:
        """Give the newest folds: rows fitted, rows judged, places of their log-odds."""
        ends = np.cumsum([len(judged) for _, judged in self.folds])
        first = max(len(self.folds) - count, 0)
        for (fit, judged), end in list(zip(self.folds, ends, strict=True))[first:]:
            yield fit, judged, np.arange(end - len(judged), end)


def text_of(booster: lightgbm.Booster) -> str:
    """Write trees as text without the parameters, among them the number of threads."""
    text: str = booster.model_to_string(num_iteration=-1)
    return text[: text.index("\nparameters:")] + "\n"
