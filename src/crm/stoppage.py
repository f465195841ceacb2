"""What keeps us from the CRM until a person acts: remembered while it lasts."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from leads.errors import LeadcastError


@dataclass(frozen=True, slots=True)
class Stop:
    """Why nothing goes on, and what a person must do."""

    kind: str
    """The name of the error: ``"AccessLost"``, ``"FieldsChanged"``."""
    why: str
    remedy: str


class Stoppage:
    """Remembers the last stop; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stop: Stop | None = None

    def met(self, error: LeadcastError) -> bool:
        """Remember what stopped us; give whether that is new."""
        found = Stop(type(error).__name__, error.what, error.remedy)
        with self._lock:
            is_new = found != self._stop
            self._stop = found
        return is_new

    def over(self) -> None:
        """Forget it: something went through."""
        with self._lock:
            self._stop = None

    def now(self) -> Stop | None:
        """Give what stops us, if anything does."""
        with self._lock:
            return self._stop
