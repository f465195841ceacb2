"""T18: the machine was off when the morning's run was due; the service catches up."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import structlog
from tests.pipelines.small import exported
from tests.pipelines.test_daily import configured, expected, trained
from tests.serve.company import invented_tables
from tests.serve.service import environment, free_port

from leads.journal import Journal
from leads.mornings import DAY, newest_due
from leads.runs import Runs
from leads.settings import Settings, read_settings

__all__ = ["trained"]

COMMAND = ("-m", "pipelines", "serve", "--config")
MOST_SECONDS = 300.0
LEADS = 3_000

log = structlog.get_logger()


@pytest.mark.long
def test_two_thousand_leads_are_caught_up_with_in_five_minutes(
    trained: Path, tmp_path: Path
) -> None:
    """Yesterday was done, today's hour passed without us: the boot itself starts it."""
    config = configured(trained, tmp_path, at="00:00", late="00:01")
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[daily]", "[daily]\nrun = true"), encoding="utf-8")
    grown(tmp_path / "export")
    settings = read_settings(config)
    day, journal = done_yesterday(settings), Journal(settings.store.database)
    booted = time.monotonic()

    command = [sys.executable, *COMMAND, str(config), "--port", str(free_port())]
    service = subprocess.Popen(command, env=environment())
    try:
        with closing(journal):
            while not is_done(Runs(journal), day):
                assert service.poll() is None
                assert time.monotonic() - booted <= MOST_SECONDS
                time.sleep(1)
    finally:
        service.terminate()
        service.wait()
    seconds = time.monotonic() - booted

    count = len(expected(settings))
    log.info("caught up", open_leads=count, seconds=round(seconds))
    assert count >= 2_000


def is_done(runs: Runs, day: date) -> bool:
    """Say whether a date's run is finished."""
    run = runs.of(day)
    return run is not None and run.is_finished


def grown(export: Path) -> None:
    """Put more leads into the export."""
    export.unlink()
    exported(invented_tables(LEADS), export)


def done_yesterday(settings: Settings) -> date:
    """Finish the date before; gives the one that is due."""
    day = newest_due(datetime.now(UTC), settings.daily.at, settings.company.zone)
    with closing(Journal(settings.store.database)) as journal:
        journal.upgrade()
        runs = Runs(journal)
        run = runs.claim(day - DAY)
        assert run is not None
        runs.finish(run)
    return day
