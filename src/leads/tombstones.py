"""Leads that must never come back: whoever was erased stays out of every ingest.

A file in the store keeps a SHA-256 of each erased lead id, not the id. It hides an id
from a reader, not from one who tries all ids: the file is to be kept like the store.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl

from leads.errors import Unavailable
from leads.tables import SCHEMAS, Tables
from leads.wholefile import replace_whole

FILE: Final = "erased.json"


def bury(folder: Path, names: Iterable[str]) -> None:
    """Add leads, or cards of a CRM, to the erased; swapped whole, safe to repeat."""
    marks = sorted(buried(folder) | {mark_of(name) for name in names})
    replace_whole(folder / FILE, json.dumps({"sha256": marks}, indent=1).encode())


def without_buried(tables: Tables, folder: Path) -> Tables:
    """Leave the erased leads out of tables, with all that happened to them."""
    marks = buried(folder)
    if not marks:
        return tables
    ids = pl.concat([tables[name]["lead_id"].unique() for name in SCHEMAS]).unique()
    gone = [lead_id for lead_id in ids.to_list() if mark_of(lead_id) in marks]
    return without(tables, gone) if gone else tables


def without(tables: Tables, lead_ids: Iterable[str]) -> Tables:
    """Leave leads out of tables, with all that happened to them."""
    gone = list(lead_ids)
    return replace(
        tables,
        leads=_apart(tables.leads, gone),
        events=_apart(tables.events, gone),
        stages=_apart(tables.stages, gone),
        payments=_apart(tables.payments, gone),
        field_changes=_apart(tables.field_changes, gone),
        outcomes=_apart(tables.outcomes, gone),
    )


def _apart(frame: pl.DataFrame, gone: list[str]) -> pl.DataFrame:
    return frame.filter(~pl.col("lead_id").is_in(gone))


def mark_of(name: str) -> str:
    """Give the mark under which a name is kept."""
    return hashlib.sha256(name.encode()).hexdigest()


def buried(folder: Path) -> set[str]:
    """Read the marks of the erased.

    Raises
    ------
    Unavailable
        They cannot be read; to go on would bring erased persons back.
    """
    path = folder / FILE
    try:
        return set(json.loads(path.read_text(encoding="utf-8"))["sha256"])
    except FileNotFoundError:
        return set()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unavailable(
            f"The list of erased leads {path.name} cannot be read.",
            remedy="Bring the file back from a copy before ingesting again.",
        ) from error
