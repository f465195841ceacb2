from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from leads.history import History
from leads.settings import Conversion, FilesSource, Funnel, Settings
from leads.tables import SCHEMAS, Tables
from model.proof.counting import wilson
from model.stages import Rate, Stages, pass_stages

START = datetime(2026, 1, 1, tzinfo=UTC)
CUT_OFF = START + timedelta(days=100)
SETTINGS = Settings(
    source=FilesSource(kind="files", folder=Path("data")),
    conversion=Conversion(kind="payment", horizon_days=30),
    funnel=Funnel(won=("paid",), lost=("gone",)),
)

Moves = dict[str, list[tuple[int, str]]]


def company(moves: Moves, paid: dict[str, int]) -> History:
    """Let leads enter stages and pay on such days; all are known at once."""

    def at(day: int) -> datetime:
        return START + timedelta(days=day)

    rows: dict[str, list[tuple[object, ...]]] = {name: [] for name in SCHEMAS}
    for lead, entries in moves.items():
        rows["leads"].append((lead, at(0), at(0), "web", "sales", None))
        for day, stage in entries:
            rows["stages"].append((lead, at(day), at(day), "sales", stage))
    for lead, day in paid.items():
        rows["payments"].append((lead, at(day), at(day), 100, "RUB"))
    frames = {
        name: pl.DataFrame(rows[name], schema=dict(schema), orient="row").sort(
            list(schema)
        )
        for name, schema in SCHEMAS.items()
    }
    return History(Tables(cut_off=CUT_OFF, fields={}, **frames))  # type: ignore[arg-type]


MOVES: Moves = {
    "a": [(0, "new"), (2, "talk"), (10, "paid")],
    "b": [(0, "new"), (4, "talk"), (50, "gone")],
    "c": [(0, "new"), (6, "talk")],
    "d": [(1, "new"), (90, "talk")],
    "e": [(95, "new")],
    "f": [],
}
PAID = {"a": 10}


@pytest.fixture(scope="module")
def stages() -> Stages:
    """Count a company of six leads."""
    return pass_stages(company(MOVES, PAID), SETTINGS)


def test_open_leads_stand_where_they_moved_last(stages: Stages) -> None:
    """Who has paid or is lost stands nowhere; who was in no stage is counted apart."""
    here = {item.stage: item.here for item in stages.stages}

    assert here == {"new": 1, "talk": 2, "paid": 0, "gone": 0}
    assert stages.unstaged == 1


def test_stays_are_those_that_ended(stages: Stages) -> None:
    """Median and 90th percentile of past stays, and who stands there for longer."""
    new, talk = stages.stages[:2]

    # Left after 2, 4, 6 and 89 days; one stands there for 5 days.
    assert (new.stays, new.usual_days, new.waiting_days) == (4, 5.0, 5.0)
    assert new.slow_days == pytest.approx(6 + 0.7 * 83)
    # Left after 8 and 46 days; two stand there for 94 and 10 days.
    assert (talk.usual_days, talk.waiting_days, talk.slow) == (27.0, 52.0, 1)
    assert talk.slow_days == pytest.approx(8 + 0.9 * 38)


def test_conversion_counts_ripe_entries_alone(stages: Stages) -> None:
    """An entry younger than the horizon is not judged; a won one counts as won."""
    new, talk = stages.stages[:2]

    assert new.soon == Rate(4, 1, *wilson(0.25, 4))  # not e: entered on day 95
    assert talk.soon == Rate(3, 1, *wilson(1 / 3, 3))  # nor d in talk: day 90
    assert new.finally_ == Rate(2, 1, *wilson(0.5, 2))  # only a and b are settled


def test_nothing_later_than_the_cut_off_is_seen() -> None:
    """What is recorded after the cut-off changes nothing."""
    later = {**MOVES, "e": [(95, "new"), (101, "talk")]}
    history = company(later, {**PAID, "b": 120})

    assert pass_stages(history, SETTINGS) == pass_stages(company(MOVES, PAID), SETTINGS)


def test_without_stages_there_is_no_funnel() -> None:
    """Leads that never moved make no stage, and all of them are unstaged."""
    empty = pass_stages(company({"a": [], "b": []}, {}), SETTINGS)

    assert (empty.stages, empty.unstaged) == ((), 2)


def test_repeated_buyers_are_judged_again() -> None:
    """Where customers come back an entry after a payment is judged like any other."""
    moves: Moves = {"a": [(0, "new"), (20, "talk")]}
    repeat = Conversion(kind="payment", horizon_days=30, repeat=True)
    once = pass_stages(company(moves, {"a": 10}), SETTINGS)
    again = pass_stages(
        company(moves, {"a": 10}), SETTINGS.model_copy(update={"conversion": repeat})
    )

    assert {item.stage: item.soon for item in once.stages}["talk"] is None
    assert {item.stage: item.soon for item in again.stages}["talk"] == Rate.of(0, 1)


def test_of_nothing_there_is_no_rate() -> None:
    """A share of no leads is not zero, it is not known."""
    assert Rate.of(0, 0) is None
