"""What each order of calls would have caught, at the team's capacity.

Every week of the past the team calls so many of the leads open then, in an order, and
nobody twice. A call catches what that lead then did within the horizon: a conversion,
and its money. So an order that calls a lead too late catches nothing of it. What the
past cannot tell is whether the call itself helped: a conversion that would have come
anyway counts as caught. That is for the hold-out (``model.benefit.heldout``).

Orders are compared on the same leads and weeks. An interval of a difference is the
wider of two bootstraps, by lead and by week: leads repeat over weeks, and weeks share
their weather.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from model.benefit.orders import OURS, Order
from model.features.catalog import Numbers

RESAMPLES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Span:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Caught:
    """What one order caught; ``more_deals`` and ``more_money``: the standard less it.

    ``money`` is in the smallest unit; both differences are None of the standard itself.
    """

    order: str
    calls: int
    deals: int
    money: int
    more_deals: Span | None
    more_money: Span | None


@dataclass(frozen=True, slots=True)
class Benefit:
    """All orders at one capacity, and what there was to catch.

    ``standard`` is the order that the others are held against.
    """

    per_week: int
    weeks: int
    leads: int
    there_deals: int
    there_money: int
    orders: tuple[Caught, ...]
    standard: str = OURS


def hold_orders(
    replayed: pl.DataFrame,
    orders: Mapping[str, Order],
    *,
    per_week: int,
    seed: int,
    standard: str = OURS,
) -> Benefit:
    """Call through the past in every order.

    Parameters
    ----------
    replayed
        ``model.backtest.weeks.ROWS``.
    orders
        By name; one of them is the ``standard``.
    per_week
        How many leads the team calls in a week.
    """
    called = {name: call(replayed, key, per_week) for name, key in orders.items()}
    ours = called[standard]
    best = replayed.group_by("lead_id").agg(
        deal=pl.col("label").any(),
        money=pl.when("label").then("money").otherwise(0).max(),
    )
    return Benefit(
        per_week=per_week,
        weeks=replayed["moment"].n_unique(),
        leads=len(best),
        there_deals=int(best["deal"].sum()),
        there_money=int(best["money"].sum()),
        orders=tuple(
            _caught(name, mine, None if name == standard else ours, seed)
            for name, mine in called.items()
        ),
        standard=standard,
    )


def call(replayed: pl.DataFrame, order: Order, per_week: int) -> pl.DataFrame:
    """List who is called when: ``lead_id``, ``moment``, ``deal``, ``money``."""
    ranked = replayed.with_columns(key=order(replayed)).sort(
        "moment", "key", "lead_id", descending=[False, True, False]
    )
    seen: set[str] = set()
    chosen: list[int] = []
    ids, moments = ranked["lead_id"].to_list(), ranked["moment"].to_list()
    left, now = 0, None
    for place, (lead_id, moment) in enumerate(zip(ids, moments, strict=True)):
        if moment != now:
            left, now = per_week, moment
        if left and lead_id not in seen:
            seen.add(lead_id)
            chosen.append(place)
            left -= 1
    return ranked[chosen].select(
        "lead_id",
        "moment",
        deal=pl.col("label").cast(pl.Float64),
        money=pl.when("label").then("money").otherwise(0).cast(pl.Float64),
    )


def _caught(
    name: str, mine: pl.DataFrame, ours: pl.DataFrame | None, seed: int
) -> Caught:
    more = {what: None if ours is None else difference(ours, mine, what, seed=seed)
            for what in ("deal", "money")}  # fmt: skip
    return Caught(
        order=name,
        calls=len(mine),
        deals=round(mine["deal"].sum()),
        money=round(mine["money"].sum()),
        more_deals=more["deal"],
        more_money=more["money"],
    )


def difference(
    ours: pl.DataFrame, theirs: pl.DataFrame, what: str, *, seed: int
) -> Span:
    """Give what ours caught more, with the wider interval of two bootstraps."""
    signed = pl.concat(
        [
            ours.select("lead_id", "moment", value=pl.col(what)),
            theirs.select("lead_id", "moment", value=-pl.col(what)),
        ]
    )
    spans = [
        _bootstrapped(signed.group_by(by).agg(pl.col("value").sum()).sort(by), seed)
        for by in ("lead_id", "moment")
    ]
    widest = max(spans, key=lambda one: one.high - one.low)
    return Span(float(signed["value"].sum()), widest.low, widest.high)


def _bootstrapped(groups: pl.DataFrame, seed: int) -> Span:
    values: Numbers = groups["value"].to_numpy()
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(values), (RESAMPLES, len(values)))
    sums = values[draws].sum(axis=1)
    low, high = np.quantile(sums, [0.025, 0.975])
    return Span(float(values.sum()), float(low), float(high))
