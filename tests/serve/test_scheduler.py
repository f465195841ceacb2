"""When the service starts a morning's run, and when it says that one is late."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.serve.company import settings_in

from leads.errors import LeadcastError
from leads.journal import Journal
from leads.runs import Run, Runs
from serve.monitor import Monitor
from serve.scheduler import DailyState, Scheduler

TODAY = date(2026, 11, 22)
SEVEN = datetime(2026, 11, 22, 4, tzinfo=UTC)  # in Moscow


class Clock:
    """A clock that tests set."""

    def __init__(self, now: datetime = SEVEN) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Open an empty journal."""
    with closing(Journal(f"sqlite:///{tmp_path / 'leadcast.db'}")) as opened:
        opened.upgrade()
        yield opened


def scheduler_of(
    journal: Journal, folder: Path, clock: Clock, script: str
) -> Scheduler:
    """Make a scheduler whose run is a line of Python."""
    command = [sys.executable, "-c", script]
    return Scheduler(settings_in(folder), journal, command=command, now=clock)


def noting(folder: Path, then: str = "") -> str:
    """Write a script that notes that it was started."""
    return f"open({str(folder / 'started')!r}, 'a').write('x'); {then}"


def started(folder: Path, *, least: int) -> int:
    """Wait until so many runs have noted their start; give how many did."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        count = _starts(folder)
        if count >= least:
            return count
        time.sleep(0.02)
    raise AssertionError(f"{count} of {least} runs were started")


def stands(*, is_finished: bool, is_late: bool) -> DailyState:
    """Say how today stands, with no failure to tell of."""
    return DailyState(TODAY, is_finished, is_late, None)


def begun(runs: Runs) -> Run:
    """Take today's run up."""
    run = runs.claim(TODAY)
    assert run is not None
    return run


def test_a_due_run_is_started_once_at_a_time(journal: Journal, tmp_path: Path) -> None:
    """While one is under way no look starts another."""
    script = noting(tmp_path, "import time; time.sleep(60)")
    scheduler = scheduler_of(journal, tmp_path, Clock(), script)
    scheduler.start()

    started(tmp_path, least=1)
    scheduler.stop()

    assert started(tmp_path, least=1) == 1


def test_one_that_died_is_started_again(journal: Journal, tmp_path: Path) -> None:
    """A run that ended without finishing its date is due at the next look."""
    scheduler = scheduler_of(journal, tmp_path, Clock(), noting(tmp_path))

    until = time.monotonic() + 20
    while time.monotonic() < until and _starts(tmp_path) < 2:
        scheduler.look()
        time.sleep(0.05)

    scheduler.stop()
    assert started(tmp_path, least=2) >= 2


def _starts(folder: Path) -> int:
    path = folder / "started"
    return len(path.read_text()) if path.exists() else 0


def test_a_finished_date_starts_nothing(journal: Journal, tmp_path: Path) -> None:
    """What is done is left, until the next date."""
    runs = Runs(journal)
    runs.finish(begun(runs))
    clock = Clock(SEVEN + timedelta(hours=23, minutes=59))
    scheduler = scheduler_of(journal, tmp_path, clock, noting(tmp_path))

    scheduler.look()
    time.sleep(0.3)
    assert not (tmp_path / "started").exists()
    clock.now += timedelta(minutes=1)
    scheduler.look()
    assert started(tmp_path, least=1) == 1
    scheduler.stop()


def test_late_is_told_once_in_the_log_and_always_in_metrics(
    journal: Journal, tmp_path: Path
) -> None:
    """From a quarter past seven on, until it is done; before, nothing is late."""
    clock = Clock(SEVEN + timedelta(minutes=14))
    scheduler = scheduler_of(journal, tmp_path, clock, "pass")
    runs = Runs(journal)
    run = begun(runs)  # somebody is at work, so nothing is started here
    monitor = Monitor()
    monitor.watch_mornings(scheduler)

    with capture_logs() as logs:
        scheduler.look()
        assert scheduler.state() == stands(is_finished=False, is_late=False)
        clock.now += timedelta(minutes=1)
        scheduler.look()
        scheduler.look()

    assert scheduler.state() == stands(is_finished=False, is_late=True)
    assert [one["event"] for one in logs] == ["daily_late"]
    assert b"leadcast_daily_late 1.0" in monitor.page()
    runs.finish(run)
    assert scheduler.state() == stands(is_finished=True, is_late=False)
    assert b"leadcast_daily_late 0.0" in monitor.page()


def test_where_nobody_runs_mornings_nothing_is_late(
    journal: Journal, tmp_path: Path
) -> None:
    """Without a command and without any run the service says nothing of mornings."""
    late = Clock(SEVEN + timedelta(hours=5))
    scheduler = Scheduler(settings_in(tmp_path), journal, command=None, now=late)

    assert scheduler.state() is None


def test_a_database_that_is_away_is_waited_for(tmp_path: Path) -> None:
    """A look that cannot ask the database starts nothing and raises its own words."""
    with closing(Journal(f"sqlite:///{tmp_path / 'none' / 'leadcast.db'}")) as away:
        scheduler = scheduler_of(away, tmp_path, Clock(), noting(tmp_path))
        with pytest.raises(LeadcastError):
            scheduler.look()

    assert not (tmp_path / "started").exists()
