"""How long leads usually stay in each stage and deals take, as known at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from leads.cycles import cycle_of, mean_cycles
from leads.funnel import NO_PIPELINE, stage_moves
from leads.history import History
from leads.settings import Criteria

DAY: Final = 86_400_000_000
FEWEST_STAYS: Final = 10
"""Fewer ended stays tell no usual length; then it is not known."""

NOTHING_ASKED: Final = Criteria()


@dataclass(frozen=True, slots=True)
class Norms:
    """The median stay in days by pipeline and stage; absent where too few ended.

    ``cycles`` are the mean days to a deal (``leads.cycles``), ``criteria`` says which
    card fields answer the four questions of the 50 % group.
    """

    days: Mapping[tuple[str, str], float] = field(default_factory=dict)
    cycles: Mapping[str, float] = field(default_factory=dict)
    criteria: Criteria = NOTHING_ASKED

    @classmethod
    def of(cls, history: History, criteria: Criteria = NOTHING_ASKED) -> Norms:
        """Measure the stays and deals that ended up to the cut-off of a history."""
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
        stays = {(pipeline, stage): days for pipeline, stage, days in rows}
        return cls(stays, mean_cycles(history), criteria)

    def cycle(self, pipeline: str | None) -> float | None:
        """Give the mean days to a deal; None if that is not known."""
        return cycle_of(self.cycles, pipeline)

    def usual(self, pipeline: str | None, stage: str) -> float | None:
        """Give the usual stay in days; None if that is not known."""
        return self.days.get((pipeline or NO_PIPELINE, stage))
