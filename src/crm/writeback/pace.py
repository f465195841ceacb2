"""How fast requests may leave, for all workers together, and when they must not.

Each account, and each address we send from, has a bucket in the database: every request
pours one unit in, and it leaks at the rate that the CRM allows. The level is a row, so
a restart forgets nothing and ten processes share one limit. Time is the database's, and
a clock that jumps back lets nothing leak.

A breaker stands before it. After a row of failures it opens: nobody sends, but for one
probe every 30 s. A ban that only a person lifts keeps it open until a person says so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from crm.port import Allowance, GateClosed, Heard
from crm.writeback.tables import PACE
from leads.databaseclock import database_micros
from leads.journal import Journal
from leads.settings import CrmAccount

PATIENCE: Final = timedelta(seconds=5)
PROBE_EVERY: Final = timedelta(seconds=30)
FAILURES_TO_OPEN: Final = 5
LONGEST_ASKED: Final = timedelta(minutes=10)
MICROSECONDS: Final = 1_000_000

Clock = Callable[[sa.Connection], int]


class Breaker(StrEnum):
    """Whether requests leave."""

    CLOSED = "closed"
    """They do."""
    OPEN = "open"
    """The CRM is away or overrun: one probe at a time."""
    BLOCKED = "blocked"
    """The CRM has banned us: a person must lift that."""


@dataclass(frozen=True, slots=True)
class PaceState:
    """One bucket as it is now."""

    bucket: str
    level: float
    breaker: Breaker
    failures: int
    next_probe: timedelta
    """Until a request may leave; zero while closed."""


class PaceGate:
    """The gate of one account; safe between threads, shared between processes.

    Parameters
    ----------
    journal
        Whose database holds the buckets.
    buckets
        What is counted: the account, and if it is limited on its own our address.
    allowance
        What the CRM takes. A tenth is left unused, for requests that the network
        delays arrive closer together than they left.
    patience
        How long ``enter`` may wait.
    clock, sleep
        The database's clock and ``time.sleep`` unless told otherwise.
    """

    def __init__(  # noqa: PLR0913 - the last three are for other clocks
        self,
        journal: Journal,
        buckets: Sequence[str],
        allowance: Allowance,
        *,
        patience: timedelta = PATIENCE,
        probe_every: timedelta = PROBE_EVERY,
        clock: Clock = database_micros,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._journal = journal
        self._buckets = sorted(buckets)
        self._rate = allowance.per_second * 0.95
        self._burst = max(1.0, allowance.burst * 0.9)
        self._patience = patience / timedelta(seconds=1)
        self._probe_every = _micros(probe_every)
        self._clock = clock
        self._sleep = sleep
        self._bounds = threading.local()

    @contextmanager
    def until(self, latest: float) -> Iterator[None]:
        """Let this thread's requests leave only before a moment of ``time.monotonic``.

        A worker that slept longer than its lease, whatever the reason, must not send.
        """
        self._bounds.latest = latest
        try:
            yield
        finally:
            self._bounds.latest = None

    def enter(self) -> None:
        """Wait a little until one request may leave; see ``crm.port.Gate``."""
        self._check_bound(0.0)
        wait = self._reserve()
        if wait > 0:
            self._sleep(wait)
        self._check_bound(0.0)

    def heard(self, health: Heard, retry_after: timedelta | None = None) -> None:
        """Take note of what came back."""
        if health is Heard.WELL:
            self._recover()
            return
        with self._journal.writing() as connection:
            now = self._clock(connection)
            for row in self._rows(connection, now):
                values = self._after_failure(row, now, health, retry_after)
                self._set(connection, row, **values)

    def state(self) -> list[PaceState]:
        """Tell how each bucket is."""
        with self._journal.reading() as connection:
            now = self._clock(connection)
            query = sa.select(PACE).where(PACE.c.bucket.in_(self._buckets))
            found = {row.bucket: row for row in connection.execute(query)}
        return [self._state(name, found.get(name), now) for name in self._buckets]

    def wait(self) -> timedelta:
        """Tell how long nothing may leave; zero if something may."""
        return max(one.next_probe for one in self.state())

    def is_well(self) -> bool:
        """Whether the last thing heard was good."""
        return all(not one.failures for one in self.state())

    def resume(self) -> None:
        """Send again after a ban: a person has lifted it."""
        with self._journal.writing() as connection:
            for row in self._rows(connection, self._clock(connection)):
                self._set(
                    connection, row,
                    failures=0, opened_at=None, probe_at=None, is_blocked=False,
                )  # fmt: skip

    def _reserve(self) -> float:
        """Pour one unit into every bucket; give the seconds until it would fit."""
        with self._journal.writing() as connection:
            now = self._clock(connection)
            rows = self._rows(connection, now)
            levels = [self._leaked(row, now) for row in rows]
            wait = max(level + 1 - self._burst for level in levels) / self._rate
            wait = max(0.0, wait)
            self._check_breakers(rows, now)
            if wait > self._patience:
                raise _closed("The account's limit is used up.", wait)
            self._check_bound(wait)
            for row, level in zip(rows, levels, strict=True):
                values: dict[str, Any] = {"level": level + 1, "measured_at": now}
                if row.opened_at is not None:  # this request is the probe
                    values["probe_at"] = now + self._probe_every
                self._set(connection, row, **values)
        return wait

    def _check_breakers(self, rows: Sequence[sa.Row[Any]], now: int) -> None:
        for row in rows:
            if row.is_blocked:
                raise _closed(
                    "The CRM has banned this account or address.", 3600.0,
                    remedy="Have its support lift the ban, then run deliver replay.",
                )  # fmt: skip
            if row.opened_at is not None and now < row.probe_at:
                left = (row.probe_at - now) / MICROSECONDS
                raise _closed("The CRM is away or overrun.", left)

    def _check_bound(self, wait: float) -> None:
        latest = getattr(self._bounds, "latest", None)
        if latest is not None and time.monotonic() + wait > latest:
            raise _closed("The lease would end before the request left.", 0.0)

    def _after_failure(
        self,
        row: sa.Row[Any],
        now: int,
        health: Heard,
        retry_after: timedelta | None,
    ) -> dict[str, Any]:
        failures = row.failures + 1
        values: dict[str, Any] = {"failures": failures}
        if health is Heard.LIMITED:  # our count was too low: take the bucket as full
            values |= {"level": max(row.level, self._burst), "measured_at": now}
        if health is Heard.BLOCKED:
            values["is_blocked"] = True
        was_open = row.opened_at is not None
        if was_open or failures >= FAILURES_TO_OPEN or health is Heard.BLOCKED:
            asked = min(retry_after or timedelta(0), LONGEST_ASKED)
            pause = max(self._probe_every, _micros(asked))
            values["opened_at"] = row.opened_at if was_open else now
            values["probe_at"] = max(row.probe_at or 0, now + pause)
        return values

    def _recover(self) -> None:
        troubled = sa.select(sa.func.count()).where(
            PACE.c.bucket.in_(self._buckets), PACE.c.failures > 0
        )
        with self._journal.reading() as connection:
            if not connection.execute(troubled).scalar_one():
                return
        with self._journal.writing() as connection:
            for row in self._rows(connection, self._clock(connection)):
                if not row.is_blocked:
                    self._set(
                        connection, row, failures=0, opened_at=None, probe_at=None
                    )

    def _rows(self, connection: sa.Connection, now: int) -> list[sa.Row[Any]]:
        dialect: Any = sqlite if self._journal.is_file else postgresql
        fresh = [
            {
                "bucket": name, "level": 0.0, "measured_at": now,
                "failures": 0, "is_blocked": False,
            }
            for name in self._buckets
        ]  # fmt: skip
        connection.execute(dialect.insert(PACE).on_conflict_do_nothing(), fresh)
        query = (
            sa.select(PACE)
            .where(PACE.c.bucket.in_(self._buckets))
            .order_by(PACE.c.bucket)
            .with_for_update()
        )
        return list(connection.execute(query))

    def _set(self, connection: sa.Connection, row: sa.Row[Any], **values: Any) -> None:
        changing = sa.update(PACE).where(PACE.c.bucket == row.bucket)
        connection.execute(changing.values(**values))

    def _leaked(self, row: sa.Row[Any], now: int) -> float:
        passed = max(0, now - row.measured_at) / MICROSECONDS
        level: float = row.level
        left: float = level - passed * self._rate
        return max(0.0, left)

    def _state(self, name: str, row: sa.Row[Any] | None, now: int) -> PaceState:
        if row is None:
            return PaceState(name, 0.0, Breaker.CLOSED, 0, timedelta(0))
        left = timedelta(0)
        breaker = Breaker.CLOSED
        if row.opened_at is not None:
            breaker = Breaker.OPEN
            left = timedelta(microseconds=max(0, row.probe_at - now))
        if row.is_blocked:
            breaker, left = Breaker.BLOCKED, timedelta(hours=1)
        return PaceState(name, self._leaked(row, now), breaker, row.failures, left)


def _closed(
    what: str, seconds: float, *, remedy: str = "It is tried again by itself."
) -> GateClosed:
    return GateClosed(what, remedy=remedy, retry_after=timedelta(seconds=seconds))


def _micros(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)


def account_gate(
    section: CrmAccount, journal: Journal, allowance: Allowance
) -> PaceGate:
    """Open the gate of an account, and of our address where that is limited too."""
    buckets = [f"{section.kind}/{section.account}"]
    if section.address:
        buckets.append(f"{section.kind}@{section.address}")
    return PaceGate(journal, buckets, allowance)
