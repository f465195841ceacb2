"""Where leads stand that were seen in the CRM after the last ``ingest``.

They are few, and each look changes one or two of them: only these are placed anew.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import polars as pl

from crm.hearing.fresh import Fresh
from crm.hearing.merging import tables_of
from leads.history import History
from leads.journal import Journal
from leads.settings import Settings
from model.examples.labels import funnel_of
from serve.overlay import fresh_of
from serve.pages.whereabouts import NOWHERE, PerIngest, Places, long_gap, whereabouts

Stamps = Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Held:
    """The places of the leads that were seen since an ingest, and as what."""

    history: History
    stamps: Stamps = field(default_factory=dict)
    frame: pl.DataFrame = field(default_factory=lambda: NOWHERE)


class Seen:
    """Leads as they were seen after the last ``ingest``; safe between threads.

    Parameters
    ----------
    fresh
        Where they are kept.
    settings
        The configuration.
    """

    def __init__(self, fresh: Fresh, settings: Settings) -> None:
        self.fresh = fresh
        self._settings = settings
        self._funnels = PerIngest(funnel_of)
        self._gaps = PerIngest(long_gap)
        self._working = threading.Lock()
        self._held: _Held | None = None

    @classmethod
    def of(cls, settings: Settings, journal: Journal) -> Self | None:
        """Open what was seen; None where nobody listens."""
        fresh = fresh_of(settings, journal)
        return None if fresh is None else cls(fresh, settings)

    def places(self, history: History, ingested: pl.DataFrame) -> Places:
        """Lay what was seen over the places of an ingest."""
        stamps = self.fresh.stamps(since=history.cut_off)
        with self._working:
            held = self._held
            if held is None or held.history is not history:
                held = _Held(history)
            if held.stamps != stamps:
                held = self._placed(held, stamps)
            self._held = held
        return Places(ingested, held.frame)

    def _placed(self, held: _Held, stamps: Stamps) -> _Held:
        """Place those that are not as they were, and leave out who is not there."""
        history, settings = held.history, self._settings
        stay = [key for key, one in held.stamps.items() if stamps.get(key) == one]
        kept = held.frame.filter(pl.col("lead_id").is_in(stay))
        asked = sorted(stamps.keys() - set(stay))
        found = self.fresh.leads(asked, since=history.cut_off).values()
        if not found:
            return _Held(history, stamps, kept)
        leads, moments = zip(*found, strict=True)
        few = History(tables_of(leads, history.tables, at=max(moments)))
        anew = whereabouts(
            few,
            settings,
            funnel=self._funnels.of(history, settings),
            gap=self._gaps.of(history, settings),
        )
        return _Held(history, stamps, pl.concat([kept, anew]))
