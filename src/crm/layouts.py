"""Our fields as they were last seen in a CRM, and the refusal to write past changes.

Which fields these are differs between CRMs; that they are looked at every hour, and
anew after anything odd, and that a changed one stops all writing, does not.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final, Generic, TypeVar

import structlog

from leads.errors import BadConfig, Fault

LOOK_AGAIN: Final = timedelta(hours=1)

T = TypeVar("T")

log = structlog.get_logger()


class FieldsChanged(BadConfig):
    """Our fields are not as they must be: nothing may be written until they are."""


def refuse_changed(crm: str, verb: str, faults: Sequence[Fault]) -> None:
    """Refuse to go on with fields that a person has deleted or changed.

    Raises
    ------
    FieldsChanged
        With every fault, if there is one.
    """
    if faults:
        raise FieldsChanged(
            f"Our fields in {crm} are not as they must be; nothing is written.",
            remedy=f"Run `python -m pipelines connect {verb} --repair`:",
            faults=faults,
        )


class Remembered(Generic[T]):
    """What a look found, for an hour; safe between threads.

    Parameters
    ----------
    look
        Looks, and raises ``FieldsChanged`` if what it finds must not be gone on with.
    """

    def __init__(self, look: Callable[[], T]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._found: tuple[T, float] | None = None

    def get(self) -> T:
        """Give what was found, looking again where that was long ago."""
        with self._lock:
            if self._found is not None:
                found, at = self._found
                if time.monotonic() - at < LOOK_AGAIN.total_seconds():
                    return found
            try:
                fresh = self._look()
            except FieldsChanged as error:
                log.error("fields_changed", faults=[str(f) for f in error.faults])
                raise
            self._found = fresh, time.monotonic()
            return fresh

    def forget(self) -> None:
        """Look anew the next time."""
        with self._lock:
            self._found = None
