"""T20 in full: a hundred times the disk has little room left, wherever a run is.

Store and journal lie on the same small file system, of which a seed leaves 0 to 2 MB.
Each time nothing half may be seen, a prediction is answered, the journal is sound, and
with room again all that was left is done.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from fastapi.testclient import TestClient
from tests.pipelines.test_daily import trained
from tests.pipelines.test_kills import cut_down
from tests.pipelines.test_no_space import (
    FAILURES,
    assert_nothing_half,
    configured,
    disk,
    forget_slack,
    full,
)

from leads.journal import Journal
from leads.logs import configure_logs
from leads.runs import Run, Runs
from leads.settings import Settings
from model.bundle.whole import Bundle
from model.bundle.writing import Contents, write_bundle
from model.promotion import champion
from pipelines.daily import STEPS, work
from serve.app import create_app

__all__ = ["disk", "trained"]

SEED = 20
KEPT = "L00005"
"""A lead that is among the few."""

MOST_LEFT = 2_000_000
NOW = datetime(2026, 11, 22, tzinfo=UTC)
FIRST = date(2026, 1, 1)
LEASE = timedelta(milliseconds=500)

log = structlog.get_logger()


@dataclass
class Scene:
    """A service and a journal on the small disk, and what came of the points so far."""

    settings: Settings
    client: TestClient
    runs: Runs
    disk: Path
    points: int = 0
    ends: Counter[str] = field(default_factory=Counter)

    def claimed(self) -> Run:
        """Take this point's date up as soon as it is free."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            run = self.runs.claim(FIRST + timedelta(days=self.points))
            if run is not None:
                return run
            time.sleep(0.05)
        raise AssertionError("the run is never free")


@pytest.fixture
def scene(trained: Path, disk: Path) -> Iterator[Scene]:
    """Serve from the small disk, with few leads."""
    settings = configured(trained, disk, disk / "journal.db")
    cut_down(disk / "export")
    with ExitStack() as stack:
        client = stack.enter_context(TestClient(create_app(settings)))
        journal = stack.enter_context(closing(Journal(settings.store.database)))
        made = Scene(settings, client, Runs(journal, lease=LEASE), disk)
        work(settings, made.runs, made.claimed(), now=NOW)
        yield made


def morning_from(step: str, until: str) -> Callable[[Scene], Callable[[], None]]:
    """Prepare a date of which the steps from one to another are left to do."""
    names = list(STEPS)
    before = names[: names.index(step)]
    todo = {
        name: STEPS[name] for name in names[names.index(step) : names.index(until) + 1]
    }

    def prepare(scene: Scene) -> Callable[[], None]:
        pinned = datetime(2026, 5, 5, tzinfo=UTC) - timedelta(hours=scene.points)
        said = dict.fromkeys(before, "") | {"as_of": pinned.isoformat(), "after": "0"}
        run: Run | None = scene.runs.complete(scene.claimed(), **said)
        is_done = False

        def go() -> None:
            nonlocal run, is_done
            if is_done:
                return
            mine, run = run or scene.claimed(), None
            work(scene.settings, scene.runs, mine, now=NOW, steps=todo)
            is_done = True

        return go

    return prepare


def saving(scene: Scene) -> Callable[[], None]:
    """Prepare to promote another model."""
    served = champion.read(scene.settings.store.folder)
    digest, bundle = served.digest, Bundle.open(served.path)
    manifest = bundle.manifest
    facts = {part.name: getattr(manifest, part.name) for part in fields(manifest)}
    del facts["files"], facts["format"]
    golden = json.loads((served.path / "golden.json").read_text("utf-8"))
    contents = Contents(
        booster=(served.path / "booster.txt").read_text("utf-8"),
        linear=bundle.linear,
        calibrator=bundle.calibrator,
        catalog=bundle.catalog,
        borders=bundle.borders,
        reference=bundle.reference,
        golden=bundle.catalog.table_of(golden["columns"]),
        facts=facts | {"git_commit": f"{scene.points:040d}"},
        forecast=bundle.forecast,
    )

    def go() -> None:
        folder = scene.settings.store.folder
        if champion.read(folder).digest != digest:
            return  # there was room enough
        made = write_bundle(scene.disk / "made", contents)
        version = str(scene.points)
        assert champion.set_champion(folder, made.path, version, NOW).digest != digest

    return go


def logging_much(scene: Scene) -> Callable[[], None]:
    """Prepare to write more lines into a log on the disk than there is room for."""
    stream = (scene.disk / "log.txt").open("w", encoding="utf-8", buffering=1)

    def go() -> None:
        before, sys.stderr = sys.stderr, stream
        try:
            configure_logs(for_people=False)
            for number in range(500):
                log.info("a_line", number=number, filler="% " * 2_500)
        finally:
            sys.stderr = before
            with suppress(OSError):  # what it still holds finds no room either
                stream.close()
            configure_logs(for_people=False)

    return go


WHAT = {
    "score": (morning_from("score", "score"), 60),
    "report": (morning_from("report", "digest"), 20),
    "model": (saving, 5),
    "log": (logging_much, 15),
}


@pytest.mark.long
@pytest.mark.parametrize("what", WHAT)
def test_little_room_costs_nothing(scene: Scene, what: str) -> None:
    """Nothing half is seen, predictions are answered, and all goes on with room."""
    prepare, count = WHAT[what]
    chance = random.Random(f"{SEED} {what}")

    for _ in range(count):
        one_point(scene, prepare, chance.randrange(MOST_LEFT))

    log.info("full disks", what=what, seed=SEED, points=count, **scene.ends)
    assert scene.ends["sound"] == count


def one_point(
    scene: Scene, prepare: Callable[[Scene], Callable[[], None]], left: int
) -> None:
    """Let work meet a nearly full disk, then go on with room."""
    scene.points += 1
    go = prepare(scene)
    forget_slack(scene.settings)
    with full(scene.disk, left=left):
        try:
            go()
        except FAILURES:
            scene.ends["failed"] += 1
            told = scene.runs.newest()
            scene.ends["marked"] += bool(told and told.failed_why)
        assert_nothing_half(scene.settings)
        answer = scene.client.post("/v1/predict", json={"lead_id": KEPT})
        assert answer.status_code == 200, answer.text
        scene.ends["recorded"] += answer.json()["recorded"]
    if (scene.disk / "log.txt").exists():
        (scene.disk / "log.txt").unlink()
    else:
        go()
    scene.ends["sound"] += is_sound(scene.settings)


def is_sound(settings: Settings) -> bool:
    """Say whether the journal is whole and no lead was predicted twice for a moment."""
    path = settings.store.database.removeprefix("sqlite:///")
    twice = (
        "SELECT 1 FROM predictions WHERE channel = 'score'"
        " GROUP BY lead_id, as_of HAVING count(*) > 1"
    )
    with closing(sqlite3.connect(path)) as journal:
        whole = journal.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return whole and journal.execute(twice).fetchone() is None
