"""Answers the CRM's automation: predicts the lead it asks about, and tells it.

What was asked is on the disk before the CRM hears that it was heard; a thread of its
own answers, so a slow CRM holds up nobody.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from crm.bitrix24.answers import Failed, Refused
from crm.bitrix24.robot import (
    LOG,
    answer,
    is_over,
    nothing,
    texts_of,
    values_of,
)
from crm.bitrix24.visits import Visits, lead_of
from crm.calls import Calls, Waiting
from crm.writeback.offering import Decide
from leads.decision import Prediction
from leads.errors import BadInput, LeadcastError, Unavailable, UnknownLead
from serve.desk import Desk
from serve.short import TIERS

PREDICT_SECONDS: Final = 30.0
IDLE_SECONDS: Final = 1.0
MOST_LOOKS: Final = 5
"""After so many attempts a lead that nobody could look at is said to be unknown."""
NEAR_THE_END: Final = timedelta(seconds=20)
"""So near the end of its patience a workflow is told that there is nothing to tell."""

UNKNOWN: Final = "this lead is not known here yet"
NOT_SEEN: Final = "the card cannot be read"
NOT_NOW: Final = "there is no forecast for now"

Said = dict[str, Any]
LookAgain = Callable[[str], None]
"""Has a lead looked at; returns when that is done, or raises ``Unavailable``."""

log = structlog.get_logger()


class Robots:
    """Takes calls from the disk and answers them, in a thread of its own.

    Parameters
    ----------
    calls
        Where they wait.
    desk
        Predicts.
    visits
        The portal to answer to.
    decide
        Says what a card would show of a prediction.
    entity
        What counts as a lead, as in ``[crm] entity``.
    look_again
        Has the CRM asked for a lead as it is now; None where nobody listens, and then
        what was ingested is all that is known.
    """

    def __init__(
        self,
        calls: Calls,
        desk: Desk,
        visits: Visits,
        *,
        decide: Decide,
        entity: str,
        look_again: LookAgain | None = None,
    ) -> None:
        self.calls = calls
        self._desk = desk
        self._decide = decide
        self._entity = entity
        self._look_again = look_again
        self._visits = visits
        self._due = threading.Event()
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="robots", daemon=True)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin; predictions are made on this loop."""
        self._loop = loop
        self._thread.start()

    def stop(self) -> None:
        """Finish what is under way."""
        self._stopping.set()
        self._due.set()
        self._thread.join()

    def wake(self) -> None:
        """Tell that a call came."""
        self._due.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._due.clear()
            try:
                taken = self.calls.take()
                for waiting in taken:
                    self._one(waiting)
            except (LeadcastError, SQLAlchemyError) as error:
                log.warning("robots_wait", why=type(error).__name__)
                taken = []
            if not taken:
                self._due.wait(IDLE_SECONDS)

    def _one(self, waiting: Waiting) -> None:
        """Answer one call, or put it back."""
        is_last = waiting.left < NEAR_THE_END
        try:
            said = dict(waiting.said or {}) or self._said(waiting)
        except LeadcastError as error:
            log.warning("robot_waits", why=type(error).__name__)
            if not is_last:
                self.calls.again(waiting)
                return
            said = _said(*nothing(NOT_NOW))
        self.calls.say(waiting.mark, said)
        self._tell(waiting, said)

    def _tell(self, waiting: Waiting, said: Said) -> None:
        event = waiting.secret["event"]
        try:
            answer(self._call(waiting), event, texts_of(said["values"]), said["log"])
        except Refused as refusal:
            if isinstance(refusal, Failed) and waiting.left > timedelta(0):
                self.calls.again(waiting)
                return
            how = "over" if is_over(refusal) else refusal.trouble.code
            self.calls.end(waiting.mark, how)
        except LeadcastError:
            if waiting.left > timedelta(0):
                self.calls.again(waiting)
            else:
                self.calls.end(waiting.mark, "too late")
        else:
            self.calls.end(waiting.mark, "answered")

    def _said(self, waiting: Waiting) -> Said:
        """Find out what to say; what cannot be known is an answer too.

        Raises
        ------
        LeadcastError
            It may be known later.
        """
        try:
            lead_id = self._lead_id(waiting)
        except Refused as refusal:
            if isinstance(refusal, Failed):
                raise
            return _said(*nothing(NOT_SEEN))
        try:
            made = self._seen_and_predicted(lead_id, waiting.attempts)
        except (BadInput, UnknownLead):
            return _said(*nothing(UNKNOWN))
        decision = self._decide(made)
        if decision is None:
            return _said(*nothing(UNKNOWN))
        words = TIERS[self._desk.settings.company.language][made.tier]
        return _said(values_of(decision.fields), LOG.format(said=words))

    def _lead_id(self, waiting: Waiting) -> str:
        kind, _, number = waiting.entity.partition(":")
        if kind == self._entity:
            return number
        access = waiting.secret["access"]
        item = self._visits.item(access, kind, int(number))
        return lead_of(item, kind, self._entity)

    def _seen_and_predicted(self, lead_id: str, attempts: int) -> Prediction:
        """Predict a lead as the CRM shows it now.

        A robot mostly runs because the lead is new or has just changed. Where it cannot
        be looked at, a lead that is known is predicted as it is known; one that is not
        waits for a few attempts.
        """
        unseen: Unavailable | None = None
        if self._look_again is not None:
            try:
                self._look_again(lead_id)
            except Unavailable as error:
                unseen = error
        try:
            return self._predicted(lead_id)
        except UnknownLead:
            if unseen is None or attempts >= MOST_LOOKS:
                raise
            raise unseen from None

    def _predicted(self, lead_id: str) -> Prediction:
        assert self._loop is not None
        work = self._desk.one({"lead_id": lead_id}, reasons=True)
        making = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return making.result(PREDICT_SECONDS)
        except TimeoutError as error:
            raise Unavailable("No prediction came in time.", remedy="Wait.") from error

    def _call(self, waiting: Waiting) -> Callable[..., Any]:
        return partial(self._visits.call, waiting.secret["access"])


def _said(values: dict[str, str], words: str) -> Said:
    return {"values": values, "log": words}
