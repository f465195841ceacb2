"""What every outlook keeps, whatever numbers a model learned."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from leads.decision import probability_of
from model.outlook.curve import Curve, anchored
from model.outlook.spread import Spread

LOG_ODDS = st.floats(-12, 12)
FACTOR = st.floats(0.02, 50)
EDGES = (0, 1, 3, 7, 14, 30, 60, 90)


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    """Draw a curve with any factors and any horizon among its steps."""
    steps = (7, 30, 90)
    horizon = draw(st.sampled_from(steps))
    factors = [1.0 if step == horizon else draw(FACTOR) for step in steps]
    middles = tuple((a + b) / 2 for a, b in pairwise(EDGES))
    return Curve(horizon, EDGES, (0.0,) * 7, middles, steps, tuple(factors))


@given(
    curve=curves(), raw=st.lists(LOG_ODDS, min_size=7, max_size=7), log_odds=LOG_ODDS
)
def test_a_curve_rises_and_is_the_probability_at_the_horizon(
    curve: Curve, raw: list[float], log_odds: float
) -> None:
    """However the trees err, no later day has a lower chance than an earlier one."""
    chance = probability_of(log_odds)

    said, days = curve.told(raw, log_odds=log_odds, probability=chance)

    assert said[curve.horizon] == chance
    assert list(said) == sorted(said)
    assert all(early <= late for early, late in pairwise(said.values()))
    assert all(0.0 <= chance <= 1.0 for chance in said.values())
    assert curve.middles[0] <= days <= curve.middles[-1]


@given(
    parts=st.lists(st.floats(1e-6, 5), min_size=3, max_size=3),
    factors=st.tuples(FACTOR, FACTOR),
    total=st.floats(1e-6, 5),
)
def test_one_lead_and_many_are_bent_alike(
    parts: list[float], factors: tuple[float, float], total: float
) -> None:
    """Floats and arrays go through the same lines and give the same bits."""
    passed = dict(zip((7, 30, 90), np.cumsum(parts).tolist(), strict=True))
    wanted = {7: factors[0], 30: 1.0, 90: factors[1]}

    alone = anchored(passed, wanted, horizon=30, total=total)
    many = {step: np.full(3, hazard) for step, hazard in passed.items()}
    among = anchored(many, wanted, horizon=30, total=np.full(3, total))

    assert all(among[step][1] == alone[step] for step in alone)


@given(log_odds=LOG_ODDS, trees=st.floats(-6, 2))
def test_an_interval_holds_its_probability_and_is_never_certain(
    log_odds: float, trees: float
) -> None:
    """Neither 0 nor 1 is ever a bound, and more spread means a wider interval."""
    spread = Spread(-1.0, 1.5, -2.0, offset=0.01, slope=0.001, both=-0.001)

    low, high = spread.interval(log_odds, trees)
    wider = spread.interval(log_odds, trees + 1.0)

    assert 0.0 < low <= probability_of(log_odds) <= high < 1.0
    assert wider[0] < low
    assert math.isfinite(spread.variance(log_odds, trees))
