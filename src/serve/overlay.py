"""Leads as they are known now: as ingested, or as seen in the CRM after that."""

from __future__ import annotations

from crm.hearing.fresh import Fresh
from leads.errors import UnknownLead
from leads.history import History
from leads.journal import Journal
from leads.lead import LeadHistory
from leads.settings import Settings
from serve.ingested import Ingested


def fresh_of(settings: Settings, journal: Journal) -> Fresh | None:
    """Open what is laid over the ingested leads; None where nobody listens."""
    crm = settings.crm
    return Fresh(journal, crm.account) if crm is not None and crm.hear else None


def known_now(
    history: History | None, fresh: Fresh | None, lead_id: str
) -> tuple[LeadHistory, int] | None:
    """Give a lead as it is known now, and up to when that is, in microseconds.

    None if it was neither ingested nor seen, or nothing was ingested at all.
    """
    if history is None:
        return None
    seen = None if fresh is None else fresh.lead(lead_id, since=history.cut_off)
    if seen is not None:
        return seen
    found = history.find(lead_id)
    return None if found is None else (found, history.cut_off)


class Overlay:
    """What was ingested, with what was seen since laid over it.

    Parameters
    ----------
    ingested
        The tables.
    fresh
        What was seen since; None where nobody listens.
    """

    def __init__(self, ingested: Ingested, fresh: Fresh | None = None) -> None:
        self.ingested = ingested
        self._fresh = fresh

    def lead(self, lead_id: str) -> tuple[LeadHistory, int]:
        """Give a lead, and up to when all is known of it, in microseconds.

        Raises
        ------
        UnknownLead
            It was neither ingested nor seen.
        Unavailable
            Nothing was ingested.
        """
        found = known_now(self.ingested.history(), self._fresh, lead_id)
        if found is None:
            raise UnknownLead(
                "No lead of this id was ingested.",
                remedy="Send what the CRM knows of it, or run ingest.",
            )
        return found
