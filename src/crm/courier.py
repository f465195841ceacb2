"""The write-back of one company put together from its settings."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from crm.beside import Besides, Past, calling
from crm.doors import Open, desk_of, gate_of
from crm.port import AccessLost, CardDesk, Move, NoteKind, OurField
from crm.stoppage import Stop, Stoppage
from crm.writeback.delivery import Worker
from crm.writeback.guidance import Guidance
from crm.writeback.offering import Decide, Guided, Offering
from crm.writeback.outbox import Outbox, Terms
from crm.writeback.pace import PaceState
from crm.writeback.plan import Decision, MoveRule, Policy, Wish, decision_of
from crm.writeback.upkeep import OutboxState, Upkeep
from leads.conform.money import DECIMALS, USUAL_DECIMALS
from leads.decision import Prediction, Tier
from leads.errors import BadInput, Unavailable
from leads.journal import Journal
from leads.settings import Crm, Settings

DRAIN_SECONDS: Final = 75.0
DAY: Final = timedelta(days=1)
SOON: Final = timedelta(minutes=5)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CourierState:
    """How delivery is doing, for pages and metrics."""

    outbox: OutboxState
    pace: tuple[PaceState, ...]
    stop: Stop | None = None
    """What keeps this process from writing until a person acts."""


class Courier:
    """Delivers for one account, in threads of this process.

    Parameters
    ----------
    settings
        With a ``[crm]`` section.
    journal
        Where the outbox is; opened by ``journal_of`` so that predictions reach it.
    door
        Opens the client.
    """

    def __init__(
        self, settings: Settings, journal: Journal, *, door: Open = desk_of
    ) -> None:
        crm = _section(settings)
        self.gate = gate_of(crm, journal)
        self.desk: CardDesk = door(crm, self.gate, journal)
        terms = Terms(late_by=self.desk.late_by, moves_per_day=crm.moves_per_day)
        self.outbox = Outbox(journal, crm.account, terms)
        self.upkeep = Upkeep(journal, crm.account)
        self.policy = policy_of(crm)
        self.workers = crm.workers
        self.stoppage = Stoppage()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._workers: list[Worker] = []
        journal.on_recorded(self.wake)

    def worker(self) -> Worker:
        """Make a worker; each thread needs its own."""
        return Worker(
            self.outbox, self.desk,
            gate=self.gate, policy=self.policy, stoppage=self.stoppage,
        )  # fmt: skip

    def wake(self) -> None:
        """Say that something was offered; it need not wait for the next look."""
        for worker in self._workers:
            worker.wake()

    def start(self, workers: int | None = None) -> None:
        """Deliver in so many threads, or as many as configured; check fields daily."""
        workers = self.workers if workers is None else workers
        self._workers = [self.worker() for _ in range(workers)]
        runs: list[Callable[[threading.Event], None]] = [
            worker.run for worker in self._workers
        ]
        if workers:
            runs.append(self._look_daily)
        self._threads = [
            threading.Thread(target=run, args=(self._stopping,), daemon=True)
            for run in runs
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what is under way, claim nothing more, and hang up."""
        self._stopping.set()
        self.wake()
        for thread in self._threads:
            thread.join(DRAIN_SECONDS)
        self.desk.close()

    def state(self) -> CourierState:
        """Tell how delivery is doing."""
        pace = tuple(self.gate.state())
        return CourierState(self.upkeep.state(), pace, self.stoppage.now())

    def _look_daily(self, stopping: threading.Event) -> None:
        """Check our fields at the start and every day, and sweep every day.

        While they do not stand they are looked at often, so that who has mended them
        sees that it is well.
        """
        swept = time.monotonic()
        while not stopping.wait(self._until_next_look().total_seconds()):
            if self.stoppage.now() is not None or not _is_past(swept, DAY - SOON):
                continue
            swept = time.monotonic()
            try:
                log.info("swept", cards=self.upkeep.sweep(), old=self.upkeep.tidy())
            except Unavailable as error:
                log.warning("sweep_waits", why=type(error).__name__)

    def _until_next_look(self) -> timedelta:
        return DAY if self.check() else SOON

    def check(self) -> bool:
        """Say in the log whether our fields stand; whether they do."""
        try:
            self.desk.require_fields()
        except (AccessLost, BadInput) as error:
            if self.stoppage.met(error):
                log.error("check_failed", why=error.what, remedy=error.remedy)
            return False
        except Unavailable as error:
            log.warning("check_waits", why=error.what, remedy=error.remedy)
            return False
        self.stoppage.over()
        log.info("fields_stand")
        return True


def _is_past(since: float, duration: timedelta) -> bool:
    return time.monotonic() - since >= duration / timedelta(seconds=1)


def policy_of(crm: Crm) -> Policy:
    """Read what a person would notice and what may be moved."""
    rules = tuple(
        MoveRule(Tier(one.tier), Move(one.before, one.after), one.words, one.on)
        for one in crm.moves
    )
    return Policy(step=crm.step, moves=rules)


def also_of(settings: Settings, past: Past = lambda: None) -> Offering | None:
    """Give what a journal must add to its transactions; None without a CRM.

    Parameters
    ----------
    settings
        The configuration.
    past
        The ingested leads, which know the stage that a prediction saw. Without them
        nothing is moved.

    Examples
    --------
    ``Journal(settings.store.database, also=also_of(settings, ingested.history))``;
    where a playbook decides first, ``serve.planning.Planning.also`` wraps this.
    """
    crm = settings.crm
    if crm is None:
        return None
    decide, guided = decide_of(settings, past), guided_of(settings, past)
    return Offering(crm.account, decide, step=crm.step, guided=guided)


def decide_of(settings: Settings, past: Past = lambda: None) -> Decide:
    """Say how a prediction becomes a card's words; parameters as ``also_of``."""
    return partial(guided_of(settings, past), guidance=None, leave=False)


def guided_of(settings: Settings, past: Past = lambda: None) -> Guided:
    """Say it where a playbook says what to do next."""
    crm, language = _section(settings), settings.company.language
    besides = Besides(settings, past)

    def decide(
        prediction: Prediction, guidance: Guidance | None, *, leave: bool
    ) -> Decision | None:
        entity = entity_of(prediction.lead_id, crm.entity)
        if entity is None:
            return None
        beside = besides(prediction, entity, guidance)
        said = decision_of(
            prediction, entity=entity, language=language,
            money=money_of(prediction), action=None if leave else beside.action,
        )  # fmt: skip
        fields = dict(said.fields)
        if prediction.outlook is not None:  # what is known no more must not stand on
            fields.setdefault(OurField.EXPECTED_MONEY, None)
        wishes = wishes_of(prediction, settings)
        if leave or guidance is not None:  # its task, or none, instead of the usual
            own = (beside.todo,) if crm.task and beside.todo is not None else ()
            wishes = (*(w for w in wishes if w.kind is not NoteKind.TASK), *own)
        mark = None if leave else guidance.mark if guidance is not None else ""
        return Decision(
            entity, fields, beside.stage, wishes, rule=beside.rule, mark=mark
        )

    return decide


def money_of(prediction: Prediction) -> int | None:
    """Give what the lead is expected to bring, in whole units of currency."""
    outlook = prediction.outlook
    if outlook is None or outlook.expected_minor is None:
        return None
    decimals = DECIMALS.get(outlook.currency or "", USUAL_DECIMALS)
    units: float = outlook.expected_minor / 10**decimals
    return round(units)


def entity_of(lead_id: str, kind: str) -> str | None:
    """Name the card of a lead; None if the id is none that a CRM gives.

    Examples
    --------
    >>> entity_of("123", "lead"), entity_of("deal:45", "lead"), entity_of("L-1", "lead")
    ('lead:123', 'deal:45', None)
    """
    named, _, number = lead_id.rpartition(":")
    if not (number.isascii() and number.isdigit()):
        return None
    return f"{named or kind}:{number}" if named in {"", "lead", "deal"} else None


def wishes_of(prediction: Prediction, settings: Settings) -> tuple[Wish, ...]:
    """List what hangs on a card besides its fields, if that is switched on."""
    crm, language = _section(settings), settings.company.language
    why = "; ".join(reason.text.get(language, "") for reason in prediction.reasons[:3])
    wishes = []
    if crm.comment and why:
        wishes.append(Wish(NoteKind.COMMENT, why))
    if crm.task and prediction.tier is Tier.HOT:
        deadline = prediction.as_of + timedelta(days=1)
        # A task is advice: what speaks against the lead is no reason to call.
        wishes.append(Wish(NoteKind.TASK, calling(prediction, language), deadline))
    return tuple(wishes)


def _section(settings: Settings) -> Crm:
    assert settings.crm is not None, "only with a [crm] section"
    return settings.crm
