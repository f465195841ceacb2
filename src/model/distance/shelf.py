"""Where the distance to the deal and the worth of an order are kept: plain JSON.

Made by a command, since they take trainings; pages and programs only read them.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import orjson

FOLDER: Final = "distance"
FORECAST: Final = "forecast.json"
PROOF: Final = "proof.json"


def keep(store_folder: Path, name: str, facts: Any) -> Path:
    """Keep a frozen dataclass as JSON, swapped in whole."""
    folder = store_folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{name}-{os.getpid()}"
    draft.write_bytes(orjson.dumps(asdict(facts), option=orjson.OPT_INDENT_2))
    draft.replace(folder / name)
    return folder / name


def kept(store_folder: Path, name: str) -> dict[str, Any] | None:
    """Read what was kept; None if nothing was, or it is not whole."""
    try:
        found = orjson.loads((store_folder / FOLDER / name).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    return found if isinstance(found, dict) else None
