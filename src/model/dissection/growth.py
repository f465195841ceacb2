"""Would more data help: the loss of a small forest against its training leads.

Leads are drawn by lot, each size within the next, and judged on the newest slice of the
training rows; the test rows are not touched. By lot, not by age, so that the curve says
what the number of leads does and not what the passing of time does. The forest is that
of ``model.proof.ablation``, on the same newest rows.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from leads.settings import Model
from model.learners.boosting import Fold, Matrix
from model.metrics import Codes, mean_difference, row_losses, scores
from model.proof.ablation import newest, small_forest
from model.proof.anatomy import Growth, Step
from model.proof.record import DIGITS

PARTS: Final = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
LEAST_OF_EACH: Final = 10
"""Rows of either outcome below which a step is not learned."""


def grow(matrix: Matrix, leads: Codes, *, fold: Fold, model: Model) -> Growth | None:
    """Draw the learning curve.

    Parameters
    ----------
    matrix, leads
        All n training rows in order of time, and the number of each row's lead.
    fold
        Fitting and judged positions: the newest of the training.
    model
        The seed and the size of trees.

    Returns
    -------
    Growth
        None if fewer than two sizes can be learned.
    """
    fit, judged = newest(fold[0], leads), fold[1]
    numbers = np.unique(leads[fit], return_inverse=True)[1].astype(np.intp)
    rank = np.random.default_rng(model.seed).permutation(int(numbers.max()) + 1)
    labels, steps, losses = matrix.labels[judged], [], []
    for part in PARTS:
        # Half of the leads is half of whatever was fitted with all of them.
        chosen = fit[rank[numbers] < part * len(rank)]
        won = int(matrix.labels[chosen].sum())
        if min(won, len(chosen) - won) < LEAST_OF_EACH:
            continue
        said = small_forest(matrix, (chosen, judged), model)
        found = scores(said, labels)
        many = len(np.unique(leads[chosen]))
        logloss, auc = (round(found[name], DIGITS) for name in ("logloss", "auc"))
        steps.append(Step(many, len(chosen), logloss, auc))
        losses.append(row_losses(said, labels))
    if len(steps) < 2:
        return None
    whose = np.unique(leads[judged], return_inverse=True)[1].astype(np.intp)
    saved = mean_difference(losses[-2] - losses[-1], whose, seed=model.seed)
    gain, low, high = (round(x, DIGITS) for x in (saved.value, saved.low, saved.high))
    return Growth(tuple(steps), gain, low, high)
