"""T19 with processes: the machine's own clock jumps, and each date is run once.

Needs libfaketime (Debian package ``faketime``); without it these tests say so.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        LIBRARY is None, reason="libfaketime is not there: install faketime"
    ),
]

SCENES = {
    "an ordinary morning": (
        "07:00", "Europe/Moscow",
        [("2026-11-22 03:59:50", "2026-11-21"), ("2026-11-22 04:00:10", "2026-11-22"),
         ("2026-11-22 09:00:00", "-")],
    ),
    "the clock is set back over the hour": (
        "07:00", "Europe/Moscow",
        [("2026-11-22 04:05:00", "2026-11-22"), ("2026-11-22 03:30:00", "-"),
         ("2026-11-22 04:05:00", "-")],
    ),
    "the hour that summer time skips": (
        "02:30", "Europe/Berlin",
        [("2026-03-28 02:00:00", "2026-03-28"), ("2026-03-29 01:10:00", "-"),
         ("2026-03-29 01:35:00", "2026-03-29"), ("2026-03-29 02:00:00", "-")],
    ),
    "the hour that comes twice": (
        "02:30", "Europe/Berlin",
        [("2026-10-25 00:35:00", "2026-10-25"), ("2026-10-25 01:35:00", "-"),
         ("2026-10-26 01:35:00", "2026-10-26")],
    ),
    "three days off": (
        "07:00", "Europe/Moscow",
        [("2026-11-19 05:00:00", "2026-11-19"), ("2026-11-22 09:00:00", "2026-11-22"),
         ("2026-11-22 09:05:00", "-")],
    ),
    "a leap day, and the year's end": (
        "07:00", "Europe/Moscow",
        [("2028-02-29 04:01:00", "2028-02-29"), ("2028-03-01 04:01:00", "2028-03-01"),
         ("2028-12-31 21:30:00", "2028-12-31"), ("2029-01-01 04:01:00", "2029-01-01")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENES)
def test_each_date_is_run_once_by_the_machines_clock(name: str, tmp_path: Path) -> None:
    """Whatever the clock does between looks, no date is run twice or forgotten."""
    at, zone, looks = SCENES[name]
    url = f"sqlite:///{tmp_path / 'journal.db'}"

    found = [look(moment, url, at, zone) for moment, _ in looks]

    assert found == [day for _, day in looks]


def look(moment: str, *arguments: str) -> str:
    """Let a process look at a moment in UTC."""
    environment = {
        **os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "TZ": "UTC",
        "LD_PRELOAD": str(LIBRARY), "FAKETIME": f"@{moment}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.leads.look", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, capture_output=True, timeout=60
    )
    return done.stdout.decode()
