from __future__ import annotations

import numpy as np
import pytest

from model.features.catalog import Numbers
from model.learners.calibration import Calibrator, Kind
from model.learners.recalibration import (
    FITS,
    Sample,
    choose_calibrator,
    fit_beta,
    fit_isotonic,
    fit_sigmoid,
    fit_temperature,
    fit_venn_abers,
    turns_of,
)
from model.metrics import probabilities, row_losses


def drawn(
    slope: float, intercept: float, rows: int = 4_000, seed: int = 0
) -> tuple[Numbers, Numbers]:
    """Draw raw log-odds, and outcomes from their affine transform."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(-1.0, 1.5, rows)
    labels = rng.random(rows) < probabilities(raw * slope + intercept)
    return raw, labels.astype(float)


def chosen(
    raw: Numbers, labels: Numbers, *, folds: int = 5, forward: bool = False
) -> Calibrator:
    """Choose a calibrator for rows of as many leads, in folds that follow the rows."""
    rows = np.arange(len(raw))
    return choose_calibrator(
        raw, labels, folds=rows * folds // len(raw), leads=rows, forward=forward
    )


def test_an_overconfident_model_is_drawn_in() -> None:
    """The sigmoid finds the slope and intercept that outcomes were drawn with."""
    raw, labels = drawn(0.5, -0.7, rows=40_000)

    slope, intercept = fit_sigmoid(Sample.of(raw, labels)).coefficients

    assert slope == pytest.approx(0.5, abs=0.03)
    assert intercept == pytest.approx(-0.7, abs=0.05)


def test_temperature_finds_the_slope() -> None:
    """One slope is fitted, and no intercept."""
    raw, labels = drawn(0.5, 0.0, rows=40_000)

    slope, intercept = fit_temperature(Sample.of(raw, labels)).coefficients

    assert slope == pytest.approx(0.5, abs=0.03)
    assert intercept == 0.0


def test_beta_finds_a_slope_for_either_tail() -> None:
    """Outcomes drawn from a beta curve give its three numbers back."""
    rng = np.random.default_rng(0)
    raw = rng.normal(0.0, 2.0, 60_000)
    truth = Calibrator("beta", (0.4, 1.3, -0.5))
    labels = (rng.random(60_000) < probabilities(truth.apply(raw))).astype(float)

    found = fit_beta(Sample.of(raw, labels)).coefficients

    assert found == pytest.approx(truth.coefficients, abs=0.06)


@pytest.mark.parametrize("kind", ["isotonic", "venn_abers"])
def test_curves_with_knots_follow_a_bend(kind: Kind) -> None:
    """Where chances rise only in the middle, the knots follow them."""
    rng = np.random.default_rng(0)
    raw = rng.normal(0.0, 1.5, 40_000)
    truth = np.clip(2.0 * raw, -1.5, 1.0)
    labels = (rng.random(40_000) < probabilities(truth)).astype(float)

    found = FITS[kind](Sample.of(raw, labels))

    assert found is not None
    gap = probabilities(found.apply(raw)) - probabilities(truth)
    assert np.abs(gap).mean() < 0.02


def test_venn_abers_is_what_its_authors_define() -> None:
    """A knot is p1 / (1 - p0 + p1) of two isotonic regressions, by brute force."""
    from sklearn.isotonic import IsotonicRegression

    raw, labels = drawn(0.6, 0.3, rows=400)
    found = fit_venn_abers(Sample.of(raw, labels))
    assert found is not None
    inner = found.knots[len(found.knots) // 2]

    p0, p1 = (
        IsotonicRegression()
        .fit(np.append(raw, inner), np.append(labels, label))
        .predict([inner])[0]
        for label in (0.0, 1.0)
    )
    said = probabilities(found.apply(np.array([inner])))[0]
    assert said == pytest.approx(p1 / (1 - p0 + p1), abs=1e-9)


def test_targets_are_drawn_towards_the_middle() -> None:
    """Platt's targets keep a perfectly parted sample from infinite certainty."""
    raw = np.array([-1.0] * 10 + [1.0] * 10)
    labels = np.array([0.0] * 10 + [1.0] * 10)

    surest = probabilities(fit_sigmoid(Sample.of(raw, labels)).apply(raw)).max()

    assert surest == pytest.approx(11 / 12, abs=1e-4)


def test_groups_stand_for_their_rows() -> None:
    """Grouped to 200, 20,000 rows are fitted as one by one, to 0.01."""
    raw, labels = drawn(0.5, -0.7, rows=20_000)

    single = fit_sigmoid(Sample.of(raw, labels, most=20_000)).coefficients
    joined = fit_sigmoid(Sample.of(raw, labels, most=200)).coefficients

    assert joined == pytest.approx(single, abs=0.01)


@pytest.mark.parametrize("rarer", [0, 44])
def test_few_conversions_carry_no_knots(rarer: int) -> None:
    """Below three knots' worth of the rarer outcome no curve bends."""
    labels = np.arange(400) < rarer
    sample = Sample.of(np.arange(400) / 100.0, labels.astype(float))

    assert fit_isotonic(sample) is None
    assert fit_venn_abers(sample) is None


def test_a_calibrated_model_is_left_alone() -> None:
    """Where no curve can be told from the identity, the identity stays."""
    kept = 0
    for seed in range(20):
        raw, labels = drawn(1.0, 0.0, rows=400, seed=seed)
        kept += chosen(raw, labels).kind == "identity"

    assert kept >= 18


def test_a_model_too_sure_everywhere_gets_a_temperature() -> None:
    """Of curves that cannot be told apart the simplest is taken."""
    raw, labels = drawn(0.5, 0.0)

    assert chosen(raw, labels).kind == "temperature"


def test_a_shifted_model_gets_a_sigmoid() -> None:
    """Where a slope alone does not do, an intercept comes along."""
    raw, labels = drawn(0.5, -0.7)

    found = chosen(raw, labels)

    assert found.kind == "sigmoid"
    assert row_losses(found.apply(raw), labels).mean() < row_losses(raw, labels).mean()


def test_a_model_that_bends_gets_a_curve_that_bends() -> None:
    """Where chances stop rising, no line holds against a curve with knots."""
    rng = np.random.default_rng(1)
    raw = rng.normal(0.0, 2.0, 6_000)
    truth = np.where(raw < 0.0, -2.5, 0.5)
    labels = (rng.random(6_000) < probabilities(truth)).astype(float)

    assert chosen(raw, labels).kind in {"isotonic", "venn_abers"}


def test_the_future_does_not_choose() -> None:
    """Going forward, the oldest fold judges nothing, however much it would gain."""
    raw = np.random.default_rng(3).normal(-1.0, 1.5, 4_200)
    slopes = np.repeat([0.3, 0.3, 1.0], [3_000, 200, 1_000])
    labels = np.random.default_rng(4).random(4_200) < probabilities(raw * slopes)
    folds, leads = np.repeat([0, 1, 2], [3_000, 200, 1_000]), np.arange(4_200)

    kinds = [
        choose_calibrator(
            raw, labels.astype(float), folds=folds, leads=leads, forward=forward
        ).kind
        for forward in (True, False)
    ]

    assert kinds[0] == "identity" != kinds[1]


def test_going_forward_only_the_past_teaches() -> None:
    """Each later fold is judged by what came before it; else by all the others."""
    folds = np.repeat([0, 1, 2], [3, 2, 4])

    ahead, around = (
        [
            (set(folds[seen]), set(folds[out]))
            for seen, out in turns_of(folds, forward=f)
        ]
        for f in (True, False)
    )

    assert ahead == [({0}, {1}), ({0, 1}, {2})]
    assert around == [({1, 2}, {0}), ({0, 2}, {1}), ({0, 1}, {2})]


def test_one_fold_is_not_enough_to_choose_by() -> None:
    """With a single fold nothing was left out, so identity stays."""
    raw, labels = drawn(0.5, -0.7)

    assert chosen(raw, labels, folds=1).kind == "identity"
