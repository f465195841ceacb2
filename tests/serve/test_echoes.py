"""T12: what we write comes back twice as "updated", and nothing comes of it."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from tests.crm.conftest import journal, url
from tests.crm.hearing.town import Town, ingested, listener_of
from tests.crm.writeback.cardstore import CardStore, opened
from tests.crm.writeback.crew import Crew
from tests.seeds import seed_of, tell
from tests.serve.porch import doorway_of
from tests.serve.test_doorway import event, knocked

from crm.hearing.listener import Listener
from crm.writeback.upkeep import Upkeep
from leads.journal import Journal

assert journal, url  # fixtures

COPIES = 2
MOST_SECONDS = 60.0


@dataclass
class Loop:
    """A town whose cards we write, and which tells us of every write."""

    journal: Journal
    town: Town
    store: CardStore
    listeners: list[Listener]
    told: int = 0
    """Writes that were told of."""
    changed: set[str] = field(default_factory=set)

    def edit(self, luck: random.Random) -> None:
        """Let a person change a lead that was written, from cold to hot."""
        there = {one.entity.partition(":")[2] for one in self.store.ledger[: self.told]}
        lead = luck.choice(sorted(there - self.changed))
        self.town.change(lead, self.town.sizes[lead] + 500)
        self.changed.add(lead)
        self._post([lead])

    def echo(self) -> int:
        """Tell of what was written since; give how many cards."""
        written = [one.entity for one in self.store.ledger[self.told :]]
        self.told += len(written)
        leads = [entity.removeprefix("lead:") for entity in written]
        for lead in leads:
            self.town.touch(lead)
        self._post(leads * COPIES)
        return len(written)

    def is_quiet(self) -> bool:
        """Whether nothing waits anywhere, asked in the order in which work moves on."""
        hints = self.listeners[0].inbox.state().waiting
        cards = Upkeep(self.journal, "acme").state().waiting
        return not (hints or cards or self.told < len(self.store.ledger))

    def _post(self, leads: list[str]) -> None:
        app = doorway_of(self.listeners[0].inbox)
        bodies = [event(lead) for lead in leads]
        answers = asyncio.run(knocked(app, bodies))
        assert {answer.status_code for answer in answers} <= {200}


@contextmanager
def loop(journal: Journal, leads: int) -> Iterator[Loop]:
    """Ingest a town of cold leads, predict all, and let listeners and workers work."""
    town, store = Town(), CardStore()
    for number in range(1, leads + 1):
        town.change(str(number), 1 + number % 400)
    store.cards = {f"lead:{lead}": {} for lead in town.sizes}
    known = ingested(town)
    listeners = [listener_of(journal, town, known) for _ in range(2)]
    seer = listeners[0].seer
    every = [known.lead(lead) for lead in town.sizes]
    made, inputs = seer.predicted(every, seer.now(), known.tables)
    journal.record(made, made_at=seer.now(), inputs=inputs, channel="score")
    stopping = threading.Event()
    threads = [threading.Thread(target=one.run, args=(stopping,)) for one in listeners]
    for thread in threads:
        thread.start()
    try:
        with opened(store) as address, Crew(journal, address).at_work(2):
            yield Loop(journal, town, store, listeners)
    finally:
        stopping.set()
        for one in listeners:
            one.wake()
        for thread in threads:
            thread.join(20)


@pytest.mark.parametrize(
    ("leads", "edits"), [(100, 10), pytest.param(2_000, 100, marks=pytest.mark.long)]
)
def test_our_own_writing_starts_nothing(
    journal: Journal, leads: int, edits: int
) -> None:
    """Each write is told of twice, while people change leads: one score per change."""
    luck = random.Random(seed_of("T12", 12))
    with loop(journal, leads) as scene:
        begun = time.monotonic()
        while scene.told < leads or len(scene.changed) < edits:
            scene.echo()
            if scene.told > leads / 4 and len(scene.changed) < edits:
                scene.edit(luck)
            assert time.monotonic() - begun < 600
        ended = time.monotonic()
        while not scene.is_quiet():
            scene.echo()
            assert time.monotonic() - ended < MOST_SECONDS
            time.sleep(0.02)
        quiet = time.monotonic() - ended
        time.sleep(1.0)
        scores = sum(len(journal.history(lead, limit=50)) for lead in scene.town.sizes)
        town, store = scene.town, scene.store
        tell(
            "T12", writes=len(store.ledger), hooks=COPIES * scene.told + edits,
            changes=edits, scores=scores, quiet_after=f"{quiet:.1f} s",
            looks=town.looks, glances=town.glances,
        )  # fmt: skip

        assert scene.is_quiet()
        assert town.looks <= edits  # what is an echo costs a glance
        assert scores == leads + edits
        assert len(store.ledger) == leads + edits
        assert store.doubled() == {}
        hot = {name for name, card in store.cards.items() if card["tier"] == "hot"}
        assert hot == {f"lead:{lead}" for lead in scene.changed}
