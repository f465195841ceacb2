"""Which row held when: many look-ups into many leads' rows at once, in numpy.

Several times faster than an as-of join by group, and exact where rows are recorded
late, which an as-of join on one time is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl


@dataclass(frozen=True)
class Timeline:
    """Which row of a table is the last visible one of its lead, and since when.

    A row recorded late becomes visible after ones that happened later, and is not the
    last one then; hence the running maximum of ``order`` over ``since``.
    """

    lead: npt.NDArray[np.uint32]
    since: npt.NDArray[np.int64]
    order: npt.NDArray[np.uint32]

    @classmethod
    def of(cls, table: pl.DataFrame) -> Timeline:
        """Prepare a coded table: ``lead``, ``order``, ``at``, ``recorded_at``."""
        made = (
            table.lazy()
            .select("lead", "order", pl.max_horizontal("at", "recorded_at"))
            .rename({"at": "since"})
            .sort("lead", "since", "order")
            .with_columns(pl.col("order").cum_max().over("lead"))
            .collect()
        )
        return cls(*(made[c].to_numpy() for c in ("lead", "since", "order")))

    def last(self, asked: pl.DataFrame) -> pl.Series:
        """Return the ``order`` of the last visible row for each (lead, moment)."""
        if not len(self.order):
            return pl.repeat(None, len(asked), dtype=pl.UInt32, eager=True)
        lead, moment = asked["lead"].to_numpy(), asked["moment"].to_numpy()
        first = np.searchsorted(self.lead, lead, side="left")
        low, high = first.copy(), np.searchsorted(self.lead, lead, side="right")
        while (open_ := low < high).any():  # halve all searches at once
            middle = (low + high) >> 1
            right = open_.copy()
            right[open_] = self.since[middle[open_]] <= moment[open_]
            high = np.where(open_ & ~right, middle, high)
            low = np.where(right, middle + 1, low)
        found = pl.Series("order", self.order[np.maximum(low - 1, 0)])
        return pl.select(
            pl.when(pl.Series(low > first)).then(found).alias("order")
        ).to_series()

    def has_rows(self, asked: pl.DataFrame) -> npt.NDArray[np.bool_]:
        """Say whether the lead has any row at all, also later ones."""
        return np.isin(asked["lead"].to_numpy(), self.lead)
