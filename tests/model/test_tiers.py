from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from leads.decision import Tier
from model.tiers import floor_of, learn_borders

CHANCES = st.lists(st.sampled_from([0.01, 0.1, 0.2, 0.5, 0.9]), min_size=1, max_size=60)
SHARE = st.floats(0.01, 0.6)


@given(CHANCES, SHARE, SHARE, st.floats(0.0, 1.0))
def test_tiers_never_outgrow_their_shares(
    chances: list[float], hot: float, warm: float, floor: float
) -> None:
    """However many tie, no more leads are hot or warm than the shares allow."""
    borders = learn_borders(np.array(chances), hot=hot, warm=warm, floor=floor)

    tiers = [borders.tier_of(chance) for chance in chances]
    assert tiers.count(Tier.HOT) <= hot * len(chances) + 1e-6
    at_least_warm = tiers.count(Tier.HOT) + tiers.count(Tier.WARM)
    assert at_least_warm <= (hot + warm) * len(chances) + 1e-6


@given(CHANCES, SHARE, st.floats(0.0, 1.0))
def test_nobody_is_hot_at_or_below_the_floor(
    chances: list[float], hot: float, floor: float
) -> None:
    """A hot lead beats the floor, however good it is among its like."""
    borders = learn_borders(np.array(chances), hot=hot, warm=0.3, floor=floor)

    assert all(
        chance > floor for chance in chances if borders.tier_of(chance) is Tier.HOT
    )


def test_distinct_chances_fill_the_shares() -> None:
    """Without ties and floor the tiers are exactly as large as asked for."""
    chances = np.linspace(0.01, 0.99, 100)
    borders = learn_borders(chances, hot=0.1, warm=0.3, floor=0.0)

    tiers = [borders.tier_of(chance) for chance in chances.tolist()]
    assert (tiers.count(Tier.HOT), tiers.count(Tier.WARM)) == (10, 30)


@given(st.floats(0.001, 0.999), st.floats(0.0, 20.0))
def test_the_floor_can_always_be_beaten(rate: float, multiple: float) -> None:
    """However common conversion is, some probability is above the floor."""
    assert floor_of(rate, multiple) < 1.0
