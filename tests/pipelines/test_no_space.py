"""T20: the disk is full or read-only in the midst of a morning.

Needs a file system of its own, so the right to mount one; without it the tests say so.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.pipelines.test_daily import CONFIG, expected, run_of, scored, trained

from leads.errors import LeadcastError
from leads.journal import Journal
from leads.mornings import newest_due
from leads.runs import Run, Runs
from leads.settings import Settings, read_settings
from pipelines.daily import STEPS, work
from serve.app import create_app

__all__ = ["trained"]

LEAD = "L00001"
UNHEARD = {"lead_id": "new", "created_at": "2026-05-01T00:00:00Z"}
SIZE = "64m"
PAGE = os.sysconf("SC_PAGE_SIZE")
MOST_SPARE = 100 * PAGE
FAILURES = (LeadcastError, OSError)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a small file system."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("a file system cannot be mounted here: T20 needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def configured(trained: Path, disk: Path, journal: Path) -> Settings:
    """Copy the company onto the small disk; its journal lies where it is said to."""
    (disk / "export").symlink_to(trained / "export")
    shutil.copytree(trained / "store", disk / "store")
    path = disk / "acme.toml"
    text = CONFIG.format(at="00:00", late="00:01")
    path.write_text(f'{text}database = "sqlite:///{journal}"\n', encoding="utf-8")
    return read_settings(path)


@contextmanager
def full(disk: Path, *, left: int) -> Iterator[None]:
    """Fill a disk but for so many bytes."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        for spare in range(0, MOST_SPARE, PAGE):
            told = os.statvfs(disk)
            with suppress(OSError):  # somebody else wrote since, or it was about so
                room = told.f_bavail * told.f_frsize - left - spare
                os.posix_fallocate(file.fileno(), 0, room)
                break
        file.seek(0, os.SEEK_END)
        with suppress(OSError):
            while os.statvfs(disk).f_bavail * PAGE > left:
                os.write(file.fileno(), bytes(PAGE))
    yield
    filler.unlink()


@contextmanager
def read_only(disk: Path) -> Iterator[None]:
    """Let nobody write to a disk."""
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    yield
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


def done_until(settings: Settings, runs: Runs, step: str) -> Run:
    """Do a morning up to a step, and let go as a process that ends does."""
    day = newest_due(datetime.now(UTC), settings.daily.at, settings.company.zone)
    run = runs.claim(day)
    assert run is not None
    names = list(STEPS)
    before = {name: STEPS[name] for name in names[: names.index(step)]}
    run = work(settings, runs, run, now=datetime.now(UTC), steps=before)
    assert step not in run.done
    return run


def pages_in(settings: Settings) -> Mapping[str, bytes]:
    """Read every file of the reports."""
    folder = settings.store.folder / "reports"
    return {str(one): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def assert_nothing_half(settings: Settings) -> None:
    """Every file that is to be seen is whole, and so is the journal."""
    for name, content in pages_in(settings).items():
        assert ".writing-" not in name
        if name.endswith(".json"):
            json.loads(content)
        elif name.endswith(".html"):
            assert content.rstrip().endswith(b"</html>")
    path = settings.store.database.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as journal:
        assert journal.execute("PRAGMA integrity_check").fetchone() == ("ok",)


LONG = pytest.mark.long


@pytest.mark.parametrize(
    ("step", "left"),
    [
        pytest.param("ingest", 0, marks=LONG),
        ("report", 0),
        pytest.param("report", 500_000, marks=LONG),
        pytest.param("digest", 0, marks=LONG),
    ],
)
def test_a_full_store_costs_nothing(
    trained: Path, disk: Path, tmp_path: Path, step: str, left: int
) -> None:
    """The run is marked failed, predictions go on, nothing is half; then it goes on."""
    settings = configured(trained, disk, tmp_path / "journal.db")
    with ExitStack() as stack:
        client = stack.enter_context(TestClient(create_app(settings)))
        journal = stack.enter_context(closing(Journal(settings.store.database)))
        runs = Runs(journal)
        run = done_until(settings, runs, step)
        if step == "ingest":
            lead = UNHEARD
        else:
            lead = {"lead_id": sorted(expected(settings))[0]}

        with full(disk, left=left):
            with pytest.raises(FAILURES):
                work(settings, runs, run, now=datetime.now(UTC))
            answer = client.post("/v1/predict", json=lead)
            assert_nothing_half(settings)
            told = runs.of(run.day)

        assert answer.status_code == 200, answer.text
        assert told is not None
        assert told.failed_why
        work(settings, runs, again(runs, run), now=datetime.now(UTC))
    assert run_of(settings).is_finished
    assert_nothing_half(settings)


@pytest.mark.parametrize("left", [pytest.param(0), pytest.param(2_000_000, marks=LONG)])
def test_a_full_disk_under_the_journal_costs_nothing(
    trained: Path, disk: Path, left: int
) -> None:
    """Predictions are answered, and say whether they are recorded; then all goes on.

    What is not recorded is told of, each open lead is predicted once in the end, and
    the journal is sound.
    """
    settings = configured(trained, disk, disk / "journal.db")
    with ExitStack() as stack:
        client = stack.enter_context(TestClient(create_app(settings)))
        journal = stack.enter_context(closing(Journal(settings.store.database)))
        runs = Runs(journal)
        run = done_until(settings, runs, "score")
        forget_slack(settings)

        with full(disk, left=left):
            told = asked(client)
            with pytest.raises(FAILURES):
                work(settings, runs, run, now=datetime.now(UTC))
            assert_nothing_half(settings)
            kept = scored(settings)

        work(settings, runs, again(runs, run), now=datetime.now(UTC))
        open_now = expected(settings) - kept.keys()
        assert open_now <= {lead for lead, n in scored(settings).items() if n == 1}
        mended = asked(client)
    missed = told.recorded.count(False)
    assert all(0 < chance < 1 for chance in told.chances)
    assert told.counted == missed
    assert kept.get(LEAD, 0) == 3 - missed
    assert left or missed == 3
    assert (told.status == "degraded") is (not told.recorded[0])
    assert (mended.recorded, mended.status) == ([True] * 3, "ready")
    assert run_of(settings).is_finished
    assert_nothing_half(settings)


def test_readiness_is_asked_of_the_disk_and_not_of_the_last_prediction(
    trained: Path, disk: Path
) -> None:
    """A full disk is known before a prediction meets it, and room before the next."""
    settings = configured(trained, disk, disk / "journal.db")
    with TestClient(create_app(settings)) as client:
        forget_slack(settings)

        def said() -> tuple[str, bool]:
            answer = client.get("/readyz").json()
            return answer["status"], answer["recording"]

        with full(disk, left=0):
            unmet = said()
            missed = client.post("/v1/predict", json=UNHEARD).json()
            met = said()
        over = said()

    assert missed["recorded"] is False
    assert (unmet, met, over) == (
        ("degraded", False), ("degraded", False), ("ready", True),
    )  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What the service said of one lead, asked for once and then twice in a batch."""

    recorded: list[bool]
    chances: list[float]
    status: str
    counted: int
    """How many predictions it ever said that it could not record."""


def asked(client: TestClient) -> Told:
    """Ask for a lead, then how the service is."""
    lead = {"lead_id": LEAD}
    batch = client.post("/v1/predict/batch", json={"leads": [lead] * 2}).json()
    made = [client.post("/v1/predict", json=lead).json()]
    made += [item["prediction"] for item in batch["items"]]
    lines = client.get("/metrics").text.splitlines()
    counts = [one for one in lines if one.startswith("leadcast_unrecorded_total")]
    return Told(
        [one["recorded"] for one in made],
        [one["probability"] for one in made],
        client.get("/readyz").json()["status"],
        int(float(counts[0].split()[1])),
    )


def forget_slack(settings: Settings) -> None:
    """Cut the journal's log: what lies free in it would hide that the disk is full."""
    path = settings.store.database.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as journal:
        journal.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def again(runs: Runs, run: Run) -> Run:
    """Take the run up again: it said that it failed, or its lease is over."""
    found = runs.claim(run.day)
    if found is None:  # the failure itself found no space to be written to
        found = runs.of(run.day)
    assert found is not None
    return found


@LONG
def test_a_disk_that_cannot_be_written_costs_nothing(
    trained: Path, disk: Path, tmp_path: Path
) -> None:
    """Read-only in the midst: the run fails, and goes on once it can write again."""
    settings = configured(trained, disk, tmp_path / "journal.db")
    with closing(Journal(settings.store.database)) as journal:
        journal.upgrade()
        runs = Runs(journal)
        run = done_until(settings, runs, "report")

        with read_only(disk), pytest.raises(FAILURES):
            work(settings, runs, run, now=datetime.now(UTC))

        assert_nothing_half(settings)
        work(settings, runs, again(runs, run), now=datetime.now(UTC))
    assert run_of(settings).is_finished
