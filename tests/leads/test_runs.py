"""The row of a business date: one at work, taken over, never twice; both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from leads.errors import Overtaken
from leads.journal import Journal
from leads.runs import LATEST_AGAIN, LEASE, SOONEST_AGAIN, Run, Runs

TODAY = date(2026, 11, 22)
YESTERDAY = date(2026, 11, 21)
SECOND = 1_000_000


class Clock:
    """A database's clock that tests move."""

    def __init__(self) -> None:
        self.micros = 1_795_000_000 * SECOND

    def __call__(self, _: sa.Connection) -> int:
        """Tell the time."""
        return self.micros

    def forward(self, by: timedelta) -> None:
        """Let time pass; a negative time is a step back."""
        self.micros += int(by / timedelta(microseconds=1))


@pytest.fixture
def clock() -> Clock:
    """Stop the clock at a quiet moment."""
    return Clock()


@pytest.fixture
def runs(journal: Journal, clock: Clock) -> Runs:
    """Keep runs on that clock."""
    return Runs(journal, clock=clock)


def claimed(runs: Runs, day: date = TODAY) -> Run:
    """Take a run up that must be free."""
    run = runs.claim(day)
    assert run is not None
    return run


@pytest.mark.parametrize(
    "dates", [pytest.param(20), pytest.param(200, marks=pytest.mark.long)]
)
def test_of_many_who_start_at_once_one_works(
    url: str, journal: Journal, dates: int
) -> None:
    """Five schedulers, many dates, all at once: each date is begun by one (T18)."""
    del journal  # made the tables
    days = [TODAY + timedelta(days=number) for number in range(dates)]
    together = threading.Barrier(5)

    def schedule() -> list[date]:
        with closing(Journal(url)) as own:
            mine, runs = [], Runs(own)
            for day in days:
                together.wait(timeout=30)
                if runs.is_due(day) and (run := runs.claim(day)) is not None:
                    mine.append(day)
                    runs.finish(run)
            return mine

    with ThreadPoolExecutor(5) as pool:
        work = [pool.submit(schedule) for _ in range(5)]

    faults = [one.exception() for one in work]
    assert faults == [None] * 5
    assert sorted(day for one in work for day in one.result()) == days


def test_a_finished_date_is_never_begun_again(runs: Runs, clock: Clock) -> None:
    """Not at once, not after the lease, not after the clock was set back."""
    runs.finish(claimed(runs))

    for step in (timedelta(), 2 * LEASE, timedelta(hours=-3)):
        clock.forward(step)
        assert not runs.is_due(TODAY)
        assert runs.claim(TODAY) is None


def test_a_killed_run_goes_on_where_it_stopped(runs: Runs, clock: Clock) -> None:
    """Whoever comes after the lease has ended knows what was done."""
    first = runs.complete(claimed(runs), ingest="5 leads")
    clock.forward(LEASE - timedelta(seconds=1))
    assert runs.claim(TODAY) is None
    clock.forward(timedelta(seconds=1))

    second = claimed(runs)

    assert dict(second.done) == {"ingest": "5 leads"}
    assert second.token == first.token + 1
    assert second.attempts == 2


def test_who_was_overtaken_can_write_nothing_down(runs: Runs, clock: Clock) -> None:
    """Neither a step nor the end nor a failure, nor can it renew or let go."""
    old = claimed(runs)
    clock.forward(LEASE)
    new = claimed(runs)

    for writing in (
        lambda: runs.complete(old, score="all"),
        lambda: runs.finish(old),
        lambda: runs.fail(old, "no space"),
        lambda: runs.renew(old),
        lambda: runs.release(old),
    ):
        with pytest.raises(Overtaken, match="taken over"):
            writing()
    assert runs.of(TODAY) == new


def test_a_note_is_kept_until_it_is_taken_back(runs: Runs, clock: Clock) -> None:
    """It outlives a kill, counts as no step, and goes without touching what is done."""
    first = runs.note(runs.complete(claimed(runs), score="all"), sending="begun")
    clock.forward(LEASE)
    second = claimed(runs)

    assert dict(second.done) == {"score": "all", "sending": "begun"}
    assert dict(runs.note(second, sending="").done) == {"score": "all"}
    assert first.token + 1 == second.token


def test_the_latest_runs_are_those_that_did_the_step(runs: Runs) -> None:
    """A date that never predicted is no yesterday."""
    runs.finish(runs.complete(claimed(runs, YESTERDAY), score="all"))
    claimed(runs, TODAY)

    assert [run.day for run in runs.latest("score", count=2)] == [YESTERDAY]


def test_a_run_that_renews_is_left_alone(runs: Runs, clock: Clock) -> None:
    """Long work keeps its lease as long as somebody says that it goes on."""
    run = claimed(runs)

    for _ in range(5):
        clock.forward(LEASE - timedelta(seconds=1))
        runs.renew(run)
        assert runs.claim(TODAY) is None


def test_an_older_date_is_not_begun_after_a_newer_one(runs: Runs) -> None:
    """A clock that was set back over the hour does not bring yesterday back."""
    claimed(runs)

    assert not runs.is_due(YESTERDAY)
    assert runs.claim(YESTERDAY) is None
    assert runs.of(YESTERDAY) is None


def test_a_failure_is_told_and_waited_after(runs: Runs, clock: Clock) -> None:
    """A scheduler waits a minute, and longer with each; a person need not wait."""
    run = claimed(runs)
    runs.fail(run, "the CRM is away")

    assert not runs.is_due(TODAY)
    clock.forward(SOONEST_AGAIN)
    assert runs.is_due(TODAY)
    for _ in range(30):
        runs.fail(claimed(runs), "the CRM is away")
    clock.forward(LATEST_AGAIN - timedelta(seconds=1))
    assert not runs.is_due(TODAY)
    clock.forward(timedelta(seconds=1))
    assert runs.is_due(TODAY)
    found = runs.of(TODAY)
    assert found is not None
    assert found.failed_why == "the CRM is away"


def test_a_clock_set_back_does_not_hold_a_killed_run_for_an_hour(
    runs: Runs, clock: Clock
) -> None:
    """A lease that ends later than any lease can is over."""
    claimed(runs)
    clock.forward(timedelta(hours=-1))

    assert runs.is_due(TODAY)
    assert claimed(runs).attempts == 2


def test_the_end_is_told(runs: Runs, clock: Clock) -> None:
    """When it ended, and nothing of an earlier failure, is read back."""
    runs.fail(claimed(runs), "no space")
    run = claimed(runs)
    clock.forward(timedelta(seconds=30))

    ended = runs.finish(run)

    assert ended == runs.newest()
    assert ended.is_finished
    assert ended.failed_why is None
    assert ended.finished_at is not None
    assert ended.finished_at - ended.started_at == timedelta(seconds=30)
