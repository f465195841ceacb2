"""Calls that wait for our answer: kept before they are acknowledged, answered once.

A CRM that calls us repeats itself, and we may die between its call and our answer. So a
call is a row under a digest of its own token: a repeat finds the row that is there, and
any worker takes what has not been answered, under a lease.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import orjson
import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite

from crm.sealing import Seal
from leads.databaseclock import database_micros
from leads.errors import BadConfig
from leads.journal import Journal
from leads.records import LEAD_ID, METADATA

LEASE: Final = timedelta(seconds=90)
FIRST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(minutes=1)
KEPT: Final = timedelta(days=2)
MOST_TAKEN: Final = 20

log = structlog.get_logger()

CALLS: Final = sa.Table(
    "crm_calls",
    METADATA,
    sa.Column("account", LEAD_ID, primary_key=True),
    sa.Column("mark", LEAD_ID, primary_key=True),
    sa.Column("entity", sa.String, nullable=False),
    sa.Column("secret", sa.Text),
    sa.Column("said", sa.Text),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("next_at", sa.BigInteger),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("ended", sa.String),
    sa.Index("crm_calls_due", "account", "next_at"),
)
"""One row per call; ``mark`` is a digest of what it can be told by.

``secret`` holds the tokens to answer with, as JSON locked by ``crm.sealing``, and is
emptied with the answer;
``said`` what is to be answered, once that is known. ``next_at`` is when to look at it,
NULL when it is over, and ``ended`` says how.
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call that this worker may answer, while the lease lasts."""

    mark: str
    entity: str
    secret: Mapping[str, str] = field(repr=False)
    said: Mapping[str, Any] | None
    attempts: int
    left: timedelta
    """How long an answer still makes sense."""


def mark_of(token: str) -> str:
    """Digest what a call is told by."""
    return hashlib.sha256(token.encode()).hexdigest()


class Calls:
    """The calls of one account; safe between threads and processes.

    Parameters
    ----------
    journal
        Whose database keeps them.
    account
        The name of the account.
    seal
        Makes their tokens unreadable in the database.
    """

    def __init__(self, journal: Journal, account: str, *, seal: Seal) -> None:
        self._journal = journal
        self._account = account
        self._seal = seal

    def keep(
        self, token: str, entity: str, *, waits: timedelta,
        secret: Mapping[str, str] | None = None,
    ) -> bool:  # fmt: skip
        """Keep a call; it is on the disk when this returns. Give whether it is new.

        Calls that are long over are forgotten on the way.

        Parameters
        ----------
        token
            What the call is told by; only its digest is kept.
        entity
            The card, as in ``Card.entity``.
        waits
            How long an answer makes sense.
        secret
            What is needed to answer; without, there is nothing to answer.

        Raises
        ------
        Unavailable
            The database did not answer; nothing was kept.
        """
        dialect: Any = sqlite if self._journal.is_file else postgresql
        if secret is not None and not self._seal.locks:
            self._journal.shut_out_others()
        with self._journal.writing() as connection:
            now = database_micros(connection)
            row = {
                "account": self._account,
                "mark": mark_of(token),
                "entity": entity,
                "secret": None if secret is None else self._locked(secret),
                "received_at": now,
                "until": now + _micros(waits),
                "next_at": None if secret is None else now,
                "attempts": 0,
            }
            self._forget(connection, before=now - _micros(KEPT))
            adding = dialect.insert(CALLS).values(**row).on_conflict_do_nothing()
            return bool(connection.execute(adding).rowcount == 1)

    def take(self) -> list[Waiting]:
        """Take what is due, at most 20; a worker that dies leaves them to others."""
        with self._journal.reading() as connection:  # mostly there is nothing
            if not connection.execute(self._due(database_micros(connection))).first():
                return []
        with self._journal.writing() as connection:
            now = database_micros(connection)
            due = self._due(now).with_for_update(skip_locked=True)
            rows = connection.execute(due).all()
            for row in rows:
                values = {
                    "next_at": now + _micros(LEASE),
                    "attempts": row.attempts + 1,
                }
                connection.execute(self._change(row.mark).values(**values))
        found = [(row, self._opened(row)) for row in rows]
        return [_waiting(row, s, now) for row, s in found if s is not None]

    def say(self, mark: str, said: Mapping[str, Any]) -> None:
        """Keep what is to be answered, so that a repeat answers the same."""
        with self._journal.writing() as connection:
            text = orjson.dumps(said).decode()
            connection.execute(self._change(mark).values(said=text))

    def again(self, waiting: Waiting) -> None:
        """Put a call back for later."""
        pause = min(FIRST_PAUSE * 2 ** min(waiting.attempts, 10), LONGEST_PAUSE)
        with self._journal.writing() as connection:
            at = database_micros(connection) + _micros(pause)
            connection.execute(self._change(waiting.mark).values(next_at=at))

    def end(self, mark: str, how: str) -> None:
        """Close a call; its secrets are gone with it."""
        with self._journal.writing() as connection:
            values = {"next_at": None, "ended": how, "secret": None, "said": None}
            connection.execute(self._change(mark).values(**values))

    def _forget(self, connection: sa.Connection, *, before: int) -> None:
        mine = CALLS.c.account == self._account
        connection.execute(sa.delete(CALLS).where(mine, CALLS.c.until < before))

    def _locked(self, secret: Mapping[str, str]) -> str:
        return self._seal.locked(orjson.dumps(secret).decode())

    def _opened(self, row: sa.Row[Any]) -> dict[str, str] | None:
        """Read what is needed to answer; a call that no key of ours opens is over."""
        try:
            told: dict[str, str] = orjson.loads(self._seal.opened(row.secret))
        except BadConfig as error:
            log.error("call_locked", why=error.what, remedy=error.remedy)
            self.end(row.mark, "locked")
            return None
        return told

    def _due(self, now: int) -> sa.Select[Any]:
        return (
            sa.select(CALLS)
            .where(CALLS.c.account == self._account, CALLS.c.next_at <= now)
            .order_by(CALLS.c.next_at)
            .limit(MOST_TAKEN)
        )

    def _change(self, mark: str) -> sa.Update:
        return sa.update(CALLS).where(
            CALLS.c.account == self._account, CALLS.c.mark == mark
        )


def _waiting(row: sa.Row[Any], secret: Mapping[str, str], now: int) -> Waiting:
    return Waiting(
        row.mark, row.entity, secret,
        orjson.loads(row.said) if row.said else None,
        row.attempts + 1, timedelta(microseconds=row.until - now),
    )  # fmt: skip


def _micros(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
