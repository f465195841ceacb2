"""T18: a morning is killed at any moment, again and again, and nothing is lost.

Each run that comes through opens a new date with newer data, so that there is always
something left to do. The processes are forked from one that has imported everything,
or most of the time would go into starting Python.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import time
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from multiprocessing.context import ForkServerContext
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
import structlog
from tests.pipelines.morning import WHERE, Point, run_morning
from tests.pipelines.test_daily import configured, trained

from leads import store
from leads.history import History
from leads.journal import Journal
from leads.lead import EPOCH
from leads.records import PREDICTIONS
from leads.runs import RUNS, Runs
from leads.settings import Settings, read_settings
from model.examples.snapshots import open_leads
from pipelines.daily import STEPS

__all__ = ["trained"]

log = structlog.get_logger()
ROOT = Path(__file__).resolve().parents[2]
SEED = 18
FIRST = date(2026, 11, 2)
FEW = 80
LONGEST = 900.0
WHOLE_SECONDS = 10.0
"""How long a morning takes on a busy machine: kills by the clock fall within it."""


@dataclass
class Story:
    """What came of the processes of a test."""

    kills: int = 0
    finished: int = 0
    named: int = 0
    steps: dict[str, int] = field(default_factory=dict)


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> ForkServerContext:
    """Fork from a process that knows the code already."""
    paths = [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["tests.pipelines.morning"])
    return made


@pytest.mark.parametrize(
    ("kind", "kills"),
    [
        pytest.param("sqlite", 3),
        pytest.param("sqlite", 100, marks=pytest.mark.long),
        pytest.param("postgresql", 100, marks=pytest.mark.long),
    ],
)
def test_kills_at_any_moment_cost_nothing(
    trained: Path,
    tmp_path: Path,
    processes: ForkServerContext,
    request: pytest.FixtureRequest,
    kind: str,
    kills: int,
) -> None:
    """Each date ends as one finished row, each open lead is predicted once for it."""
    config = configured(trained, tmp_path, at="00:00", late="00:01")
    if kind == "postgresql":
        url = request.getfixturevalue("postgres_url")
        with config.open("a", encoding="utf-8") as file:
            file.write(f'database = "{url}"\n')
    cut_down(config.parent / "export")
    settings, begun = read_settings(config), time.monotonic()

    story = killed_mornings(processes, config, kills=kills)

    seconds = round(time.monotonic() - begun)
    log.info("killed", kind=kind, seed=SEED, seconds=seconds, **vars(story))
    with closing(Journal(settings.store.database)) as journal:
        assert_one_row_per_date(journal, story)


def killed_mornings(processes: ForkServerContext, config: Path, *, kills: int) -> Story:
    """Kill so many mornings, and see every date that comes through to be whole."""
    chance, story = random.Random(SEED), Story()
    while True:
        day = FIRST + timedelta(days=story.finished)
        point = drawn(chance, story) if story.kills < kills else None
        child = processes.Process(target=run_morning, args=(config, day, point))
        child.start()
        if point is None and story.kills < kills:
            child.join(chance.uniform(0.1, WHOLE_SECONDS))
            child.kill()
        child.join(LONGEST)
        assert child.exitcode in {0, -9}
        story.kills += child.exitcode == -9
        story.named += child.exitcode == -9 and point is not None
        if child.exitcode == -9:
            where = died_at(config, day)
            story.steps[where] = story.steps.get(where, 0) + 1
            continue
        assert_whole(read_settings(config), day)
        story.finished += 1
        if story.kills >= kills:
            return story
        let_time_pass(config.parent / "export")


def drawn(chance: random.Random, story: Story) -> Point | None:
    """Draw where a morning dies; None if the clock decides."""
    if chance.random() < 0.4:
        return None
    step = chance.choice(["ingest", "score", "score", "report", "digest"])
    return Point(step, chance.choice(WHERE), chance.randint(1, 6))


def died_at(config: Path, day: date) -> str:
    """Name the step that was not done when a morning died."""
    with closing(Journal(read_settings(config).store.database)) as journal:
        journal.upgrade()
        run = Runs(journal).of(day)
    if run is None:
        return "start"
    return next((name for name in STEPS if name not in run.done), "end")


def assert_one_row_per_date(journal: Journal, story: Story) -> None:
    """Every date has one row, finished, and no date is missing or too many."""
    with journal.reading() as connection:
        rows = connection.execute(sa.select(RUNS).order_by(RUNS.c.day)).all()
    days = [FIRST + timedelta(days=number) for number in range(story.finished)]
    assert [row.day for row in rows] == [day.isoformat() for day in days]
    assert all(row.finished_at is not None for row in rows)
    assert sum(row.attempts for row in rows) <= story.kills + story.finished


def assert_whole(settings: Settings, day: date) -> None:
    """Every step done, each open lead predicted once for this date, files whole."""
    history = History(store.load(settings.store.folder))
    opened = set(open_leads(history, settings)["lead_id"].to_list())
    with closing(Journal(settings.store.database)) as journal:
        run = Runs(journal).of(day)
        assert run is not None
        assert run.is_finished
        assert set(STEPS) <= run.done.keys()
        as_of = datetime.fromisoformat(run.done["as_of"]) - EPOCH
        query = sa.select(PREDICTIONS.c.lead_id, sa.func.count()).where(
            PREDICTIONS.c.as_of == as_of // timedelta(microseconds=1)
        )
        with journal.reading() as connection:
            rows = connection.execute(query.group_by(PREDICTIONS.c.lead_id)).all()
    assert {row[0]: row[1] for row in rows} == dict.fromkeys(opened, 1)
    reports = settings.store.folder / "reports"
    for twin in reports.rglob("*.json"):
        json.loads(twin.read_bytes())


def cut_down(export: Path) -> None:
    """Leave few leads of the export: a report of many takes longer than the rest."""
    link = export.readlink()
    export.unlink()
    shutil.copytree(link, export)
    few = [f"L{number:05d}" for number in range(0, 400, 400 // FEW)]
    for path in export.glob("*.parquet"):
        rows = pl.read_parquet(path)
        rows.filter(pl.col("lead_id").is_in(few)).write_parquet(path)


def let_time_pass(export: Path) -> None:
    """Make the export a newer one: something happened to a lead an hour later."""
    events = pl.read_parquet(export / "events.parquet")
    later = (
        events.sort("at")
        .tail(1)
        .with_columns(pl.col("at", "recorded_at") + timedelta(hours=1))
    )
    pl.concat([events, later]).write_parquet(export / "events.parquet")
