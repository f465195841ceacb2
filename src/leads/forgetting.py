"""What the journal forgets: entries past their time, and persons who ask for it.

A prediction is forgotten whole, with its reasons, inputs and outlook, and so is its
place as the lead's latest. Everything happens in one transaction or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from leads.journal import Journal
from leads.records import LATEST, OVERRIDES, PLANNED, PREDICTIONS, ROUTED, micros

MOST_AT_ONCE: Final = 10_000  # values in one statement; SQLite takes 32,766


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows are gone: entries, latest ones, people's tiers, plans, routes."""

    predictions: int = 0
    latest: int = 0
    overrides: int = 0
    planned: int = 0
    routed: int = 0


def forget_before(journal: Journal, moment: datetime) -> Forgotten:
    """Forget what was said before a moment, and overrides that were set before it.

    The newest override of a lead stays: it may stand still.
    """
    limit = micros(moment)
    old = sa.select(PREDICTIONS.c.id).where(PREDICTIONS.c.made_at < limit)
    newest = sa.select(sa.func.max(OVERRIDES.c.id)).group_by(OVERRIDES.c.lead_id)
    with journal.writing() as connection:
        latest = connection.execute(
            sa.delete(LATEST).where(LATEST.c.prediction_id.in_(old))
        ).rowcount
        predictions = connection.execute(
            sa.delete(PREDICTIONS).where(PREDICTIONS.c.made_at < limit)
        ).rowcount
        overrides = connection.execute(
            sa.delete(OVERRIDES).where(
                OVERRIDES.c.made_at < limit, OVERRIDES.c.id.not_in(newest)
            )
        ).rowcount
        planned = connection.execute(
            sa.delete(PLANNED).where(PLANNED.c.made_at < limit)
        ).rowcount
        routed = connection.execute(
            sa.delete(ROUTED).where(ROUTED.c.made_at < limit)
        ).rowcount
    return Forgotten(predictions, latest, overrides, planned, routed)


def forget_leads(journal: Journal, lead_ids: Sequence[str]) -> Forgotten:
    """Forget everything that was ever said of these leads; safe to repeat."""
    ids = sorted(set(lead_ids))
    tables = (PREDICTIONS, LATEST, OVERRIDES, PLANNED, ROUTED)
    gone = dict.fromkeys((LATEST, PREDICTIONS, OVERRIDES, PLANNED, ROUTED), 0)
    with journal.writing() as connection:
        for start in range(0, len(ids), MOST_AT_ONCE):
            some = ids[start : start + MOST_AT_ONCE]
            for table in gone:  # the latest first: it points at predictions
                statement = sa.delete(table).where(table.c.lead_id.in_(some))
                gone[table] += connection.execute(statement).rowcount
    journal.leave_no_trace()
    return Forgotten(*(gone[table] for table in tables))
