"""The inbox: what the CRM spoke of, one row per thing, kept before anybody is answered.

A hint says that something about a card may have changed, and nothing more: whoever
takes it looks at the card itself. So a hint may come twice, late, after a newer one or
from a forger, and the end is the same.

1. ``note`` keeps hints; doubles fall into the row that is there.
2. ``take`` hands rows out under a lease and a token that rises.
3. ``settle`` closes a row within the transaction that records what came of it, and
   fails with it if another has taken the row meanwhile: so each state of a lead is
   predicted once, whoever dies when. A hint that came in between leaves the row open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from crm.hearing.tables import HINTS, inserting
from leads.databaseclock import database_micros
from leads.errors import LeadcastError
from leads.journal import Journal

LEASE: Final = timedelta(seconds=60)
FIRST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(minutes=5)
MOST_ATTEMPTS: Final = 25
KEPT: Final = timedelta(days=30)
MOST_ASKED: Final = 10_000
WORN_OUT: Final = "TOO_MANY_ATTEMPTS"

Clock = Callable[[sa.Connection], int]


class Overtaken(LeadcastError):
    """Another has taken the row: what was done under it must not count."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A row that this listener may work on, while the lease lasts."""

    entity: str
    """The kind and the CRM's own id: ``"lead:123"``, ``"deal:45"``."""
    version: int
    token: int
    attempts: int
    digest: str | None
    """Of what was known when it was last predicted; None if it never was."""
    is_whole: bool = True
    """Whether to look at all that hangs on it, not at the card alone."""
    likeness: str | None = None
    """Of the card as it was last looked at whole."""


@dataclass(frozen=True, slots=True)
class InboxState:
    """How the inbox of an account is doing."""

    waiting: int
    oldest: timedelta
    """How long the oldest hint has waited."""
    dead: int
    """Hints that were given up."""


class Inbox:
    """The hints of one account; safe between threads and processes.

    Parameters
    ----------
    journal
        Whose database holds them.
    account
        The name of the account.
    lease
        How long a row that was taken is left to its taker.
    clock
        Tells the time in microseconds; by default the database's own.

    Examples
    --------
    ``Inbox(journal, "acme").note(["lead:123", "deal:45"])`` and the listener, wherever
    it runs, looks at both within a second.
    """

    def __init__(
        self,
        journal: Journal,
        account: str,
        *,
        lease: timedelta = LEASE,
        clock: Clock = database_micros,
    ) -> None:
        self.journal = journal
        self.account = account
        self.clock = clock
        self._lease = _micros(lease)
        self._mine = HINTS.c.account == account

    def note(self, entities: Iterable[str], *, whole: bool = True) -> int:
        """Keep hints; they are on the disk when this returns. Give how many there were.

        Parameters
        ----------
        whole
            Whether what hangs on the card may have changed; else only the card itself.

        Raises
        ------
        Unavailable
            The database did not answer; nothing was kept.
        """
        named = sorted(set(entities))
        if named:
            with self.journal.writing() as connection:
                self.note_in(connection, named, whole=whole)
        return len(named)

    def note_in(
        self, connection: sa.Connection, entities: Iterable[str], *, whole: bool = True
    ) -> None:
        """Keep hints as part of a transaction."""
        now = self.clock(connection)
        rows = [
            {**_row(self.account, entity, now), "is_whole": whole}
            for entity in sorted(set(entities))
        ]
        if not rows:
            return
        adding = inserting(connection, HINTS)
        waits = HINTS.c.next_at.is_not(None)
        connection.execute(
            adding.on_conflict_do_update(
                index_elements=["account", "entity"],
                set_={
                    "first_at": sa.case(
                        (waits, HINTS.c.first_at), else_=adding.excluded.first_at
                    ),
                    "last_at": adding.excluded.last_at,
                    "times": HINTS.c.times + 1,
                    "version": HINTS.c.version + 1,
                    "next_at": sa.func.coalesce(
                        HINTS.c.next_at, adding.excluded.next_at
                    ),
                    "dead_since": None,
                    "dead_why": None,
                    "is_whole": sa.or_(HINTS.c.is_whole, adding.excluded.is_whole),
                },
            ),
            rows,
        )

    def remember_in(self, connection: sa.Connection, marks: Mapping[str, str]) -> None:
        """Keep when things were last changed, without a hint of them."""
        now = self.clock(connection)
        rows = [
            {**_row(self.account, entity, now), "next_at": None, "mark": marks[entity]}
            for entity in sorted(marks)
        ]
        if rows:
            adding = inserting(connection, HINTS)
            told = {"mark": adding.excluded.mark, "last_at": adding.excluded.last_at}
            connection.execute(
                adding.on_conflict_do_update(
                    index_elements=["account", "entity"], set_=told
                ),
                rows,
            )

    def take(self, most: int) -> list[Taken]:
        """Take up to ``most`` due rows that nobody works on, the oldest hints first."""
        with self.journal.writing() as connection:
            now = self.clock(connection)
            due = (
                sa.select(HINTS)
                .where(self._mine, HINTS.c.next_at <= now, HINTS.c.lease_until <= now)
                .order_by(HINTS.c.first_at, HINTS.c.entity)
                .limit(most)
                .with_for_update(skip_locked=True)
            )
            rows = list(connection.execute(due))
            for row in rows:
                self._change(
                    connection, row.entity,
                    token=row.token + 1,
                    lease_until=now + self._lease,
                    attempts=row.attempts + 1,
                )  # fmt: skip
        return [_taken(row) for row in rows]

    def is_due(self, entity: str) -> bool:
        """Whether a hint of this thing waits, or is worked on."""
        query = sa.select(HINTS.c.next_at).where(self._mine, HINTS.c.entity == entity)
        with self.journal.reading() as connection:
            return connection.execute(query).scalar() is not None

    def settle(
        self,
        connection: sa.Connection,
        taken: Iterable[Taken],
        *,
        digests: Mapping[str, str] | None = None,
        marks: Mapping[str, str] | None = None,
        likenesses: Mapping[str, str] | None = None,
    ) -> None:
        """Close rows within a transaction; those hinted at again stay due.

        Parameters
        ----------
        digests, marks, likenesses
            What to remember, by entity; what is not named stays as it was.

        Raises
        ------
        Overtaken
            One of the rows was taken by another; the transaction must not commit.
        """
        now = self.clock(connection)
        for one in sorted(taken, key=lambda each: each.entity):
            said: dict[str, Any] = {"lease_until": 0, "attempts": 0}
            if digests and one.entity in digests:
                said["digest"] = digests[one.entity]
            if marks and one.entity in marks:
                said["mark"] = marks[one.entity]
            if likenesses and one.entity in likenesses:
                said["likeness"] = likenesses[one.entity]
            is_last = HINTS.c.version == one.version
            said["next_at"] = sa.case((is_last, None), else_=now)
            said["is_whole"] = sa.case((is_last, sa.false()), else_=HINTS.c.is_whole)
            if not self._change_held(connection, one, **said):
                raise Overtaken(
                    "Another listener has taken a hint meanwhile.",
                    remedy="Nothing: it does what is to be done.",
                )

    def close(self, taken: Sequence[Taken]) -> None:
        """Close rows of which nothing is to be remembered."""
        if taken:
            with self.journal.writing() as connection:
                self.settle(connection, taken)

    def put_back(self, taken: Sequence[Taken], pause: timedelta | None = None) -> None:
        """Let rows be taken again, after a pause or after one that grows by itself.

        With a pause of its own the attempt does not count: it was not the hint's fault.
        """
        if not taken:
            return
        with self.journal.writing() as connection:
            now = self.clock(connection)
            for one in sorted(taken, key=lambda each: each.entity):
                said: dict[str, Any] = {"lease_until": 0}
                if pause is not None:
                    said["attempts"] = one.attempts - 1
                    said["next_at"] = now + _micros(pause)
                elif one.attempts >= MOST_ATTEMPTS:
                    said |= {"next_at": None, "attempts": 0}
                    said |= {"dead_since": now, "dead_why": WORN_OUT}
                else:
                    said["next_at"] = now + _micros(pause_after(one.attempts))
                self._change_held(connection, one, **said)

    def unseen(self, found: Mapping[str, str]) -> list[str]:
        """Give those of the entities whose time of change is not the one last seen.

        Parameters
        ----------
        found
            Times of change, as the CRM writes them, by entity.
        """
        known: dict[str, str | None] = {}
        names = sorted(found)
        with self.journal.reading() as connection:
            for start in range(0, len(names), MOST_ASKED):
                some = HINTS.c.entity.in_(names[start : start + MOST_ASKED])
                query = sa.select(HINTS.c.entity, HINTS.c.mark).where(self._mine, some)
                known.update(map(tuple, connection.execute(query)))
        return [name for name in names if known.get(name) != found[name]]

    def state(self) -> InboxState:
        """Count what waits, and how long it has."""
        with self.journal.reading() as connection:
            now = self.clock(connection)
            waits = HINTS.c.next_at.is_not(None)
            waiting, dead, oldest = connection.execute(
                sa.select(
                    sa.func.count(sa.case((waits, 1))),
                    sa.func.count(HINTS.c.dead_since),
                    sa.func.min(sa.case((waits, HINTS.c.first_at))),
                ).where(self._mine)
            ).one()
        age = 0 if oldest is None else max(0, now - oldest)
        return InboxState(waiting, timedelta(microseconds=age), dead)

    def tidy(self) -> int:
        """Forget closed rows that nothing was heard of for long; give how many."""
        with self.journal.writing() as connection:
            old = self.clock(connection) - _micros(KEPT)
            removing = sa.delete(HINTS).where(
                self._mine, HINTS.c.next_at.is_(None), HINTS.c.last_at < old
            )
            return connection.execute(removing).rowcount

    def _change(self, connection: sa.Connection, entity: str, **values: Any) -> None:
        which = (self._mine, HINTS.c.entity == entity)
        connection.execute(sa.update(HINTS).where(*which).values(**values))

    def _change_held(
        self, connection: sa.Connection, one: Taken, **values: Any
    ) -> bool:
        """Change a row if it is still ours."""
        which = (self._mine, HINTS.c.entity == one.entity, HINTS.c.token == one.token)
        changing = sa.update(HINTS).where(*which).values(**values)
        return connection.execute(changing).rowcount == 1


def pause_after(attempts: int) -> timedelta:
    """How long to leave a hint alone after so many attempts.

    Examples
    --------
    >>> [pause_after(n).total_seconds() for n in (1, 2, 3, 30)]
    [1.0, 2.0, 4.0, 300.0]
    """
    return min(FIRST_PAUSE * 2.0 ** min(max(attempts - 1, 0), 30), LONGEST_PAUSE)


def _taken(row: sa.Row[Any]) -> Taken:
    """Say what was taken; its token and attempts are those after the taking."""
    return Taken(
        row.entity, row.version, row.token + 1, row.attempts + 1, row.digest,
        is_whole=row.is_whole, likeness=row.likeness,
    )  # fmt: skip


def _row(account: str, entity: str, now: int) -> dict[str, Any]:
    counts = dict.fromkeys(("token", "lease_until", "attempts"), 0)
    return {
        "account": account, "entity": entity, "first_at": now, "last_at": now,
        "times": 1, "version": 1, "next_at": now, "is_whole": False, **counts,
    }  # fmt: skip


def _micros(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
