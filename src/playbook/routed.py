"""Whom leads were given to, as it is kept beside the predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from leads.decision import Tier
from leads.journal import Journal
from leads.records import LATEST, ROUTED, micros, moment_of
from playbook.routing import Route

AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Arm:
    """When a lead of a low tier was first drawn, and into which arm."""

    lead_id: str
    arm: str
    at: datetime
    salt: str


def keep_routes(
    journal: Journal, routes: Sequence[Route], *, salt: str, now: datetime
) -> int:
    """Write down routes with the latest prediction of each lead; says how many.

    A lead that goes where it went last is not written down again, so a repeated run
    adds nothing.
    """
    with journal.writing() as connection:
        last = _last(connection)
        new = [r for r in routes if last.get(r.lead_id) != _key(r, salt)]
        for start in range(0, len(new), AT_ONCE):
            some = new[start : start + AT_ONCE]
            ids = [one.lead_id for one in some]
            query = sa.select(LATEST.c.lead_id, LATEST.c.prediction_id)
            found = connection.execute(query.where(LATEST.c.lead_id.in_(ids)))
            entries = dict(found.tuples().all())
            rows = [
                {"lead_id": one.lead_id, "prediction_id": entries.get(one.lead_id),
                 "made_at": micros(now), "tier": one.tier.value, "kind": one.kind,
                 "person": one.person, "low_arm": one.low_arm, "salt": salt}
                for one in some
            ]  # fmt: skip
            connection.execute(sa.insert(ROUTED), rows)
    return len(new)


def given_on(journal: Journal, since: datetime) -> Counter[str]:
    """Count the leads given to each person since a moment, each lead once."""
    query = sa.select(ROUTED.c.person, ROUTED.c.lead_id).distinct().where(
        ROUTED.c.made_at >= micros(since), ROUTED.c.person != "",
        ROUTED.c.kind != "waits",
    )  # fmt: skip
    with journal.reading() as connection:
        return Counter(person for person, _ in connection.execute(query))


def staying(journal: Journal) -> dict[str, tuple[Tier, str]]:
    """Give the tier and person of each lead that was given to somebody last."""
    with journal.reading() as connection:
        last = _last(connection)
    return {
        lead_id: (Tier(tier), person)
        for lead_id, (tier, kind, person, _, _) in last.items()
        if person and kind != "waits"
    }


def arms_of(journal: Journal) -> tuple[Arm, ...]:
    """List the leads that were drawn, each as it was first."""
    first = (
        sa.select(sa.func.min(ROUTED.c.id).label("first"))
        .where(ROUTED.c.low_arm != "")
        .group_by(ROUTED.c.lead_id)
        .subquery()
    )
    query = sa.select(ROUTED).where(ROUTED.c.id.in_(sa.select(first.c.first)))
    with journal.reading() as connection:
        rows = connection.execute(query.order_by(ROUTED.c.id)).all()
    return tuple(
        Arm(row.lead_id, row.low_arm, moment_of(row.made_at), row.salt) for row in rows
    )


def _last(connection: sa.Connection) -> dict[str, tuple[str, ...]]:
    newest = sa.select(sa.func.max(ROUTED.c.id)).group_by(ROUTED.c.lead_id)
    rows = connection.execute(sa.select(ROUTED).where(ROUTED.c.id.in_(newest)))
    return {
        row.lead_id: (row.tier, row.kind, row.person, row.low_arm, row.salt)
        for row in rows
    }


def _key(one: Route, salt: str) -> tuple[str, ...]:
    return one.tier.value, one.kind, one.person, one.low_arm, salt
