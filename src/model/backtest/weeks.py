"""Past weeks as they were: who was open, what was said of them, what came of it.

::

    folder/replay/<key>.parquet          one month, with the columns ``ROWS``
    folder/replay/<key>-<book>.parquet   what a playbook would have said of its rows

Only facts are here; ``model.backtest.replay`` makes them. A row is one open lead at one
moment: its chance comes from a model that knew nothing later than the first moment of
the month, its stage and card from what was visible at the moment, ``label`` and
``money`` from what is known today.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import polars as pl

from leads.wholefile import replacing

FOLDER: Final = "replay"
MOST_KEPT: Final = 240
"""Files kept: each ingest makes new ones."""

ROWS: Final[Mapping[str, pl.DataType]] = {
    "month": pl.String(), "moment": pl.Int64(), "lead_id": pl.String(),
    "pipeline": pl.String(), "stage": pl.String(), "created_at": pl.Int64(),
    "chance": pl.Float64(), "tier": pl.String(), "amount": pl.Float64(),
    "stage_rate": pl.Float64(), "mean_amount": pl.Float64(),
    "label": pl.Boolean(), "money": pl.Int64(),
}  # fmt: skip
"""``amount`` is what the lead was expected to bring if it converts, ``stage_rate`` the
share of its stage that had converted by then, ``mean_amount`` the mean first payment of
its pipeline by then; ``money`` was received within the horizon. Money is in the
smallest unit of the company's commonest currency."""


def read_rows(
    store_folder: Path, key: str, schema: Mapping[str, pl.DataType]
) -> pl.DataFrame | None:
    """Read a month that was gone through before; None if it was not, or not whole."""
    try:
        found = pl.read_parquet(store_folder / FOLDER / f"{key}.parquet")
    except (FileNotFoundError, pl.exceptions.ComputeError):
        return None
    return found if dict(found.schema) == dict(schema) else None


def keep_rows(store_folder: Path, key: str, rows: pl.DataFrame) -> None:
    """Keep a month, swapped in whole; months that nobody asked for lately go."""
    folder = store_folder / FOLDER
    with replacing(folder / f"{key}.parquet") as draft:
        rows.write_parquet(draft)
    kept = sorted(folder.glob("*.parquet"), key=lambda one: -one.stat().st_mtime)
    for old in kept[MOST_KEPT:]:
        old.unlink(missing_ok=True)


def strike_replayed(store_folder: Path, lead_ids: Collection[str]) -> int:
    """Strike leads out of every month kept; count the rows gone."""
    gone = 0
    for path in sorted((store_folder / FOLDER).glob("*.parquet")):
        rows = pl.read_parquet(path)
        left = rows.filter(~pl.col("lead_id").is_in(list(lead_ids)))
        if left.height < rows.height:
            keep_rows(store_folder, path.stem, left)
            gone += rows.height - left.height
    return gone
