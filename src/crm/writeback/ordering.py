"""What a person approved, card by card, on the same road as everything else.

An order is one move between stages, or one tie to a client, and one comment that says
why. It joins what the card should say anyway, survives predictions that come before it
is sent, and is given up by itself if somebody moved or tied the card meanwhile. Taking
it back is the order the other way round; a move that was made once on a card is not
made a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from crm.port import Move, NoteKind, Tie
from crm.writeback.offering import Offering
from crm.writeback.plan import Decision, Wish
from crm.writeback.tables import OUTBOX
from crm.writeback.text import decision_in, text_of_decision
from leads.databaseclock import database_micros
from leads.journal import Journal


@dataclass(frozen=True, slots=True)
class Order:
    """Do this with a card, and say why in a comment; ``topic`` tells comments apart."""

    entity: str
    lead_id: str
    what: Move | Tie
    text: str
    topic: str


def order(
    journal: Journal,
    account: str,
    orders: Sequence[Order],
    *,
    clock: Callable[[sa.Connection], int] = database_micros,
) -> None:
    """Put orders into the outbox: all of them or none; safe to repeat.

    Raises
    ------
    Unavailable
        The database did not answer.
    """
    wanted = {one.entity: one for one in orders}
    offering = Offering(account, lambda _: None, step=1, clock=clock)
    with journal.writing() as connection:
        now = clock(connection)
        leads = {entity: one.lead_id for entity, one in wanted.items()}
        for row in offering.rows(connection, leads, now) if leads else ():
            said = decision_in(row.entity, row.desired, row.stage)
            waits = row.next_at is not None or row.dead_since is not None
            connection.execute(
                sa.update(OUTBOX)
                .where(OUTBOX.c.account == account, OUTBOX.c.entity == row.entity)
                .values(
                    desired_version=row.desired_version + 1,
                    desired=text_of_decision(_ordered(said, wanted[row.entity])),
                    next_at=row.next_at if waits else now,
                    offered_at=now,
                )
            )


def _ordered(said: Decision, wanted: Order) -> Decision:
    """Say what was said, with the newest order instead of any earlier one."""
    usual = tuple(wish for wish in said.wishes if not wish.topic)
    wish = Wish(NoteKind.COMMENT, wanted.text, topic=wanted.topic)
    move = wanted.what if isinstance(wanted.what, Move) else None
    tie = wanted.what if isinstance(wanted.what, Tie) else None
    return replace(said, move=move, tie=tie, wishes=(*usual, wish))
