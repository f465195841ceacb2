"""Recording before answering, many answers in one transaction.

A request waits until its prediction is in the journal. While one transaction is being
committed the next requests gather, and go together in the one after it: nothing waits
for company that may not come, and a hundred clients need a few commits, not a hundred.
The journal has a thread of its own, so a slow database delays answers but never the
loop that also says whether the service is alive.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from leads.decision import Prediction
from leads.errors import LeadcastError, Unavailable, Unwritable
from leads.journal import Journal

MOST_TOGETHER: Final = 64
MOST_SECONDS: Final = 15.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    prediction: Prediction
    inputs: bytes
    loop: asyncio.AbstractEventLoop
    recorded: asyncio.Future[None]


class Recorder:
    """Puts single predictions into the journal, in the order they come.

    Parameters
    ----------
    journal
        Where they go; brought to its newest shape as soon as it can be reached.
    channel
        Who asked.
    now
        The clock.
    retry_seconds
        How long to wait before trying again to open the journal.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        channel: str,
        now: Callable[[], datetime],
        retry_seconds: float = 1.0,
    ) -> None:
        self._journal = journal
        self._channel = channel
        self._now = now
        self._retry_seconds = retry_seconds
        self._queue: SimpleQueue[_Entry | None] = SimpleQueue()
        self._stopping = threading.Event()
        self._is_open = False
        self._is_writable = True
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    @property
    def is_open(self) -> bool:
        """Whether predictions can be recorded, as far as is known."""
        return self._is_open and self._thread.is_alive()

    def has_room(self) -> bool:
        """Find out whether there is space to record now, whatever was found last.

        Where that cannot be told, the last who wanted to record is believed.
        """
        room = self._journal.has_room()
        if room is None:
            return self._is_writable
        if room:
            self.found(writable=True)
        return room

    def found(self, *, writable: bool) -> None:
        """Note whether there was space to record; the log tells of each change."""
        if writable != self._is_writable:
            self._is_writable = writable
            tell = log.warning if writable else log.error
            tell("journal_writable" if writable else "journal_unwritable")

    def start(self) -> None:
        """Open the journal, now or as soon as it can be reached, and record."""
        self._open()
        self._thread.start()

    def stop(self) -> None:
        """Record what is waiting, then end."""
        self._stopping.set()
        self._queue.put(None)
        self._thread.join()

    async def record(self, prediction: Prediction, inputs: bytes) -> None:
        """Return when the prediction is in the journal.

        Raises
        ------
        Unwritable
            There is no space; the prediction is surely not recorded.
        Unavailable
            The database did not answer; the prediction may not be recorded.
        """
        if not self.is_open:
            raise Unavailable("The journal is not open.", remedy="Ask again soon.")
        loop = asyncio.get_running_loop()
        recorded: asyncio.Future[None] = loop.create_future()
        self._queue.put(_Entry(prediction, inputs, loop, recorded))
        try:
            async with asyncio.timeout(MOST_SECONDS):
                await recorded
        except TimeoutError as error:
            raise Unavailable(
                f"The journal did not answer within {MOST_SECONDS:g} s.",
                remedy="Ask again soon.",
            ) from error

    def _open(self) -> None:
        try:
            self._journal.upgrade()
        except (Unavailable, OSError) as error:
            log.error("journal_away", why=str(error))
        else:
            self._is_open = True

    def _run(self) -> None:
        while not self._is_open:
            if self._stopping.wait(self._retry_seconds):
                return
            self._open()
        while not self._stopping.is_set() or not self._queue.empty():
            together = self._gather()
            if together:
                self._write(together)

    def _gather(self) -> list[_Entry]:
        """Wait for the first entry, then take those that are waiting already."""
        found = [self._queue.get()]
        with suppress(Empty):
            while len(found) < MOST_TOGETHER:
                found.append(self._queue.get_nowait())
        return [entry for entry in found if entry is not None]

    def _write(self, entries: Sequence[_Entry]) -> None:
        try:
            self._journal.record(
                [entry.prediction for entry in entries],
                made_at=self._now(),
                inputs=[entry.inputs for entry in entries],
                channel=self._channel,
            )
        except (LeadcastError, SQLAlchemyError) as error:
            if len(entries) == 1:
                if isinstance(error, Unwritable):
                    self.found(writable=False)
                _settle(entries, _said(error))
                return
            for entry in entries:  # one that cannot be kept must not cost the others
                self._write([entry])
            return
        self.found(writable=True)
        _settle(entries, None)


def _said(error: LeadcastError | SQLAlchemyError) -> LeadcastError:
    if isinstance(error, LeadcastError):
        return error
    log.error("journal_refused", kind=type(error).__name__)
    return Unavailable("The journal refused the entry.", remedy="Ask again soon.")


def _settle(entries: Sequence[_Entry], error: LeadcastError | None) -> None:
    """Tell the waiting requests, all at once: they wait on one loop."""
    entries[0].loop.call_soon_threadsafe(_resolve, entries, error)


def _resolve(entries: Sequence[_Entry], error: LeadcastError | None) -> None:
    for entry in entries:
        if entry.recorded.done():  # the client is gone, or tired of waiting
            continue
        if error is None:
            entry.recorded.set_result(None)
        else:
            entry.recorded.set_exception(error)
