"""How far a CRM was asked for changes, and whose turn it is to ask again.

The watermark is the latest change that the CRM itself has told of, never our clock: one
that goes wrong on either side can make a look longer, and hides nothing.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from crm.hearing.inbox import Clock
from crm.hearing.tables import WATCH, inserting
from leads.databaseclock import database_micros
from leads.journal import Journal

CHANGES: Final = "changes"
QUEUE: Final = "queue"


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to ask now; ``upto`` is None if nobody ever did."""

    upto: int | None
    process: str


class Watch:
    """One stream of one account; safe between threads and processes."""

    def __init__(
        self,
        journal: Journal,
        account: str,
        stream: str = CHANGES,
        *,
        clock: Clock = database_micros,
    ) -> None:
        self._journal = journal
        self._key = {"account": account, "stream": stream}
        self._which = (WATCH.c.account == account, WATCH.c.stream == stream)
        self._clock = clock

    def turn(self, every: timedelta, *, at_once: bool = False) -> Turn | None:
        """Take the turn if it is time; None if it is not, or another has it.

        Whoever dies with it loses nothing: the next turn begins where this one did.
        """
        with self._journal.writing() as connection:
            now = self._clock(connection)
            fresh = {**self._key, "next_at": now, "process": uuid.uuid4().hex}
            adding = inserting(connection, WATCH).values(fresh)
            connection.execute(adding.on_conflict_do_nothing())
            due = () if at_once else (WATCH.c.next_at <= now,)
            next_at = now + every // timedelta(microseconds=1)
            taking = sa.update(WATCH).where(*self._which, *due).values(next_at=next_at)
            if not connection.execute(taking).rowcount:
                return None
            row = connection.execute(sa.select(WATCH).where(*self._which)).one()
        return Turn(row.upto, row.process)

    def done(self, upto: int | None) -> None:
        """Say how far it was asked; the watermark never goes back."""
        with self._journal.writing() as connection:
            said: dict[str, Any] = {"done_at": self._clock(connection)}
            if upto is not None:
                higher = WATCH.c.upto.is_(None) | (WATCH.c.upto < upto)
                said["upto"] = sa.case((higher, upto), else_=WATCH.c.upto)
            connection.execute(sa.update(WATCH).where(*self._which).values(**said))

    def age(self) -> timedelta | None:
        """How long ago it was last asked to the end; None if never."""
        with self._journal.reading() as connection:
            query = sa.select(WATCH.c.done_at).where(*self._which)
            done_at = connection.execute(query).scalar()
            now = self._clock(connection)
        if done_at is None:
            return None
        return timedelta(microseconds=max(0, now - done_at))
