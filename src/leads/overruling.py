"""Tiers that people set: kept in the journal beside the machine's, never instead of it.

What a person decides has no reasons of the machine's; it has who, since when and until
when. Rows are only added: setting anew and withdrawing leave a trail.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from leads.decision import Override, Tier
from leads.errors import BadInput, Fault
from leads.journal import Journal
from leads.records import (
    MOST_LEAD_ID,
    OVERRIDES,
    RE_SEND,
    micros,
    moment_of,
    text_fault,
)


def overrule(journal: Journal, override: Override) -> None:
    """Set a tier for a lead; it stands in for an earlier one.

    Raises
    ------
    BadInput
        A moment without a time zone, an end that is not after the beginning, a text
        that no database can hold; all at once.
    """
    faults = _faults_of_texts(override.lead_id, override.by)
    faults += _faults_of_moments(override.made_at, override.until)
    if override.tier is Tier.NO_DATA:
        faults.append(("tier", "must be hot, warm or cold"))
    _refuse(faults)
    _add(journal, override, tier=override.tier.value)


def withdraw(journal: Journal, lead_id: str, *, by: str, now: datetime) -> None:
    """Let the machine's tier stand alone again; withdrawing nothing is no fault."""
    if standing_override(journal, lead_id, now=now) is None:
        return
    _refuse(_faults_of_texts(lead_id, by) + _faults_of_moments(now, None))
    _add(journal, Override(lead_id, Tier.COLD, by, now), tier=None)


def standing_override(
    journal: Journal, lead_id: str, *, now: datetime
) -> Override | None:
    """Give the tier that a person set for a lead, if it stands at this moment."""
    query = (
        sa.select(OVERRIDES)
        .where(OVERRIDES.c.lead_id == lead_id)
        .order_by(OVERRIDES.c.id.desc())
        .limit(1)
    )
    with journal.reading() as connection:
        row: Any = connection.execute(query).first()
    return None if row is None else _standing(row, now)


def standing_overrides(journal: Journal, *, now: datetime) -> dict[str, Override]:
    """Give by lead every tier that a person set and that stands at this moment."""
    newest = sa.select(sa.func.max(OVERRIDES.c.id)).group_by(OVERRIDES.c.lead_id)
    query = sa.select(OVERRIDES).where(OVERRIDES.c.id.in_(newest))
    with journal.reading() as connection:
        rows: Any = connection.execute(query).all()
    found = [_standing(row, now) for row in rows]
    return {one.lead_id: one for one in found if one is not None}


def _standing(row: Any, now: datetime) -> Override | None:
    """Read a lead's newest row; withdrawn and ended ones set nothing."""
    if row.tier is None or (row.until is not None and row.until <= micros(now)):
        return None
    return Override(
        lead_id=row.lead_id,
        tier=Tier(row.tier),
        by=row.by,
        made_at=moment_of(row.made_at),
        until=None if row.until is None else moment_of(row.until),
    )


def _add(journal: Journal, override: Override, *, tier: str | None) -> None:
    row = {
        "lead_id": override.lead_id,
        "tier": tier,
        "by": override.by,
        "made_at": micros(override.made_at),
        "until": None if override.until is None else micros(override.until),
    }
    with journal.writing() as connection:
        connection.execute(sa.insert(OVERRIDES), [row])


Faults = list[tuple[str, str]]


def _faults_of_texts(lead_id: str, by: str) -> Faults:
    texts = {"lead_id": lead_id, "by": by}
    found = [(name, fault) for name in texts if (fault := text_fault(texts[name]))]
    if len(lead_id) > MOST_LEAD_ID:
        found.append(("lead_id", f"is longer than {MOST_LEAD_ID} characters"))
    if not by.strip():
        found.append(("by", "is empty: who sets a tier must be known"))
    return found


def _faults_of_moments(made_at: datetime, until: datetime | None) -> Faults:
    moments = {"made_at": made_at, "until": until}
    found = [
        (name, "is a moment without a time zone")
        for name, moment in moments.items()
        if moment is not None and moment.utcoffset() is None
    ]
    if until is not None and not found and until <= made_at:
        found.append(("until", "is not later than now"))
    return found


def _refuse(found: Faults) -> None:
    if found:
        faults = [Fault("override", what, RE_SEND, column) for column, what in found]
        raise BadInput.of("The override", faults)
