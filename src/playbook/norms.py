"""How long leads usually stay in each stage, as known at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from leads.funnel import NO_PIPELINE, stage_moves
from leads.history import History

DAY: Final = 86_400_000_000
FEWEST_STAYS: Final = 10
"""Fewer ended stays tell no usual length; then it is not known."""


@dataclass(frozen=True, slots=True)
class Norms:
    """The median stay in days by pipeline and stage; absent where too few ended."""

    days: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @classmethod
    def of(cls, history: History) -> Norms:
        """Measure the stays that ended up to the cut-off of a history."""
        moves = stage_moves(history.tables)
        stay = (pl.col("at").shift(-1) - pl.col("at")).over("lead_id")
        ended = moves.select(
            "pipeline", "stage", days=stay.dt.total_microseconds() / DAY
        ).drop_nulls("days")
        usual = (
            ended.group_by("pipeline", "stage")
            .agg(pl.col("days").median(), stays=pl.len())
            .filter(pl.col("stays") >= FEWEST_STAYS, pl.col("days") > 0)
        )
        rows = usual.select("pipeline", "stage", "days").iter_rows()
        return cls({(pipeline, stage): days for pipeline, stage, days in rows})

    def usual(self, pipeline: str | None, stage: str) -> float | None:
        """Give the usual stay in days; None if that is not known."""
        return self.days.get((pipeline or NO_PIPELINE, stage))
