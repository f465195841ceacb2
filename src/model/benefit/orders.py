"""Orders in which open leads may be called; each is a ranking of replayed rows.

An order is a function from replayed rows (``model.backtest.weeks.ROWS``) to one sort
key per row, (n,), the highest called first. Whoever has another (points of a scorecard,
say) adds it to the mapping that ``model.benefit.calls.hold_orders`` takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import polars as pl

from leads.decision import Tier
from leads.settings import StageMap
from model.distance.maps import hand_set

Order = Callable[[pl.DataFrame], pl.Series]
OURS: Final = "ours"
PLAN: Final = "plan"
POINTS: Final = "points"
ANY_LEAVES: Final = 10_000
"""More leaves than a playbook has."""

NO_POINTS: Final = -1e9
TIER_RANK: Final[Mapping[str, float]] = {
    Tier.HOT.value: 3.0, Tier.WARM.value: 2.0, Tier.COLD.value: 1.0,
    Tier.NO_DATA.value: 0.0,
}  # fmt: skip


def by_tier(rows: pl.DataFrame) -> pl.Series:
    """Call hot before warm before cold, the likeliest of each first."""
    return _tiers(rows) + rows["chance"]


def by_tier_and_money(rows: pl.DataFrame) -> pl.Series:
    """Call hot before warm before cold, who is expected to bring most of each first."""
    return _tiers(rows) + by_money(rows).rank("average") / (len(rows) + 1)


def _tiers(rows: pl.DataFrame) -> pl.Series:
    return rows["tier"].replace_strict(TIER_RANK, return_dtype=pl.Float64)


def by_plan(rows: pl.DataFrame) -> pl.Series:
    """Call whom the playbook's leaves say to call, in the order of the file.

    Leaves that ask for no call come after all that do; within one leaf the likeliest
    comes first. Chances are below one and leaves one apart.
    """
    calls = rows["calls"].fill_null(value=False).cast(pl.Float64) * ANY_LEAVES
    leaf = rows["leaf"].fill_null(ANY_LEAVES).cast(pl.Float64)
    return calls - leaf + rows["chance"]


def by_points(rows: pl.DataFrame) -> pl.Series:
    """Call who has the most points, who came first first."""
    waits = rows["created_at"].rank("ordinal", descending=True) / (len(rows) + 1)
    return rows["points"].fill_null(NO_POINTS) + waits


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
    maps: Sequence[StageMap],
    order: Mapping[str, Sequence[str]],
    *,
    by: Literal["chance", "money"] = "chance",
) -> Mapping[str, Order]:
    """Give ours, as ``[tiers] by`` sorts it, and the ones that it is held against."""
    return {
        OURS: by_tier if by == "chance" else by_tier_and_money,
        "money": by_money,
        "arrival": by_arrival,
        "newest": by_newest,
        "stage": by_stage(maps, order),
    }


def said_orders(rows: pl.DataFrame) -> Mapping[str, Order]:
    """Give the orders of playbook and points, where rows say what they said."""
    known = {
        name
        for name in ("leaf", "points")
        if name in rows.columns and rows[name].is_not_null().any()
    }
    orders: dict[str, Order] = {PLAN: by_plan} if "leaf" in known else {}
    return orders | ({POINTS: by_points} if "points" in known else {})
