"""The morning's run: one row per business date, whoever starts it and however often.

The row is the lock. Who holds its lease works; a lease that nobody renews any more is
taken over with a higher token, and from then on the old holder can write nothing down.
Steps that are done are not done again. Time is the database's, so that schedulers whose
clocks differ, or step back, still agree.

The pattern is a lease with a fencing token (Kleppmann, "How to do distributed locking",
2016); the token guards what this row says, and the steps themselves are harmless to
repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from leads.databaseclock import database_micros
from leads.errors import Overtaken
from leads.journal import Journal
from leads.records import METADATA, MICROSECOND, moment_of

LEASE: Final = timedelta(seconds=60)
SOONEST_AGAIN: Final = timedelta(minutes=1)
LATEST_AGAIN: Final = timedelta(minutes=15)
LONGEST_LOOK: Final = 60
"""Dates that are looked through for one on which a step was done."""

RUNS: Final = sa.Table(
    "runs",
    METADATA,
    sa.Column("day", sa.String, primary_key=True),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("lease_until", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("done", sa.Text, nullable=False),
    sa.Column("finished_at", sa.BigInteger),
    sa.Column("failed_at", sa.BigInteger),
    sa.Column("failed_why", sa.String),
)
"""One row per business date; ``done`` maps each finished step to what it said."""

Clock = Callable[[sa.Connection], int]


@dataclass(frozen=True, slots=True)
class Run:
    """One business date as its row tells it."""

    day: date
    token: int
    attempts: int
    started_at: datetime
    done: Mapping[str, str]
    finished_at: datetime | None
    failed_why: str | None

    @property
    def is_finished(self) -> bool:
        """Whether every step is done."""
        return self.finished_at is not None


class Runs:
    """The rows of all business dates; safe between threads and processes.

    Parameters
    ----------
    lease
        How long a run that does not renew is waited for.
    clock
        The database's, unless told otherwise.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        lease: timedelta = LEASE,
        clock: Clock = database_micros,
    ) -> None:
        self.lease = lease
        self._journal = journal
        self._lease = lease // MICROSECOND
        self._clock = clock

    def is_due(self, day: date) -> bool:
        """Say whether a scheduler should start a date's run now.

        Not if it is finished, somebody is at work on it, a newer date was begun, or it
        failed a moment ago: after the first failure a minute is waited, then longer.
        """
        with self._journal.reading() as connection:
            now = self._clock(connection)
            newest = connection.execute(sa.select(sa.func.max(RUNS.c.day))).scalar_one()
            if newest is None or newest < day.isoformat():
                return True
            query = sa.select(RUNS.c.day).where(
                RUNS.c.day == newest, *self._is_free(now), _is_rested(now)
            )
            found = connection.execute(query).scalar_one_or_none()
        return found == day.isoformat()

    def claim(self, day: date) -> Run | None:
        """Take a date's run up, at its beginning or where somebody left it.

        None if it is finished, somebody is at work on it, or a newer date was begun.
        """
        with self._journal.writing() as connection:
            now = self._clock(connection)
            connection.execute(self._beginning(connection, day, now))
            newer = sa.select(sa.func.max(RUNS.c.day)).scalar_subquery()
            taking = (
                sa.update(RUNS)
                .where(
                    RUNS.c.day == day.isoformat(),
                    RUNS.c.day == newer,
                    *self._is_free(now),
                )
                .values(
                    token=RUNS.c.token + 1,
                    attempts=RUNS.c.attempts + 1,
                    lease_until=now + self._lease,
                )
                .returning(RUNS)
            )
            row = connection.execute(taking).one_or_none()
        return None if row is None else _run_of(row)

    def renew(self, run: Run) -> None:
        """Say that work goes on.

        Raises
        ------
        Overtaken
            Another took it over; whoever holds the old token must stop.
        """
        with self._journal.writing() as connection:
            until = self._clock(connection) + self._lease
            self._write(connection, run, lease_until=until)

    def complete(self, run: Run, **said: str) -> Run:
        """Write down that a step is done, by its name, and what it said.

        Raises
        ------
        Overtaken
            Another took the run over.
        """
        return self._kept(run, {**run.done, **said})

    def note(self, run: Run, **said: str) -> Run:
        """Write down how far a step has come; empty text takes a note back.

        Raises
        ------
        Overtaken
            Another took the run over.
        """
        noted = {**run.done, **said}
        kept = {name: text for name, text in noted.items() if text or name not in said}
        return self._kept(run, kept)

    def _kept(self, run: Run, done: Mapping[str, str]) -> Run:
        with self._journal.writing() as connection:
            until = self._clock(connection) + self._lease
            values = {"done": orjson.dumps(done).decode(), "lease_until": until}
            row = self._write(connection, run, **values)
        return _run_of(row)

    def finish(self, run: Run) -> Run:
        """Write down that all is done.

        Raises
        ------
        Overtaken
            Another took the run over.
        """
        with self._journal.writing() as connection:
            now = self._clock(connection)
            values = {"finished_at": now, "failed_at": None, "failed_why": None}
            row = self._write(connection, run, lease_until=now, **values)
        return _run_of(row)

    def fail(self, run: Run, why: str) -> None:
        """Write down why it stopped, and let go; it may be taken up again later.

        Raises
        ------
        Overtaken
            Another took the run over.
        """
        with self._journal.writing() as connection:
            now = self._clock(connection)
            values = {"failed_at": now, "failed_why": why}
            self._write(connection, run, lease_until=now, **values)

    def release(self, run: Run) -> None:
        """Let go of it as it is, so that another need not wait for the lease to end."""
        with self._journal.writing() as connection:
            now = self._clock(connection)
            self._write(connection, run, lease_until=now)

    def of(self, day: date) -> Run | None:
        """Read a date's row; None if it was never begun."""
        query = sa.select(RUNS).where(RUNS.c.day == day.isoformat())
        with self._journal.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _run_of(row)

    def newest(self) -> Run | None:
        """Read the newest date's row; None before the first."""
        query = sa.select(RUNS).order_by(RUNS.c.day.desc()).limit(1)
        with self._journal.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _run_of(row)

    def latest(self, step: str, *, count: int) -> list[Run]:
        """List the newest dates on which a step is done, newest first."""
        query = sa.select(RUNS).order_by(RUNS.c.day.desc())
        found: list[Run] = []
        with self._journal.reading() as connection:
            for row in connection.execute(query.limit(LONGEST_LOOK)):
                run = _run_of(row)
                if step in run.done:
                    found.append(run)
        return found[:count]

    def _is_free(self, now: int) -> tuple[sa.ColumnElement[bool], ...]:
        """Not finished, and its lease is over, or longer than a right clock gave it.

        Twice as long: who waited for the row's lock asked the time before who had it.
        """
        until = RUNS.c.lease_until
        is_over = sa.or_(until <= now, until > now + 2 * self._lease)
        return RUNS.c.finished_at.is_(None), is_over

    def _beginning(self, connection: sa.Connection, day: date, now: int) -> sa.Insert:
        is_sqlite = connection.dialect.name == "sqlite"
        insert = (sqlite.insert if is_sqlite else postgresql.insert)(RUNS)
        values = {
            "day": day.isoformat(), "token": 0, "lease_until": 0, "attempts": 0,
            "started_at": now, "done": "{}",
        }  # fmt: skip
        newer = sa.select(RUNS.c.day).where(RUNS.c.day > day.isoformat())
        literal = [sa.literal(value).label(name) for name, value in values.items()]
        chosen = sa.select(*literal).where(~sa.exists(newer))
        return insert.from_select(list(values), chosen).on_conflict_do_nothing()

    def _write(self, connection: sa.Connection, run: Run, **values: Any) -> sa.Row[Any]:
        writing = (
            sa.update(RUNS)
            .where(RUNS.c.day == run.day.isoformat(), RUNS.c.token == run.token)
            .values(**values)
            .returning(RUNS)
        )
        row = connection.execute(writing).one_or_none()
        if row is None:
            raise Overtaken(
                f"The run of {run.day} was taken over by another.",
                remedy="Nothing is lost: the other goes on from the last step done.",
            )
        return row


def _is_rested(now: int) -> sa.ColumnElement[bool]:
    """Wait after failures: a minute after the first, at most a quarter of an hour."""
    pause = sa.func.coalesce(RUNS.c.attempts, 0) * (SOONEST_AGAIN // MICROSECOND)
    longest = LATEST_AGAIN // MICROSECOND
    rest = sa.case((pause > longest, longest), else_=pause)
    failed = RUNS.c.failed_at
    return sa.or_(failed.is_(None), failed + rest <= now, failed > now)


def _run_of(row: sa.Row[Any]) -> Run:
    finished = row.finished_at
    return Run(
        day=date.fromisoformat(row.day),
        token=row.token,
        attempts=row.attempts,
        started_at=moment_of(row.started_at),
        done=MappingProxyType(orjson.loads(row.done)),
        finished_at=None if finished is None else moment_of(finished),
        failed_why=row.failed_why,
    )
