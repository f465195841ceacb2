"""What is said of every lead now, as short rows to rank: all, or only what is new.

A list of a hundred thousand leads is read whole once; after a new prediction only the
leads that it is about are read again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, Literal

import sqlalchemy as sa

from leads.journal import Journal, Stored
from leads.pointed import points_in
from leads.records import LATEST, PREDICTIONS, stored_of

MOST_ASKED: Final = 10_000  # values in one question; SQLite takes 32,766
PRIME: Final = 1_000_003
"""Moments are summed modulo this: their own sum outgrows 64 bits."""

Rank = tuple[str, int, int, float, str, int | None]
"""Lead id, id of the entry, microseconds when it was made, probability, tier, worth."""

Worth = Literal["money", "points"]
KEPT: Final[Mapping[Worth, Any]] = {
    "money": sa.cast(
        PREDICTIONS.c.outlook["expected_minor"].as_string(), sa.BigInteger
    ),
    "points": PREDICTIONS.c.reasons[(0, "value")].as_string(),
}
"""Where it stands in an entry; points are in the first of its reasons."""


def ranks(
    journal: Journal, *, after: int = 0, worth: Worth | None = None
) -> list[Rank]:
    """List the leads whose latest entry is newer than one, in no order.

    Parameters
    ----------
    after
        The id of an entry; all leads if 0.
    worth
        What to read besides, which takes longer: expected money, or the points that
        stand for a tier; None of all if nothing.
    """
    kept: Any = sa.null()
    source: Any = LATEST
    if worth is not None:
        kept = KEPT[worth]
        source = LATEST.join(PREDICTIONS, LATEST.c.prediction_id == PREDICTIONS.c.id)
    names = ("lead_id", "prediction_id", "made_at", "probability", "tier")
    columns = [LATEST.c[name] for name in names]
    query = sa.select(*columns, kept).select_from(source)
    if after:
        query = query.where(LATEST.c.prediction_id > after)
    with journal.reading() as connection:
        rows = [tuple(row) for row in connection.execute(query)]
    if worth != "points":
        return rows
    return [(*row[:-1], points_in(row[-1])) for row in rows]


def fingerprint(journal: Journal) -> tuple[int, int, int]:
    """Say in three numbers which entry is the latest of each lead.

    It costs a scan of the latest entries, and tells what the journal's mark cannot: an
    entry that came in below the last one, or an erased one whose id was used again.
    """
    entries, moments = LATEST.c.prediction_id, LATEST.c.made_at % PRIME
    query = sa.select(sa.func.count(), sa.func.sum(entries), sa.func.sum(moments))
    with journal.reading() as connection:
        count, of_entries, of_moments = connection.execute(query).one()
    return int(count), int(of_entries or 0), int(of_moments or 0)


def entries_before(journal: Journal, lead_ids: Collection[str]) -> dict[str, Stored]:
    """Give the entry that each lead had before its latest one.

    Leads predicted only once are absent.
    """
    older = (
        sa.select(sa.func.max(PREDICTIONS.c.id))
        .join(LATEST, LATEST.c.lead_id == PREDICTIONS.c.lead_id)
        .where(PREDICTIONS.c.id < LATEST.c.prediction_id)
        .group_by(PREDICTIONS.c.lead_id)
    )
    ids = sorted(lead_ids)
    found: dict[str, Stored] = {}
    with journal.reading() as connection:
        for start in range(0, len(ids), MOST_ASKED):
            some = LATEST.c.lead_id.in_(ids[start : start + MOST_ASKED])
            query = sa.select(PREDICTIONS).where(
                PREDICTIONS.c.id.in_(older.where(some))
            )
            for row in connection.execute(query):
                found[row.lead_id] = stored_of(row)
    return found


Stood = tuple[str, int, float, str]
"""Lead id, id of the entry, probability, tier."""


def stood(journal: Journal, *, after: int, until: int) -> list[Stood]:
    """List the entries between two ids, the first left out, in their order.

    Of several of one lead the last one stood at the end.
    """
    names = ("lead_id", "id", "probability", "tier")
    columns = [PREDICTIONS.c[name] for name in names]
    inside = PREDICTIONS.c.id > after, PREDICTIONS.c.id <= until
    query = sa.select(*columns).where(*inside).order_by(PREDICTIONS.c.id)
    with journal.reading() as connection:
        return [tuple(row) for row in connection.execute(query)]
