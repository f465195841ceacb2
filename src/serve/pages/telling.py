"""Why the chances of a page's leads moved, and what to do: looked up once, then kept.

Each takes a few milliseconds of the model's time. A page does not wait for all of them:
it tells of its first leads, within a budget, and of the others the next time it is
opened. What was told is kept until the data are ingested anew.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from leads.errors import BadInput, Unavailable, UnknownLead
from leads.history import History
from leads.journal import Stored
from serve.insight import Insight
from serve.pages.listing import UNTOLD, Told

SECONDS: Final = 0.25
"""How long a page waits for what it does not know yet."""

MOST_KEPT: Final = 20_000
STILL: Final = 0.0005
"""A chance that moved by less stands as before; there is nothing to tell."""

Pair = tuple[Stored, Stored | None]
"""The latest entry of a lead and the one before, if any."""


class Teller:
    """What was told of entries, for one journal; safe to share between threads.

    Parameters
    ----------
    clock
        Monotonic seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, int], Told] = OrderedDict()
        self._history: History | None = None

    def tell(
        self,
        insight: Insight,
        pairs: Sequence[Pair],
        *,
        history: History | None,
        seconds: float | None = SECONDS,
    ) -> Mapping[int, Told]:
        """Tell of some entries, in their order, by the ids of the latest ones.

        Parameters
        ----------
        history
            What is ingested now; what was told with another is forgotten.
        seconds
            After so long only what is known already is told; None waits for all.
        """
        with self._lock:
            if self._history is not history:
                self._kept.clear()
                self._history = history
        until = None if seconds is None else self._clock() + seconds
        found = {}
        for after, before in pairs:
            key = after.id, 0 if before is None else before.id
            told = self._kept.get(key)
            if told is None and (until is None or self._clock() < until):
                told = _told(insight, after, before)
                self._keep(key, told, history)
            if told is not None:
                found[after.id] = told
        return found

    def _keep(self, key: tuple[int, int], told: Told, history: History | None) -> None:
        with self._lock:
            if self._history is history:
                self._kept[key] = told
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)


def _told(insight: Insight, after: Stored, before: Stored | None) -> Told:
    try:
        suggested = insight.suggested(after)
    except (Unavailable, BadInput):  # the model is gone, or reads its data otherwise
        suggested = ()
    action = suggested[0] if suggested else None
    if before is None or _still(before, after):
        return Told(None, action) if action else UNTOLD
    try:
        change = insight.between(before, after).headlines
    except (UnknownLead, BadInput):  # ingested otherwise since
        return Told(None, action)
    return Told(change, action)


def _still(before: Stored, after: Stored) -> bool:
    moved = after.prediction.probability - before.prediction.probability
    return abs(moved) < STILL
