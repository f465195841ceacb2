"""What the list of leads shows: facts only, in no language and no markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from leads.decision import Prediction, Reason, Tier
from leads.journal import Page, Stored

PAGE_SIZE: Final = 50
MOST_PAGES: Final = 1_000_000
LONGEST_SEARCH: Final = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What part of the list is asked for; pages count from 1."""

    tier: Tier | None = None
    search: str = ""
    page: int = 1

    @classmethod
    def of(cls, tier: str, search: str, page: str) -> Wanted:
        """Read what a browser sent; whatever makes no sense is as if not sent.

        Examples
        --------
        >>> Wanted.of("warm", " L-7 ", "2")
        Wanted(tier=<Tier.WARM: 'warm'>, search='L-7', page=2)
        >>> Wanted.of("?", "", "-3")
        Wanted(tier=None, search='', page=1)
        """
        known = {known.value for known in Tier}
        number = int(page) if page.isdecimal() and len(page) < 10 else 1
        printable = "".join(letter for letter in search if letter.isprintable())
        return cls(
            tier=Tier(tier) if tier in known else None,
            search=printable.strip()[:LONGEST_SEARCH],
            page=min(max(number, 1), MOST_PAGES),
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a lead came from, what road it is on, and whether it has left it."""

    source: str | None = None
    pipeline: str | None = None
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One lead of the list."""

    lead_id: str
    tier: Tier
    probability: float
    reason: Mapping[str, str] | None
    made_at: datetime
    source: str | None
    pipeline: str | None
    closed: bool


@dataclass(frozen=True, slots=True)
class TierCount:
    """How many leads are in a tier; all of them if the tier is None."""

    tier: Tier | None
    count: int


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the list, and its place in the whole."""

    rows: tuple[Row, ...]
    wanted: Wanted
    total: int
    counts: tuple[TierCount, ...]
    horizon_days: int
    page_size: int

    @property
    def pages(self) -> int:
        """How many pages the list has; an empty one has one."""
        return max(1, -(-self.total // self.page_size))

    @property
    def first(self) -> int:
        """The place of the first row shown, from 1."""
        return (self.wanted.page - 1) * self.page_size + 1

    @property
    def last(self) -> int:
        """The place of the last row shown."""
        return self.first + len(self.rows) - 1

    @property
    def nothing_predicted(self) -> bool:
        """Whether there is no prediction of any lead."""
        return all(counted.count == 0 for counted in self.counts)


def list_leads(
    page: Page,
    wanted: Wanted,
    *,
    counts: Mapping[Tier, int],
    origins: Mapping[str, Origin],
    horizon_days: int,
    page_size: int = PAGE_SIZE,
) -> Listing:
    """Gather what one page of the list shows.

    Parameters
    ----------
    page
        The journal's answer to ``wanted``.
    counts
        Leads per tier in the whole journal.
    origins
        By lead id; a lead that was never ingested has none.
    """
    every = TierCount(None, sum(counts.values()))
    nowhere = Origin()
    return Listing(
        rows=tuple(
            _row(stored, origins.get(stored.prediction.lead_id, nowhere))
            for stored in page.rows
        ),
        wanted=wanted,
        total=page.total,
        counts=(every, *(TierCount(tier, counts.get(tier, 0)) for tier in Tier)),
        horizon_days=horizon_days,
        page_size=page_size,
    )


def _row(stored: Stored, origin: Origin) -> Row:
    prediction = stored.prediction
    main = main_reason(prediction)
    return Row(
        lead_id=prediction.lead_id,
        tier=prediction.tier,
        probability=prediction.probability,
        reason=None if main is None else main.text,
        made_at=stored.made_at,
        source=origin.source,
        pipeline=origin.pipeline,
        closed=origin.closed,
    )


def main_reason(prediction: Prediction) -> Reason | None:
    """Find the strongest reason that speaks for the lead."""
    speaking = [reason for reason in prediction.reasons if reason.share > 0]
    return max(speaking, key=lambda reason: reason.share, default=None)


def origins_of(leads: pl.DataFrame, lead_ids: Sequence[str]) -> Mapping[str, Origin]:
    """Look up where some leads came from; unknown ones are left out.

    Parameters
    ----------
    leads
        The canonical table ``leads``.
    """
    asked = pl.Series(lead_ids, dtype=pl.String)
    found = leads.filter(pl.col("lead_id").is_in(asked.implode()))
    rows = found.select("lead_id", "source", "pipeline").iter_rows()
    return {lead_id: Origin(source, pipeline) for lead_id, source, pipeline in rows}
