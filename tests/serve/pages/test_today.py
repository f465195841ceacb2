"""Whom to call today: as many as a day has room for, whatever the tiers are."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from leads.decision import Override, Tier
from serve.pages.today import Room, call_today, in_calling_order

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SCHEMA = {
    "lead_id": pl.String, "tier": pl.String, "pipeline": pl.String,
    "closed": pl.Boolean, "called_at": pl.Int64,
}  # fmt: skip


def ranked(
    *leads: tuple[str, str], pipeline: str = "new", rung: str = ""
) -> pl.DataFrame:
    """Rank leads in the order given, each with its tier; some were called this week."""
    rows = [
        (lead_id, tier, pipeline, False, 1 if lead_id in rung else None)
        for lead_id, tier in leads
    ]
    return pl.DataFrame(rows, SCHEMA, orient="row")


def called(frame: pl.DataFrame, room: Room, **tiers: Tier) -> list[str]:
    """List whom to call; ``tiers`` are those that people set."""
    overrides = {name: Override(name, tier, "7", NOW) for name, tier in tiers.items()}
    return call_today(frame, overrides, room)["lead_id"].to_list()


MIXED = ranked(("a", "warm"), ("b", "hot"), ("c", "hot"), ("d", "warm"), ("e", "cold"))


def test_hot_leads_come_first_and_warm_ones_fill_the_day() -> None:
    """A warm lead that ranks higher waits for hot ones; cold ones are never called."""
    assert called(MIXED, Room(1)) == ["b"]
    assert called(MIXED, Room(3)) == ["b", "c", "a"]
    assert called(MIXED, Room(10)) == ["b", "c", "a", "d"]


def test_who_was_called_this_week_waits_below_the_others_of_the_tier() -> None:
    """Tiers never mix, nobody's changes, and where there is room all are listed."""
    leads = [("a", "warm"), ("b", "hot"), ("c", "hot"), ("d", "warm"), ("e", "cold")]
    frame = ranked(*leads, rung="ab")

    assert called(frame, Room(2)) == ["c", "b"]
    assert called(frame, Room(10)) == ["c", "b", "d", "a"]
    assert called(frame, Room()) == ["c", "b"]
    assert called(frame, Room(None, {"new": 3})) == ["c", "b", "d"]


def test_where_nobody_said_every_hot_lead_is_called() -> None:
    """Without a number the list neither cuts hot leads off nor adds warm ones."""
    assert called(MIXED, Room()) == ["b", "c"]


def test_a_persons_tier_counts() -> None:
    """Who was set hot is called, who was set cold is not; the model's has no say."""
    assert called(MIXED, Room(2), e=Tier.HOT, b=Tier.COLD) == ["c", "e"]


def test_each_pipeline_has_its_own_room() -> None:
    """One that is not named calls its hot leads and no other."""
    frame = pl.concat([MIXED, ranked(("x", "warm"), ("y", "hot"), pipeline="base")])

    assert called(frame, Room(None, {"new": 1})) == ["b", "y"]


@settings(deadline=None)  # a busy machine is no failure
@given(
    tiers=st.lists(st.sampled_from(["hot", "warm", "cold", "not enough data"])),
    room=st.integers(0, 20),
)
def test_the_day_is_never_overfull_nor_idle(tiers: list[str], room: int) -> None:
    """As many are called as there is room for, if so many are worth it; none twice."""
    frame = ranked(*((str(place), tier) for place, tier in enumerate(tiers)))

    found = called(frame, Room(room)) if tiers else []

    worth = sum(tier in {"hot", "warm"} for tier in tiers)
    assert len(found) == min(room, worth)
    assert len(set(found)) == len(found)
    skipped_hot = {str(p) for p, tier in enumerate(tiers) if tier == "hot"} - {*found}
    assert not skipped_hot or all(tiers[int(one)] == "hot" for one in found)


@settings(deadline=None)  # a busy machine is no failure
@given(
    leads=st.lists(st.tuples(st.sampled_from(list(Tier)), st.booleans())),
    said=st.dictionaries(st.integers(0, 20), st.sampled_from(list(Tier))),
    room=st.one_of(st.none(), st.integers(0, 20)),
)
def test_tiers_never_mix_and_inside_one_the_called_stand_below(
    leads: list[tuple[Tier, bool]], said: dict[int, Tier], room: int | None
) -> None:
    """The order is: tier (a person's first), not called, as ranked; the day cuts it."""
    rows = [
        (str(place), tier.value, "new", False, 1 if rung else None)
        for place, (tier, rung) in enumerate(leads)
    ]
    frame = pl.DataFrame(rows, SCHEMA, orient="row")
    overrides = {str(n): Override(str(n), tier, "7", NOW) for n, tier in said.items()}
    tiers = list(Tier)

    def place(lead_id: str) -> tuple[int, bool, int]:
        tier, rung = leads[int(lead_id)]
        return tiers.index(said.get(int(lead_id), tier)), rung, int(lead_id)

    ordered = in_calling_order(frame, overrides)["lead_id"].to_list()

    assert ordered == sorted((row[0] for row in rows), key=place)
    day = call_today(frame, overrides, Room(room))["lead_id"].to_list()
    assert day == ordered[: len(day)]
