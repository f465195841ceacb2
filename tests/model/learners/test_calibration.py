from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.features.catalog import Numbers
from model.learners.calibration import IDENTITY, choose_calibrator, fit_sigmoid
from model.metrics import probabilities, row_losses


def drawn(
    slope: float, intercept: float, rows: int = 4_000, seed: int = 0
) -> tuple[Numbers, Numbers]:
    """Draw raw log-odds, and outcomes from their affine transform."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(-1.0, 1.5, rows)
    labels = rng.random(rows) < probabilities(raw * slope + intercept)
    return raw, labels.astype(float)


def test_an_overconfident_model_is_drawn_in() -> None:
    """The sigmoid finds the slope and intercept that outcomes were drawn with."""
    raw, labels = drawn(0.5, -0.7, rows=40_000)

    found = fit_sigmoid(raw, labels)

    assert found.slope == pytest.approx(0.5, abs=0.03)
    assert found.intercept == pytest.approx(-0.7, abs=0.05)


def test_targets_are_drawn_towards_the_middle() -> None:
    """Platt's targets keep a perfectly parted sample from infinite certainty."""
    raw = np.array([-1.0] * 10 + [1.0] * 10)
    labels = np.array([0.0] * 10 + [1.0] * 10)

    surest = probabilities(fit_sigmoid(raw, labels).apply(raw)).max()

    assert surest == pytest.approx(11 / 12, abs=1e-4)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.floats(-2.0, 2.0))
def test_the_order_of_leads_never_turns_around(seed: int, slope: float) -> None:
    """Even of a model that is worse than chance the slope stays positive."""
    raw, labels = drawn(slope, 0.0, rows=60, seed=seed)

    assert fit_sigmoid(raw, labels).slope > 0


def test_a_calibrated_model_is_left_alone() -> None:
    """Where the sigmoid does not lower the loss of left-out folds, identity stays."""
    kept = 0
    for seed in range(20):
        raw, labels = drawn(1.0, 0.0, rows=400, seed=seed)
        kept += choose_calibrator(raw, labels, np.arange(400) % 5) is IDENTITY

    assert kept >= 12


def test_an_overconfident_model_gets_a_sigmoid() -> None:
    """Where the sigmoid lowers the loss of left-out folds, it is taken."""
    raw, labels = drawn(0.5, -0.7)

    found = choose_calibrator(raw, labels, np.arange(len(raw)) % 5)

    assert found.kind == "sigmoid"
    assert row_losses(found.apply(raw), labels).mean() < row_losses(raw, labels).mean()


def test_one_fold_is_not_enough_to_choose_by() -> None:
    """With a single fold nothing was left out, so identity stays."""
    raw, labels = drawn(0.5, -0.7)

    assert choose_calibrator(raw, labels, np.zeros(len(raw), dtype=np.intp)) is IDENTITY
