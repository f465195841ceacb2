from __future__ import annotations

import numpy as np
import pytest

from model.distance.forecast import (
    Doubt,
    drift_of,
    expected_counts,
    expected_money,
    scatter_of,
)


def test_intervals_hold_as_often_as_they_say() -> None:
    """Of worlds whose months share a shift, nine in ten fall into the interval."""
    rng = np.random.default_rng(5)
    chances = rng.beta(1.0, 6.0, 300)
    said = expected_counts(chances, Doubt(drift=0.5))
    blind = expected_counts(chances, Doubt())
    odds = np.log(chances / (1 - chances))

    shifts = rng.normal(0.0, 0.5, 800)
    moved = 1 / (1 + np.exp(-(odds + shifts[:, None])))
    sold = (rng.random(moved.shape) < moved).sum(axis=1)

    held = np.mean([said.holds(count) for count in sold])
    assert 0.87 <= held <= 0.95
    assert np.mean([blind.holds(count) for count in sold]) < 0.75


def test_money_is_held_as_often_as_said() -> None:
    """Drawn anew, amounts that scatter stay within the interval nine times in ten."""
    rng = np.random.default_rng(6)
    chances, amounts = rng.beta(1.0, 6.0, 200), rng.lognormal(9.0, 0.5, 200)
    said = expected_money(chances, amounts, Doubt(scatter=0.8), seed=1)

    came = rng.random((600, 200)) < chances
    noise = np.exp(rng.normal(-0.32, 0.8, (600, 200)))
    paid = (came * amounts * noise).sum(axis=1)

    assert said.expected == pytest.approx((chances * amounts).sum())
    assert 0.86 <= np.mean([said.holds(one) for one in paid]) <= 0.94


def test_drift_is_nought_without_evidence_and_found_with_it() -> None:
    """Months that differ by luck alone show none; months that shift show theirs."""
    rng = np.random.default_rng(7)
    chances = np.full(400, 0.2)

    def months(sd: float) -> list[tuple[np.ndarray, np.ndarray]]:
        odds = np.log(0.25) + rng.normal(0.0, sd, 12)
        return [
            (chances, (rng.random(400) < 1 / (1 + np.exp(-o))).astype(float))
            for o in odds
        ]

    assert drift_of(months(0.0)) < 0.15
    assert 0.4 < drift_of(months(0.8)) < 1.3
    assert drift_of(months(0.8)[:2]) == 0.0


def test_scatter_is_that_of_logs() -> None:
    """Amounts twice and half of what was said scatter by the log of two, about."""
    said, paid = np.full(4, 100.0), np.array([200.0, 50.0, 200.0, 50.0])

    assert scatter_of(said, paid) == pytest.approx(np.log(2.0) * np.sqrt(4 / 3))


def test_nobody_brings_nothing() -> None:
    """Without open leads both forecasts are nought."""
    none = np.array([])

    assert expected_counts(none, Doubt(0.3)).high == 0.0
    assert expected_money(none, none, Doubt(0.3), seed=1).high == 0.0
