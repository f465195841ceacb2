from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)

from model.features.catalog import Numbers
from model.metrics import (
    BINS,
    NAMES,
    Codes,
    mean_difference,
    measure,
    probabilities,
    resamples,
)


def tied_predictions(rows: int = 400, seed: int = 0) -> tuple[Numbers, Numbers]:
    """Make log-odds with many ties, and outcomes that follow them."""
    rng = np.random.default_rng(seed)
    log_odds = rng.integers(-4, 5, rows) / 2.0
    labels = (rng.random(rows) < probabilities(log_odds)).astype(float)
    return log_odds, labels


def each_alone(rows: int) -> Codes:
    """Give every row a lead of its own."""
    return np.arange(rows)


def values(log_odds: Numbers, labels: Numbers) -> dict[str, float]:
    """Measure without looking at intervals."""
    found = measure(log_odds, labels, each_alone(len(labels)), base_rate=0.3, seed=1)
    return {name: figure.value for name, figure in found.items()}


def test_figures_equal_those_of_scikit_learn() -> None:
    """Log-loss, ROC-AUC, average precision and Brier are the textbook's, ties too."""
    log_odds, labels = tied_predictions()
    chances = probabilities(log_odds)

    found = values(log_odds, labels)

    assert found["logloss"] == pytest.approx(log_loss(labels, chances), abs=1e-12)
    assert found["auc"] == pytest.approx(roc_auc_score(labels, log_odds), abs=1e-12)
    precision = average_precision_score(labels, log_odds)
    assert found["pr_auc"] == pytest.approx(precision, abs=1e-12)
    assert found["brier"] == pytest.approx(brier_score_loss(labels, chances), abs=1e-12)
    constant = log_loss(labels, np.full(len(labels), 0.3))
    assert found["base_logloss"] == pytest.approx(constant, abs=1e-12)


def test_calibration_error_is_the_weighted_gap_per_bin() -> None:
    """ECE is the sum over 15 equal bins of the bin's share times its gap."""
    log_odds, labels = tied_predictions()
    chances = probabilities(log_odds)
    expected = 0.0
    for low in np.arange(BINS) / BINS:
        inside = (chances >= low) & (chances < low + 1 / BINS)
        if inside.any():
            gap = abs(chances[inside].mean() - labels[inside].mean())
            expected += inside.mean() * gap

    assert values(log_odds, labels)["ece15"] == pytest.approx(expected, abs=1e-12)


def test_lift_counts_the_best_tenth() -> None:
    """If only the best tenth converts, and half of it, its lift is ten."""
    log_odds = np.linspace(3, -3, 100)
    labels = np.zeros(100)
    labels[:10:2] = 1.0

    assert values(log_odds, labels)["lift10"] == pytest.approx(10.0)


def test_lift_does_not_depend_on_the_order_of_ties() -> None:
    """Where all leads are predicted alike, the best tenth is no better than any."""
    labels = np.zeros(100)
    labels[:10] = 1.0

    assert values(np.zeros(100), labels)["lift10"] == pytest.approx(1.0)


def test_a_resample_weighs_whole_leads() -> None:
    """All rows of a lead are drawn equally often, and as many leads as there are."""
    leads = np.repeat(np.arange(50), 4)

    for weights in resamples(leads, seed=1, count=20):
        by_lead = weights.reshape(50, 4)
        assert (by_lead == by_lead[:, :1]).all()
        assert by_lead[:, 0].sum() == 50


def test_repeated_snapshots_do_not_narrow_the_interval() -> None:
    """Four copies of each lead's row prove no more than one: the interval stays."""
    log_odds, labels = tied_predictions()
    alone = measure(log_odds, labels, each_alone(400), base_rate=0.3, seed=1)
    copied = measure(
        np.repeat(log_odds, 4),
        np.repeat(labels, 4),
        np.repeat(each_alone(400), 4),
        base_rate=0.3,
        seed=1,
    )

    for name in NAMES:
        assert copied[name].low == pytest.approx(alone[name].low)
        assert copied[name].high == pytest.approx(alone[name].high)


def test_the_interval_of_a_mean_is_as_wide_as_theory_says() -> None:
    """The bootstrap interval of a mean difference is about 2 x 1.96 errors wide."""
    rng = np.random.default_rng(5)
    differences = rng.normal(0.1, 1.0, 2_000)

    found = mean_difference(differences, each_alone(2_000), seed=1)

    theory = 2 * 1.96 / np.sqrt(2_000)
    assert found.value == pytest.approx(differences.mean())
    assert found.high - found.low == pytest.approx(theory, rel=0.2)


def test_the_same_seed_gives_the_same_interval() -> None:
    """Intervals are a function of the rows and the seed."""
    log_odds, labels = tied_predictions()
    first = measure(log_odds, labels, each_alone(400), base_rate=0.3, seed=1)

    assert first == measure(log_odds, labels, each_alone(400), base_rate=0.3, seed=1)
    assert first != measure(log_odds, labels, each_alone(400), base_rate=0.3, seed=2)
