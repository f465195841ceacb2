"""A process that forks workers on request, so that 500 of them may die in minutes.

It reads one JSON object per line and answers with the process id of the new worker.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import psycopg as _dialect
from tests.crm.writeback.carddesk import HttpDesk, die

from crm.port import Allowance, Card, OurField
from crm.writeback.delivery import Worker
from crm.writeback.outbox import Claim, Outbox, Sending, Settlement, Terms
from crm.writeback.pace import PaceGate
from crm.writeback.plan import Policy
from leads.journal import Journal

# Loaded before the forks: a worker that lives for 0.1 s must not spend it importing.
PRELOADED = (psycopg, _dialect)
BUGS = ("no read", "short lease", "no token")
POINTS = (
    "before claim commit",
    "after claim",
    "after send",
    "after answer",
    "before settle commit",
    "after settle",
)


@dataclass(frozen=True)
class Job:
    """What a worker is to do, how it dies, and which bug it has."""

    url: str
    address: str
    late_by: float = 2.0
    per_second: float = 1e5
    burst: int = 100_000
    most_at_once: int = 10
    crash_at: str = ""
    crash_on: int = 1
    bug: str = ""
    stop_at: str = ""
    idle: float = 0.05
    diary: str = ""
    """A file that is told how many settlements were refused for an old token."""


class Mortal(Outbox):
    """An outbox that kills its process at a named point, the nth time it is passed."""

    def __init__(self, journal: Journal, terms: Terms, job: Job) -> None:
        super().__init__(journal, "acme", terms)
        self._job = job
        self._phase = ""
        self._passed = 0
        sa.event.listen(journal._database._engine, "commit", self._committing)
        sa.event.listen(journal._database._writer, "commit", self._committing)

    def at(self, point: str) -> None:
        """Pass a point, or die there, or sleep until woken."""
        if point == self._job.stop_at and not self._passed:
            self._passed = 1
            os.kill(os.getpid(), signal.SIGSTOP)
        if point == self._job.crash_at:
            self._passed += 1
            if self._passed >= self._job.crash_on:
                die()

    def claim(self, most: int) -> list[Claim]:
        """Claim, with a point before the commit and one after."""
        self._phase = "claim"
        found = super().claim(most)
        self._phase = ""
        if found:
            self.at("after claim")
        return found

    def mark(self, sendings: Sequence[Sending]) -> list[Sending]:
        """Mark, with a point after it."""
        kept = super().mark(sendings)
        self.at("after mark")
        return kept

    def settle(self, settlements: Sequence[Settlement]) -> int:
        """Settle, with a point before the commit and one after."""
        self._phase = "settle"
        refused = super().settle(settlements)
        if self._job.diary:
            with Path(self._job.diary).open("a", encoding="utf-8") as diary:
                diary.write(f"{refused}\n")
        self._phase = ""
        self.at("after settle")
        return refused

    def _update(self, connection: sa.Connection, claim: Claim, **values: Any) -> bool:
        if self._job.bug == "no token":
            text = "SELECT token FROM crm_outbox WHERE entity = :entity"
            now = connection.execute(sa.text(text), {"entity": claim.entity})
            object.__setattr__(claim, "token", now.scalar_one())
        return super()._update(connection, claim, **values)

    def _holds(self, connection: sa.Connection, sending: Sending, now: int) -> bool:
        if self._job.bug == "no token":
            return True
        return super()._holds(connection, sending, now)

    def _committing(self, _: sa.Connection) -> None:
        if self._phase:
            self.at(f"before {self._phase} commit")


class Blind(HttpDesk):
    """A desk that does not look: it says that the card is as we last knew it."""

    known: dict[str, Card]

    def read(self, entities: Sequence[str]) -> dict[str, Card | None]:
        """Make the answer up."""
        return {entity: self.known[entity] for entity in entities}


class BlindWorker(Worker):
    """A worker that repeats without reading."""

    def _deliver(self, claims: Sequence[Claim]) -> int:
        assert isinstance(self.desk, Blind)
        self.desk.known = {
            claim.entity: Card(
                claim.entity,
                dict.fromkeys(OurField)
                | dict(claim.shown.fields)
                | {OurField.VERSION: claim.shown.version or None},
            )
            for claim in claims
        }
        return super()._deliver(claims)


def work(job: Job) -> None:
    """Be a worker until killed or asked to end."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    late_by = 0.05 if job.bug == "short lease" else job.late_by
    terms = Terms(
        late_by=timedelta(seconds=late_by),
        claim_lease=timedelta(seconds=1),
        start_within=timedelta(seconds=0.05 if job.bug == "short lease" else 0.5),
        first_pause=timedelta(seconds=0.1),
        longest_pause=timedelta(seconds=1),
        most_attempts=1000,
    )
    journal = Journal(job.url)
    outbox = Mortal(journal, terms, job)
    allowance = Allowance(job.per_second, job.burst)
    gate = PaceGate(journal, ["acme"], allowance, probe_every=timedelta(seconds=0.3))
    is_blind = job.bug == "no read"
    desk = (Blind if is_blind else HttpDesk)(
        job.address, gate,
        most_at_once=job.most_at_once,
        late_by=terms.late_by,
        at=outbox.at,
    )  # fmt: skip
    worker = (BlindWorker if is_blind else Worker)(
        outbox, desk, gate=gate, policy=Policy()
    )
    worker.run(stopping, idle=timedelta(seconds=job.idle))


def main() -> None:
    """Fork a worker for every line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(0)
            try:
                work(Job(**json.loads(line)))
            finally:
                os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
