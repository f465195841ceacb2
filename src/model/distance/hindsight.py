"""The forecast held against what was then sold, beside two that need no model.

Three forecasts are made at the first moment of each past month about the leads that
were open then: the *model's*; by the *hand*-set percentage of the stage; and by the
*count* of what had converted from the stage by then. The last two multiply by the mean
first payment of the pipeline. All three are judged on the same leads, months and
pipelines; what widens an interval (drift, scatter) is learned from the months before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import polars as pl

from leads.settings import StageMap
from model.distance.forecast import (
    Doubt,
    Interval,
    drift_of,
    expected_counts,
    expected_money,
    scatter_of,
)
from model.distance.maps import hand_set
from model.features.catalog import Numbers

Way = Literal["model", "hand", "count"]
WAYS: Final[tuple[Way, ...]] = ("model", "hand", "count")
ALL: Final = "*"
"""Stands for all pipelines together."""


@dataclass(frozen=True, slots=True)
class Held:
    """One forecast of one month and pipeline, and what happened; money in minor units.

    ``leads`` were open at the month's first moment.
    """

    month: str
    pipeline: str
    way: Way
    leads: int
    deals: Interval
    sold: int
    money: Interval
    paid: int


@dataclass(frozen=True, slots=True)
class Error:
    """How wrong one way was over all months, pipelines together.

    ``off_deals`` and ``off_money`` are mean absolute errors as parts of what happened,
    ``lean_deals`` and ``lean_money`` the same with their sign (above nought: promised
    too much). The cover is the part of intervals that held, of all months and pipelines
    (``cells``).
    """

    way: Way
    months: int
    cells: int
    off_deals: float
    lean_deals: float
    cover_deals: float
    off_money: float
    lean_money: float
    cover_money: float


@dataclass(frozen=True, slots=True)
class Hindsight:
    """All forecasts of the past and their errors; ``doubt`` is what they teach."""

    held: tuple[Held, ...]
    errors: tuple[Error, ...]
    doubt: Doubt


def hold_against(
    replayed: pl.DataFrame,
    maps: Sequence[StageMap],
    order: Mapping[str, Sequence[str]],
    *,
    seed: int,
) -> Hindsight:
    """Forecast the past months, and hold that against what happened.

    Parameters
    ----------
    replayed
        ``model.backtest.weeks.ROWS``; only the first moment of each month is looked at.
    order
        The open stages of each pipeline, in order.
    """
    rows = _prepared(replayed, maps, order)
    held: list[Held] = []
    past: dict[Way, list[pl.DataFrame]] = {way: [] for way in WAYS}
    for (_,), month in rows.group_by("month", maintain_order=True):
        for way in WAYS:
            doubt = learn_doubt(past[way], way)
            held.extend(_forecasts(month, way, doubt, seed))
            past[way].append(month)
    errors = tuple(_error(way, [one for one in held if one.way == way]) for way in WAYS)
    return Hindsight(
        tuple(held), errors if held else (), learn_doubt(past["model"], "model")
    )


def learn_doubt(months: Sequence[pl.DataFrame], way: Way) -> Doubt:
    """Learn drift and scatter of one way from past months."""
    if not months:
        return Doubt()
    pairs = [(_chances(m, way), m["label"].cast(pl.Float64).to_numpy()) for m in months]
    paid = pl.concat(months).filter(pl.col("label") & (pl.col("money") > 0))
    said = _amounts(paid, way)
    return Doubt(
        drift_of(pairs), scatter_of(said, paid["money"].cast(pl.Float64).to_numpy())
    )


def _prepared(
    replayed: pl.DataFrame,
    maps: Sequence[StageMap],
    order: Mapping[str, Sequence[str]],
) -> pl.DataFrame:
    firsts = replayed.filter(pl.col("moment") == pl.col("moment").min().over("month"))
    percents = pl.DataFrame(
        [
            (pipeline, stage, hand.percent / 100.0)
            for pipeline, stages in order.items()
            for stage, hand in hand_set(maps, pipeline, stages).items()
        ],
        schema={"pipeline": pl.String, "stage": pl.String, "hand": pl.Float64},
        orient="row",
    )
    lowest = percents.group_by("pipeline").agg(lowest=pl.col("hand").min())
    return (
        firsts.join(percents, on=["pipeline", "stage"], how="left")
        .join(lowest, on="pipeline", how="left")
        .with_columns(
            hand=pl.coalesce("hand", "lowest", pl.lit(0.0)),
            count=pl.col("stage_rate").fill_null(0.0),
            mean_amount=pl.col("mean_amount").fill_null(0.0),
        )
        .with_columns(amount=pl.coalesce("amount", "mean_amount"))
        .sort("month", "lead_id")
    )


def _forecasts(
    month: pl.DataFrame, way: Way, doubt: Doubt, seed: int
) -> Iterator[Held]:
    parts = [(ALL, month)]
    parts += [(str(name), part) for (name,), part in month.group_by("pipeline")]
    for name, part in sorted(parts, key=lambda item: item[0]):
        chances, amounts = _chances(part, way), _amounts(part, way)
        yield Held(
            month=part["month"][0],
            pipeline=name,
            way=way,
            leads=len(part),
            deals=expected_counts(chances, doubt),
            sold=int(part["label"].sum()),
            money=expected_money(chances, amounts, doubt, seed=seed),
            paid=int(part.filter("label")["money"].sum()),
        )


def _error(way: Way, held: Sequence[Held]) -> Error:
    whole = [one for one in held if one.pipeline == ALL]
    cells = [one for one in held if one.pipeline != ALL]
    deals = np.array([one.deals.expected - one.sold for one in whole])
    money = np.array([one.money.expected - one.paid for one in whole])
    sold = max(sum(one.sold for one in whole), 1)
    paid = max(sum(one.paid for one in whole), 1)
    return Error(
        way=way,
        months=len(whole),
        cells=len(cells),
        off_deals=float(np.abs(deals).sum() / sold),
        lean_deals=float(deals.sum() / sold),
        cover_deals=_share([one.deals.holds(one.sold) for one in cells]),
        off_money=float(np.abs(money).sum() / paid),
        lean_money=float(money.sum() / paid),
        cover_money=_share([one.money.holds(one.paid) for one in cells]),
    )


def _share(held: Sequence[bool]) -> float:
    return sum(held) / len(held) if held else 0.0


def _chances(rows: pl.DataFrame, way: Way) -> Numbers:
    column = "chance" if way == "model" else way
    return np.asarray(rows[column].to_numpy(), dtype=np.float64)


def _amounts(rows: pl.DataFrame, way: Way) -> Numbers:
    column = "amount" if way == "model" else "mean_amount"
    return np.asarray(rows[column].to_numpy(), dtype=np.float64)
