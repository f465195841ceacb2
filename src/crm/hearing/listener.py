"""The listener: takes hints, looks at the leads, has them predicted, closes the hints.

Any number may run, as threads or processes: the inbox says who works on what. Whoever
dies leaves nothing to clean up, since what comes of a hint is recorded and the hint
closed in one transaction.

A lead is predicted only if something is known of it that was not before. So our own
writing, told back to us by the CRM, starts nothing, and neither do hints that come
twice, late or for no reason. Nor does it cost more than a glance at the card.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

import sqlalchemy as sa
import structlog

from crm.hearing.ear import Ear, Look, NoQueue
from crm.hearing.echo import Echoes
from crm.hearing.fresh import Fresh
from crm.hearing.inbox import Inbox, InboxState, Overtaken, Taken
from crm.hearing.merging import digest_of, merged
from crm.hearing.seer import Seer
from crm.hearing.watch import QUEUE, Watch
from crm.port import AccessLost, GateClosed
from crm.stoppage import Stop, Stoppage
from leads.decision import Prediction
from leads.errors import BadInput, LeadcastError
from leads.history import History
from leads.lead import EPOCH, LeadHistory

IDLE: Final = timedelta(seconds=1)
MOST_AT_ONCE: Final = 50
SUSPECT: Final = 3
"""After so many attempts a hint is worked on alone, lest it spoil its company."""
OVERLAP: Final = timedelta(minutes=10)
"""Changes are asked for again so far back: they may be written down late."""
QUIET_SECONDS: Final = 6.0
"""After a ping the CRM tells of no further event for so long, and a little more."""
AWAY: Final = timedelta(seconds=10)
"""How long hints wait when the CRM or the model is not there."""
CHANNEL: Final = "crm"

Work = Callable[[Sequence[Taken]], int]
"""Works on hints; gives how many leads were predicted."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of a listener came to."""

    taken: int = 0
    predicted: int = 0
    wait: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Terms:
    """How often a listener looks by itself."""

    every: timedelta = timedelta(minutes=5)
    """Between two questions for what has changed."""
    has_queue: bool = False
    """Whether the CRM keeps a queue of events for us."""


@dataclass(frozen=True, slots=True)
class ListeningState:
    """How listening is doing, for pages and metrics."""

    inbox: InboxState
    reconciled: timedelta | None
    """How long ago the CRM was last asked for all changes; None if never."""
    stop: Stop | None = None
    """What keeps this process from asking until a person acts."""


class Listener:
    """Works on the hints of one account.

    Parameters
    ----------
    inbox
        What was heard.
    ear
        Looks at the CRM, within its limits.
    fresh
        Where leads stay as they were seen until the next ``ingest``.
    seer
        Predicts.
    terms
        How often it looks by itself.
    """

    def __init__(
        self, inbox: Inbox, ear: Ear, *, fresh: Fresh, seer: Seer, terms: Terms
    ) -> None:
        self.inbox = inbox
        self.ear = ear
        self.fresh = fresh
        self.seer = seer
        self.terms = terms
        self.watch = Watch(inbox.journal, inbox.account, clock=inbox.clock)
        self.queue = Watch(inbox.journal, inbox.account, QUEUE, clock=inbox.clock)
        self.echoes = Echoes(inbox, ear, fresh=fresh, seer=seer)
        self.stoppage = Stoppage()
        self._has_queue = terms.has_queue
        self._heard = threading.Event()
        self._pinged = threading.Event()
        self._once_more: float | None = None

    def wake(self, *, queue: bool = False) -> None:
        """Say that something was noted, or that the CRM's queue has something."""
        if queue:
            self._pinged.set()
        self._heard.set()

    def run(self, stopping: threading.Event, *, idle: timedelta = IDLE) -> None:
        """Listen until told to stop; what is under way is finished first."""
        while not stopping.is_set():
            self._heard.clear()
            try:
                self.ask()
                done = self.round()
            except GateClosed as closed:
                self._note(closed)
                done = Round(wait=closed.retry_after)
            except LeadcastError as error:
                log.warning("listening_waits", why=type(error).__name__)
                done = Round(wait=idle)
            except Exception:  # one bad lead must not end the hearing of all others
                log.error("listening_failed", exc_info=True)
                done = Round(wait=idle)
            if not done.taken:
                pause = min(max(done.wait, idle), timedelta(seconds=30))
                self._heard.wait(pause / timedelta(seconds=1))

    def state(self) -> ListeningState:
        """Tell how listening is doing."""
        age, stop = self.watch.age(), self.stoppage.now()
        return ListeningState(self.inbox.state(), age, stop)

    def _note(self, closed: GateClosed) -> None:
        """Say once that a person must act; a limit is over by itself."""
        if isinstance(closed, AccessLost) and self.stoppage.met(closed):
            log.error("listening_stopped", why=closed.what, remedy=closed.remedy)

    def ask(self) -> int:
        """Ask the CRM for what no hook has told, if it is time; give what was new.

        Raises
        ------
        GateClosed, Unavailable
            It did not answer; the next turn begins where this one did.
        """
        new = 0
        again = self._once_more is not None and time.monotonic() >= self._once_more
        pinged = self._pinged.is_set()
        if self._has_queue:
            turn = self.queue.turn(self.terms.every, at_once=pinged or again)
            if turn is not None:
                self._pinged.clear()
                try:
                    drained = self._drained(turn.process)
                except LeadcastError:  # the ping is answered only once it is emptied
                    self._pinged.set()
                    raise
                # Pings are rare by agreement: what came since the last one has none,
                # also where what it told of was taken before it came.
                is_quiet = drained or pinged
                self._once_more = time.monotonic() + QUIET_SECONDS if is_quiet else None
                new += drained
                self.queue.done(None)
        turn = self.watch.turn(self.terms.every)
        if turn is not None:
            new += self._reconcile(turn.upto)
        return new

    def _drained(self, process: str) -> int:
        try:
            keep = partial(self.inbox.note, whole=False)
            return self.ear.drain(process, keep)
        except NoQueue as error:  # hooks and poll are there without it
            log.warning("no_queue", why=error.what, remedy=error.remedy)
            self._has_queue = False
            return 0

    def round(self) -> Round:
        """Take what is due, look at it, have it predicted.

        Raises
        ------
        Unavailable
            The database did not answer; what was taken is taken again later.
        """
        taken = self.inbox.take(MOST_AT_ONCE)
        mine = f"{self.ear.entity}:"
        others = [one for one in taken if not one.entity.startswith(mine)]
        leads = [one for one in taken if one.entity.startswith(mine)]
        calm = [one for one in leads if one.attempts <= SUSPECT]
        alone = [[one] for one in leads if one.attempts > SUSPECT]
        predicted = 0
        wait = self._safely(others, self._hand_over)[1]
        for part in (calm, *alone):
            count, longer = self._safely(part, self._look_at)
            predicted, wait = predicted + count, max(wait, longer)
        return Round(len(taken), predicted, wait)

    def _safely(self, taken: Sequence[Taken], work: Work) -> tuple[int, timedelta]:
        """Work on hints; put back those that nothing could be done with."""
        if not taken:
            return 0, timedelta(0)
        try:
            return work(taken), timedelta(0)
        except Overtaken:
            return 0, timedelta(0)
        except GateClosed as closed:
            self._note(closed)
            pause = max(closed.retry_after, IDLE)
            self.inbox.put_back(taken, pause)
            return 0, pause
        except BadInput as error:
            if len(taken) > 1:  # find out which one it is
                return sum(self._safely([one], work)[0] for one in taken), timedelta(0)
            log.warning("lead_unreadable", entity=taken[0].entity, why=str(error))
            self.inbox.put_back(taken)
        except LeadcastError as error:  # the CRM, the model: none of the hint's fault
            log.warning("listening_waits", why=type(error).__name__)
            self.inbox.put_back(taken, AWAY)
        return 0, timedelta(0)

    def _reconcile(self, upto: int | None) -> int:
        """Note what has changed and was not seen; give how many leads."""
        since = self.seer.ingested().cut_off if upto is None else upto
        count, latest = 0, None
        for page in self.ear.changed(since - OVERLAP // timedelta(microseconds=1)):
            marks = {one.entity: one.mark for one in page.found}
            unseen = set(self.inbox.unseen(marks))
            mine = f"{self.ear.entity}:"
            new = [one for one in page.found if one.entity in unseen]
            cards = {one.entity for one in new if one.entity.startswith(mine)}
            leads = {mine + one.lead_id for one in new if one.lead_id is not None}
            hung_on = {
                mine + one.lead_id
                for one in new
                if one.lead_id is not None and one.entity != mine + one.lead_id
            }
            rest = {e: marks[e] for e in unseen if not e.startswith(mine)}
            with self.inbox.journal.writing() as connection:
                self.inbox.note_in(connection, cards, whole=False)
                self.inbox.note_in(connection, hung_on)
                self.inbox.remember_in(connection, rest)
            count += len(leads)
            latest = page.upto if latest is None else max(latest, page.upto)
        self.stoppage.over()
        self.watch.done(latest)
        return count

    def _hand_over(self, taken: Sequence[Taken]) -> int:
        """Turn hints of what hangs on leads into hints of the leads."""
        owners = self.ear.owners([one.entity for one in taken])
        leads = {f"{self.ear.entity}:{owner}" for owner in owners.values() if owner}
        with self.inbox.journal.writing() as connection:
            self.inbox.settle(connection, taken)
            self.inbox.note_in(connection, leads)
        return 0

    def _look_at(self, taken: Sequence[Taken]) -> int:
        """Look at leads, predict those that are not as they were; give how many."""
        ingested = self.seer.ingested()
        taken = self.echoes.closed(taken, ingested)
        if not taken:
            self.stoppage.over()
            return 0
        by_id = {one.entity.partition(":")[2]: one for one in taken}
        look = self.ear.look(list(by_id), ingested.tables)
        self.stoppage.over()
        states = self._states(look, by_id, ingested)
        moment = EPOCH + timedelta(microseconds=look.seen_at)
        news = [state for state in states if state.is_news]
        made, inputs = self.seer.predicted(
            [state.lead for state in news], moment, ingested.tables
        )
        digests = {by_id[state.lead.lead_id].entity: state.digest for state in states}
        marks = {by_id[key].entity: mark for key, mark in look.marks.items()}
        likenesses = {
            by_id[key].entity: likeness for key, likeness in look.likenesses.items()
        }

        def settle(connection: sa.Connection, _: Sequence[Prediction]) -> None:
            self.inbox.settle(
                connection, taken,
                digests=digests, marks=marks, likenesses=likenesses,
            )  # fmt: skip
            seen = [state.lead for state in states if state.is_unlike_ingested]
            self.fresh.put_in(connection, seen, seen_at=look.seen_at)
            self.fresh.drop_in(connection, sorted(look.gone))

        if made:
            self.inbox.journal.record(
                made, made_at=self.seer.now(), inputs=inputs, channel=CHANNEL,
                also=settle,
            )  # fmt: skip
        else:
            with self.inbox.journal.writing() as connection:
                settle(connection, [])
        return len(made)

    def _states(
        self, look: Look, by_id: Mapping[str, Taken], ingested: History
    ) -> list[State]:
        """Put together what is known of each lead now, and whether it is new."""
        if look.tables is None:
            return []
        seen, at = History(look.tables), look.seen_at
        overlay = self.fresh.leads(list(by_id), since=ingested.cut_off)
        there = [key for key in by_id if key not in look.gone]
        is_predicted = self.seer.is_predicted(there)
        states = []
        for key in there:
            held = overlay.get(key)
            known = held[0] if held else ingested.find(key)
            lead = merged(known, seen.lead(key), at=at)
            digest = digest_of(lead, at)
            before = by_id[key].digest
            if before is None and known is not None and key in is_predicted:
                before = digest_of(known, at)
            is_unlike = known is None or digest != digest_of(known, at)
            states.append(
                State(lead, digest, digest != before, held is not None or is_unlike)
            )
        return states


@dataclass(frozen=True, slots=True)
class State:
    """A lead as it is known after a look."""

    lead: LeadHistory
    digest: str
    is_news: bool
    """Whether it is not as it was when it was last predicted."""
    is_unlike_ingested: bool
