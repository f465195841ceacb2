"""All predicted leads in calling order, held in memory so that any filter is quick.

A page of the list needs a filter on what only the journal knows (tier, chance) and on
what only the history knows (manager, pipeline, source). Both together are a hundred
thousand short rows, read again only when the journal or the history has moved on; the
predictions themselves, with their reasons, are read for the leads of one page.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from leads.decision import Tier
from leads.journal import Journal
from serve.pages.listing import Choices, Wanted

LONGEST_HELD: Final = 30.0
"""Seconds after which the journal is read again, whatever its mark says."""

RANKED: Final = {
    "lead_id": pl.String(), "entry": pl.Int64(), "probability": pl.Float64(),
    "tier": pl.String(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ranked:
    """Every predicted lead, the likeliest first, and what there is to filter by.

    ``frame`` has the columns ``RANKED``, those of ``whereabouts`` and ``folded``, the
    lead id that a search looks into whatever its case. What is not known of a lead that
    was never ingested is null, and it counts as open.
    """

    frame: pl.DataFrame
    choices: Choices

    def narrowed(self, wanted: Wanted) -> pl.DataFrame:
        """Keep the leads that are asked for, in their order, of every tier."""
        kept = self.frame.lazy()
        for column in ("owner", "pipeline", "source"):
            value = getattr(wanted, column)
            if value:
                kept = kept.filter(pl.col(column) == value)
        if wanted.search:
            text = wanted.search.casefold()
            kept = kept.filter(pl.col("folded").str.contains(text, literal=True))
        elif not wanted.closed:
            kept = kept.filter(~pl.col("closed"))
        return kept.collect()


def of_tier(narrowed: pl.DataFrame, tier: Tier | None) -> pl.DataFrame:
    """Keep the leads of one tier; all if None."""
    if tier is None:
        return narrowed
    return narrowed.filter(pl.col("tier") == tier.value)


def tier_counts(narrowed: pl.DataFrame) -> Mapping[Tier, int]:
    """Count leads by tier."""
    counted = narrowed["tier"].value_counts().rows()
    return {Tier(name): count for name, count in counted}


class Ranking:
    """The ranked leads of one journal; safe to share between threads.

    Parameters
    ----------
    clock
        Monotonic seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reading = threading.Lock()
        self._held: tuple[tuple[int, int], float, pl.DataFrame, Ranked] | None = None

    def of(self, journal: Journal, places: pl.DataFrame) -> Ranked:
        """Rank the leads of the journal; ``places`` are their whereabouts."""
        with self._reading:
            mark, held = journal.mark(), self._held
            fresh = (
                held is not None
                and held[0] == mark
                and held[2] is places
                and self._clock() - held[1] < LONGEST_HELD
            )
            if not fresh or held is None:
                ranked = _ranked(journal, places)
                held = self._held = mark, self._clock(), places, ranked
            return held[3]


def _ranked(journal: Journal, places: pl.DataFrame) -> Ranked:
    ranked = pl.DataFrame(journal.ranking(), schema=RANKED, orient="row")
    frame = ranked.join(places, on="lead_id", how="left", maintain_order="left")
    folded = [lead_id.casefold() for lead_id in frame["lead_id"]]
    frame = frame.with_columns(
        pl.col("closed", "quiet").fill_null(value=False),
        pl.Series("folded", folded, dtype=pl.String),
    )
    owners, pipelines, sources = (
        tuple(frame[column].drop_nulls().unique().sort())
        for column in ("owner", "pipeline", "source")
    )
    return Ranked(frame, Choices(owners, pipelines, sources))
