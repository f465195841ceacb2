"""Small companies as files, and a configuration that learns quickly of them."""

from __future__ import annotations

from pathlib import Path

from leads.tables import SCHEMAS, Tables

CONFIG = """
[source]
kind = "files"
folder = "export"
[conversion]
horizon_days = 14
[snapshots]
at = ["creation", "1d"]
[model]
rounds = 20
learning_rate = 0.1
folds = 3
threads = 1
"""


def exported(tables: Tables, folder: Path) -> Path:
    """Write whatever tables hold anything, as a company exports them."""
    folder.mkdir()
    for name in SCHEMAS:
        if tables[name].height:
            tables[name].write_parquet(folder / f"{name}.parquet")
    return folder
