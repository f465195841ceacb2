"""Orders in which open leads may be called; each is a ranking of replayed rows.

An order is a function from replayed rows (``model.replay.ROWS``) to one sort key per
row, (n,), the highest called first. Whoever has another (points of a scorecard, say)
adds it to the mapping that ``model.benefit.calls.hold_orders`` takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import polars as pl

from leads.decision import Tier
from leads.settings import StageMap
from model.distance.maps import hand_set

Order = Callable[[pl.DataFrame], pl.Series]
OURS: Final = "ours"
TIER_RANK: Final[Mapping[str, float]] = {
    Tier.HOT.value: 3.0, Tier.WARM.value: 2.0, Tier.COLD.value: 1.0,
    Tier.NO_DATA.value: 0.0,
}  # fmt: skip


def by_tier(rows: pl.DataFrame) -> pl.Series:
    """Call hot before warm before cold, the likeliest of each first."""
    ranks = rows["tier"].replace_strict(TIER_RANK, return_dtype=pl.Float64)
    return ranks + rows["chance"]


def by_money(rows: pl.DataFrame) -> pl.Series:
    """Call first who is expected to bring most: chance times amount."""
    return rows["chance"] * rows["amount"].fill_null(0.0)


def by_arrival(rows: pl.DataFrame) -> pl.Series:
    """Call who came first, first."""
    return -rows["created_at"].cast(pl.Float64)


def by_newest(rows: pl.DataFrame) -> pl.Series:
    """Call who came last, first."""
    return rows["created_at"].cast(pl.Float64)


def by_stage(maps: Sequence[StageMap], order: Mapping[str, Sequence[str]]) -> Order:
    """Call by the hand-set percentage of the stage, who came first first."""
    percents = pl.DataFrame(
        [
            (pipeline, stage, float(hand.percent))
            for pipeline, stages in order.items()
            for stage, hand in hand_set(maps, pipeline, stages).items()
        ],
        schema={"pipeline": pl.String, "stage": pl.String, "percent": pl.Float64},
        orient="row",
    )

    def ranking(rows: pl.DataFrame) -> pl.Series:
        asked = rows.select("pipeline", "stage", "created_at").join(
            percents, on=["pipeline", "stage"], how="left", maintain_order="left"
        )
        # Within one percentage by arrival: ranks are below one, percentages five apart.
        waits = asked["created_at"].rank("ordinal", descending=True) / (len(rows) + 1)
        return asked["percent"].fill_null(0.0) + waits

    return ranking


def usual_orders(
    maps: Sequence[StageMap], order: Mapping[str, Sequence[str]]
) -> Mapping[str, Order]:
    """Give ours and the ones that it is held against."""
    return {
        OURS: by_tier,
        "money": by_money,
        "arrival": by_arrival,
        "newest": by_newest,
        "stage": by_stage(maps, order),
    }
