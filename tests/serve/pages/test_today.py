"""Whom to call today: as many as a day has room for, whatever the tiers are."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from leads.decision import Override, Tier
from serve.pages.today import Room, call_today

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def ranked(
    *leads: tuple[str, str], pipeline: str = "new", rung: str = ""
) -> pl.DataFrame:
    """Rank leads in the order given, each with its tier; some were called this week."""
    rows = [
        (lead_id, tier, pipeline, False, 1 if lead_id in rung else None)
        for lead_id, tier in leads
    ]
    schema = ["lead_id", "tier", "pipeline", "closed", "called_at"]
    return pl.DataFrame(rows, schema=schema, orient="row", infer_schema_length=None)


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


def test_who_was_called_this_week_waits_below_who_was_not() -> None:
    """Hot or warm; nobody's tier changes, and where there is room all are listed."""
    leads = [("a", "warm"), ("b", "hot"), ("c", "hot"), ("d", "warm"), ("e", "cold")]
    frame = ranked(*leads, rung="ab")

    assert called(frame, Room(2)) == ["c", "d"]
    assert called(frame, Room(10)) == ["c", "d", "b", "a"]
    assert called(frame, Room()) == ["c", "b"]
    assert called(frame, Room(None, {"new": 3})) == ["c", "d", "b"]


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
