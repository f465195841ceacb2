from __future__ import annotations

import numpy as np
import pytest

from model.evaluation import Judged, against_base_rate, against_champion
from model.features.catalog import Numbers
from model.metrics import probabilities

TRUTH = np.random.default_rng(1).normal(-1.0, 1.2, 3_000)
LABELS = (np.random.default_rng(2).random(3_000) < probabilities(TRUTH)).astype(float)
ROWS = Judged(LABELS, np.arange(3_000))


def blurred(amount: float, seed: int = 3) -> Numbers:
    """Blur the true log-odds."""
    noise = np.random.default_rng(seed).normal(0.0, amount, len(TRUTH))
    return np.asarray(TRUTH + noise)


def test_a_better_challenger_passes_with_the_numbers() -> None:
    """Clearly nearer to the truth passes; both losses and the interval are said."""
    verdict = against_champion(ROWS, TRUTH, blurred(1.5), seed=7)

    assert verdict.passed
    assert verdict.difference.high < 0
    assert "The challenger is better: log-loss 0." in verdict.words
    assert "3,000 judged snapshots with" in verdict.words


def test_a_worse_challenger_is_refused() -> None:
    """Clearly further from the truth is refused as worse."""
    verdict = against_champion(ROWS, blurred(1.5), TRUTH, seed=7)

    assert not verdict.passed
    assert "is worse" in verdict.words


@pytest.mark.parametrize("seed", range(8))
def test_equal_is_not_better(seed: int) -> None:
    """Two models equally far from the truth cannot be told apart: refused."""
    verdict = against_champion(
        ROWS, blurred(0.3, seed), blurred(0.3, seed + 100), seed=7
    )

    assert not verdict.passed
    assert "equal is not better" in verdict.words or "is worse" in verdict.words


def test_the_same_model_is_not_better_than_itself() -> None:
    """With no difference at all nothing is promoted."""
    assert not against_champion(ROWS, TRUTH, TRUTH, seed=7).passed


def test_few_rows_prove_nothing() -> None:
    """With 19 conversions a difference, however large, does not count."""
    labels = np.zeros(400)
    labels[:19] = 1.0
    rows = Judged(labels, np.arange(400))

    verdict = against_champion(rows, 4 * labels - 2, 2 * labels - 1, seed=7)

    assert not verdict.passed
    assert "cannot be judged on so few" in verdict.words


def test_repeated_snapshots_of_few_leads_prove_no_more() -> None:
    """A difference that 30 leads leave in doubt stays in doubt if each is copied."""
    rng = np.random.default_rng(4)
    labels = np.tile([0.0, 1.0], 40)
    new, old = rng.normal(0.05, 1, 80) * (2 * labels - 1), rng.normal(0, 1, 80)
    once = against_champion(Judged(labels, np.arange(80)), new, old, seed=7)
    rows = Judged(np.repeat(labels, 25), np.repeat(np.arange(80), 25))
    copied = against_champion(rows, np.repeat(new, 25), np.repeat(old, 25), seed=7)

    assert copied.difference.low == pytest.approx(once.difference.low)
    assert copied.difference.high == pytest.approx(once.difference.high)


def test_a_first_model_must_beat_the_base_rate() -> None:
    """A model that knows something passes against knowing nothing."""
    verdict = against_base_rate(ROWS, TRUTH, float(LABELS.mean()), seed=7)

    assert verdict.passed
    assert "better than knowing nothing" in verdict.words


def test_noise_is_refused() -> None:
    """Predictions that have nothing to do with outcomes are refused."""
    noise = np.random.default_rng(9).normal(-1.0, 0.3, len(LABELS))
    verdict = against_base_rate(ROWS, noise, float(LABELS.mean()), seed=7)

    assert not verdict.passed
    assert "not proved better than knowing nothing" in verdict.words


def test_a_shift_of_the_base_rate_is_no_knowledge() -> None:
    """A constant nearer to today's rate lowers the loss, but ranks nobody: refused."""
    constant = np.full(len(LABELS), float(np.log(LABELS.mean() / (1 - LABELS.mean()))))
    verdict = against_base_rate(ROWS, constant, 0.02, seed=7)

    assert verdict.difference.high < 0
    assert not verdict.passed


def test_what_is_odd_about_the_rows_is_said() -> None:
    """A note on the rows ends the verdict."""
    rows = Judged(LABELS, np.arange(len(LABELS)), note="The rows are old.")

    words = against_champion(rows, TRUTH, blurred(1.0), seed=7).words
    assert words.endswith("The rows are old.")
