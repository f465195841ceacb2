"""Hours of several workers in seconds: a clock that jumps when all of them wait.

Workers are threads, but one at a time has its turn, so that the same seed gives the
same run, and a second passes only when nobody has anything to do before it is over.
"""

from __future__ import annotations

import heapq
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.crm.writeback.carddesk import BOUNDLESS, HttpDesk
from tests.crm.writeback.cardstore import CardStore
from tests.crm.writeback.saying import decide

from crm.port import Allowance
from crm.writeback.delivery import Worker
from crm.writeback.offering import Decide, Offering
from crm.writeback.outbox import Outbox, Terms
from crm.writeback.pace import PaceGate
from crm.writeback.plan import Policy
from crm.writeback.upkeep import Upkeep
from leads.journal import Journal

TERMS = Terms(late_by=timedelta(seconds=70))
ANSWERED_IN = 0.15
"""How long a request takes, in seconds."""


class Timelapse:
    """The time of a play."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, threading.Event]] = []
        self._turn = threading.Event()
        self._is_playing = False

    def now(self) -> float:
        """Tell the time in seconds."""
        return self.seconds

    def micros(self, _: object) -> int:
        """Tell the time as a database does."""
        return int(self.seconds * 1_000_000)

    def sleep(self, seconds: float) -> None:
        """Let others have their turn until so much has passed."""
        if not self._is_playing:
            self.seconds += seconds
            return
        mine = self._queued(seconds)
        self._turn.set()
        mine.wait()

    def play(self, parts: Sequence[Callable[[], None]]) -> None:
        """Act all parts to their ends, each in a thread."""
        failures: list[BaseException] = []

        def acted(part: Callable[[], None], cue: threading.Event) -> None:
            cue.wait()
            try:
                part()
            except BaseException as error:  # noqa: BLE001 - raised again below
                failures.append(error)
            finally:
                self._turn.set()

        self._is_playing = True
        for part in parts:
            cue = self._queued(0.0)
            threading.Thread(target=acted, args=(part, cue), daemon=True).start()
        while self._waiting:
            self.seconds, _, cue = heapq.heappop(self._waiting)
            self._turn.clear()
            cue.set()
            self._turn.wait()
            if failures:
                raise failures[0]
        self._is_playing = False

    def _queued(self, seconds: float) -> threading.Event:
        mine = threading.Event()
        at = self.seconds + max(0.0, seconds)
        heapq.heappush(self._waiting, (at, next(self._order), mine))
        return mine


@dataclass
class NearDesk(HttpDesk):
    """A desk that hands its requests over without a socket, in the play's time."""

    store: CardStore = field(default_factory=CardStore)
    clock: Timelapse = field(default_factory=Timelapse)

    def _exchange(self, path: str, body: bytes) -> tuple[int, Any]:
        self.clock.sleep(ANSWERED_IN)
        status, answer = self.store.serve(path, json.loads(body))
        if status == 0:
            raise ConnectionResetError
        return status, json.loads(json.dumps(answer))


@dataclass
class Stage:
    """One account, its CRM, and workers in a time of their own."""

    journal: Journal
    store: CardStore
    clock: Timelapse
    allowance: Allowance = BOUNDLESS
    most_at_once: int = 50
    terms: Terms = TERMS
    idle: float = 1.0

    def worker(self) -> Worker:
        """Make a worker."""
        gate = PaceGate(
            self.journal, ["acme"], self.allowance,
            clock=self.clock.micros, sleep=self.clock.sleep,
        )  # fmt: skip
        desk = NearDesk(
            "nowhere", gate, most_at_once=self.most_at_once,
            store=self.store, clock=self.clock,
        )  # fmt: skip
        outbox = Outbox(self.journal, "acme", self.terms, clock=self.clock.micros)
        return Worker(outbox, desk, gate=gate, policy=Policy())

    def upkeep(self) -> Upkeep:
        """Look after the outbox."""
        return Upkeep(self.journal, "acme", clock=self.clock.micros)

    def played(self, workers: int, script: Callable[[], None]) -> None:
        """Let workers work while a script goes on, until it ends."""
        over = threading.Event()

        def work() -> None:
            worker = self.worker()
            while not over.is_set():
                done = worker.round()
                if not done.claimed:
                    self.clock.sleep(max(done.wait / timedelta(seconds=1), self.idle))

        def direct() -> None:
            script()
            over.set()

        self.clock.play([direct, *[work] * workers])

    def drained(self, *, seconds: float) -> float:
        """Wait until nothing waits; give how long that took, or fail."""
        upkeep, begun = self.upkeep(), self.clock.now()
        while (state := upkeep.state()).waiting or state.checking:
            assert self.clock.now() - begun < seconds, f"not drained: {state}"
            self.clock.sleep(1.0)
        return self.clock.now() - begun


@contextmanager
def staged(
    url: str, store: CardStore, *, leads: int, decide_by: Decide = decide, **more: Any
) -> Iterator[Stage]:
    """Open a CRM of so many empty cards, and a journal that offers to them."""
    clock = Timelapse()
    store.now, store.sleep = clock.now, clock.sleep
    store.cards = {f"lead:{number}": {} for number in range(leads)}
    offering = Offering("acme", decide_by, step=5, clock=clock.micros)
    with closing(Journal(url, also=offering)) as journal:
        journal.upgrade()
        yield Stage(journal, store, clock, **more)
