from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from tests.by_hand import by_hand, moment
from tests.strategies import random_tables, settings, with_outcomes

from leads.history import History
from leads.settings import Settings
from model.examples.snapshots import open_leads, take

FLAT = settings(
    source={"kind": "table", "path": "x.csv", "outcome": "y"},
    conversion={"kind": "outcome"},
)


def at(*moments: str, **conversion: Any) -> Settings:
    """Ask for snapshots at these moments, with a horizon of ten days."""
    return settings(
        snapshots={"at": moments}, conversion={"horizon_days": 10} | conversion
    )


def taken(history: History, rules: Settings) -> list[tuple[str, float, str]]:
    """List lead, day and kind of each snapshot."""
    rows = take(history, rules).select("lead_id", "moment", "kind").rows()
    return [(lead, (m - moment(0)) / 86_400e6, kind) for lead, m, kind in rows]


def test_every_kind_of_moment_gives_its_snapshot() -> None:
    """Creation, ages, stage changes and days, in order of time."""
    history = by_hand(stages=[("a", 3, "new"), ("a", 5, "talk")])

    found = taken(history, at("creation", "12h", "stage_change", "7d", "2026-01-05"))

    assert found == [
        ("a", 0, "creation"), ("a", 0.5, "12h"), ("a", 3, "stage_change"),
        ("a", 4, "2026-01-05"), ("a", 5, "stage_change"), ("a", 7, "7d"),
    ]  # fmt: skip


def test_a_calendar_day_begins_at_midnight_of_the_company() -> None:
    """In Moscow the day begins three hours earlier than in UTC."""
    rules = settings(
        company={"timezone": "Europe/Moscow"}, snapshots={"at": ["2026-01-05"]}
    )

    assert taken(by_hand(), rules) == [("a", 4 - 3 / 24, "2026-01-05")]


def test_one_moment_gives_one_snapshot_named_as_configured_first() -> None:
    """A stage change on the seventh day is one snapshot, not two."""
    history = by_hand(stages=[("a", 7, "new"), ("a", 7, "talk")])

    assert taken(history, at("7d", "stage_change")) == [("a", 7, "7d")]
    assert taken(history, at("stage_change", "7d")) == [("a", 7, "stage_change")]


def test_what_was_known_late_is_looked_at_late() -> None:
    """A lead recorded on day 2 has its first snapshot then, and none before."""
    history = by_hand(recorded={"a": 2}, stages=[("a", 1, "new", 4)])

    found = taken(history, at("creation", "1d", "3d", "stage_change"))

    assert found == [("a", 2, "creation"), ("a", 3, "3d"), ("a", 4, "stage_change")]


def test_nothing_is_taken_after_the_cut_off() -> None:
    """A moment at the cut-off is the last."""
    assert taken(by_hand(cut_off=3), at("1d", "3d", "7d"))[-1] == ("a", 3, "3d")


@pytest.mark.parametrize(
    ("payments", "days"),
    [
        ([("a", 2, 100)], [0, 1]),
        ([("a", 1, 100)], [0]),  # paid at that very moment: converted
        ([("a", 2, 100, 50)], [0, 1]),  # recorded late, paid all the same
        ([("a", 2, 100), ("a", 5, -100)], [0, 1, 7, 14]),  # all money back: open again
        ([("a", 2, 100), ("a", 5, -10)], [0, 1]),
    ],
)
def test_a_converted_lead_gives_no_further_snapshot(
    payments: list[tuple[Any, ...]], days: list[int]
) -> None:
    """None from the first payment kept; with repeat they go on."""
    history = by_hand(payments=payments)
    moments = ("creation", "1d", "3d", "7d", "14d")

    assert [day for _, day, _ in taken(history, at(*moments))] == days
    again = taken(history, at(*moments, repeat=True))
    assert [day for _, day, _ in again] == [0, 1, 3, 7, 14]


def test_a_closed_lead_gives_none_until_it_is_reopened() -> None:
    """Won or lost leads are not asked about; a reopened one is."""
    history = by_hand(
        ["a", "b"],
        stages=[("a", 2, "lost"), ("a", 5, "talk"), ("b", 2, "won", 6)],
    )

    found = taken(history, at("1d", "3d", "7d"))

    # The win of b was not recorded until day 6, so on day 3 nobody knew.
    assert [row[:2] for row in found] == [("a", 1), ("b", 1), ("b", 3), ("a", 7)]


def test_the_frame_is_as_promised() -> None:
    """Names, types, rows from 0 and the order are what every reader relies on."""
    snapshots = take(History(random_tables(3)), at("creation", "3d", "stage_change"))

    assert dict(snapshots.schema) == {
        "row": pl.UInt32(), "lead_id": pl.String(), "moment": pl.Int64(),
        "kind": pl.String(), "label": pl.Boolean(), "mature": pl.Boolean(),
        "censored_why": pl.String(), "holdout": pl.Boolean(), "created_at": pl.Int64(),
    }  # fmt: skip
    assert snapshots["row"].to_list() == list(range(len(snapshots)))
    assert snapshots.equals(snapshots.sort("moment", "lead_id"))
    assert len(snapshots) > 5


def test_a_flat_table_is_looked_at_once_whatever_is_configured() -> None:
    """Nothing of a flat lead changes, so ages would only repeat it."""
    tables = with_outcomes(random_tables(3), seed=3, holdout=True)

    snapshots = take(History(tables), FLAT)

    assert snapshots["kind"].unique().to_list() == ["creation"]
    assert sorted(snapshots["lead_id"]) == tables.leads["lead_id"].to_list()
    held = dict(tables.outcomes.select("lead_id", "holdout").rows())
    assert dict(snapshots.select("lead_id", "holdout").rows()) == held


def test_open_leads_are_those_neither_paid_nor_closed() -> None:
    """At the cut-off, and as it was known at any moment before."""
    history = by_hand(
        ["d", "c", "b", "a"],
        recorded={"d": 9},
        payments=[("a", 2, 100, 6)],
        stages=[("b", 3, "lost"), ("b", 8, "talk"), ("c", 4, "won")],
        cut_off=10,
    )

    now = open_leads(history, at("creation"))
    then = open_leads(history, at("creation"), at=moment(5))

    assert now.rows() == [(0, "b", moment(10)), (1, "d", moment(10))]
    assert then.rows() == [(0, "a", moment(5))]
    assert now.schema["row"] == pl.UInt32()


def test_open_leads_of_a_flat_table_are_those_without_outcome() -> None:
    """They are looked at when they came, as in training."""
    history = History(with_outcomes(random_tables(5), seed=5))

    found = open_leads(history, FLAT)

    unknown = history.tables.outcomes.filter(pl.col("outcome").is_null())
    assert sorted(found["lead_id"]) == sorted(unknown["lead_id"])
    born = dict(history.leads.select("lead_id", "created_at").rows())
    assert found["moment"].to_list() == [born[lead] for lead in found["lead_id"]]
