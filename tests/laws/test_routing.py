"""Laws of giving out leads, whatever leads and people there are."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from leads.decision import Tier
from leads.settings import Person, Routing
from playbook.routing import Asked, Load, Route, route

MONDAY = datetime(2026, 3, 2, 7, tzinfo=UTC)
ZONE = ZoneInfo("UTC")
LOW = {Tier.COLD, Tier.NO_DATA}

PEOPLE = st.lists(
    st.builds(
        Person,
        id=st.sampled_from(["P0", "P1", "P2", "P3", "P4"]),
        level=st.sampled_from(["leading", "consultant"]),
        pipelines=st.sampled_from([(), ("a",), ("b",), ("a", "b")]),
        share=st.sampled_from([0.5, 1.0, 2.0]),
        per_day=st.integers(0, 6),
        most_open=st.integers(0, 8),
        days=st.sampled_from([("mon",), ("tue",), ("mon", "tue")]),
    ),
    max_size=5,
    unique_by=lambda one: one.id,
)
LEADS = st.lists(
    st.builds(
        Asked,
        lead_id=st.integers(0, 10_000).map("L{}".format),
        tier=st.sampled_from(list(Tier)),
        chance=st.floats(0.0, 1.0),
        pipeline=st.sampled_from(["", "a", "b", "c"]),
        returning_to=st.sampled_from(["", "", "P0", "P9"]),
    ),
    max_size=40,
    unique_by=lambda one: one.lead_id,
)
PARTS = st.sampled_from([0.0, 0.3, 1.0])


def given_out(
    leads: list[Asked], people: list[Person], loads: dict[str, Load] | None = None,
    *, random: float = 0.3, learn: float = 0.3,
) -> tuple[Route, ...]:  # fmt: skip
    """Give out leads on a Monday."""
    routing = Routing(person=tuple(people), random=random, learn=learn)
    return route(leads, routing, now=MONDAY, zone=ZONE, loads=loads or {})


@given(LEADS, PEOPLE, PARTS, st.integers(0, 4))
@settings(deadline=None, max_examples=60)
def test_every_lead_gets_one_route_and_nobody_is_over_capacity(
    leads: list[Asked], people: list[Person], random: float, there: int
) -> None:
    """Each lead comes out once; who is full or away, or cannot, gets nothing."""
    loads = {one.id: Load(open=there, today=there) for one in people}

    made = given_out(leads, people, loads, random=random)

    assert sorted(r.lead_id for r in made) == sorted(one.lead_id for one in leads)
    got = Counter(r.person for r in made if r.person and r.kind != "waits")
    asked = {one.lead_id: one for one in leads}
    for one in people:
        room = min(one.per_day, one.most_open) - there
        assert got[one.id] <= max(room, 0)
        assert "mon" in one.days or not got[one.id]
    able = {one.id: one.pipelines for one in people}
    for r in made:
        if r.kind in {"given", "random"}:
            lead = asked[r.lead_id]
            can = able[r.person]
            assert not lead.pipeline or not can or lead.pipeline in can


@given(LEADS, PEOPLE)
@settings(deadline=None, max_examples=40)
def test_returning_customers_stay_and_order_does_not_matter(
    leads: list[Asked], people: list[Person]
) -> None:
    """Whose manager is there goes to no other, and the same day gives the same."""
    made = given_out(leads, people)
    again = given_out(leads[::-1], people[::-1])

    asked = {one.lead_id: one for one in leads}
    ids = {one.id for one in people}
    for r in made:
        if asked[r.lead_id].returning_to in ids:
            assert r.person == asked[r.lead_id].returning_to
            assert r.kind in {"returning", "waits"}
    assert {(r.lead_id, r.person, r.kind) for r in made} == {
        (r.lead_id, r.person, r.kind) for r in again
    }


@given(
    st.integers(0, 60),
    st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=1, max_size=5),
)
@settings(deadline=None, max_examples=60)
def test_nobody_is_further_than_two_leads_from_a_fair_share(
    count: int, shares: list[float]
) -> None:
    """Consultants that can all take every lead get their shares of them."""
    people = [Person(id=f"P{n}", share=s, per_day=999) for n, s in enumerate(shares)]
    leads = [Asked(f"L{n}", Tier.WARM, n / 100) for n in range(count)]

    got = Counter(r.person for r in given_out(leads, people))

    for one in people:
        assert abs(got[one.id] - count * one.share / sum(shares)) < 2.0


@given(st.integers(0, 10**6))
@settings(deadline=None, max_examples=30)
def test_the_draw_is_the_share_that_was_asked_and_keeps_its_arm(start: int) -> None:
    """About a third of low tiers is drawn, each in the same arm whoever else is."""
    people = [Person(id="P0", per_day=9_999, most_open=9_999)]
    leads = [Asked(f"L{start + n}", Tier.COLD, 0.01) for n in range(400)]

    arms = {r.lead_id: r.low_arm for r in given_out(leads, people)}
    few = {r.lead_id: r.low_arm for r in given_out(leads[:50], people)}

    assert 70 <= Counter(arms.values())["random"] <= 170
    assert few == {name: arms[name] for name in few}
