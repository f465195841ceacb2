"""Leads as they were seen after the last ``ingest``: an overlay that it supersedes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import sqlalchemy as sa

from crm.hearing.merging import packed, unpacked
from crm.hearing.tables import FRESH, HINTS, inserting
from leads.journal import Journal
from leads.lead import LeadHistory

MOST_ASKED: Final = 10_000


class Fresh:
    """What was seen of the leads of one account since they were ingested."""

    def __init__(self, journal: Journal, account: str) -> None:
        self._journal = journal
        self._account = account
        self._mine = FRESH.c.account == account

    def lead(self, lead_id: str, *, since: int) -> tuple[LeadHistory, int] | None:
        """Give a lead and when it was seen, if that was after a moment."""
        return self.leads([lead_id], since=since).get(lead_id)

    def leads(
        self, lead_ids: Sequence[str], *, since: int
    ) -> dict[str, tuple[LeadHistory, int]]:
        """Give those of the leads that were seen after a moment, in microseconds."""
        with self._journal.reading() as connection:
            return seen_in(connection, self._account, lead_ids, since=since)

    def stamps(self, *, since: int) -> dict[str, tuple[int, int]]:
        """Tell one state of each lead seen after a moment from another, by lead id.

        A history only grows, so when it was seen and how long it is are enough, also
        where a CRM tells times in whole seconds.
        """
        asked = (FRESH.c.lead_id, FRESH.c.seen_at, sa.func.length(FRESH.c.known))
        query = sa.select(*asked).where(self._mine, FRESH.c.seen_at > since)
        with self._journal.reading() as connection:
            return {key: (at, size) for key, at, size in connection.execute(query)}

    def put_in(
        self, connection: sa.Connection, leads: Iterable[LeadHistory], *, seen_at: int
    ) -> None:
        """Keep leads as part of a transaction; one that was seen later stays."""
        rows = [
            {
                "account": self._account,
                "lead_id": lead.lead_id,
                "seen_at": seen_at,
                "known": packed(lead),
            }
            for lead in sorted(leads, key=lambda one: one.lead_id)
        ]
        if not rows:
            return
        adding = inserting(connection, FRESH)
        newer = adding.on_conflict_do_update(
            index_elements=["account", "lead_id"],
            set_={"seen_at": adding.excluded.seen_at, "known": adding.excluded.known},
            where=FRESH.c.seen_at <= adding.excluded.seen_at,
        )
        connection.execute(newer, rows)

    def drop_in(self, connection: sa.Connection, lead_ids: Sequence[str]) -> None:
        """Forget leads that the CRM no longer has."""
        if lead_ids:
            gone = FRESH.c.lead_id.in_(lead_ids)
            connection.execute(sa.delete(FRESH).where(self._mine, gone))

    def tidy(self, since: int) -> int:
        """Forget what an ``ingest`` has superseded; give how many leads."""
        with self._journal.writing() as connection:
            old = sa.delete(FRESH).where(self._mine, FRESH.c.seen_at <= since)
            return connection.execute(old).rowcount


def seen_in(
    connection: sa.Connection, account: str, lead_ids: Sequence[str], *, since: int
) -> dict[str, tuple[LeadHistory, int]]:
    """Give what a transaction sees of leads: also what it has only just put in.

    Those that were seen after ``since``, in microseconds, with the moment of the look.
    """
    found = {}
    for start in range(0, len(lead_ids), MOST_ASKED):
        some = FRESH.c.lead_id.in_(lead_ids[start : start + MOST_ASKED])
        query = sa.select(FRESH).where(
            FRESH.c.account == account, some, FRESH.c.seen_at > since
        )
        for row in connection.execute(query):
            found[row.lead_id] = unpacked(row.known), row.seen_at
    return found


def forget_seen(journal: Journal, lead_ids: Sequence[str]) -> int:
    """Forget what was seen and heard of leads, in all accounts; give how many rows."""
    gone = 0
    with journal.writing() as connection:
        for start in range(0, len(lead_ids), MOST_ASKED):
            some = lead_ids[start : start + MOST_ASKED]
            cards = [f"{kind}:{key}" for kind in ("lead", "deal") for key in some]
            for removing in (
                sa.delete(FRESH).where(FRESH.c.lead_id.in_(some)),
                sa.delete(HINTS).where(HINTS.c.entity.in_(cards)),
            ):
                gone += connection.execute(removing).rowcount
    return gone
