"""The tokens of accounts that a person connected: kept, renewed once for all workers.

A refresh token is good once, so of all threads and processes exactly one may use it and
its answer must be stored before anybody uses the new pair. The row is the lock: whoever
writes a lease into it renews, the others wait until the row's version has moved on. No
transaction is open while the CRM is asked, so SQLite's other writers do not wait.

A pair that comes back is kept if the row still holds the pair that it replaces, even if
the lease has run out meanwhile: it is the only key there is. A holder that dies before
the answer was kept leaves the old refresh token. amoCRM honours it until the new pair
has been used; Bitrix24 does not, and then a person must connect again, loudly.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from crm.port import AccessLost, GateClosed
from crm.sealing import Seal
from leads.databaseclock import database_micros
from leads.journal import Journal
from leads.records import LEAD_ID, METADATA, micros, moment_of

__all__ = [
    "AccessLost",
    "Application",
    "RefreshRefused",
    "Renew",
    "RenewalFailed",
    "Terms",
    "TokenStore",
    "Tokens",
]

LEASE: Final = timedelta(seconds=45)
"""Longer than the 30 s that asking for a pair may take at most."""
WAIT: Final = timedelta(seconds=60)
LOOK_EVERY: Final = timedelta(seconds=0.1)
REFUSED: Final = "refused our refresh token"
LOST_PAUSE: Final = timedelta(minutes=1)

TOKENS: Final = sa.Table(
    "crm_tokens",
    METADATA,
    sa.Column("kind", LEAD_ID, primary_key=True),
    sa.Column("account", LEAD_ID, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("member", sa.String, nullable=False),
    sa.Column("user_id", sa.String, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("kept_at", sa.BigInteger, nullable=False),
    sa.Column("lease_until", sa.BigInteger, nullable=False),
    sa.Column("refused_at", sa.BigInteger),
)
"""One row per account: its pair, which one it is, and who is renewing it.

``sealed`` holds the secrets as JSON, locked by ``crm.sealing``; times are microseconds
by the database's clock.
"""

Clock = Callable[[sa.Connection], int]


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an account gave us when a person connected it, or when we renewed it."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: datetime
    """When ``access`` ends."""
    member: str = ""
    """The CRM's own id of the account: Bitrix24's ``member_id``, amoCRM's number."""
    user: str = ""
    """The user that the tokens act as."""
    application: str = field(default="", repr=False)
    """Bitrix24's ``application_token``, which authenticates what it sends us."""


@dataclass(frozen=True, slots=True)
class Application:
    """What tells a genuine hook of an account from a forged one."""

    member: str
    token: str = field(repr=False)
    """Compare in constant time; empty: none is known, so let no hook in."""


class RenewalFailed(GateClosed):
    """No new pair came for now; nothing of what was to be asked was sent."""


class RefreshRefused(Exception):
    """The CRM says that the refresh token is not good (``invalid_grant``)."""


class Renew(Protocol):
    """Changes the refresh token of a pair into a new pair, at the CRM."""

    def __call__(self, old: Tokens, now: datetime) -> Tokens:
        """Ask once.

        Raises
        ------
        RefreshRefused
            For good.
        RenewalFailed
            For now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """How renewing is timed.

    ``ahead`` is how long before its end a token is renewed; None waits for the CRM to
    say that it has ended.
    """

    ahead: timedelta | None = None
    lease: timedelta = LEASE
    wait: timedelta = WAIT
    look_every: timedelta = LOOK_EVERY


class TokenStore:
    """The tokens of all accounts of one kind of CRM; safe between threads.

    Parameters
    ----------
    journal
        Whose database keeps them.
    kind
        ``"bitrix24"`` or ``"amocrm"``.
    seal
        Makes secrets unreadable in the database.
    renew
        Asks the CRM for the next pair.
    terms
        When and how patiently.
    clock, sleep
        The database's clock and ``time.sleep`` unless told otherwise.
    """

    def __init__(  # noqa: PLR0913 - the last two are for other clocks
        self,
        journal: Journal,
        kind: str,
        *,
        seal: Seal,
        renew: Renew,
        terms: Terms = Terms(),
        clock: Clock = database_micros,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._journal = journal
        self._kind = kind
        self._seal = seal
        self._renew = renew
        self._terms = terms
        self._clock = clock
        self._sleep = sleep

    def get(self, account: str) -> Tokens:
        """Give what is kept, as it is.

        Raises
        ------
        AccessLost
            Nobody has connected this account.
        BadConfig
            It does not open with the key in the environment.
        """
        return self._tokens(self._row(account))

    def keep(self, account: str, tokens: Tokens) -> None:
        """Keep what a person's consent brought, in place of whatever was there."""
        if not self._seal.locks:
            self._journal.shut_out_others()
        with self._journal.writing() as connection:
            now = self._clock(connection)
            values = self._values(tokens, now) | {"refused_at": None, "lease_until": 0}
            fresh = {"kind": self._kind, "account": account, "version": 1, **values}
            dialect: Any = sqlite if self._journal.is_file else postgresql
            adding = dialect.insert(TOKENS).values(**fresh)
            connection.execute(
                adding.on_conflict_do_update(
                    index_elements=["kind", "account"],
                    set_={"version": TOKENS.c.version + 1, **values},
                )
            )

    def forget(self, account: str) -> bool:
        """Let the tokens of an account go; give whether there were any."""
        with self._journal.writing() as connection:
            gone = connection.execute(sa.delete(TOKENS).where(*self._these(account)))
            return gone.rowcount == 1

    def access(self, account: str) -> str:
        """Give an access token to send now; renewed ahead of its end, if so set.

        Raises
        ------
        AccessLost
            A person must connect again.
        RenewalFailed
            There is none for now.
        """
        row = self._row(account)
        ahead = self._terms.ahead
        is_over = ahead is None or row.expires_at <= row.now
        if row.refused_at is not None and is_over:
            raise _lost(self._kind, account, REFUSED)
        if ahead is None or row.expires_at - row.now > _micros(ahead):
            return self._tokens(row).access
        try:
            return self._next(account, row.version)
        except GateClosed:
            if row.expires_at > row.now:  # it is still good, and the way may be again
                return self._tokens(row).access
            raise

    def again(self, account: str, stale: str) -> str:
        """Give the token to repeat with, after the CRM said that ``stale`` has ended.

        Raises as ``access`` does.
        """
        row = self._row(account)
        kept = self._tokens(row)
        if kept.access != stale:  # somebody was faster
            return kept.access
        return self._next(account, row.version)

    def application_of(self, account: str) -> Application:
        """Tell how to know a genuine hook of this account; raises as ``get``."""
        kept = self.get(account)
        return Application(kept.member, kept.application)

    def _next(self, account: str, version: int) -> str:
        """Renew this version of a pair, or wait until somebody else has."""
        left = self._terms.wait / timedelta(seconds=1)
        pause = self._terms.look_every / timedelta(seconds=1)
        while True:
            row = self._row(account)
            if row.lease_until <= row.now:  # or else asking would only be a write more
                row = self._claimed(account, version)
            if row.version != version:
                return self._tokens(row).access
            if row.refused_at is not None:
                raise _lost(self._kind, account, REFUSED)
            if row.mine:
                return self._renewed(account, row)
            if left <= 0:
                raise RenewalFailed(
                    "Another worker is renewing the tokens and has not ended.",
                    remedy="It is tried again by itself.",
                    retry_after=self._terms.lease,
                )
            self._sleep(pause)
            left -= pause

    def _renewed(self, account: str, row: _Row) -> str:
        """Ask for the next pair, and keep it before anybody may use it."""
        old = self._tokens(row)
        try:
            new = self._renew(old, moment_of(row.now))
        except RefreshRefused:
            return self._after_refusal(account, row.version)
        except GateClosed:
            self._note(account, row.version, lease_until=0)
            raise
        new = replace(
            new,
            member=new.member or old.member,
            user=new.user or old.user,
            application=new.application or old.application,
        )
        values = self._values(new, row.now) | {"refused_at": None, "lease_until": 0}
        self._note(account, row.version, version=row.version + 1, **values)
        return self.get(account).access

    def _after_refusal(self, account: str, version: int) -> str:
        """Believe a refusal only if nobody has kept a newer pair meanwhile."""
        now = self._row(account).now
        self._note(account, version, refused_at=now, lease_until=0)
        row = self._row(account)
        if row.version != version:
            return self._tokens(row).access
        raise _lost(self._kind, account, REFUSED)

    def _claimed(self, account: str, version: int) -> _Row:
        """Take the lease of this version if it is free; give the row as it is."""
        with self._journal.writing() as connection:
            now = self._clock(connection)
            until = now + _micros(self._terms.lease)
            taking = (
                sa.update(TOKENS)
                .where(
                    *self._these(account),
                    TOKENS.c.version == version,
                    TOKENS.c.lease_until <= now,
                    TOKENS.c.refused_at.is_(None),
                )
                .values(lease_until=until)
            )
            mine = connection.execute(taking).rowcount == 1
            return replace(self._found(connection, account, now), mine=mine)

    def _note(self, account: str, of: int, **values: Any) -> None:
        """Change the row, unless another version than ``of`` is kept by now."""
        changing = sa.update(TOKENS).where(
            *self._these(account), TOKENS.c.version == of
        )
        with self._journal.writing() as connection:
            connection.execute(changing.values(**values))

    def _row(self, account: str) -> _Row:
        with self._journal.reading() as connection:
            return self._found(connection, account, self._clock(connection))

    def _found(self, connection: sa.Connection, account: str, now: int) -> _Row:
        row = connection.execute(sa.select(TOKENS).where(*self._these(account))).first()
        if row is None:
            raise _lost(self._kind, account, "was never connected")
        return _Row(
            row.version, row.sealed, row.member, row.user_id, row.expires_at,
            lease_until=row.lease_until, refused_at=row.refused_at, now=now,
        )  # fmt: skip

    def _these(self, account: str) -> tuple[sa.ColumnElement[bool], ...]:
        return TOKENS.c.kind == self._kind, TOKENS.c.account == account

    def _values(self, tokens: Tokens, now: int) -> dict[str, Any]:
        secrets = {
            "access": tokens.access,
            "refresh": tokens.refresh,
            "application": tokens.application,
        }
        return {
            "sealed": self._seal.locked(orjson.dumps(secrets).decode()),
            "member": tokens.member,
            "user_id": tokens.user,
            "expires_at": micros(tokens.expires_at),
            "kept_at": now,
        }

    def _tokens(self, row: _Row) -> Tokens:
        secrets = orjson.loads(self._seal.opened(row.sealed))
        return Tokens(
            secrets["access"], secrets["refresh"], moment_of(row.expires_at),
            member=row.member, user=row.user, application=secrets["application"],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Row:
    """A row as it was at ``now``; ``mine``: the lease was given to who asked."""

    version: int
    sealed: str = field(repr=False)
    member: str
    user: str
    expires_at: int
    lease_until: int
    refused_at: int | None = None
    now: int = 0
    mine: bool = False


def _lost(kind: str, account: str, why: str) -> AccessLost:
    return AccessLost(
        f"There is no access to {kind} account {account!r}: it {why}.",
        remedy=f"Run `python -m pipelines connect {kind}` and follow what it says.",
        retry_after=LOST_PAUSE,
    )


def _micros(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
