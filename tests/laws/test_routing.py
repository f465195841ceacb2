"""Laws of giving out leads, whatever leads and people there are."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from leads.decision import Tier
from leads.settings import Person, Routing
from leads.workdays import WEEK, Calendar
from playbook.hours import Hours
from playbook.routing import GIVEN, Asked, Load, Route, route

MONDAY = datetime(2026, 3, 2, 7, tzinfo=UTC)
ZONE = Calendar(ZoneInfo("UTC"))
RUSSIA = Calendar(ZoneInfo("UTC"), "RU")
UNITY_DAY = datetime(2026, 11, 4, 7, tzinfo=UTC)  # a Wednesday

PEOPLE = st.lists(
    st.builds(
        Person,
        id=st.sampled_from(["P0", "P1", "P2", "P3", "P4"]),
        level=st.sampled_from(["leading", "consultant"]),
        pipelines=st.sampled_from([(), ("a",), ("b",), ("a", "b")]),
        skills=st.sampled_from([(), (), ("tax",)]),
        languages=st.sampled_from([(), (), ("en", "ru")]),
        share=st.sampled_from([0.5, 1.0, 2.0]),
        per_day=st.integers(0, 6),
        most_open=st.integers(0, 8),
        days=st.sampled_from([("mon",), ("tue",), ("mon", "tue")]),
        opens=st.sampled_from([time(0), time(9), time(20)]),
        closes=st.sampled_from([time(21), time(23)]),
        timezone=st.sampled_from(["", "", "Asia/Vladivostok"]),
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
        skill=st.sampled_from(["", "tax", "law"]),
        language=st.sampled_from(["", "en", "de"]),
        returning_to=st.sampled_from(["", "", "P0", "P9"]),
        kept_by=st.sampled_from(["", "", "", "P1", "P9"]),
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
    return route(leads, routing, now=MONDAY, calendar=ZONE, loads=loads or {})


@given(LEADS, PEOPLE, PARTS, st.integers(0, 4))
@settings(deadline=None, max_examples=60)
def test_every_lead_gets_one_route_and_nobody_is_over_capacity(
    leads: list[Asked], people: list[Person], random: float, there: int
) -> None:
    """Each lead comes out once; who is full or away, or cannot, gets nothing."""
    loads = {one.id: Load(open=there, today=there) for one in people}

    made = given_out(leads, people, loads, random=random)

    assert sorted(r.lead_id for r in made) == sorted(one.lead_id for one in leads)
    got = Counter(r.person for r in made if r.kind in GIVEN)
    asked = {one.lead_id: one for one in leads}
    able = {one.id: one for one in people}
    for one in people:
        left = one.left_today(MONDAY, ZONE)
        room = min(math.ceil(one.per_day * left), one.most_open) - there
        assert got[one.id] <= max(room, 0)
    for r in made:
        if r.kind in {"given", "random"}:
            lead, can = asked[r.lead_id], able[r.person]
            assert not can.pipelines or lead.pipeline in ("", *can.pipelines)
            assert not can.skills or lead.skill in ("", *can.skills)
            assert not can.languages or lead.language in ("", *can.languages)


@given(LEADS, PEOPLE)
@settings(deadline=None, max_examples=40)
def test_what_a_person_gave_somebody_is_given_to_nobody_else(
    leads: list[Asked], people: list[Person]
) -> None:
    """It stays, is drawn into no arm, and takes none of today's room."""
    made = {r.lead_id: r for r in given_out(leads, people)}
    ids = {one.id for one in people}
    kept = [one for one in leads if one.kept_by and one.returning_to not in ids]
    free = [one for one in leads if one not in kept]

    for one in kept:
        assert made[one.lead_id].person == one.kept_by
        assert (made[one.lead_id].kind, made[one.lead_id].low_arm) == ("kept", "")
    assert {r.lead_id: r for r in given_out(free, people)} == {
        one.lead_id: made[one.lead_id] for one in free
    }


def test_who_has_an_hour_left_gets_an_hour_of_leads() -> None:
    """Of nine hours eight are over: two of fifteen leads still fit into the ninth."""
    late = Person(id="L", per_day=15)
    leads = [Asked(f"L{n}", Tier.WARM, n / 100) for n in range(20)]
    routing = Routing(person=(late,))
    at = MONDAY.replace(hour=17)

    made = route(leads, routing, now=at, calendar=ZONE, loads={})

    assert Counter(r.kind for r in made) == {"given": 2, "waits": 18}
    over = route(leads, routing, now=at.replace(hour=18), calendar=ZONE, loads={})
    assert {r.lacking for r in over} == {("hours",)}


def test_hours_are_on_the_clock_of_the_person() -> None:
    """At seven in London it is afternoon in Vladivostok, and evening at eight there."""
    east = Person(id="E", per_day=9, timezone="Asia/Vladivostok")

    at_seven = east.left_today(MONDAY, ZONE)

    assert at_seven == pytest.approx(1 / 9)
    assert east.left_today(MONDAY.replace(hour=8), ZONE) == 0.0
    assert Person(id="L").left_today(MONDAY, ZONE) == 1.0


@given(
    st.dates(date(2023, 1, 1), date(2027, 12, 31)),
    st.sets(st.sampled_from(WEEK), min_size=1),
    st.sampled_from([(None, None), ("RU", None), ("DE", "BY"), ("KZ", None)]),
)
@example(date(2026, 11, 4), set(WEEK), ("RU", None))  # a free Wednesday
@example(date(2024, 4, 27), set(WEEK[:5]), ("RU", None))  # a Saturday that is worked
@settings(deadline=None, max_examples=200)
def test_people_work_on_the_days_on_which_deadlines_run(
    day: date, week: set[str], place: tuple[str | None, str | None]
) -> None:
    """The same weekdays and country mean the same days to plans and to routing."""
    days = tuple(one for one in WEEK if one in week)
    noon = datetime.combine(day, time(12), tzinfo=UTC)
    calendar = Calendar(ZONE.zone, *place)
    person = Person.model_validate({"id": "P", "days": days})

    there = person.left_today(noon, calendar) > 0

    hours = Hours("UTC", days=days, country=place[0], region=place[1])
    assert there == hours.works_on(day)
    usual = WEEK[day.weekday()] in days
    assert there or person.is_on_holiday(noon, calendar) == usual


def test_on_a_holiday_leads_go_to_who_works_or_wait_and_say_why() -> None:
    """Who is on duty gets them all; without anybody they wait for a working day."""
    leads = [Asked(f"L{n}", Tier.WARM, n / 9) for n in range(6)]
    off, duty = Person(id="off"), Person(id="duty", holidays=True)
    regular = Asked("R", Tier.WARM, 0.5, returning_to="off")

    def on(day: datetime, *people: Person) -> tuple[Route, ...]:
        routing = Routing(person=people)
        return route([*leads, regular], routing, now=day, calendar=RUSSIA, loads={})

    with_duty, without = on(UNITY_DAY, off, duty), on(UNITY_DAY, off)

    assert {r.person for r in with_duty if r.kind == "given"} == {"duty"}
    assert {r.lead_id for r in with_duty if r.kind == "waits"} == {"R"}
    assert {(r.kind, r.lacking) for r in without} == {("waits", ("holiday",))}
    thursday = on(UNITY_DAY.replace(day=5), off, duty)
    assert {r.person for r in thursday} == {"off", "duty"}


@given(st.integers(20, 60), st.integers(1, 4))
@settings(deadline=None, max_examples=30)
def test_nobody_starves_beside_one_with_a_large_share(count: int, days: int) -> None:
    """Over some mornings a newcomer of a small share gets leads, too."""
    people = [
        Person(id="big", share=9.0, per_day=999), Person(id="new", per_day=999)
    ]  # fmt: skip
    got: Counter[str] = Counter()
    for day in range(days):
        leads = [Asked(f"D{day}-{n}", Tier.WARM, n / 99) for n in range(count)]
        got.update(r.person for r in given_out(leads, people))

    assert got["new"] >= days * (count // 10) - 1
    assert got["big"] > got["new"]


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
