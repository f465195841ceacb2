"""Listening put together: hints of the CRM become predictions of this service."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from crm.doors import gate_of
from crm.ears import Hark, ear_of
from crm.hearing.fresh import Fresh
from crm.hearing.inbox import Inbox
from crm.hearing.listener import Listener, ListeningState, Terms
from crm.hearing.merging import tables_of
from leads.decision import Prediction
from leads.errors import Unavailable
from leads.funnel import Funnel
from leads.history import History, microseconds
from leads.lead import LeadHistory
from leads.tables import Tables
from model.examples.labels import funnel_of
from model.examples.snapshots import open_leads
from serve.desk import Desk

DRAIN_SECONDS = 30.0
TIDY_EVERY = timedelta(hours=1)
LOOK_SECONDS = 5.0
LOOK_EVERY_SECONDS = 0.02

log = structlog.get_logger()


class Foresight:
    """``crm.hearing.listener.Seer`` over the desk of this service."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._funnel: tuple[History, Funnel] | None = None

    def ingested(self) -> History:
        """Give what was ingested."""
        return self._desk.ingested.history()

    def predicted(
        self, leads: Sequence[LeadHistory], moment: datetime, like: Tables
    ) -> tuple[list[Prediction], list[bytes]]:
        """Predict those that are open, as ``score`` would."""
        if not leads:
            return [], []
        at = microseconds(moment)
        few = History(tables_of(leads, like, at=at))
        settings = self._desk.settings
        found = open_leads(few, settings, at, funnel=self._known_funnel())
        is_open = set(found["lead_id"].to_list())
        worth = [lead for lead in leads if lead.lead_id in is_open]
        return self._desk.predicted(worth, at)

    def is_predicted(self, lead_ids: Sequence[str]) -> set[str]:
        """Name those of which the journal has a prediction."""
        return set(self._desk.journal.standing(lead_ids))

    def now(self) -> datetime:
        """Tell the time."""
        return self._desk.now()

    def _known_funnel(self) -> Funnel:
        """Give the funnel of what was ingested; learned once per ``ingest``."""
        history = self.ingested()
        if self._funnel is None or self._funnel[0] is not history:
            self._funnel = history, funnel_of(history, self._desk.settings)
        return self._funnel[1]


class Listening:
    """Listens to one account, in a thread of this process.

    Parameters
    ----------
    desk
        Predicts and records.
    ear
        Opens the ear.
    """

    def __init__(self, desk: Desk, *, ear: Hark = ear_of) -> None:
        settings = desk.settings
        crm = settings.crm
        assert crm is not None, "only with a [crm] section"
        self.crm = crm
        self.inbox = Inbox(desk.journal, crm.account)
        self.fresh = Fresh(desk.journal, crm.account)
        self._desk = desk
        self.listener = Listener(
            self.inbox,
            ear(settings, gate_of(crm, desk.journal), desk.journal),
            fresh=self.fresh,
            seer=Foresight(desk),
            terms=Terms(
                every=timedelta(minutes=crm.poll_minutes),
                # Only an application has a queue, and only Bitrix24 keeps one.
                has_queue=crm.kind == "bitrix24" and crm.by_oauth,
            ),
        )
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Listen from now on, and tidy up once an hour."""
        self._threads = [
            threading.Thread(target=run, args=(self._stopping,), daemon=True)
            for run in (self.listener.run, self._tidy_hourly)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what is under way, and take nothing more."""
        self._stopping.set()
        self.listener.wake()
        for thread in self._threads:
            thread.join(DRAIN_SECONDS)

    def look_again(self, lead_id: str) -> None:
        """Have a lead looked at now; returns when that is done.

        Raises
        ------
        Unavailable
            It was not done in time; it will be.
        """
        entity = f"{self.listener.ear.entity}:{lead_id}"
        self.inbox.note([entity])
        self.listener.wake()
        ends = time.monotonic() + LOOK_SECONDS
        while self.inbox.is_due(entity):
            if time.monotonic() > ends or self._stopping.is_set():
                raise Unavailable(
                    "The lead was not looked at in time.", remedy="It is tried again."
                )
            time.sleep(LOOK_EVERY_SECONDS)

    def state(self) -> ListeningState:
        """Tell how listening is doing."""
        return self.listener.state()

    def _tidy_hourly(self, stopping: threading.Event) -> None:
        while not stopping.wait(TIDY_EVERY / timedelta(seconds=1)):
            try:
                since = self._desk.ingested.history().cut_off
                log.info("tidied", hints=self.inbox.tidy(), old=self.fresh.tidy(since))
            except Unavailable as error:
                log.warning("tidying_waits", why=type(error).__name__)


def listening_of(desk: Desk, *, ear: Hark = ear_of) -> Listening | None:
    """Make what listens to the CRM; None unless ``[crm] hear = true``."""
    crm = desk.settings.crm
    return Listening(desk, ear=ear) if crm is not None and crm.hear else None
