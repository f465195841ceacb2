"""What cards looked like when they were ingested, so that our own echo is known.

A CRM tells us of every write, ours too. A look at a lead and all that hangs on it takes
many requests; one list says whether fifty cards say, but for our own fields, what they
said before. What ``ingest`` saw is kept as a digest per lead; without the file, or with
that of another ``ingest``, leads are looked at whole.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

FILE: Final = "likeness.json"
LENGTH: Final = 24


def likeness_of(card: Any) -> str:
    """Tell what a card says from what it said before.

    Parameters
    ----------
    card
        All that the card itself says, without our fields and without what our writing
        them changes: when it was last changed, and by whom.

    Examples
    --------
    >>> likeness_of({"a": 1, "b": [2]}) == likeness_of({"b": [2], "a": 1})
    True
    """
    told = orjson.dumps(card, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.sha256(told).hexdigest()[:LENGTH]


def keep(folder: Path, cut_off: datetime, cards: Mapping[str, str]) -> None:
    """Keep how the leads of an ``ingest`` looked; ``cut_off`` is that of its tables."""
    draft = folder / f".{FILE}-{os.getpid()}"
    draft.write_bytes(orjson.dumps({"cut_off": cut_off.isoformat(), "cards": cards}))
    draft.replace(folder / FILE)


def forget(folder: Path) -> None:
    """Forget how all leads looked: a digest tells of a person, too."""
    (folder / FILE).unlink(missing_ok=True)


class Likeness:
    """How the leads in a folder looked; read anew only after an ``ingest``."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._read_at = 0
        self._cut_off: datetime | None = None
        self._cards: Mapping[str, str] = {}

    def of(self, lead_ids: Sequence[str], cut_off: datetime) -> dict[str, str]:
        """Give how leads looked to the ``ingest`` that ended at ``cut_off``."""
        try:
            changed_at = self._path.stat().st_mtime_ns
            if changed_at != self._read_at:
                told = orjson.loads(self._path.read_bytes())
                self._cut_off = datetime.fromisoformat(told["cut_off"])
                self._cards, self._read_at = told["cards"], changed_at
        except (OSError, orjson.JSONDecodeError):  # it spares requests, no more
            return {}
        if self._cut_off != cut_off:
            return {}
        return {key: self._cards[key] for key in lead_ids if key in self._cards}
