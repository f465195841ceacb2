"""Who was called this week, by the company's clock, and how that ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from tests.by_hand import by_hand, moment
from tests.serve import example
from tests.strategies import START

from leads.history import History
from serve.pages.called import called_this_week, week_of

NOW = 30.5
ZONE = example.settings(Path()).company.zone


def found(history: History, folder: Path) -> dict[str, tuple[int, str]]:
    """Give by lead when it was called this week, and how."""
    rows = called_this_week(history, example.settings(folder)).rows()
    return {lead_id: (at, how) for lead_id, at, how in rows}


def test_only_calls_and_done_tasks_of_this_week_count(tmp_path: Path) -> None:
    """Not a visit, not what was before Monday, not what nobody could know yet."""
    monday = (week_of(START + timedelta(days=NOW), ZONE) - START) / timedelta(days=1)
    history = by_hand(
        ["a", "b", "c", "d", "e"],
        cut_off=NOW,
        events=[
            ("a", monday, "call"),
            ("a", monday + 0.1, "task_completed"),
            ("b", monday - 0.001, "call_out"),
            ("c", monday + 0.1, "visit"),
            ("d", monday + 0.1, "call", NOW + 1),
            ("e", monday + 0.1, "outgoing_call"),
        ],
    )

    calls = found(history, tmp_path)

    assert calls == {
        "a": (moment(monday + 0.1), "task"),
        "e": (moment(monday + 0.1), "call"),
    }


def test_a_call_of_no_length_was_not_answered(tmp_path: Path) -> None:
    """The last call of the week tells; a length that is not known tells nothing."""
    events = [("a", NOW - 0.2, "call"), ("b", NOW - 0.2, "call")]
    made = by_hand(["a", "b"], cut_off=NOW, events=[*events, ("b", NOW - 0.1, "call")])
    lengths = pl.Series("value", [0.0, 60.0, 0.0])
    table = made.tables.events.with_columns(lengths)
    history = History(replace(made.tables, events=table))

    calls = found(history, tmp_path)

    assert {lead: how for lead, (_, how) in calls.items()} == {
        "a": "no_answer", "b": "no_answer",
    }  # fmt: skip
    assert {how for _, how in found(made, tmp_path).values()} == {"call"}


def test_a_week_begins_on_monday_where_the_company_is() -> None:
    """Sunday night in UTC is Monday in Moscow."""
    sunday = datetime(2026, 11, 22, 21, 30, tzinfo=UTC)

    assert week_of(sunday, ZONE) == datetime(2026, 11, 22, 21, tzinfo=UTC)
