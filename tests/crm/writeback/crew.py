"""Workers in threads of the test, with times a hundredth of the real ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from tests.crm.writeback.carddesk import BOUNDLESS, HttpDesk

from crm.port import Allowance
from crm.writeback.delivery import Worker
from crm.writeback.outbox import Outbox, Terms
from crm.writeback.pace import PaceGate
from crm.writeback.plan import Policy
from crm.writeback.upkeep import Upkeep
from leads.journal import Journal

PROBE_SECONDS = 0.3
TERMS = Terms(
    late_by=timedelta(seconds=0.8),
    claim_lease=timedelta(seconds=2),
    start_within=timedelta(seconds=0.5),
    first_pause=timedelta(seconds=0.02),
    longest_pause=timedelta(seconds=0.2),
    most_attempts=8,
)


@dataclass
class Crew:
    """What workers of one account share; each worker is made anew."""

    journal: Journal
    address: str
    allowance: Allowance = BOUNDLESS
    most_at_once: int = 10
    timeout: float = 0.6
    terms: Terms = TERMS
    policy: Policy = field(default_factory=Policy)

    def gate(self) -> PaceGate:
        """Open the account's gate."""
        return PaceGate(
            self.journal, ["acme"], self.allowance,
            probe_every=timedelta(seconds=PROBE_SECONDS),
        )  # fmt: skip

    def worker(self) -> Worker:
        """Make a worker."""
        gate = self.gate()
        desk = HttpDesk(
            self.address, gate,
            most_at_once=self.most_at_once, timeout=self.timeout,
        )  # fmt: skip
        outbox = Outbox(self.journal, "acme", self.terms)
        return Worker(outbox, desk, gate=gate, policy=self.policy)

    @contextmanager
    def at_work(self, workers: int = 2) -> Iterator[None]:
        """Let workers work until the block ends; then they drain."""
        stopping = threading.Event()
        idle = timedelta(seconds=0.02)
        threads = [
            threading.Thread(
                target=self.worker().run, args=(stopping,), kwargs={"idle": idle}
            )
            for _ in range(workers)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stopping.set()
            for thread in threads:
                thread.join(20)


def drain(worker: Worker, *, seconds: float = 20) -> int:
    """Work until nothing waits, or no longer; give how many cards were written.

    A busy machine may miss the moment in which a write must leave: it is tried again.
    """
    upkeep = Upkeep(worker.outbox.journal, worker.outbox.account)
    written, latest = 0, time.monotonic() + seconds
    while True:
        done = worker.round()
        written += done.written
        if not done.claimed:
            state = upkeep.state()
            waits = state.waiting or state.checking
            if not waits or time.monotonic() > latest:
                return written
            time.sleep(0.02)
