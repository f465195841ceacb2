"""A lead changes tier because its chance did, and for no other reason."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from leads.decision import Tier
from model.tiers.borders import RANKED, Borders, Cut

CHANCES = st.floats(0.0, 1.0)
TINY = 1e-9  # a margin so small that rounding decides
TIERS = st.sampled_from((*RANKED, Tier.NO_DATA, None))


@st.composite
def borders(draw: st.DrawFn) -> Borders:
    """Draw borders of chance, in order, with a floor below the hot one."""
    warm, hot = sorted((draw(CHANCES), draw(CHANCES)))
    floor = draw(st.floats(0.0, hot))
    cut = Cut(hot, warm)
    return Borders(
        hot, warm, floor=floor, hysteresis=draw(st.sampled_from((0.0, 0.01, 0.1, 0.5))),
        pipelines={"own": cut},
    )  # fmt: skip


def rank(tier: Tier) -> int:
    """Order tiers from cold to hot."""
    return RANKED.index(tier)


@given(borders(), CHANCES, TIERS)
def test_without_change_of_chance_no_tier_flickers(
    cut: Borders, chance: float, first: Tier | None
) -> None:
    """Whatever a lead was before, said twice the same chance gives the same tier."""
    once = cut.tier_of(chance, previous=first)

    assert cut.tier_of(chance, previous=once) is once


@given(borders(), st.lists(CHANCES, min_size=2, max_size=20))
def test_a_lead_inside_the_margin_stays(cut: Borders, chances: list[float]) -> None:
    """Chances that all lie within the margin of a border move nobody across it."""
    reach = cut.hysteresis * min(cut.hot, 1 - cut.hot)
    near = [cut.hot + (2 * c - 1) * 0.999 * reach for c in chances]
    for start in (Tier.HOT, Tier.WARM):
        tier, seen = start, set()
        for chance in near:
            tier = cut.tier_of(chance, previous=tier)
            seen.add(tier is Tier.HOT)

        floored = any(chance <= cut.floor for chance in near)
        assert floored or reach < TINY or seen == {start is Tier.HOT}


@given(borders(), CHANCES, TIERS)
def test_no_hysteresis_is_the_plain_cut(
    cut: Borders, chance: float, previous: Tier | None
) -> None:
    """With hysteresis 0 the tier before does not matter."""
    plain = replace(cut, hysteresis=0.0)

    assert plain.tier_of(chance, previous=previous) is cut.tier_of(chance)


@given(borders(), CHANCES, TIERS)
def test_nobody_stays_hot_at_or_below_the_floor(
    cut: Borders, chance: float, previous: Tier | None
) -> None:
    """Not even a lead that is hot already is hot at or below the floor."""
    tier = cut.tier_of(chance, previous=previous)

    assert chance > cut.floor or tier is not Tier.HOT


@given(borders(), CHANCES, st.sampled_from(RANKED))
def test_a_lead_never_overshoots(cut: Borders, chance: float, previous: Tier) -> None:
    """The new tier lies between the one before and the one that a plain cut names."""
    tier, plain = cut.tier_of(chance, previous=previous), cut.tier_of(chance)

    low, high = sorted((rank(previous), rank(plain)))
    assert low <= rank(tier) <= high


@given(borders(), CHANCES, CHANCES, TIERS)
def test_a_greater_chance_is_never_colder(
    cut: Borders, one: float, other: float, previous: Tier | None
) -> None:
    """Of two leads with the same past the likelier is at least as hot."""
    low, high = sorted((one, other))

    assert rank(cut.tier_of(low, previous=previous)) <= rank(
        cut.tier_of(high, previous=previous)
    )


@given(borders(), CHANCES)
def test_certainty_passes_every_border(cut: Borders, warm: float) -> None:
    """However wide the margin, a sure lead gets hot, and a hopeless one gets cold."""
    capped = replace(cut, hot=min(cut.hot, 0.99), warm=min(warm, cut.hot, 0.99))
    capped = replace(capped, floor=min(capped.floor, capped.hot))

    assert capped.tier_of(1.0, previous=Tier.COLD) is Tier.HOT
    assert capped.tier_of(0.0, previous=Tier.HOT) is Tier.COLD
