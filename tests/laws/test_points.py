"""What holds of every scorecard."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from playbook.condition import All, Ask
from playbook.facts import Asked
from playbook.points import GRID, Bounds, Group, Item, Scorecard, Side

DAY = 86_400.0
small = st.integers(-20, 20)
bounds = st.builds(
    lambda a, b: Bounds(None if a is None else -abs(a), b if b is None else abs(b)),
    st.none() | small,
    st.none() | small,
)
size = Ask(Asked("card.size"), "at_least", 10.0)
items = st.builds(Item, small, when=st.sampled_from([All(), size])) | st.builds(
    Item,
    small,
    event=st.sampled_from(["visit", "mail"]),
    half_life=st.none() | st.integers(3600, 864_000),
    within=st.none() | st.integers(3600, 8_640_000),
    bounds=bounds,
)
groups = st.lists(
    st.builds(
        Group,
        st.uuids().map(str),
        st.lists(items, min_size=1, max_size=4).map(tuple),
        bounds,
    ),
    max_size=3,
).map(tuple)
borders = st.sets(small, min_size=3, max_size=3).map(
    lambda found: tuple(sorted(found, reverse=True))
)
cards = st.builds(
    Scorecard, st.builds(Side, borders, groups), st.builds(Side, borders, groups)
)
facts = st.sampled_from([{}, {Asked("card.size"): 5.0}, {Asked("card.size"): 15.0}])
ages = st.dictionaries(
    st.sampled_from(["visit", "mail"]), st.lists(st.floats(0, 100 * DAY), max_size=5)
)


@given(cards, facts, ages)
def test_fit_and_engagement_are_all_points(card, facts, ages) -> None:  # type: ignore[no-untyped-def]
    """The sum is exact, and is what the groups let through."""
    made = card.score(facts, ages)

    kept = 0
    for name, side in card.sides():
        for group in side.groups:
            given_here = [
                one.points
                for one in made.given
                if (one.side, one.group) == (name, group.name)
            ]
            kept += group.bounds.keep(sum(given_here))
    assert made.points == made.fit + made.engagement == kept
    assert made.grid in GRID


@given(items, facts, ages, bounds)
def test_caps_hold_of_items_and_groups(item, facts, ages, cap) -> None:  # type: ignore[no-untyped-def]
    """Nothing counts beyond its bounds, however much happens."""
    card = Scorecard(Side((3, 2, 1), (Group("g", (item,), cap),)), Side((3, 2, 1), ()))

    worth, fit = item.worth(facts, ages), card.score(facts, ages).fit

    assert item.bounds.least is None or worth >= item.bounds.least
    assert item.bounds.most is None or worth <= item.bounds.most
    assert cap.least is None or fit >= cap.least
    assert cap.most is None or fit <= cap.most


@given(
    st.integers(1, 50),
    st.integers(3600, 864_000),
    st.lists(st.floats(0, 100 * DAY), min_size=1, max_size=6),
    st.floats(0, 50 * DAY),
)
def test_waiting_never_adds_points(points, half_life, when, later) -> None:  # type: ignore[no-untyped-def]
    """What fades only fades: plus points fall and minus points rise towards nought."""
    for sign in (1, -1):
        item = Item(sign * points, event="visit", half_life=half_life, within=8_640_000)

        now = item.worth({}, {"visit": when})
        then = item.worth({}, {"visit": [age + later for age in when]})

        assert 0 <= sign * then <= sign * now


@given(borders, small, small)
def test_more_points_never_stand_lower(three, one, other) -> None:  # type: ignore[no-untyped-def]
    """The parts of a side are ordered as its points are."""
    side = Side(three, ())

    low, high = sorted((one, other))

    assert side.place(high) <= side.place(low)
