"""All that pages and reports look at, behind one window that only reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from leads.errors import BadInput, NoModel, UnknownLead
from leads.history import History, LeadHistory
from leads.journal import Journal
from leads.settings import Settings
from model.catalog import Words
from serve.dossier import Dossier, compile_dossier
from serve.evidence import Evidence
from serve.listing import PAGE_SIZE, Listing, Wanted, list_leads, origins_of
from serve.trust import Trust, weigh

EARLIER: Final = 50
"""How many of a lead's predictions its page goes back."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What there is to see of leads and model.

    ``history`` gives the ingested data, or None before there are any; ``evidence``
    raises ``NoModel`` before a model is promoted. Both are asked for every page, so a
    promotion shows at once.
    """

    settings: Settings
    journal: Journal
    history: Callable[[], History | None]
    evidence: Callable[[], Evidence]

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
        history = self.history()
        return list_leads(
            page,
            wanted,
            counts=self.journal.tier_counts(),
            origins={} if history is None else origins_of(history.tables.leads, ids),
            horizon_days=self.settings.conversion.horizon_days,
            page_size=size,
        )

    def dossier(self, lead_id: str) -> Dossier | None:
        """Look up everything about one lead; None if it was never predicted."""
        try:
            entries = self.journal.history(lead_id, limit=EARLIER)
        except BadInput:  # an id that no database can hold
            return None
        return compile_dossier(entries, self._lead(lead_id)) if entries else None

    def trust(self) -> Trust | None:
        """Look up the proof of the model in use; None if there is none."""
        try:
            evidence = self.evidence()
        except NoModel:
            return None
        proved = evidence.proof.count > 0
        return weigh(evidence) if proved else None

    def fields(self) -> Mapping[str, Words]:
        """Give the words of the business fields, none before there is a model."""
        try:
            return self.evidence().fields
        except NoModel:
            return {}

    def _lead(self, lead_id: str) -> LeadHistory | None:
        history = self.history()
        try:
            return None if history is None else history.lead(lead_id)
        except UnknownLead:
            return None
