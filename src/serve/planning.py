"""The playbook at work: read again when its file changes, asked for every prediction.

A changed file that has faults decides nothing: the last good one goes on, and the log
says so. What each version said is kept under its digest, for decisions name it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import sqlalchemy as sa
import structlog

from crm.hearing.fresh import seen_in
from crm.writeback.guidance import Guidances
from leads.decision import Prediction, Tier
from leads.errors import BadConfig, UnknownLead
from leads.history import History
from leads.journal import Also, Journal
from leads.lead import LeadHistory, microseconds
from leads.settings import Settings
from leads.wholefile import replace_whole
from playbook import (
    Known,
    Norms,
    Plan,
    Planned,
    Playbook,
    World,
    plan_of,
)
from playbook.decide import action_of
from playbook.known import PaidElsewhere, nobody
from playbook.ledger import Kept, Ledger, kept_plans
from playbook.text import Language
from serve.guiding import guidance_of
from serve.returning import Returning
from serve.thin import answered
from serve.vocabulary import kept_folder, playbook_of, world_of


class Offers(Protocol):
    """Offers predictions and plans to cards: ``crm.writeback.offering.Offering``."""

    def __call__(
        self,
        connection: sa.Connection,
        predictions: Sequence[Prediction],
        guidances: Guidances | None = ...,
    ) -> None:
        """Offer them in a transaction; without guidances plans stay as they are."""
        ...


log = structlog.get_logger()

NOT_SEEN: Final[Mapping[str, LeadHistory]] = {}


@dataclass(frozen=True)
class Memory:
    """What was known of leads when they were predicted, over one ingest."""

    history: History | None
    norms: Norms
    paid_elsewhere: PaidElsewhere = nobody

    @classmethod
    def of(
        cls, history: History | None, settings: Settings, norms: Norms | None = None
    ) -> Memory:
        """Measure how long stages and deals usually take, unless told."""
        if history is None:
            return cls(None, Norms(criteria=settings.criteria))
        usual = Norms.of(history, settings.criteria) if norms is None else norms
        return cls(history, usual, Returning(history, settings.store.folder))

    def known(
        self,
        prediction: Prediction,
        override: Tier | None = None,
        *,
        lead: LeadHistory | None = None,
    ) -> Known:
        """Gather what was known of a lead at the moment of its prediction.

        ``lead`` is its history, if another is known than the ingested one.
        """
        if lead is None:
            lead = self._lead(prediction.lead_id)
        if lead is not None:
            lead = lead.as_of(microseconds(prediction.as_of))
        return Known(prediction, lead, self.norms, override, self.paid_elsewhere)

    def _lead(self, lead_id: str) -> LeadHistory | None:
        try:
            return None if self.history is None else self.history.lead(lead_id)
        except UnknownLead:
            return None


@dataclass(frozen=True)
class Planner:
    """One version of the playbook over one ingest."""

    playbook: Playbook
    memory: Memory
    world: World = field(default_factory=World)

    def answered(self, made: Prediction, lead: LeadHistory | None = None) -> Prediction:
        """Let points answer where data are too few for a model.

        Parameters
        ----------
        lead
            Its history, if another is known than the ingested one.
        """
        if self.playbook.points is None or made.tier is not Tier.NO_DATA:
            return made
        known = self.memory.known(made, lead=lead)
        return answered(known, self.playbook, self.world)

    def plan(
        self,
        prediction: Prediction,
        override: Tier | None,
        *,
        now: datetime,
        lead: LeadHistory | None = None,
    ) -> Planned | None:
        """Plan a lead; None if nobody has seen it, for then too little is known."""
        known = self.memory.known(prediction, override, lead=lead)
        return None if known.lead is None else plan_of(self.playbook, known, now=now)


@dataclass(frozen=True, slots=True)
class NextStep:
    """What is to be done about a lead now, and how that was decided."""

    plan: Plan
    kept: Kept

    def action(self, language: Language) -> str:
        """Say it in one line, as for a card or a list."""
        return action_of(self.plan, language)


class Planning:
    """Gives the planner of this moment; made anew when file or ingest changes.

    Parameters
    ----------
    settings
        With a ``[playbook]`` section, or nothing is ever planned.
    history
        The ingested data, or None before there are any.
    now
        The clock; deadlines count from it.
    """

    def __init__(
        self,
        settings: Settings,
        history: Callable[[], History | None],
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._history = history
        self._now = now
        self._working = threading.Lock()
        self._held: tuple[tuple[object, ...], Planner | None] | None = None

    def current(self) -> Planner | None:
        """Give the planner; None without a playbook, or before a good one."""
        if self._settings.playbook is None:
            return None
        history = self._history()
        mark = (_mark(self._settings.playbook.file), id(history))
        with self._working:
            if self._held is None or self._held[0] != mark:
                before = None if self._held is None else self._held[1]
                self._held = mark, self._read(history, before)
            return self._held[1]

    def _read(self, history: History | None, before: Planner | None) -> Planner | None:
        try:
            made = playbook_of(self._settings, history)
            self._keep(made)
        except BadConfig as error:
            log.error("playbook_refused", why=str(error))
            if before is None:
                return None
            made = before.playbook
        world = world_of(self._settings, history)
        return Planner(made, Memory.of(history, self._settings), world)

    def _keep(self, made: Playbook) -> None:
        """Keep what a version said, once, under the digest that decisions name."""
        assert self._settings.playbook is not None, "asked for only with a playbook"
        path = kept_folder(self._settings) / f"{made.digest}.yaml"
        if not path.exists():
            replace_whole(path, self._settings.playbook.file.read_bytes())

    def ledger(self, seen: Mapping[str, LeadHistory] = NOT_SEEN) -> Ledger | None:
        """Give what writes decisions down; None if there is nothing to decide by.

        ``seen`` are leads by id as they were seen in the CRM after the ingest.
        """
        planner = self.current()
        if planner is None:
            return None

        def decide(made: Prediction, override: Tier | None) -> Planned | None:
            lead = seen.get(made.lead_id)
            return planner.plan(made, override, now=self._now(), lead=lead)

        return Ledger(decide, planner.playbook.digest, now=self._now)

    def also(self, other: Offers | None) -> Also | None:
        """Decide in the transaction of the predictions, then offer it to the cards.

        While no good playbook is at hand, cards keep what they say of the next step.
        """
        if self._settings.playbook is None:
            return other

        def both(connection: sa.Connection, made: Sequence[Prediction]) -> None:
            ledger = self.ledger(self._seen(connection, made))
            planned = None if ledger is None else ledger.planned(connection, made)
            if other is not None:
                said = None if planned is None else self._guidances(planned)
                other(connection, made, said)

        return both

    def _seen(
        self, connection: sa.Connection, made: Sequence[Prediction]
    ) -> Mapping[str, LeadHistory]:
        """Look up what was seen of leads, also just now in this transaction."""
        crm, history = self._settings.crm, self._history()
        if crm is None or not crm.hear or history is None:
            return NOT_SEEN
        ids = [one.lead_id for one in made]
        found = seen_in(connection, crm.account, ids, since=history.cut_off)
        return {lead_id: lead for lead_id, (lead, _) in found.items()}

    def _guidances(self, planned: Sequence[Planned]) -> Guidances:
        language = self._settings.company.language
        return {one.lead_id: guidance_of(one, language) for one in planned}

    def kept(self, journal: Journal, lead_ids: Sequence[str]) -> dict[str, NextStep]:
        """Give what was decided for leads by the playbook of now, with its words.

        A lead on which an earlier version decided last is absent: the next run decides
        on it anew.
        """
        planner = self.current()
        if planner is None:
            return {}
        made = planner.playbook
        return {
            lead_id: NextStep(made.plans[kept.plan], kept)
            for lead_id, kept in kept_plans(journal, lead_ids).items()
            if kept.playbook == made.digest
        }

    def answered(
        self, chunks: Iterator[tuple[list[Prediction], list[bytes]]]
    ) -> Iterator[tuple[list[Prediction], list[bytes]]]:
        """Let points answer where data are too few for a model, as leads pass."""
        for made, inputs in chunks:
            planner = self.current()
            if planner is not None:
                made = [planner.answered(one) for one in made]
            yield made, inputs

    def renewed(
        self,
        chunks: Iterator[list[Prediction]],
        journal: Journal,
        other: Offers | None = None,
    ) -> Iterator[list[Prediction]]:
        """Let a changed playbook decide on predictions that were made before it.

        The cards are offered what it says in the same transaction.
        """

        def told(
            connection: sa.Connection,
            made: Sequence[Prediction],
            planned: Sequence[Planned],
        ) -> None:
            if other is not None:
                other(connection, made, self._guidances(planned))

        for made in chunks:
            ledger = self.ledger()
            if ledger is not None:
                ledger.renew(journal, made, told)
            yield made


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_mtime_ns, told.st_size
