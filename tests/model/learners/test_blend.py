from __future__ import annotations

import numpy as np
import pytest

from model.features.catalog import Numbers
from model.learners.blend import learn_blend
from model.metrics import probabilities, row_losses

ROWS = 3_000


def drawn(seed: int = 0) -> tuple[Numbers, Numbers, Numbers]:
    """Draw two independent signals, and outcomes from their sum."""
    rng = np.random.default_rng(seed)
    signals = rng.normal(size=(ROWS, 2))
    labels = rng.random(ROWS) < probabilities(signals.sum(axis=1) - 1.0)
    return signals, labels.astype(float), rng.normal(size=ROWS)


def test_a_learner_that_knows_nothing_weighs_nothing() -> None:
    """Noise beside a true signal is found out."""
    signals, labels, noise = drawn()
    both = np.column_stack([signals.sum(axis=1) - 1.0, 2.0 * noise])

    found = learn_blend(both, labels, folds=np.arange(ROWS) % 5)

    assert found.weights[0] > 0.85
    assert found.weights[1] < 0.06


def test_learners_that_agree_weigh_the_same() -> None:
    """Where nothing tells them apart beyond noise, weights are equal."""
    signals, labels, noise = drawn()
    truth = signals.sum(axis=1) - 1.0
    both = np.column_stack([truth + 0.1 * noise, truth - 0.1 * noise])

    found = learn_blend(both, labels, folds=np.arange(ROWS) % 5)

    assert found.weights == pytest.approx([0.5, 0.5], abs=0.02)


def test_weights_are_never_negative() -> None:
    """A learner that is always wrong is not believed the other way round."""
    signals, labels, _ = drawn()
    both = np.column_stack([signals[:, 0], -signals[:, 1]])

    found = learn_blend(both, labels, folds=np.arange(ROWS) % 5)

    assert found.weights.min() >= 0.0
    assert found.weights[1] < 0.05


def test_a_fold_is_blended_by_what_the_others_taught() -> None:
    """A fold whose outcomes are turned about is not given other log-odds for it."""
    signals, labels, _ = drawn()
    folds = np.arange(ROWS) % 3
    turned = np.where(folds == 0, 1.0 - labels, labels)
    both = np.column_stack([signals[:, 0], signals[:, 0] + signals[:, 1]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("model.learners.blend.PULLS", (10.0,))
        one = learn_blend(both, labels, folds=folds)
        other = learn_blend(both, turned, folds=folds)

    assert np.array_equal(one.log_odds[folds == 0], other.log_odds[folds == 0])
    assert not np.array_equal(one.log_odds[folds == 1], other.log_odds[folds == 1])


def test_a_blend_beats_its_parts() -> None:
    """Two learners that each know a half know more together, out of fold."""
    signals, labels, _ = drawn()

    found = learn_blend(signals, labels, folds=np.arange(ROWS) % 5)

    apart = min(row_losses(signal, labels).mean() for signal in signals.T)
    assert row_losses(found.log_odds, labels).mean() < apart - 0.02
