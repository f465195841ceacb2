"""Laws of reasons: points add up, in any order, and a false sum is never told."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.decision import NEAR, mean_slope, probability_of
from leads.errors import FalseSum
from model.reasons.explanation import points

odds = st.floats(-30, 30)
shares = st.lists(st.floats(-6, 6), min_size=1, max_size=12)


@given(base=odds, given_shares=shares)
def test_points_add_up_from_base_rate_to_probability(
    base: float, given_shares: list[float]
) -> None:
    """The points of all fields sum to probability less base rate, to 1e-9."""
    log_odds = base + math.fsum(given_shares)
    summed = np.array([given_shares])

    moved = points(summed, np.array([log_odds]), base)

    due = probability_of(log_odds) - probability_of(base)
    assert abs(moved.sum() - due) <= 1e-9


@given(base=odds, given_shares=shares, order=st.randoms(use_true_random=False))
def test_points_know_no_order(
    base: float, given_shares: list[float], order: object
) -> None:
    """A field has the same points wherever it stands among the others."""
    turned = given_shares[::-1]
    log_odds = np.array([base + math.fsum(given_shares)])

    forth = points(np.array([given_shares]), log_odds, base)
    back = points(np.array([turned]), log_odds, base)

    assert forth[0].tolist() == back[0, ::-1].tolist()


@given(base=st.floats(-20, 20), way=st.floats(-20, 20))
def test_the_slope_is_the_mean_over_the_straight_path(base: float, way: float) -> None:
    """The slope is the mean derivative of the probability between base and log-odds."""
    steps = base + way * (np.arange(20_000) + 0.5) / 20_000
    chances = 1 / (1 + np.exp(-steps))

    assert mean_slope(base + way, base) == pytest.approx(
        float(np.mean(chances * (1 - chances))), abs=1e-7
    )


@given(base=st.floats(-5, 5), side=st.sampled_from([-1.0, 1.0]))
def test_the_slope_has_no_step_where_the_limit_takes_over(
    base: float, side: float
) -> None:
    """Just below and just above the switch to the limit the slope is the same."""
    below, above = (mean_slope(base + side * NEAR * f, base) for f in (0.999, 1.001))

    assert below == pytest.approx(above, abs=1e-6)


@given(
    base=st.floats(-4, 4),
    given_shares=shares,
    place=st.integers(0, 11),
    error=st.floats(1e-3, 1.0),
)
def test_a_false_sum_is_refused(
    base: float, given_shares: list[float], place: int, error: float
) -> None:
    """Shares that miss the log-odds by a thousandth are not turned into points."""
    log_odds = np.array([base + math.fsum(given_shares)])
    wrong = np.array([given_shares])
    wrong[0, place % len(given_shares)] += error * (1 + abs(log_odds[0]))

    with pytest.raises(FalseSum, match="do not add up"):
        points(wrong, log_odds, base)


def test_what_is_not_a_number_is_refused() -> None:
    """A share that is NaN is refused, though it compares false with every limit."""
    with pytest.raises(FalseSum):
        points(np.array([[math.nan, 0.5]]), np.array([0.5]), 0.0)


def test_a_false_sum_is_refused_where_no_point_shows_it() -> None:
    """Far out points are next to nothing, and shares must add up all the same."""
    with pytest.raises(FalseSum):
        points(np.array([[5.0]]), np.array([40.0]), 25.0)
