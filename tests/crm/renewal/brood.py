"""A process that forks callers of a portal, so that many may die at the renewal.

It reads one JSON object per line, and answers with what the caller came to: how many
calls were answered, or that it lost its access, or that it died.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import psycopg as _dialect

from crm.bitrix24.client import Client, Entry
from crm.bitrix24.oauth import OAuth
from crm.granting import Credentials, FreeGate, renewing
from crm.sealing import Seal
from crm.tokens import AccessLost, Terms, Tokens, TokenStore
from crm.transport import Lost, Patience
from leads.journal import Journal

# Loaded before the forks: a caller that lives for 0.1 s must not spend it importing.
PRELOADED = (psycopg, _dialect)
CREDENTIALS = Credentials("local.demo", "local.demo-secret")
ACCOUNT = "acme"
SLOW_SECONDS = 0.1
"""The server of tokens takes its time, so that callers meet at the renewal."""
TOGETHER_SECONDS = 5.0
"""How long a planted race waits for those who do not come."""
HARMLESS = ("before claim commit", "after claim", "after keep", "after use")
FATAL = ("after answer", "before keep commit")
"""Points where the only copy of the new pair dies with its holder."""


@dataclass(frozen=True)
class Job:
    """What a caller is to do, where it dies, and which bug it has."""

    url: str
    address: str
    threads: int = 1
    crash_at: str = ""
    bug: str = ""
    lease: float = 0.4


class Mortal(TokenStore):
    """A store that kills its process at a named point of a renewal."""

    def __init__(self, journal: Journal, job: Job) -> None:
        self._job = job
        self._phase = ""
        self._crowd = threading.Barrier(job.threads)
        oauth = OAuth(job.address, CREDENTIALS, server=job.address)
        asked = renewing(oauth)

        def renew(old: Tokens, now: datetime) -> Tokens:
            time.sleep(SLOW_SECONDS)
            new = asked(old, now)
            self.at("after answer")
            return new

        terms = Terms(
            lease=timedelta(seconds=job.lease), look_every=timedelta(seconds=0.02)
        )
        super().__init__(journal, "bitrix24", seal=Seal(), renew=renew, terms=terms)
        for engine in (journal._database._engine, journal._database._writer):
            sa.event.listen(engine, "commit", self._committing)

    def at(self, point: str) -> None:
        """Pass a point, or die there."""
        if point == self._job.crash_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def _next(self, account: str, version: int) -> str:
        self.gather()
        return super()._next(account, version)

    def gather(self) -> None:
        """With the planted bug, wait until all threads of this process are here.

        So its race happens on the quietest machine: all have met the end of the token
        before one renews, and all others were refused before the new pair is kept.
        """
        if self._job.bug == "no lock":
            with suppress(threading.BrokenBarrierError):
                self._crowd.wait(TOGETHER_SECONDS)

    def _row(self, account: str) -> Any:
        row = super()._row(account)
        if self._job.bug == "no lock":
            object.__setattr__(row, "lease_until", 0)
        return row

    def _after_refusal(self, account: str, version: int) -> str:
        try:
            return super()._after_refusal(account, version)
        finally:
            self.gather()

    def _claimed(self, account: str, version: int) -> Any:
        self._phase = "claim"
        row = super()._claimed(account, version)
        self._phase = ""
        if self._job.bug == "no lock":
            object.__setattr__(row, "mine", True)
        self.at("after claim")
        return row

    def _note(self, account: str, of: int, **values: Any) -> None:
        is_pair = "sealed" in values
        if is_pair:
            self.gather()
        if is_pair and self._job.bug == "save after use":
            secrets = json.loads(values["sealed"].removeprefix("plain:"))
            entry = Client(_Bare(self._job.address, secrets["access"]), FreeGate())
            with closing(entry) as client:
                client.call("profile")
            self.at("after keep")
        self._phase = "keep" if is_pair else ""
        super()._note(account, of, **values)
        self._phase = ""
        if is_pair:
            self.at("after keep")

    def _committing(self, _: sa.Connection) -> None:
        if self._phase:
            self.at(f"before {self._phase} commit")


class _Bare(Entry):
    """A way in with a token that is in nobody's keeping yet."""

    def __init__(self, base: str, token: str) -> None:
        object.__setattr__(self, "base", base)
        object.__setattr__(self, "account", token)

    def ticket(self) -> str:
        """Give the token."""
        return self.account


def call(job: Job) -> str:
    """Call from so many threads at once; tell what they came to."""
    told: list[str] = []
    with closing(Journal(job.url)) as journal:
        store = Mortal(journal, job)
        client = Client(Entry(job.address, store, ACCOUNT), FreeGate())
        # A line that idles while others renew may be hung up on: a read asks again.
        patient = Patience(tries=3, gate=timedelta(0))
        start = threading.Barrier(job.threads)

        def run() -> None:
            start.wait()
            try:
                patient.asking(lambda: client.call("profile"), again=(Lost,))
                told.append("answered")
            except AccessLost:
                told.append("lost")

        threads = [threading.Thread(target=run) for _ in range(job.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.close()
        store.at("after use")
    return " ".join(sorted(set(told))) + f" {told.count('answered')}"


def main() -> None:
    """Fork callers for every line, one per job, and wait for all of them."""
    for line in sys.stdin:
        children = [_forked(Job(**job)) for job in json.loads(line)]
        ends = []
        for child, reading in children:
            with os.fdopen(reading) as pipe:
                told = pipe.read()
            os.waitpid(child, 0)
            ends.append(told or "died")
        sys.stdout.write(json.dumps(ends) + "\n")
        sys.stdout.flush()


def _forked(job: Job) -> tuple[int, int]:
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    os.close(reading)
    os.close(0)
    try:
        os.write(writing, call(job).encode())
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
