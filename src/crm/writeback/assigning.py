"""Who shall be responsible for cards, on the same road as everything else.

An assignment joins what a card should say anyway, survives predictions that come before
it is sent, and is made once. It is made only where nobody is responsible, or one of
those whom it may replace: whoever was put on the card by a person stays there, also if
that happens while the assignment is under way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from crm.writeback.offering import Offering
from crm.writeback.plan import Assignment
from crm.writeback.tables import OUTBOX
from crm.writeback.text import decision_in, text_of_decision
from leads.databaseclock import database_micros


@dataclass(frozen=True, slots=True)
class Assigned:
    """Make a person responsible for a card, in place of nobody or of one of these.

    ``person`` and ``instead_of`` are the CRM's own ids.
    """

    entity: str
    lead_id: str
    person: str
    instead_of: tuple[str, ...] = ()


def assign(
    connection: sa.Connection,
    account: str,
    wanted: Sequence[Assigned],
    *,
    clock: Callable[[sa.Connection], int] = database_micros,
) -> None:
    """Offer assignments to cards in a transaction; of one card the last counts."""
    by_card = {one.entity: one for one in wanted}
    if not by_card:
        return
    offering = Offering(account, lambda _: None, step=1, clock=clock)
    now = clock(connection)
    leads = {entity: one.lead_id for entity, one in by_card.items()}
    for row in offering.rows(connection, leads, now):
        one, version = by_card[row.entity], row.desired_version + 1
        said = decision_in(row.entity, row.desired, row.stage)
        made = replace(said, assignment=Assignment(one.person, one.instead_of, version))
        waits = row.next_at is not None or row.dead_since is not None
        connection.execute(
            sa.update(OUTBOX)
            .where(OUTBOX.c.account == account, OUTBOX.c.entity == row.entity)
            .values(
                desired_version=version,
                desired=text_of_decision(made),
                next_at=row.next_at if waits else now,
                offered_at=now,
            )
        )
