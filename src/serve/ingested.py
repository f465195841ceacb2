"""The ingested leads as the service sees them: read when first asked for, then kept.

A new ``ingest`` shows within a second; whoever asks while it is being read gets the
earlier one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from leads import store
from leads.errors import Unavailable
from leads.history import History

LOOK_SECONDS: Final = 1.0


class Ingested:
    """The history of the leads in a store; safe to share between threads.

    Parameters
    ----------
    store_folder
        Where ``ingest`` puts the tables.
    clock
        Monotonic seconds.
    """

    def __init__(
        self, store_folder: Path, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder = store_folder
        self._clock = clock
        self._reading = threading.Lock()
        self._held: tuple[str, History] | None = None
        self._looked = float("-inf")

    def history(self) -> History:
        """Give the history of the leads ingested last.

        Raises
        ------
        Unavailable
            Nothing was ingested.
        """
        held = self._held
        if held is not None and self._clock() - self._looked < LOOK_SECONDS:
            return held[1]
        if not self._reading.acquire(blocking=held is None):
            assert held is not None
            return held[1]
        try:
            return self._read()
        finally:
            self._reading.release()

    def history_or_none(self) -> History | None:
        """Do the same, but give None before anything was ingested."""
        try:
            return self.history()
        except Unavailable:
            return None

    def _read(self) -> History:
        digest = store.digest_of(self._folder)
        if self._held is None or self._held[0] != digest:
            self._held = digest, History(store.load(self._folder))
        self._looked = self._clock()
        return self._held[1]
