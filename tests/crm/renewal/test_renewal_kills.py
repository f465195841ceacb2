"""T10: twenty requests meet the end of a token, and a hundred holders are killed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.crm.renewal.brood import ACCOUNT, CREDENTIALS, FATAL, HARMLESS, Job
from tests.seeds import seed_of, tell

from crm.bitrix24.oauth import OAuth
from crm.granting import renewing
from crm.sealing import Seal
from crm.testing.bitrix24 import Portal, application, opened
from crm.testing.serving import running
from crm.tokens import Tokens, TokenStore
from leads.journal import Journal

ROOT = Path(__file__).resolve().parents[3]
HOUR = 3_601.0


@dataclass
class Scene:
    """A portal that forgets old tokens at once, and callers that may die."""

    portal: Portal
    address: str
    url: str
    store: TokenStore
    ask: Callable[[list[Job]], list[str]]

    def connect(self) -> None:
        """Let a person give us a first pair."""
        pair = self.portal.credentials.grant(CREDENTIALS.client)
        end = datetime.now(UTC) + timedelta(hours=1)
        self.store.keep(ACCOUNT, Tokens(pair.access, pair.refresh, end, member="m"))

    def job(self, **more: object) -> Job:
        """Describe a caller."""
        return Job(self.url, self.address, **more)  # type: ignore[arg-type]

    def expire(self) -> int:
        """End the access token; give how often any was renewed until now."""
        self.portal.clock.move(HOUR)
        return self.portal.credentials.refreshes

    def refreshes(self, before: int) -> int:
        """Count renewals since."""
        return self.portal.credentials.refreshes - before


BOTH = pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
"""What is claimed is claimed of both databases; a planted bug is seen on one."""


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Name an empty database."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path / 'journal.db'}"
    postgres_url: str = request.getfixturevalue("postgres_url")
    return postgres_url


@pytest.fixture(scope="module")
def ask() -> Iterator[Callable[[list[Job]], list[str]]]:
    """Open one process for all tests that forks callers."""
    with brood() as asking:
        yield asking


@pytest.fixture
def scene(url: str, ask: Callable[[list[Job]], list[str]]) -> Iterator[Scene]:
    """Connect an account of a portal on a socket."""
    portal = opened()
    portal.credentials.install("https://app.example/b24")
    with (
        running(application(portal)) as address,
        closing(Journal(url)) as journal,
    ):
        journal.upgrade()
        renew = renewing(OAuth(address, CREDENTIALS, server=address))
        store = TokenStore(journal, "bitrix24", seal=Seal(), renew=renew)
        made = Scene(portal, address, url, store, ask)
        made.connect()
        yield made


@contextmanager
def brood() -> Iterator[Callable[[list[Job]], list[str]]]:
    """Open a process that forks callers."""
    mother = subprocess.Popen(
        [sys.executable, "-m", "tests.crm.renewal.brood"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert mother.stdin is not None
    assert mother.stdout is not None

    def ask(jobs: list[Job]) -> list[str]:
        assert mother.stdin is not None
        assert mother.stdout is not None
        mother.stdin.write(json.dumps([asdict(job) for job in jobs]) + "\n")
        mother.stdin.flush()
        told: list[str] = json.loads(mother.stdout.readline())
        return told

    try:
        yield ask
    finally:
        mother.stdin.close()
        mother.wait(timeout=10)
        mother.stdout.close()


def expiries(
    scene: Scene, number: int, *, bug: str = "", processes: int = 4
) -> list[str]:
    """End the token so often under 5 requests in each process; list what went wrong."""
    wrong = []
    for turn in range(number):
        before = scene.expire()
        jobs = [scene.job(threads=5, bug=bug, lease=30.0)] * processes
        ends = scene.ask(jobs)
        if ends != ["answered 5"] * processes:
            wrong.append(f"turn {turn}: {ends}")
        if (made := scene.refreshes(before)) != 1:
            wrong.append(f"turn {turn}: {made} renewals for one end")
        calm = scene.portal.credentials.refreshes
        scene.portal.clock.move(60.0)
        scene.ask(jobs[:1])
        if scene.refreshes(calm):
            wrong.append(f"turn {turn}: renewed without a 401")
    return wrong


def kills(
    scene: Scene, number: int, *, seed: int, bug: str = "",
    points: Sequence[str] = (*HARMLESS, *FATAL),
) -> list[str]:  # fmt: skip
    """Kill so many holders at a renewal; list who was locked out without need."""
    chance, wrong = random.Random(seed), []
    for turn in range(number):
        point = (
            points[turn % len(points)] if turn < len(points) else chance.choice(points)
        )
        before = scene.expire()
        (end,) = scene.ask([scene.job(crash_at=point, bug=bug)])
        if end != "died":
            wrong.append(f"{point}: the holder lived: {end}")
        expected = ["lost 0"] * 2 if point in FATAL else ["answered 1"] * 2
        ends = scene.ask([scene.job(), scene.job()])
        if ends != expected:
            wrong.append(f"{point}: {ends}")
        if (made := scene.refreshes(before)) != 1:
            wrong.append(f"{point}: {made} renewals for one end")
        if "lost 0" in ends:
            scene.connect()
    return wrong


@BOTH
def test_twenty_requests_renew_once(scene: Scene) -> None:
    """One renewal per end of a token, none without, and every request is answered."""
    assert expiries(scene, 1) == []


@BOTH
def test_a_killed_holder_locks_nobody_out(scene: Scene) -> None:
    """Access goes on, or its loss is said aloud where the new pair died unseen."""
    assert kills(scene, 6, seed=10) == []


@pytest.mark.long
@BOTH
def test_a_hundred_killed_holders_lock_nobody_out(scene: Scene) -> None:
    """The same with the full numbers."""
    seed = seed_of("T10", 10)
    wrong = expiries(scene, 25) + kills(scene, 100, seed=seed)
    tell("T10", expiries=25, kills=100, wrong=wrong)

    assert wrong == []


def test_renewing_without_the_lock_is_seen(scene: Scene) -> None:
    """The bug that this is about: everybody renews."""
    wrong = expiries(scene, 1, bug="no lock", processes=1)

    assert wrong == ["turn 0: ['answered lost 1']"]


def test_saving_after_use_is_seen(scene: Scene) -> None:
    """The bug that this is about: the new pair is used before it is kept."""
    wrong = kills(scene, 1, seed=10, bug="save after use", points=["after keep"])

    assert [each for each in wrong if each.startswith("after keep: ['lost 0'")]
