"""Where the distance to the deal and the worth of an order are kept: plain JSON.

Made by a command, since they take trainings; pages and programs only read them.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import orjson

from leads.wholefile import replace_whole

FOLDER: Final = "distance"
FORECAST: Final = "forecast.json"
PROOF: Final = "proof.json"


def keep(store_folder: Path, name: str, facts: Any) -> Path:
    """Keep a frozen dataclass as JSON, swapped in whole."""
    path = store_folder / FOLDER / name
    replace_whole(path, orjson.dumps(asdict(facts), option=orjson.OPT_INDENT_2))
    return path


def kept(store_folder: Path, name: str) -> dict[str, Any] | None:
    """Read what was kept; None if nothing was, or it is not whole."""
    try:
        found = orjson.loads((store_folder / FOLDER / name).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    return found if isinstance(found, dict) else None
