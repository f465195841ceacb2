"""The funnel: each pipeline's stages in order, and which of them close a lead.

Nobody has to declare a funnel: both are learned from how leads moved. ``[funnel] won``
and ``lost`` in the configuration replace the learned closing stages by those named.

**Order.** Of two stages the one that comes first in the majority of the leads that saw
both at different times is the earlier; stages are sorted by rivals beaten minus rivals
lost to (Copeland's method), so leads that skip or are born late in the funnel do not
distort it. Ties go by the median age of a lead at its first entry, then by name.
Closing stages stand at the end, lost before won.

**Closing.** A stage closes leads if, among at least ten entries old enough to judge
(older than nine in ten of that pipeline's stays),

1. it is not where leads begin: most entries come later than the lead itself;
2. most stay: at most three in ten ever leave it. Lost leads are taken up again more
   often than one would think; in the middle of a working funnel hardly any lead stays;
3. it settles the question: it is not so that more than a tenth of its entries convert
   while they are in it and more than another tenth never convert.

It is won if at least half of the leads that entered it have converted, lost otherwise.
A lead is closed while its last stage change is into a closing stage: one that leaves
again is open again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal

import polars as pl

from leads.tables import Tables

NO_PIPELINE: Final = ""
"""The pipeline of leads that have none."""

FEWEST_ENTRIES: Final = 10
MOST_LEAVING: Final = 0.3
NEARLY_NONE: Final = 0.1
BIRTH: Final = timedelta(minutes=5)
State = Literal["open", "won", "lost"]
_STAGE: Final = ("pipeline", "stage")


@dataclass(frozen=True)
class Funnel:
    """Stages by pipeline, in order, and the closing ones among them.

    Examples
    --------
    >>> funnel = Funnel({"": ("new", "lost", "won")}, {"": ("won",)}, {"": ("lost",)})
    >>> [funnel.state_of(None, stage) for stage in funnel.order[""]]
    ['open', 'lost', 'won']
    """

    order: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    won: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lost: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def state_of(self, pipeline: str | None, stage: str | None) -> State:
        """Say whether a lead in that stage is open, won or lost."""
        name = pipeline or NO_PIPELINE
        if stage in self.won.get(name, ()):
            return "won"
        return "lost" if stage in self.lost.get(name, ()) else "open"

    @property
    def closing(self) -> pl.DataFrame:
        """The closing stages as a frame: ``pipeline``, ``stage``, ``state``."""
        rows = [
            (pipeline, stage, state)
            for state, stages in (("won", self.won), ("lost", self.lost))
            for pipeline, names in stages.items()
            for stage in names
        ]
        schema = dict.fromkeys((*_STAGE, "state"), pl.String())
        return pl.DataFrame(rows, schema=schema, orient="row")


def learn_funnel(
    tables: Tables,
    *,
    won: Sequence[str] = (),
    lost: Sequence[str] = (),
    converted: pl.DataFrame | None = None,
) -> Funnel:
    """Learn the order of stages and the closing ones from how leads moved.

    Parameters
    ----------
    won, lost
        Names of closing stages; if any is given, none is learned.
    converted
        ``lead_id`` and ``converted_at`` (datetime) of leads that converted; by default
        the first money received.
    """
    moves = stage_moves(tables)
    if moves.is_empty():
        return Funnel()
    if won or lost:
        closing = _named(moves, won=won, lost=lost)
    else:
        first = _first_money(tables) if converted is None else converted
        closing = _learned(moves, first, tables)
    return _ordered(moves, closing)


def stage_moves(tables: Tables) -> pl.DataFrame:
    """List the moves between different stages, in content order.

    The stages with ``pipeline`` filled (the change's own, else the lead's, else
    ``NO_PIPELINE``), without changes into the stage the lead was already in.
    """
    leads = tables.leads.select("lead_id", "created_at", of_lead=pl.col("pipeline"))
    again = pl.struct(*_STAGE) == pl.struct(*_STAGE).shift(1).over("lead_id")
    return (
        tables.stages.join(leads, on="lead_id", maintain_order="left")
        .with_columns(pl.coalesce("pipeline", "of_lead", pl.lit(NO_PIPELINE)))
        .filter(~again.fill_null(value=False))
        .drop("of_lead")
    )


def _first_money(tables: Tables) -> pl.DataFrame:
    received = tables.payments.filter(pl.col("amount_minor") > 0)
    return received.group_by("lead_id").agg(converted_at=pl.col("at").min())


def _named(
    moves: pl.DataFrame, *, won: Sequence[str], lost: Sequence[str]
) -> pl.DataFrame:
    state = (
        pl.when(pl.col("stage").is_in(list(won))).then(pl.lit("won"))
        .when(pl.col("stage").is_in(list(lost))).then(pl.lit("lost"))
        .alias("state")
    )  # fmt: skip
    return moves.select(*_STAGE).unique().with_columns(state).drop_nulls("state")


def _learned(
    moves: pl.DataFrame, converted: pl.DataFrame, tables: Tables
) -> pl.DataFrame:
    stay = pl.col("at").shift(-1).over("lead_id") - pl.col("at")
    entries = moves.with_columns(stay=stay).join(converted, on="lead_id", how="left")
    watched = pl.col("stay").quantile(0.9).over("pipeline").fill_null(timedelta())
    later = pl.col("converted_at") > pl.col("at")
    in_it = later & (pl.col("converted_at") <= pl.col("at") + pl.col("stay"))
    counts = (
        entries.filter(pl.col("at") + watched <= tables.cut_off)
        .group_by(*_STAGE)
        .agg(
            entered=pl.len(),
            left=pl.col("stay").is_not_null().mean(),
            born=(pl.col("at") - pl.col("created_at") <= BIRTH).mean(),
            within=in_it.fill_null(later).fill_null(value=False).mean(),
            never=pl.col("converted_at").is_null().mean(),
        )
    )
    state = pl.when(pl.col("never") <= 0.5).then(pl.lit("won")).otherwise(
        pl.lit("lost")
    )  # fmt: skip
    return counts.filter(
        pl.col("entered") >= FEWEST_ENTRIES,
        pl.col("born") <= 0.5,
        pl.col("left") <= MOST_LEAVING,
        (pl.col("within") <= NEARLY_NONE) | (pl.col("never") <= NEARLY_NONE),
    ).select(*_STAGE, state=state)


def _ordered(moves: pl.DataFrame, closing: pl.DataFrame) -> Funnel:
    age = pl.col("at") - pl.col("created_at")
    firsts = moves.group_by("lead_id", *_STAGE).agg(pl.col("at").min(), age=age.min())
    ages = firsts.group_by(*_STAGE).agg(pl.col("age").median())
    # Unknown to the join: a stage open for good. Lost before won at the end.
    rank = pl.col("state").replace_strict({"lost": 1, "won": 2}, default=0)
    ranked = (
        ages.join(_points(firsts), on=_STAGE, how="left")
        .join(closing, on=_STAGE, how="left")
        .with_columns(rank.alias("rank"), pl.col("points").fill_null(0))
        .sort("pipeline", "rank", -pl.col("points"), "age", "stage")
    )
    return Funnel(
        order=_by_pipeline(ranked),
        won=_by_pipeline(ranked.filter(pl.col("state") == "won")),
        lost=_by_pipeline(ranked.filter(pl.col("state") == "lost")),
    )


def _points(firsts: pl.DataFrame) -> pl.DataFrame:
    """Count for each stage the rivals it precedes minus those that precede it."""
    pairs = (
        firsts.lazy()
        .join(firsts.lazy(), on=["lead_id", "pipeline"], suffix="_rival")
        .filter(pl.col("stage") != pl.col("stage_rival"))
        .group_by(*_STAGE, "stage_rival")
        .agg(
            ahead=(pl.col("at") < pl.col("at_rival")).sum().cast(pl.Int64),
            behind=(pl.col("at") > pl.col("at_rival")).sum().cast(pl.Int64),
        )
    )
    points = (pl.col("ahead") - pl.col("behind")).sign().sum().alias("points")
    return pairs.group_by(*_STAGE).agg(points).collect()


def _by_pipeline(ranked: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    grouped = ranked.group_by("pipeline", maintain_order=True).agg("stage")
    return {pipeline: tuple(stages) for pipeline, stages in grouped.iter_rows()}
