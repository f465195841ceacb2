"""Which prediction is a lead's latest: the one made last, whoever writes last.

The greatest ``made_at`` counts, and among equals the entry written last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from leads.database import Database
from leads.records import LATEST

LATEST_COLUMNS: Final = ("prediction_id", "made_at", "probability", "tier")


def keeping_latest(database: Database) -> sa.Insert:
    """Word the statement that keeps a lead's latest prediction, whoever comes last."""
    insert = database.insert(LATEST)
    new = insert.excluded
    newer = sa.tuple_(new.made_at, new.prediction_id) > sa.tuple_(
        LATEST.c.made_at, LATEST.c.prediction_id
    )
    statement: sa.Insert = insert.on_conflict_do_update(
        index_elements=[LATEST.c.lead_id],
        set_={name: new[name] for name in LATEST_COLUMNS},
        where=newer,
    )
    return statement


def latest_of(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the last row of each lead, in one order for all writers.

    Two batches that lock the same leads in different orders would wait for each other
    for ever.
    """
    last = {row["lead_id"]: row for row in rows}
    return [
        {
            "lead_id": lead_id,
            "prediction_id": row["id"],
            "made_at": row["made_at"],
            "probability": row["probability"],
            "tier": row["tier"],
            "folded": lead_id.casefold(),
        }
        for lead_id, row in sorted(last.items())
    ]
