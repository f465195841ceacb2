"""All predicted leads, ranked and held in memory so that any filter is quick.

A page of the list needs a filter on what only the journal knows (tier, chance) and on
what only the history knows (manager, pipeline, source). Both together are a hundred
thousand short rows. They are read whole once; when the journal moves on, only the leads
that it said something new of are read and put in their new places; so are those that
were seen in the CRM since. The predictions
themselves, with their reasons, are read for the leads of one page.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import polars as pl

from leads.decision import Tier
from leads.journal import Journal
from leads.ranks import PRIME, Rank, fingerprint, ranks
from serve.pages.listing import Choices, Wanted
from serve.pages.whereabouts import Places

LONGEST_HELD: Final = 30.0
"""Seconds after which the fingerprint is compared, whatever the journal's mark says."""

MOST_PATCHED: Final = 0.2
"""The part of all leads up to which new rows are put in; beyond, all are read again."""

By = Literal["chance", "money", "tier"]
"""What the leads of a tier are sorted by, as tiers are made; or by tier alone."""

RANKED: Final = {
    "lead_id": pl.String(), "entry": pl.Int64(), "made_at": pl.Int64(),
    "probability": pl.Float64(), "tier": pl.String(), "expected": pl.Int64(),
}  # fmt: skip
ORDERS: Final[Mapping[By, tuple[tuple[str, bool], ...]]] = {
    "chance": (("probability", True), ("lead_id", False)),
    "tier": (("probability", True), ("lead_id", False)),
    "money": (("expected", True), ("probability", True), ("lead_id", False)),
}
"""By what a list is sorted: columns in turn, and whether the greatest comes first."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """Every predicted lead, whom to call first on top, and what there is to filter by.

    ``frame`` has the columns ``RANKED``, those of ``whereabouts`` and ``folded``, the
    lead id that a search looks into whatever its case. What is not known of a lead that
    was never ingested is null, and it counts as open.
    """

    frame: pl.DataFrame
    choices: Choices
    by: By = "chance"

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
    """Keep the leads that the model put in one tier; all if None."""
    if tier is None:
        return narrowed
    return narrowed.filter(pl.col("tier") == tier.value)


def among(narrowed: pl.DataFrame, lead_ids: Collection[str]) -> pl.DataFrame:
    """Keep the leads of some ids."""
    ids = pl.Series(sorted(lead_ids), dtype=pl.String).implode()
    return narrowed.filter(pl.col("lead_id").is_in(ids))


def tier_counts(narrowed: pl.DataFrame) -> Mapping[Tier, int]:
    """Count leads by tier."""
    counted = narrowed["tier"].value_counts().rows()
    return {Tier(name): count for name, count in counted}


@dataclass(frozen=True, slots=True)
class _Held:
    """A ranking, and what was so when it was made."""

    mark: tuple[int, int]
    checked: float
    places: Places
    ranked: Ranked


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
        self._held: _Held | None = None

    def of(self, journal: Journal, places: Places, by: By = "chance") -> Ranked:
        """Rank the leads of the journal; ``places`` are their whereabouts."""
        with self._reading:
            mark, held = journal.mark(), self._held
            if (
                held is None
                or held.places.ingested is not places.ingested
                or held.ranked.by != by
            ):
                return self._anew(journal, places, by, mark)
            overdue = self._clock() - held.checked >= LONGEST_HELD
            held = _moved(held, places)
            ranked: Ranked | None = held.ranked
            if held.mark != mark:
                ranked = _patched(held, journal, mark)
            if ranked is None:
                return self._anew(journal, places, by, mark)
            if overdue and _fingerprint(ranked.frame) != fingerprint(journal):
                return self._anew(journal, places, by, mark)
            checked = self._clock() if overdue else held.checked
            self._held = _Held(mark, checked, places, ranked)
            return ranked

    def _anew(
        self, journal: Journal, places: Places, by: By, mark: tuple[int, int]
    ) -> Ranked:
        rows = _rows(ranks(journal, money=by == "money"))
        ranked = _sorted(_placed(rows, places), by)
        self._held = _Held(mark, self._clock(), places, ranked)
        return ranked


def _fingerprint(frame: pl.DataFrame) -> tuple[int, int, int]:
    """Say of the held leads what ``fingerprint`` says of the journal's."""
    sums = frame.select(pl.col("entry").sum(), (pl.col("made_at") % PRIME).sum())
    return (len(frame), *sums.row(0))


def _patched(held: _Held, journal: Journal, mark: tuple[int, int]) -> Ranked | None:
    """Put in what was said since; None if that does not account for every lead."""
    frame, by = held.ranked.frame, held.ranked.by
    rows = _rows(ranks(journal, after=held.mark[0], money=by == "money"))
    if len(rows) > MOST_PATCHED * len(frame):
        return None
    new = _placed(rows, held.places)
    kept = frame.filter(~pl.col("lead_id").is_in(new["lead_id"].implode()))
    if len(kept) + len(new) != mark[1]:
        return None
    return _sorted(pl.concat([kept, new]), by)


def _moved(held: _Held, places: Places) -> _Held:
    """Put those leads where they stand now that were seen then or since."""
    before, since = held.places.seen, places.seen
    if before is since:
        return held
    frame, by = held.ranked.frame, held.ranked.by
    both = pl.concat([before["lead_id"], since["lead_id"]])
    is_seen = pl.col("lead_id").is_in(both.implode())
    anew = _placed(frame.filter(is_seen).select(list(RANKED)), places)
    ranked = _sorted(pl.concat([frame.filter(~is_seen), anew]), by)
    return replace(held, places=places, ranked=ranked)


def _rows(read: Sequence[Rank]) -> pl.DataFrame:
    return pl.DataFrame(read, schema=RANKED, orient="row")


def _placed(ranked: pl.DataFrame, places: Places) -> pl.DataFrame:
    known = places.of(ranked["lead_id"])
    frame = ranked.join(known, on="lead_id", how="left", maintain_order="left")
    folded = [lead_id.casefold() for lead_id in frame["lead_id"]]
    return frame.with_columns(
        pl.col("closed", "quiet").fill_null(value=False),
        pl.Series("folded", folded, dtype=pl.String),
    )


def _sorted(frame: pl.DataFrame, by: By) -> Ranked:
    columns, falling = zip(*ORDERS[by], strict=True)
    ordered = frame.sort(columns, descending=falling, nulls_last=True)
    owners, pipelines, sources = (
        tuple(frame[column].drop_nulls().unique().sort())
        for column in ("owner", "pipeline", "source")
    )
    return Ranked(ordered, Choices(owners, pipelines, sources), by)
