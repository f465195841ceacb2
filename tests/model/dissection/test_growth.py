from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from tests.model.invented import flat_settings

from model.dissection.growth import grow
from model.learners.boosting import Matrix
from model.proof.anatomy import Growth


def grown(rows: int, *, noise: bool = False) -> Growth | None:
    """Grow on leads of two rows, whose two columns decide, or where nothing does."""
    rng = np.random.default_rng(4)
    values = rng.normal(size=(rows, 4))
    log_odds = np.zeros(rows) if noise else 2 * np.sin(3 * values[:, 0]) + values[:, 1]
    labels = (rng.random(rows) < 1 / (1 + np.exp(-log_odds))).astype(float)
    split = int(rows * 0.7)
    return grow(
        Matrix(values, labels, ()),
        np.repeat(np.arange(rows // 2), 2),
        fold=(np.arange(split), np.arange(split, rows)),
        model=flat_settings(Path()).model,
    )


def test_more_leads_help_where_there_is_more_to_learn() -> None:
    """The loss falls with the leads, each size twice the one before."""
    found = grown(3_000)

    assert found is not None
    assert found.steps[-1].logloss < found.steps[0].logloss - 0.02
    sizes = [step.leads for step in found.steps]
    assert all(abs(b - 2 * a) <= 2 for a, b in itertools.pairwise(sizes))
    assert found.low > 0
    whole = [step.rows for step in found.steps][-1]
    assert whole == 2_100


def test_noise_does_not_grow() -> None:
    """Where nothing can be learned, twice the leads do not help for sure."""
    found = grown(1_500, noise=True)

    assert found is not None
    assert found.steps[-1].auc < 0.6


def test_leads_stay_whole() -> None:
    """Of a lead that was drawn every row is fitted: rows are twice the leads."""
    found = grown(2_000)

    assert found is not None
    assert all(step.rows == 2 * step.leads for step in found.steps)


def test_too_little_draws_no_curve() -> None:
    """Twelve leads are no curve."""
    assert grown(24) is None
