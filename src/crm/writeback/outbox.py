"""The outbox: one row per card, claimed under a lease and settled under a token.

The contract, in the order of its steps:

1. ``Offering`` writes what a card should say in the transaction of the prediction. Only
   the newest version matters: an older one that was not sent yet is overwritten.
2. ``claim`` takes rows for a while; token and attempts rise before anything is sent.
3. ``mark`` commits "it is on its way" before the first byte, and extends the lease past
   the moment at which the CRM could still apply it. Whoever dies after this leaves a
   row that nobody touches until the card shows for sure whether it was written.
4. ``settle`` counts only for whoever holds the token.

Between 2 and 3 the card is read, always. So a write that may have been applied is never
repeated blindly: the card itself says which version it carries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from crm.port import GATE, Change, Fields, Move, OurField, Outcome, Result
from crm.writeback.plan import Decision, Shown
from crm.writeback.tables import OUTBOX, SENT, fields_of, text_of
from crm.writeback.text import decision_in
from leads.databaseclock import database_micros
from leads.journal import Journal

Clock = Callable[[sa.Connection], int]

CLAIM_LEASE: Final = timedelta(seconds=60)
START_WITHIN: Final = timedelta(seconds=10)
FIRST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(minutes=5)
MOST_ATTEMPTS: Final = 25
WORN_OUT: Final = "TOO_MANY_ATTEMPTS"
NOT_A_CODE: Final = re.compile(r"[^A-Za-z0-9_. -]")
MOST_CODE: Final = 60


@dataclass(frozen=True, slots=True)
class Terms:
    """How long things last; one set for all workers of an account."""

    late_by: timedelta
    """How long after sending the CRM may still apply a write (``CardDesk.late_by``)."""
    claim_lease: timedelta = CLAIM_LEASE
    start_within: timedelta = START_WITHIN
    """A write leaves this soon after its mark, or not at all."""
    first_pause: timedelta = FIRST_PAUSE
    longest_pause: timedelta = LONGEST_PAUSE
    most_attempts: int = MOST_ATTEMPTS
    moves_per_day: int = 0

    def pause(self, attempts: int) -> timedelta:
        """How long to leave a card alone after so many attempts."""
        doubled = self.first_pause * 2.0 ** min(max(attempts - 1, 0), 30)
        return min(doubled, self.longest_pause)


@dataclass(frozen=True, slots=True)
class Claim:
    """A row that this worker may work on, while the lease lasts."""

    entity: str
    version: int
    decision: Decision
    shown: Shown
    token: int
    attempts: int
    is_check: bool
    """Nothing new to say: the card is only compared with what it should say."""


@dataclass(frozen=True, slots=True)
class Sending:
    """One write that is about to leave."""

    claim: Claim
    version: int
    change: Change
    after: Fields

    @property
    def is_of_a_rule(self) -> bool:
        """Whether a rule moves this card; an approved move has no daily limit."""
        move = self.change.move
        return move is not None and move != self.claim.decision.move


@dataclass(frozen=True, slots=True)
class Settlement:
    """How the work on one row ended."""

    claim: Claim
    result: Result
    version: int
    """The version that is confirmed, if it was applied or needed no write."""
    shown_version: int
    shown: Fields
    overridden: frozenset[OurField] = field(default_factory=frozenset)
    is_counted: bool = True
    """Whether the attempt counts towards giving up; not while the CRM is away.

    One with an unclear end that does not count still makes the card suspect, up to
    half the way, for it may be what its company's requests die of.
    """


class Outbox:
    """The rows of one account; safe between threads and processes.

    Parameters
    ----------
    journal
        Whose database holds them.
    account
        The name of the account.
    terms
        How long things last.
    clock
        Tells the time in microseconds; by default the database's own, which all workers
        share.
    """

    def __init__(
        self,
        journal: Journal,
        account: str,
        terms: Terms,
        *,
        clock: Clock = database_micros,
    ) -> None:
        self.journal = journal
        self.account = account
        self.terms = terms
        self.clock = clock
        self._mine = OUTBOX.c.account == account

    def claim(self, most: int) -> list[Claim]:
        """Take up to ``most`` due rows that nobody works on, new words first."""
        with self.journal.writing() as connection:
            now = self.clock(connection)
            due = (
                sa.select(OUTBOX.c.entity)
                .where(self._mine, OUTBOX.c.next_at <= now, OUTBOX.c.lease_until <= now)
                .order_by(OUTBOX.c.is_check, OUTBOX.c.next_at, OUTBOX.c.entity)
                .limit(most)
                .with_for_update(skip_locked=True)
                .cte("due")
            )
            taking = (
                sa.update(OUTBOX)
                .where(self._mine, OUTBOX.c.entity.in_(sa.select(due.c.entity)))
                .values(
                    token=OUTBOX.c.token + 1,
                    attempts=OUTBOX.c.attempts + 1,
                    lease_until=now + _micros(self.terms.claim_lease),
                )
                .returning(OUTBOX)
            )
            rows = sorted(connection.execute(taking), key=lambda row: row.entity)
            sent = self._sent(connection, [row.entity for row in rows])
        return [_claim_of(row, sent.get(row.entity, [])) for row in rows]

    def due(self, most: int) -> list[Claim]:
        """Look at rows that could be claimed now, without claiming them."""
        with self.journal.reading() as connection:
            now = self.clock(connection)
            query = (
                sa.select(OUTBOX)
                .where(self._mine, OUTBOX.c.next_at <= now, OUTBOX.c.lease_until <= now)
                .order_by(OUTBOX.c.is_check, OUTBOX.c.next_at, OUTBOX.c.entity)
                .limit(most)
            )
            rows = list(connection.execute(query))
            sent = self._sent(connection, [row.entity for row in rows])
        return [_claim_of(row, sent.get(row.entity, [])) for row in rows]

    def mark(self, sendings: Sequence[Sending]) -> list[Sending]:
        """Commit that these are on their way; give those that still may leave.

        One is held back if another worker has the row by now, if its version was taken
        by something newer, or if it would be one move too many today.
        """
        with self.journal.writing() as connection:
            now = self.clock(connection)
            moves = 0
            if any(one.is_of_a_rule for one in sendings):
                self._queue_up(connection)
                moves = self._moves_left(connection, now)
            kept = []
            for sending in sorted(sendings, key=lambda one: one.claim.entity):
                is_move = sending.is_of_a_rule
                if is_move and not moves:
                    continue
                if self._holds(connection, sending, now):
                    moves -= is_move
                    self._keep(connection, sending, now)
                    kept.append(sending)
        return kept

    def renew(self, claims: Sequence[Claim]) -> list[Claim]:
        """Extend the lease for one more thing to send; give those still ours."""
        with self.journal.writing() as connection:
            now = self.clock(connection)
            until = now + self._unclear_for()
            return [
                claim
                for claim in sorted(claims, key=lambda one: one.entity)
                if self._update(connection, claim, lease_until=until, unclear_since=now)
            ]

    def settle(self, settlements: Sequence[Settlement]) -> int:
        """Write down how work ended; give how many were refused for an old token."""
        refused = 0
        with self.journal.writing() as connection:
            now = self.clock(connection)
            for one in sorted(settlements, key=lambda one: one.claim.entity):
                values = self._values(one, now)
                is_mine = self._update(connection, one.claim, **values)
                refused += not is_mine
                if is_mine and one.result.outcome is Outcome.APPLIED:
                    self._note_settled(connection, one, now)
        return refused

    def put_back(
        self,
        claims: Sequence[Claim],
        after: timedelta,
        *,
        is_counted: bool = False,
    ) -> None:
        """Give rows back of which nothing was sent."""
        with self.journal.writing() as connection:
            due = self.clock(connection) + _micros(after)
            for claim in sorted(claims, key=lambda one: one.entity):
                attempts = claim.attempts - (not is_counted)
                values = {"lease_until": 0, "next_at": due, "attempts": attempts}
                self._update(connection, claim, **values)

    def was_taken_lately(self) -> bool:
        """Whether the CRM has taken any write of ours in the last few minutes."""
        with self.journal.reading() as connection:
            since = self.clock(connection) - _micros(self.terms.longest_pause)
            taken = sa.select(SENT.c.entity).where(
                SENT.c.account == self.account,
                SENT.c.sent_at > since,
                SENT.c.settled_at.is_not(None),
            )
            return connection.execute(taken.limit(1)).first() is not None

    def moves_left(self) -> int:
        """Count the moves that may still be made today."""
        with self.journal.reading() as connection:
            return self._moves_left(connection, self.clock(connection))

    def _values(self, one: Settlement, now: int) -> dict[str, Any]:
        outcome, claim = one.result.outcome, one.claim
        values: dict[str, Any] = {"lease_until": 0}
        if outcome is Outcome.APPLIED:
            newer = OUTBOX.c.desired_version > one.version
            return values | {
                "confirmed_version": one.version,
                "shown_version": one.shown_version,
                "shown": text_of(one.shown),
                "overridden": " ".join(sorted(one.overridden)),
                "attempts": 0,
                "unclear_since": None,
                "is_check": False,
                "next_at": sa.case((newer, now), else_=sa.null()),
            }
        attempts = self._attempts(one)
        is_worn = attempts >= self.terms.most_attempts
        if outcome is Outcome.REFUSED or is_worn:
            why = one.result.why if outcome is Outcome.REFUSED else WORN_OUT
            dead = {"dead_since": now, "dead_why": _code(why), "next_at": None}
            return values | dead | {"attempts": attempts}
        pause = self.terms.pause(claim.attempts)
        if outcome is Outcome.UNCLEAR:
            due = now + max(self._unclear_for(), _micros(pause))
            return values | {"attempts": attempts, "next_at": due}
        asked = one.result.retry_after or timedelta(0)
        # What a CRM asks for may be nonsense: years, or less than nothing.
        due = now + _micros(min(max(asked, pause), 2 * pause))
        # Certainly not written, so there is nothing to wait for but the pause.
        return values | {"attempts": attempts, "next_at": due, "unclear_since": None}

    def _attempts(self, one: Settlement) -> int:
        made = one.claim.attempts
        if one.is_counted and one.result.why != GATE:
            return made
        half = self.terms.most_attempts // 2
        is_unclear = one.result.outcome is Outcome.UNCLEAR
        return max(made - 1, min(made, half) if is_unclear else 0)

    def _update(self, connection: sa.Connection, claim: Claim, **values: Any) -> bool:
        """Change a row if the token is ours; say whether it was."""
        changing = sa.update(OUTBOX).where(
            self._mine, OUTBOX.c.entity == claim.entity, OUTBOX.c.token == claim.token
        )
        return bool(connection.execute(changing.values(**values)).rowcount)

    def _holds(self, connection: sa.Connection, sending: Sending, now: int) -> bool:
        claim = sending.claim
        changing = sa.update(OUTBOX).where(
            self._mine, OUTBOX.c.entity == claim.entity, OUTBOX.c.token == claim.token
        )
        if sending.version != claim.version:
            # A number of our own choosing: nobody may have taken it meanwhile.
            changing = changing.where(OUTBOX.c.desired_version == claim.version)
            changing = changing.values(desired_version=sending.version)
        changing = changing.values(
            lease_until=now + self._unclear_for(), unclear_since=now
        )
        return bool(connection.execute(changing).rowcount)

    def _keep(self, connection: sa.Connection, sending: Sending, now: int) -> None:
        move = sending.change.move
        key = {
            "account": self.account,
            "entity": sending.claim.entity,
            "version": sending.version,
        }
        gone = sa.delete(SENT).where(*(SENT.c[name] == key[name] for name in key))
        connection.execute(gone)
        row = key | {
            "fields": text_of(sending.after),
            "move_before": move and move.before,
            "move_after": move and move.after,
            "sent_at": now,
        }
        connection.execute(sa.insert(SENT).values(row))

    def _note_settled(
        self, connection: sa.Connection, one: Settlement, now: int
    ) -> None:
        connection.execute(
            sa.update(SENT)
            .where(
                SENT.c.account == self.account,
                SENT.c.entity == one.claim.entity,
                SENT.c.version == one.version,
            )
            .values(settled_at=now)
        )

    def _queue_up(self, connection: sa.Connection) -> None:
        """Let one worker count moves at a time, or two would both take the last."""
        if not self.journal.is_file:
            number = sa.func.hashtext(self.account)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))

    def _moves_left(self, connection: sa.Connection, now: int) -> int:
        made = sa.select(sa.func.count()).where(
            SENT.c.account == self.account,
            SENT.c.sent_at > now - _micros(timedelta(days=1)),
            SENT.c.move_after.is_not(None),
        )
        return self.terms.moves_per_day - connection.execute(made).scalar_one()

    def _unclear_for(self) -> int:
        return _micros(self.terms.late_by + self.terms.start_within)

    def _sent(
        self, connection: sa.Connection, entities: Sequence[str]
    ) -> Mapping[str, list[sa.Row[Any]]]:
        found: dict[str, list[sa.Row[Any]]] = {}
        query = sa.select(SENT).where(
            SENT.c.account == self.account, SENT.c.entity.in_(entities)
        )
        for row in connection.execute(query):
            found.setdefault(row.entity, []).append(row)
        return found


def _claim_of(row: sa.Row[Any], sent: Sequence[sa.Row[Any]]) -> Claim:
    moved = [
        (one, Move(one.move_before, one.move_after)) for one in sent if one.move_after
    ]
    decision = decision_in(row.entity, row.desired, row.stage)
    if row.desired_version <= row.confirmed_version:
        # The tie was made; whoever has undone it since shall not be overruled.
        decision = replace(decision, tie=None)
    return Claim(
        entity=row.entity,
        version=row.desired_version,
        decision=decision,
        shown=Shown(
            version=row.shown_version,
            fields=fields_of(row.shown),
            sent={one.version: fields_of(one.fields) for one in sent},
            moves=frozenset(move for one, move in moved if one.settled_at is not None),
            tried={one.version: move for one, move in moved if one.settled_at is None},
        ),
        token=row.token,
        attempts=row.attempts,
        is_check=row.is_check and row.desired_version == row.confirmed_version,
    )


def _code(why: str) -> str:
    """Keep a reason to a code, so that no name or address ends among dead letters."""
    return NOT_A_CODE.sub("", why)[:MOST_CODE] or "UNKNOWN"


def _micros(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
