from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from leads.decision import Tier
from model.tiers.borders import Borders, Cut, cut_at, floor_of

CHANCES = st.lists(st.sampled_from([0.01, 0.1, 0.2, 0.5, 0.9]), min_size=1, max_size=60)
SHARE = st.floats(0.01, 0.6)


def borders_of(
    scores: list[float], *, hot: float, warm: float, floor: float = 0.0
) -> Borders:
    """Place borders at shares of these scores."""
    cut = cut_at(np.array(scores), hot=hot, warm=warm, least=floor)
    return Borders(cut.hot, cut.warm, floor=floor)


@given(CHANCES, SHARE, SHARE, st.floats(0.0, 1.0))
def test_tiers_never_outgrow_their_shares(
    chances: list[float], hot: float, warm: float, floor: float
) -> None:
    """However many tie, no more leads are hot or warm than the shares allow."""
    borders = borders_of(chances, hot=hot, warm=warm, floor=floor)

    tiers = [borders.tier_of(chance) for chance in chances]
    assert tiers.count(Tier.HOT) <= hot * len(chances) + 1e-6
    at_least_warm = tiers.count(Tier.HOT) + tiers.count(Tier.WARM)
    assert at_least_warm <= (hot + warm) * len(chances) + 1e-6


@given(CHANCES, SHARE, st.floats(0.0, 1.0))
def test_nobody_is_hot_at_or_below_the_floor(
    chances: list[float], hot: float, floor: float
) -> None:
    """A hot lead beats the floor, however good it is among its like."""
    borders = borders_of(chances, hot=hot, warm=0.3, floor=floor)

    assert all(
        chance > floor for chance in chances if borders.tier_of(chance) is Tier.HOT
    )


def test_distinct_chances_fill_the_shares() -> None:
    """Without ties and floor the tiers are exactly as large as asked for."""
    chances = np.linspace(0.01, 0.99, 100).tolist()
    borders = borders_of(chances, hot=0.1, warm=0.3)

    tiers = [borders.tier_of(chance) for chance in chances]
    assert (tiers.count(Tier.HOT), tiers.count(Tier.WARM)) == (10, 30)


@given(st.floats(0.001, 0.999), st.floats(0.0, 20.0))
def test_the_floor_can_always_be_beaten(rate: float, multiple: float) -> None:
    """However common conversion is, some probability is above the floor."""
    assert floor_of(rate, multiple) < 1.0


def test_borders_are_read_as_they_were_written() -> None:
    """A bundle gives its borders back, pipelines and all; an older one plain ones."""
    borders = Borders(
        0.4, 0.2, floor=0.1, hysteresis=0.2, pipelines={"partners": Cut(0.3, 0.1)}
    )

    assert Borders.from_json(json.dumps(asdict(borders))) == borders
    assert Borders.from_json('{"hot": 0.4, "warm": 0.2}') == Borders(0.4, 0.2)


def test_tiers_by_money_look_at_money() -> None:
    """A likely small lead is colder than an unlikely large one, but never past hope."""
    money = [0.5 * 1e2, 0.2 * 1e4, 0.01 * 1e6]
    borders = replace(borders_of(money, hot=0.7, warm=0.2), by="money", floor=0.05)
    likely, large, hopeless = (
        borders.tier_of(chance, money=value)
        for chance, value in zip((0.5, 0.2, 0.01), money, strict=True)
    )

    assert (likely, large, hopeless) == (Tier.COLD, Tier.HOT, Tier.WARM)


def test_without_an_amount_there_is_no_tier_by_money() -> None:
    """Where nothing is known of the money, that is what is said."""
    assert Borders(10.0, 5.0, by="money").tier_of(0.9) is Tier.NO_DATA
