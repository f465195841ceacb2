"""Where each lead stands: its stage, its manager, and when it last stirred.

The journal knows what was said of a lead, the history where it is; the list shows both.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

import polars as pl

from leads.decision import Tier
from leads.funnel import Funnel
from leads.history import History
from leads.records import moment_of
from leads.settings import Settings
from model.examples.snapshots import open_leads
from serve.pages.called import called_this_week

SCHEMA: Final = {
    "lead_id": pl.String(), "source": pl.String(), "pipeline": pl.String(),
    "owner": pl.String(), "stage": pl.String(), "active_at": pl.Int64(),
    "quiet": pl.Boolean(), "closed": pl.Boolean(), "called_at": pl.Int64(),
    "called_how": pl.String(),
}  # fmt: skip
NOWHERE: Final = pl.DataFrame(schema=SCHEMA)
"""The whereabouts of nobody, as before anything was ingested."""

STIRS: Final = ("events", "stages", "payments", "field_changes")
"""Tables whose rows count as activity of a lead."""

LONG_GAP: Final = 0.9
"""The part of all pauses that are shorter than a long one."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Where one lead stands; see ``whereabouts``."""

    source: str | None
    pipeline: str | None
    stage: str | None
    owner: str | None
    active_at: datetime
    quiet: bool
    closed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where leads stand: as ingested, and in place of that as seen in the CRM since.

    Both have the columns ``SCHEMA``; ``ingested`` is sorted by ``lead_id``.
    """

    ingested: pl.DataFrame = field(default_factory=lambda: NOWHERE)
    seen: pl.DataFrame = field(default_factory=lambda: NOWHERE)

    def of(self, lead_ids: pl.Series) -> pl.DataFrame:
        """Give the places of some leads, in no certain order."""
        asked = pl.DataFrame({"lead_id": lead_ids})
        if self.seen.is_empty():
            return self.ingested.join(asked, on="lead_id", how="semi")
        seen = self.seen.join(asked, on="lead_id", how="semi")
        rest = asked.join(seen, on="lead_id", how="anti")
        return pl.concat([seen, self.ingested.join(rest, on="lead_id", how="semi")])

    def place(self, lead_id: str) -> Place | None:
        """Give the place of one lead; None if it was neither ingested nor seen."""
        at = self.ingested["lead_id"].search_sorted(lead_id)
        known = self.ingested.slice(at, 1)
        for frame in (self.seen, known):
            for row in frame.filter(pl.col("lead_id") == lead_id).to_dicts():
                return place_of(row)
        return None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many open leads a manager has, how many are hot, how many of these wait.

    ``owner`` is None for the leads of nobody.
    """

    owner: str | None
    open: int
    hot: int
    quiet: int


class PerIngest(Generic[T]):
    """Something worked out of a history once; again when another one is ingested."""

    def __init__(self, make: Callable[[History, Settings], T]) -> None:
        self._make = make
        self._working = threading.Lock()
        self._held: tuple[History, T] | None = None

    def of(self, history: History, settings: Settings) -> T:
        """Give it for this history."""
        held = self._held
        if held is None or held[0] is not history:
            with self._working:
                held = self._held
                if held is None or held[0] is not history:
                    held = self._held = history, self._make(history, settings)
        return held[1]


def whereabouts(
    history: History,
    settings: Settings,
    *,
    funnel: Funnel | None = None,
    gap: int | None = None,
) -> pl.DataFrame:
    """Say where every lead stands at the cut-off.

    Parameters
    ----------
    funnel
        Whose stages close a lead; by default what this history itself says.
    gap
        A long pause in microseconds; by default as in ``long_gap``.

    Returns
    -------
    DataFrame
        The columns ``SCHEMA``, sorted by ``lead_id``. ``active_at`` is when something
        last happened to the lead; ``quiet`` says that nothing has for longer than nine
        in ten pauses between two things that happened to a lead; ``closed`` that it has
        converted or was lost; ``called_at`` and ``called_how`` are as in
        ``called_this_week``, null if it was not.
    """
    asked = history.leads.select("lead", "lead_id", moment=pl.lit(history.cut_off))
    asked = asked.with_row_index("row")
    cards = history.cards(asked).select("created_at", "source", "pipeline", "owner")
    stood = history.latest("stages", asked).select("stage", moved="pipeline")
    still = open_leads(history, settings, funnel=funnel)["lead_id"]
    stirs = _stirs(history, asked)
    last = stirs.group_by("lead").agg(pl.col("at").max())
    active = pl.coalesce("at", "created_at")
    long = _long_gap(stirs) if gap is None else gap
    made = (
        pl.concat([asked, cards, stood], how="horizontal")
        .with_columns(pl.coalesce("moved", "pipeline").alias("pipeline"))
        .join(last, on="lead", how="left", maintain_order="left")
        .with_columns(active.alias("active_at"))
        .with_columns(
            quiet=pl.col("moment") - pl.col("active_at") > long,
            closed=~pl.col("lead_id").is_in(still.implode()),
        )
    )
    calls = called_this_week(history, settings)
    made = made.join(calls, on="lead_id", how="left", maintain_order="left")
    return made.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def long_gap(history: History, _: Settings) -> int:
    """Measure in microseconds a pause that is longer than nine in ten."""
    moments = history.leads.select("lead", "lead_id", moment=pl.lit(history.cut_off))
    return _long_gap(_stirs(history, moments.with_row_index("row")))


def place_of(row: Mapping[str, Any]) -> Place:
    """Read one row of the whereabouts."""
    named = {name: row[name] for name in ("source", "pipeline", "stage", "owner")}
    active_at = moment_of(row["active_at"])
    return Place(**named, active_at=active_at, quiet=row["quiet"], closed=row["closed"])


def waiting_of(ranked: pl.DataFrame) -> tuple[Waiting, ...]:
    """Count by manager the open leads, the hot ones, and of these the quiet ones.

    Parameters
    ----------
    ranked
        ``tier``, ``owner``, ``quiet`` and ``closed`` of predicted leads.
    """
    hot = pl.col("tier") == Tier.HOT.value
    counted = (
        ranked.filter(~pl.col("closed"))
        .group_by("owner")
        .agg(
            pl.len().alias("open"),
            hot.sum().alias("hot"),
            (hot & pl.col("quiet")).sum().alias("waits"),
        )
        .sort("waits", "hot", "open", "owner",
              descending=[True, True, True, False], nulls_last=True)
    )  # fmt: skip
    return tuple(Waiting(*row) for row in counted.iter_rows())


def _stirs(history: History, asked: pl.DataFrame) -> pl.DataFrame:
    """List what happened to leads up to the cut-off: ``lead``, ``at``."""
    seen = [history.visible(name, asked).select("lead", "at") for name in STIRS]
    return pl.concat(seen).collect()


def _long_gap(stirs: pl.DataFrame) -> int:
    gap = stirs.sort("lead", "at").select(
        pl.col("at").diff().over("lead").quantile(LONG_GAP)
    )
    return int(gap.item() or 2**62)
