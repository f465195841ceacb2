"""What people and clocks do to the outbox: look at it, sweep, replay, tidy up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from crm.writeback.outbox import Clock
from crm.writeback.tables import NOTES, OUTBOX, SENT
from crm.writeback.text import decision_in
from leads.databaseclock import database_micros
from leads.journal import Journal
from leads.records import moment_of

KEPT: Final = timedelta(days=90)
MOST_TOLD: Final = 50
RATE_OVER: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How the outbox of an account is doing."""

    waiting: int
    """Cards with something new to say."""
    checking: int
    """Cards that are only to be compared."""
    oldest: timedelta
    """How long the oldest news has waited."""
    unclear: int
    dead: int
    overridden: int
    """Cards on which a person's value is kept."""
    per_second: float
    """Writes confirmed over the last minute."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A card that was given up; ``wanted`` is what an order wanted of it, if any."""

    entity: str
    wanted: str
    why: str
    since: datetime
    attempts: int


class Upkeep:
    """The outbox of one account, for whoever looks after it."""

    def __init__(
        self, journal: Journal, account: str, *, clock: Clock = database_micros
    ) -> None:
        self._journal = journal
        self._account = account
        self._clock = clock
        self._mine = OUTBOX.c.account == account

    def state(self) -> OutboxState:
        """Count what waits, and how long it has."""
        new = OUTBOX.c.desired_version > OUTBOX.c.confirmed_version
        alive = OUTBOX.c.dead_since.is_(None)
        with self._journal.reading() as connection:
            now = self._clock(connection)
            counts = connection.execute(
                sa.select(
                    _count(new & alive),
                    _count(OUTBOX.c.is_check & OUTBOX.c.next_at.is_not(None)),
                    _count(OUTBOX.c.unclear_since.is_not(None) & alive),
                    _count(~alive),
                    _count(OUTBOX.c.overridden != ""),
                    sa.func.min(sa.case((new & alive, OUTBOX.c.offered_at))),
                ).where(self._mine)
            ).one()
            written = sa.select(sa.func.count()).where(
                SENT.c.account == self._account,
                SENT.c.sent_at > now - _micros(RATE_OVER),
                SENT.c.settled_at.is_not(None),
            )
            recent = connection.execute(written).scalar_one()
        waiting, checking, unclear, dead, overridden, oldest = counts
        age = 0 if oldest is None else max(0, now - oldest)
        return OutboxState(
            waiting, checking, timedelta(microseconds=age), unclear, dead, overridden,
            per_second=recent / (RATE_OVER / timedelta(seconds=1)),
        )  # fmt: skip

    def dead(self) -> list[DeadLetter]:
        """List cards that were given up, the oldest first."""
        query = (
            sa.select(OUTBOX)
            .where(self._mine, OUTBOX.c.dead_since.is_not(None))
            .order_by(OUTBOX.c.dead_since, OUTBOX.c.entity)
            .limit(MOST_TOLD)
        )
        with self._journal.reading() as connection:
            return [
                DeadLetter(
                    row.entity, _wanted(row), row.dead_why, moment_of(row.dead_since),
                    row.attempts,
                )
                for row in connection.execute(query)
            ]  # fmt: skip

    def replay(self) -> int:
        """Try all dead letters again; what is on its way stays unclear as it was."""
        with self._journal.writing() as connection:
            changing = (
                sa.update(OUTBOX)
                .where(self._mine, OUTBOX.c.dead_since.is_not(None))
                .values(
                    dead_since=None,
                    dead_why=None,
                    attempts=0,
                    next_at=self._clock(connection),
                )
            )
            return connection.execute(changing).rowcount

    def sweep(self) -> int:
        """Have every settled card compared with what it should say; give how many."""
        with self._journal.writing() as connection:
            changing = (
                sa.update(OUTBOX)
                .where(
                    self._mine,
                    OUTBOX.c.next_at.is_(None),
                    OUTBOX.c.dead_since.is_(None),
                )
                .values(is_check=True, next_at=self._clock(connection))
            )
            return connection.execute(changing).rowcount

    def tidy(self) -> int:
        """Forget writes that no card can still show, after 90 days."""
        newest = (
            sa.select(OUTBOX.c.shown_version)
            .where(OUTBOX.c.account == SENT.c.account, OUTBOX.c.entity == SENT.c.entity)
            .scalar_subquery()
        )
        with self._journal.writing() as connection:
            old = self._clock(connection) - _micros(KEPT)
            removing = sa.delete(SENT).where(
                SENT.c.account == self._account,
                SENT.c.sent_at < old,
                SENT.c.version < newest,
                SENT.c.move_after.is_(None),  # a move is never made twice
            )
            return connection.execute(removing).rowcount


def forget_cards(journal: Journal, lead_ids: Sequence[str]) -> int:
    """Forget all that was to be written, written and noted on the cards of leads.

    Of every account; what the cards show stays in the CRM. Gives the number of cards;
    safe to repeat.
    """
    gone = 0
    with journal.writing() as connection:
        for lead_id in sorted(set(lead_ids)):
            cards = sa.select(OUTBOX.c.account, OUTBOX.c.entity).where(
                OUTBOX.c.lead_id == lead_id
            )
            for account, entity in connection.execute(cards).all():
                gone += 1
                for table in (SENT, NOTES, OUTBOX):
                    of_card = table.c.account == account, table.c.entity == entity
                    connection.execute(sa.delete(table).where(*of_card))
    return gone


def _count(which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.count(sa.case((which, 1)))


def _micros(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)


def _wanted(row: sa.Row[Any]) -> str:
    """Say which order hangs on a card, in the CRM's own ids."""
    said = decision_in(row.entity, row.desired, row.stage)
    told = [f"move {said.move.before} -> {said.move.after}"] if said.move else []
    if said.tie is not None:
        told += [f"tie to {one}" for one in said.tie.gained]
        told += [f"untie from {one}" for one in said.tie.lost]
    return ", ".join(told)
