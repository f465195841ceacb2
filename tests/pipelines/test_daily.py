"""The morning's run: once, gone on with after any kill, and told of when it is late."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.pipelines.small import exported
from tests.serve.company import invented_tables, learned, settings_in
from typer.testing import CliRunner

from leads import store
from leads.history import History
from leads.journal import Journal
from leads.mornings import newest_due
from leads.runs import Run, Runs
from leads.settings import Settings, read_settings
from model.examples.snapshots import open_leads
from model.promotion import champion
from pipelines.__main__ import app
from pipelines.daily import STEPS, work
from pipelines.ingest import take_in
from pipelines.score import score_open

CONFIG = """
[company]
timezone = "Europe/Moscow"
[source]
kind = "files"
folder = "export"
[conversion]
horizon_days = 14
[snapshots]
at = ["creation", "3d", "7d"]
[daily]
at = "{at}"
late = "{late}"
[store]
folder = "store"
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Export a company, and promote what was learned of it."""
    folder = tmp_path_factory.mktemp("company")
    tables = invented_tables()
    exported(tables, folder / "export")
    made = settings_in(folder)
    bundle = learned(tables, made, folder / "work")
    champion.set_champion(folder / "store", bundle.path, "1", datetime.now(UTC))
    return folder


@pytest.fixture
def config(trained: Path, tmp_path: Path) -> Path:
    """Copy the company, so that each test has a morning of its own."""
    return configured(trained, tmp_path, at="00:00", late="00:01")


def configured(trained: Path, folder: Path, *, at: str, late: str) -> Path:
    """Write a configuration over the same export and champion, with its own journal."""
    (folder / "export").symlink_to(trained / "export")
    shutil.copytree(trained / "store", folder / "store")
    path = folder / "acme.toml"
    path.write_text(CONFIG.format(at=at, late=late), encoding="utf-8")
    return path


def today(settings: Settings) -> Any:
    """Name the date that is due."""
    zone = settings.company.zone
    return newest_due(datetime.now(UTC), settings.daily.at, zone)


def run_of(settings: Settings) -> Run:
    """Read today's row."""
    with closing(Journal(settings.store.database)) as journal:
        found = Runs(journal).of(today(settings))
    assert found is not None
    return found


def scored(settings: Settings) -> dict[str, int]:
    """Count the journal's entries by lead."""
    path = settings.store.database.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as journal:
        query = "SELECT lead_id, count(*) FROM predictions GROUP BY lead_id"
        return dict(journal.execute(query).fetchall())


def expected(settings: Settings) -> set[str]:
    """List the leads that are open."""
    found = open_leads(History(store.load(settings.store.folder)), settings)
    return set(found["lead_id"].to_list())


def assert_whole(settings: Settings) -> None:
    """Every step done, every open lead predicted once, every file of a report whole."""
    run = run_of(settings)
    assert run.is_finished
    assert set(STEPS) <= run.done.keys()
    assert scored(settings) == dict.fromkeys(expected(settings), 1)
    reports = settings.store.folder / "reports"
    assert not list(reports.rglob(".writing-*"))
    for twin in reports.rglob("*.json"):
        json.loads(twin.read_bytes())


def test_a_morning_is_done_once(config: Path) -> None:
    """The verb reads, predicts and reports; a second call finds it done."""
    settings = read_settings(config)
    runner = CliRunner()

    first = runner.invoke(app, ["daily", "--config", str(config)])
    made = run_of(settings)
    second = runner.invoke(app, ["daily", "--config", str(config)])

    assert (first.exit_code, second.exit_code) == (0, 0), first.output + second.output
    assert_whole(settings)
    assert "is done since" in second.output
    assert run_of(settings) == made


def test_a_failed_step_is_told_and_gone_on_with(config: Path) -> None:
    """Bad input ends the run with exit 2; mended, the run goes on where it stopped."""
    settings = read_settings(config)
    runner = CliRunner()
    export = settings.store.folder.parent / "export"
    link = export.readlink()
    export.unlink()

    failed = runner.invoke(app, ["daily", "--config", str(config)])
    late = runner.invoke(app, ["daily", "--check", "--config", str(config)])
    export.symlink_to(link)
    mended = runner.invoke(app, ["daily", "--config", str(config)])

    assert failed.exit_code == 2
    assert late.exit_code == 4
    assert "last failed" in late.output
    assert mended.exit_code == 0
    assert_whole(settings)
    assert run_of(settings).attempts == 2


def test_who_goes_on_predicts_as_of_the_same_moment(config: Path) -> None:
    """What is ingested between a kill and its repeat does not predict a lead twice."""
    settings = read_settings(config)
    export = settings.store.folder.parent / "export"
    with closing(Journal(settings.store.database)) as journal:
        journal.upgrade()
        runs = Runs(journal)
        run = runs.claim(today(settings))
        assert run is not None
        before = take_in(settings).cut_off
        assert before is not None
        run = runs.complete(run, ingest="", as_of=before.isoformat())
        score_open(settings, None, as_of=before, now=datetime.now(UTC))  # then killed
        _let_time_pass(export)
        assert take_in(settings).cut_off != before

        work(settings, runs, run, now=datetime.now(UTC))

    assert set(scored(settings).values()) == {1}


def _let_time_pass(export: Path) -> None:
    """Make the export a newer one: something happened to a lead a day later."""
    link = export.readlink()
    export.unlink()
    shutil.copytree(link, export)
    events = pl.read_parquet(export / "events.parquet")
    newest = events.sort("at").tail(1)
    later = newest.with_columns(pl.col("at", "recorded_at") + timedelta(days=1))
    pl.concat([events, later]).write_parquet(export / "events.parquet")


def test_before_its_hour_nothing_is_late(trained: Path, tmp_path: Path) -> None:
    """A check before the hour of being late says so and ends well."""
    config = configured(trained, tmp_path, at="00:00", late="23:59:59")

    checked = CliRunner().invoke(app, ["daily", "--check", "--config", str(config)])

    assert checked.exit_code == 0
    assert "not done yet" in checked.output
