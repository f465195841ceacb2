"""Leads as they are known now: as ingested, or as seen in the CRM after that."""

from __future__ import annotations

from crm.hearing.fresh import Fresh
from leads.errors import UnknownLead
from leads.lead import LeadHistory
from serve.ingested import Ingested


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
        known = self.ingested.history()
        if self._fresh is not None:
            seen = self._fresh.lead(lead_id, since=known.cut_off)
            if seen is not None:
                return seen
        try:
            return known.lead(lead_id), known.cut_off
        except UnknownLead as error:
            raise UnknownLead(
                "No lead of this id was ingested.",
                remedy="Send what the CRM knows of it, or run ingest.",
            ) from error
