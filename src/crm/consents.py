"""Consents under way: which browser that comes back to us was sent out by us.

``connect`` opens one for an account before a person is sent to the CRM, and its
``state`` travels there and back. Only what comes back with it, in time and once, may
bring tokens. A portal's installer brings no state: for it the account must have one
open, so that nobody can put other tokens in place of ours on another day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from leads.databaseclock import database_micros
from leads.journal import Journal
from leads.records import LEAD_ID, METADATA

LASTS: Final = timedelta(hours=1)

CONSENTS: Final = sa.Table(
    "crm_consents",
    METADATA,
    sa.Column("state", LEAD_ID, primary_key=True),
    sa.Column("kind", LEAD_ID, nullable=False),
    sa.Column("account", LEAD_ID, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
)
"""One row per consent under way; of the state only the SHA-256 is kept."""

Clock = Callable[[sa.Connection], int]


class Consents:
    """The consents of one account."""

    def __init__(
        self,
        journal: Journal,
        kind: str,
        account: str,
        *,
        clock: Clock = database_micros,
    ) -> None:
        self._journal = journal
        self._kind = kind
        self._account = account
        self._clock = clock
        self._ours = (CONSENTS.c.kind == kind, CONSENTS.c.account == account)

    def begin(self, state: str) -> None:
        """Let ``state``, which nobody can guess, come back within an hour."""
        with self._journal.writing() as connection:
            now = self._clock(connection)
            connection.execute(sa.delete(CONSENTS).where(CONSENTS.c.until <= now))
            until = now + LASTS // timedelta(microseconds=1)
            row = {"kind": self._kind, "account": self._account, "until": until}
            connection.execute(sa.insert(CONSENTS).values(state=_mark(state), **row))

    def take(self, state: str) -> bool:
        """Whether this is one of ours; it is good once."""
        with self._journal.writing() as connection:
            taking = sa.delete(CONSENTS).where(
                *self._ours,
                CONSENTS.c.state == _mark(state),
                CONSENTS.c.until > self._clock(connection),
            )
            return connection.execute(taking).rowcount == 1

    def is_open(self) -> bool:
        """Whether a person is connecting this account now."""
        with self._journal.reading() as connection:
            now = self._clock(connection)
            asked = sa.select(sa.func.count()).where(
                *self._ours, CONSENTS.c.until > now
            )
            return bool(connection.execute(asked).scalar_one())

    def end(self) -> None:
        """Let nothing come back any more: the account is connected."""
        with self._journal.writing() as connection:
            connection.execute(sa.delete(CONSENTS).where(*self._ours))


def _mark(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
