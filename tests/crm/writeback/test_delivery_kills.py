from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest
from tests.crm.writeback.cardstore import CardStore, Faults, opened
from tests.crm.writeback.herd import Herd, drained, herd, lost
from tests.crm.writeback.nursery import BUGS, POINTS, Job
from tests.crm.writeback.saying import record, said
from tests.seeds import seed_of

from leads.decision import Tier
from leads.journal import Journal

HARD = Faults(
    overrun=0.04, limited=0.04, lost_before=0.03, lost_after=0.04,
    late=0.4, late_seconds=(0.2, 1.1),
)  # fmt: skip
TIERS = (Tier.HOT, Tier.WARM, Tier.COLD)


@dataclass(frozen=True)
class Ordeal:
    """How much is done to the workers, and to how many cards."""

    kills: int
    leads: int
    changes: int
    workers: int = 4
    lives: tuple[float, float] = (0.02, 0.25)


@dataclass(frozen=True)
class Harm:
    """What an ordeal did."""

    lost: int
    doubled: int
    gone_back: int
    drained_after: float
    kills: int
    writes: int
    seconds: float


@contextmanager
def company(seed: int, leads: int) -> Iterator[tuple[CardStore, str]]:
    """Open a CRM with so many empty cards."""
    store = CardStore(seed, HARD)
    store.cards = {f"lead:{number}": {} for number in range(leads)}
    with opened(store) as address:
        yield store, address


def suffered(
    journal: Journal, url: str, ordeal: Ordeal, *, seed: int, bug: str = ""
) -> Harm:
    """Kill workers at random while they write and tiers go on changing."""
    seed = seed_of("T01", seed)
    luck = random.Random(seed)
    begun = time.monotonic()
    with company(seed, ordeal.leads) as (store, address), herd() as workers:
        job = Job(url, address, bug=bug)
        record(journal, [said(str(n)) for n in range(ordeal.leads)])
        for _ in range(ordeal.workers):
            workers.bear(job)
        changes = iter(_changes(luck, ordeal))
        each = ordeal.changes / max(ordeal.kills, 1)
        owed = 0.0
        for _ in range(ordeal.kills):
            time.sleep(luck.uniform(*ordeal.lives))
            workers.kill(luck.choice(workers.alive))
            workers.bear(job)
            owed += each
            while owed >= 1:
                owed -= 1
                record(journal, [next(changes)])
        after = drained(journal, seconds=120)
        time.sleep(HARD.late_seconds[1] + 0.1)  # what was under way may still land
        return _harm(journal, store, ordeal, after, time.monotonic() - begun)


def _changes(luck: random.Random, ordeal: Ordeal) -> list:  # type: ignore[type-arg]
    return [
        said(str(luck.randrange(ordeal.leads)), luck.choice(TIERS), day=day + 1)
        for day in range(ordeal.changes + 1)
    ]


def _harm(
    journal: Journal, store: CardStore, ordeal: Ordeal, after: float, seconds: float
) -> Harm:
    harm = Harm(
        lost=len(lost(journal, store)),
        doubled=len(store.doubled()),
        gone_back=len(store.gone_back()),
        drained_after=round(after, 1),
        kills=ordeal.kills,
        writes=len(store.ledger),
        seconds=round(seconds, 1),
    )
    print(harm)  # noqa: T201 - the figures themselves
    return harm


def harmless(harm: Harm) -> bool:
    """Whether nothing was lost, doubled or put back."""
    return not (harm.lost or harm.doubled or harm.gone_back)


def test_kills_at_random_lose_and_double_nothing(journal: Journal, url: str) -> None:
    """T01, a tenth: 50 kills of writing workers leave each card right, once written."""
    ordeal = Ordeal(kills=50, leads=200, changes=25, lives=(0.01, 0.12))

    harm = suffered(journal, url, ordeal, seed=20260301)

    assert harmless(harm), harm


@pytest.mark.long
@pytest.mark.parametrize("seed", [1])
def test_500_kills_lose_and_double_nothing(
    journal: Journal, url: str, seed: int
) -> None:
    """T01 in full: 500 kills during 2,000 write-backs and 250 changes."""
    ordeal = Ordeal(kills=500, leads=2_000, changes=250)

    harm = suffered(journal, url, ordeal, seed=seed)

    assert harmless(harm), harm


@pytest.mark.long
@pytest.mark.parametrize("bug", BUGS)
def test_each_planted_bug_does_harm(journal: Journal, url: str, bug: str) -> None:
    """The ordeal is hard enough: it catches three kinds of broken workers."""
    ordeal = Ordeal(kills=120, leads=400, changes=60)

    harm = suffered(journal, url, ordeal, seed=2, bug=bug)

    assert not harmless(harm), harm


def test_death_at_each_point_loses_and_doubles_nothing(
    journal: Journal, url: str
) -> None:
    """Workers that die at each of the named points leave no trace on the cards."""
    harm = died_at(journal, url, POINTS, times=2)

    assert harmless(harm), harm


@pytest.mark.long
@pytest.mark.parametrize("point", POINTS)
def test_50_deaths_at_each_point_lose_and_double_nothing(
    journal: Journal, url: str, point: str
) -> None:
    """T01's crash points in full."""
    harm = died_at(journal, url, (point,), times=50)

    assert harmless(harm), harm


def died_at(journal: Journal, url: str, points: Sequence[str], *, times: int) -> Harm:
    """Let workers die at each point so many times, then let one live."""
    deaths = times * len(points)
    ordeal = Ordeal(kills=deaths, leads=10 * deaths, changes=0)
    begun = time.monotonic()
    with company(times, ordeal.leads) as (store, address), herd() as workers:
        store.faults = Faults(late=0.4, late_seconds=(0.1, 0.4))
        job = Job(url, address, late_by=0.8)
        record(journal, [said(str(n)) for n in range(ordeal.leads)])
        for point in [*points] * times:
            _until_dead(workers, replace(job, crash_at=point))
        workers.bear(job)
        after = drained(journal, seconds=30)
        time.sleep(0.5)
        return _harm(journal, store, ordeal, after, time.monotonic() - begun)


def _until_dead(workers: Herd, job: Job) -> None:
    child = workers.bear(job)
    latest = time.monotonic() + 10
    while workers.is_alive(child):
        assert time.monotonic() < latest, f"never came to {job.crash_at!r}"
        time.sleep(0.005)
    workers.alive.remove(child)
