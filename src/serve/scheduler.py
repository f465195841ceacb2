"""The clock beside the service: starts the morning's run, and says when it is late.

The run is a process of its own, so that it takes no time from who asks for predictions,
and whether it is due is in the database, so that any number of services may stand here.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from leads.errors import LeadcastError
from leads.journal import Journal
from leads.mornings import moment_of, newest_due
from leads.runs import Runs
from leads.settings import Settings

LOOK_EVERY: Final = timedelta(seconds=15)
PATIENCE: Final = timedelta(seconds=10)
PREDICTED: Final = "score"
"""The step of a run after which the list is today's."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DailyState:
    """How the newest due date stands.

    ``is_predicted`` says that its predictions are made, whatever else is still to do.
    """

    day: date
    is_finished: bool
    is_late: bool
    failed_why: str | None
    is_predicted: bool = False


def daily_state(
    runs: Runs, settings: Settings, now: datetime, *, watched: bool = False
) -> DailyState | None:
    """Say how the newest due date stands; None if nobody runs mornings here.

    ``watched`` says that somebody will, even if nobody ever did.
    """
    daily, zone = settings.daily, settings.company.zone
    day = newest_due(now, daily.at, zone)
    run = runs.of(day)
    watched = watched or daily.run
    if run is None and not watched and runs.newest() is None:
        return None
    is_finished = run is not None and run.is_finished
    is_over = now >= moment_of(day, daily.late, zone)
    return DailyState(
        day,
        is_finished,
        is_over and not is_finished,
        None if run is None else run.failed_why,
        is_predicted=run is not None and PREDICTED in run.done,
    )


class Scheduler:
    """Looks every few seconds whether a run is due, and starts one at a time.

    Parameters
    ----------
    command
        What to run; it must itself see to it that a date is done once. With none, runs
        are only watched.
    """

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        *,
        command: Sequence[str] | None,
        now: Callable[[], datetime],
        every: timedelta = LOOK_EVERY,
    ) -> None:
        self._settings = settings
        self._daily = settings.daily
        self._zone = settings.company.zone
        self._runs = Runs(journal)
        self._command = command
        self._now = now
        self._every = every / timedelta(seconds=1)
        self._told: date | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="daily", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End; a run that is under way is told to let go, and is gone on with later."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(PATIENCE / timedelta(seconds=1))
            except subprocess.TimeoutExpired:
                self._child.kill()

    def state(self) -> DailyState | None:
        """Say how the newest due date stands; None if nobody runs mornings here."""
        watched = self._command is not None
        return daily_state(self._runs, self._settings, self._now(), watched=watched)

    def look(self) -> None:
        """Start the run if it is due and none is under way here; tell if it is late."""
        day = newest_due(self._now(), self._daily.at, self._zone)
        is_busy = self._child is not None and self._child.poll() is None
        if self._command and not is_busy and self._runs.is_due(day):
            log.info("daily_starts", day=day.isoformat())
            self._child = subprocess.Popen(self._command)
        state = self.state()
        if state is not None and state.is_late and self._told != state.day:
            self._told = state.day
            log.error("daily_late", day=state.day.isoformat(), why=state.failed_why)

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                self.look()
            except LeadcastError as error:
                log.warning("daily_waits", why=str(error))
            self._stopping.wait(self._every)
