"""T05: workers that are stopped after their mark, overtaken, and woken again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.crm.writeback.cardstore import CardStore, opened
from tests.crm.writeback.crew import Crew, drain
from tests.crm.writeback.herd import Herd, drained, herd, lost
from tests.crm.writeback.nursery import Job
from tests.crm.writeback.saying import record, said
from tests.seeds import tell

from crm.writeback.tables import OUTBOX
from crm.writeback.upkeep import Upkeep
from leads.decision import Tier
from leads.journal import Journal

LATE_BY = 0.8
LEASE = 1.3
"""Of a write under way: ``late_by``, and what it may wait before it leaves."""
AT_ONCE = 20
HOUR = 3_600_000_000
SCALES = [
    pytest.param((1, 1.5), id="one"),
    pytest.param((100, 5.0), id="hundred", marks=pytest.mark.long),
]


@dataclass
class Graveyard:
    """A CRM, workers that sleep in the midst, and one that does not."""

    journal: Journal
    store: CardStore
    workers: Herd
    job: Job
    address: str
    leases: float
    """For how many leases a worker sleeps."""

    def wave(self, leads: range, point: str) -> list[tuple[object, ...]]:
        """Stop one worker per lead at a point, overtake and wake them all.

        Gives the outbox as it was before they woke.
        """
        asleep = []
        for lead in leads:
            record(self.journal, [said(str(lead), Tier.COLD)])
            job = replace(self.job, stop_at=point, most_at_once=1)
            asleep.append(self.workers.bear(job))
            _until(lambda: _is_asleep(asleep[-1]))
            _hide(self.journal, lead)
        _show_all(self.journal)
        record(self.journal, [said(str(lead), Tier.HOT, day=1) for lead in leads])
        begun = time.monotonic()
        other = self.workers.bear(replace(self.job, diary=""))
        drained(self.journal, seconds=60)
        self.workers.kill(other)
        time.sleep(max(0.0, self.leases * LEASE - (time.monotonic() - begun)))
        before = rows(self.journal)
        for one in asleep:
            self.workers.wake(one)
        self._until_settled(len(leads), point)
        for one in asleep:
            self.workers.kill(one)
        return before

    def refused(self) -> int:
        """Count the settlements that were refused for an old token."""
        diary = Path(self.job.diary)
        return sum(map(int, diary.read_text().split())) if diary.exists() else 0

    def _until_settled(self, number: int, point: str) -> None:
        """Wait until those that wake have said what they wanted to say."""
        wanted = self.refused() + number
        if point == "after mark":  # it must not even send, and settles that
            time.sleep(0.5)
        _until(lambda: self.refused() >= wanted)


@contextmanager
def graveyard(
    journal: Journal, url: str, scale: tuple[int, float], folder: Path
) -> Iterator[Graveyard]:
    """Open a CRM of so many cards, and nobody at work yet."""
    leads, leases = scale
    store = CardStore()
    store.cards = {f"lead:{number}": {} for number in range(leads)}
    with opened(store) as address, herd() as workers:
        job = Job(url, address, late_by=LATE_BY, diary=str(folder / "diary"))
        yield Graveyard(journal, store, workers, job, address, leases)


def waves(leads: int) -> Iterator[range]:
    """Part leads into waves, so that many sleep at the same time."""
    for start in range(0, leads, AT_ONCE):
        yield range(start, min(start + AT_ONCE, leads))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("point", ["after mark", "after send"])
def test_a_worker_that_wakes_up_late_changes_nothing(
    journal: Journal, url: str, point: str, scale: tuple[int, float], tmp_path: Path
) -> None:
    """Stopped for longer than its lease, overtaken, woken: no row or card changes."""
    zombies = scale[0]
    with graveyard(journal, url, scale, tmp_path) as scene:
        changed = 0
        for leads in waves(zombies):
            before = scene.wave(leads, point)
            changed += rows(journal) != before
        store = scene.store
        tell(
            f"T05 {point}", zombies=zombies, refused=scene.refused(),
            rows_changed=changed, doubled=len(store.doubled()),
            gone_back=len(store.gone_back()),
        )  # fmt: skip

        assert changed == 0
        assert scene.refused() == zombies
        assert (lost(journal, store), store.doubled(), store.gone_back()) == (
            [], {}, [],
        )  # fmt: skip


@pytest.mark.parametrize("scale", SCALES)
def test_what_wakes_with_its_request_in_hand_is_repaired_by_the_sweep(
    journal: Journal, url: str, scale: tuple[int, float], tmp_path: Path
) -> None:
    """Nobody can hold back a request past its last check: the next sweep mends it."""
    zombies = scale[0]
    with graveyard(journal, url, scale, tmp_path) as scene:
        for leads in waves(zombies):
            before = scene.wave(leads, "before send")
            assert rows(journal) == before
        put_back = len(lost(journal, scene.store))
        swept = Upkeep(journal, "acme").sweep()
        repaired = drain(Crew(journal, scene.address).worker())
        tell(
            "T05 before send", zombies=zombies, refused=scene.refused(),
            put_back=put_back, swept=swept, repaired=repaired,
        )  # fmt: skip

        assert put_back == zombies
        assert scene.refused() == zombies
        assert repaired == zombies
        assert lost(journal, scene.store) == []


def rows(journal: Journal) -> list[tuple[object, ...]]:
    """Copy the outbox."""
    query = sa.select(OUTBOX).order_by(OUTBOX.c.entity)
    with journal.reading() as connection:
        return [tuple(row) for row in connection.execute(query)]


def _hide(journal: Journal, lead: int) -> None:
    """Let nobody take the row of a sleeper before all of a wave are asleep."""
    with journal.writing() as connection:
        which = OUTBOX.c.entity == f"lead:{lead}"
        connection.execute(
            sa.update(OUTBOX).where(which).values(next_at=OUTBOX.c.next_at + HOUR)
        )


def _show_all(journal: Journal) -> None:
    with journal.writing() as connection:
        which = OUTBOX.c.next_at.is_not(None)
        connection.execute(
            sa.update(OUTBOX).where(which).values(next_at=OUTBOX.c.next_at - HOUR)
        )


def _is_asleep(child: int) -> bool:
    return ") T " in Path(f"/proc/{child}/stat").read_text(encoding="utf-8")


def _until(is_so: Callable[[], bool]) -> None:
    latest = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < latest, "it never came to that"
        time.sleep(0.01)
