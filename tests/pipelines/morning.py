"""A morning as a process that dies where it is told to, or when it is killed.

The verb's own work but for the lease, which is so short that tests need not wait a
minute, and the size of a chunk, so that few leads make a run of many.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from leads.journal import Journal
from leads.runs import Run, Runs
from leads.settings import read_settings
from pipelines.daily import STEPS, Morning, Step, work
from serve import bulk

LEASE = timedelta(seconds=1)
CHUNK = 8
PATIENCE = 60.0
WHERE = ("before", "amidst", "after")


@dataclass(frozen=True)
class Point:
    """A place in a morning: before a step, amidst it, or before it is written down."""

    step: str
    where: str
    chunk: int = 1


def die() -> None:
    """End like a process that loses its power."""
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(step: Step, name: str, point: Point | None) -> Step:
    """Make a step that ends its process at a point, if it is this step's."""
    if point is None or point.step != name:
        return step

    def stepping(morning: Morning) -> dict[str, str]:
        chunks = 0

        def advance(count: int) -> None:
            nonlocal chunks
            chunks += 1
            if point.where == "amidst" and chunks >= point.chunk:
                die()
            morning.advance(count)

        if point.where == "before":
            die()
        said = step(replace(morning, advance=advance))
        die()
        return dict(said)

    return stepping


def run_morning(config: Path, day: date, point: Point | None = None) -> None:
    """Do what is left of a date's run, once whoever died at it is given up."""
    bulk.CHUNK = CHUNK  # type: ignore[misc]
    settings = read_settings(config)
    with closing(Journal(settings.store.database)) as journal:
        journal.upgrade()
        runs = Runs(journal, lease=LEASE)
        run = claimed(runs, day)
        if run is None:
            return
        steps = {name: deadly(step, name, point) for name, step in STEPS.items()}
        runs.finish(work(settings, runs, run, now=datetime.now(UTC), steps=steps))


def claimed(runs: Runs, day: date) -> Run | None:
    """Take a date's run up as soon as it is free; None if it is finished."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        run = runs.claim(day)
        if run is not None:
            return run
        found = runs.of(day)
        if found is not None and found.is_finished:
            return None
        time.sleep(0.05)
    raise AssertionError(f"the run of {day} is never free")
