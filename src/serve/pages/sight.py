"""All that pages and reports look at, behind one window that only reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from leads.errors import BadInput, NoModel, UnknownLead
from leads.history import History, LeadHistory
from leads.journal import Journal
from leads.settings import Settings
from model.backtest import Backtest
from model.features.catalog import Words
from model.snapshots import open_leads
from serve.insight import Insight
from serve.pages.aside import Aside, look_aside
from serve.pages.dossier import Dossier, compile_dossier
from serve.pages.evidence import Evidence
from serve.pages.hindsight import (
    Card,
    Hindsight,
    Managers,
    look_back,
    managers_of,
)
from serve.pages.listing import (
    PAGE_SIZE,
    Listing,
    Origin,
    Wanted,
    list_leads,
    origins_of,
)
from serve.pages.trust import Trust, weigh

EARLIER: Final = 50
"""How many of a lead's predictions its page goes back."""


class Openness:
    """Which ingested leads are still open; worked out once for each ingest.

    The journal keeps the last word about a lead also when it has since paid or was
    lost, so the list must say so.
    """

    def __init__(self) -> None:
        self._held: tuple[History, frozenset[str]] | None = None

    def closed(
        self, history: History, settings: Settings, lead_ids: Iterable[str]
    ) -> frozenset[str]:
        """Name those of some ingested leads that are open no more."""
        held = self._held
        if held is None or held[0] is not history:
            still = open_leads(history, settings)["lead_id"]
            held = self._held = history, frozenset(still)
        return frozenset(lead_ids) - held[1]


@dataclass(frozen=True, slots=True)
class Sight:
    """What there is to see of leads and model.

    ``history`` gives the ingested data, or None before there are any; ``evidence``
    raises ``NoModel`` before a model is promoted; ``backtest`` gives the latest one, or
    None. All are asked for every page, so a promotion shows at once.
    """

    settings: Settings
    journal: Journal
    history: Callable[[], History | None]
    evidence: Callable[[], Evidence]
    backtest: Callable[[], Backtest | None] = lambda: None
    openness: Openness = field(default_factory=Openness, compare=False)
    insight: Insight | None = None

    def listing(self, wanted: Wanted, *, size: int = PAGE_SIZE) -> Listing:
        """Look up one page of the list; a page past the end is the last one."""
        page = self.journal.page(
            tier=wanted.tier,
            search=wanted.search,
            offset=(wanted.page - 1) * size,
            limit=size,
        )
        last = max(1, -(-page.total // size))
        if wanted.page > last:
            return self.listing(replace(wanted, page=last), size=size)
        ids = [stored.prediction.lead_id for stored in page.rows]
        return list_leads(
            page,
            wanted,
            counts=self.journal.tier_counts(),
            origins=self._origins(ids),
            horizon_days=self.settings.conversion.horizon_days,
            page_size=size,
        )

    def dossier(self, lead_id: str) -> Dossier | None:
        """Look up everything about one lead; None if it was never predicted."""
        try:
            entries = self.journal.history(lead_id, limit=EARLIER)
        except BadInput:  # an id that no database can hold
            return None
        if not entries:
            return None
        history = self.history()
        lead = _lead(history, lead_id)
        closed = bool(lead and self._closed(history, [lead_id]))
        return compile_dossier(entries, lead, usual=self._usual(), closed=closed)

    def aside(self, lead_id: str, query: Iterable[tuple[str, str]] = ()) -> Aside:
        """Look up what stands beside a lead's prediction."""
        return look_aside(self.insight, lead_id, query)

    def trust(self) -> Trust | None:
        """Look up the proof of the model in use; None if there is none."""
        try:
            evidence = self.evidence()
        except NoModel:
            return None
        told = evidence.proof.count > 0 or evidence.missing
        return weigh(evidence) if told else None

    def card(self) -> Card | None:
        """Look up the card of the model in use; None if there is none."""
        try:
            sections = self.evidence().sections
        except NoModel:
            return None
        return Card(sections) if sections else None

    def hindsight(self) -> Hindsight | None:
        """Look up the latest back-test; None if there is none."""
        made = self.backtest()
        return None if made is None else look_back(made)

    def managers(self) -> Managers | None:
        """Look up the managers in the latest back-test; None if it knows none."""
        made = self.backtest()
        return None if made is None else managers_of(made.team)

    def fields(self) -> Mapping[str, Words]:
        """Give the words of the business fields, none before there is a model."""
        try:
            return self.evidence().fields
        except NoModel:
            return {}

    def _usual(self) -> float | None:
        try:
            proof = self.evidence().proof
        except NoModel:
            return None
        return proof.base_rate or None

    def _origins(self, lead_ids: Sequence[str]) -> Mapping[str, Origin]:
        history = self.history()
        if history is None:
            return {}
        found = origins_of(history.tables.leads, lead_ids)
        closed = self._closed(history, found)
        return {
            lead_id: replace(origin, closed=lead_id in closed)
            for lead_id, origin in found.items()
        }

    def _closed(
        self, history: History | None, lead_ids: Iterable[str]
    ) -> frozenset[str]:
        if history is None:
            return frozenset()
        return self.openness.closed(history, self.settings, lead_ids)


def _lead(history: History | None, lead_id: str) -> LeadHistory | None:
    try:
        return None if history is None else history.lead(lead_id)
    except UnknownLead:
        return None
