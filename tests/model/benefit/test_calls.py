from __future__ import annotations

import polars as pl
import pytest

from model.backtest.weeks import ROWS
from model.benefit.calls import call, difference, hold_orders
from model.benefit.heldout import compare_arms
from model.benefit.orders import by_arrival, by_stage, by_tier

WEEK = 7 * 86_400_000_000


def replayed(*rows: tuple[int, str, float, bool]) -> pl.DataFrame:
    """Make rows of (week, lead, chance, converts); the surer the later they came."""
    made = [
        {"month": "2026-01", "moment": week * WEEK, "lead_id": lead, "pipeline": "",
         "stage": "new", "created_at": round(chance * 100), "chance": chance,
         "tier": "warm", "amount": 100.0, "stage_rate": 0.1, "mean_amount": 100.0,
         "label": won, "money": 500}
        for week, lead, chance, won in rows
    ]  # fmt: skip
    return pl.DataFrame(made, schema=dict(ROWS))


def test_nobody_is_called_twice_and_no_more_than_the_team_can() -> None:
    """The second week goes on where the first one ended."""
    rows = replayed(
        (0, "a", 0.9, True), (0, "b", 0.5, False), (0, "c", 0.1, False),
        (1, "a", 0.9, True), (1, "b", 0.5, True), (1, "c", 0.1, False),
    )  # fmt: skip

    made = call(rows, by_tier, 1)

    assert made.select("lead_id", "moment").rows() == [("a", 0), ("b", WEEK)]
    assert made["deal"].to_list() == [1.0, 1.0]


def test_a_call_catches_only_what_came_within_the_horizon_of_it() -> None:
    """Money of a lead that did not convert after the call counts for nothing."""
    rows = replayed((0, "a", 0.9, False), (0, "b", 0.1, True))

    found = hold_orders(
        rows, {"ours": by_tier, "arrival": by_arrival}, per_week=1, seed=1
    )

    ours, arrival = found.orders
    assert (ours.deals, ours.money, arrival.deals, arrival.money) == (0, 0, 1, 500)
    assert arrival.more_deals is not None
    assert arrival.more_deals.value == -1.0


def test_orders_that_agree_differ_by_nothing() -> None:
    """The same list against itself has no difference and no interval."""
    rows = replayed(*((w, f"{w}{n}", n / 9, n > 5) for w in range(4) for n in range(9)))
    mine = call(rows, by_tier, 3)

    found = difference(mine, mine, "deal", seed=1)

    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_stages_rank_by_their_percentage() -> None:
    """Who is nearer to the deal by hand is called first, then who came first."""
    rows = replayed((0, "a", 0.2, True), (0, "b", 0.1, True)).with_columns(
        stage=pl.Series(["late", "new"])
    )

    key = by_stage([], {"": ["new", "late"]})(rows)

    assert key[0] > key[1]


@pytest.mark.parametrize(("count", "told"), [(29, False), (30, True)])
def test_arms_are_compared_only_when_both_are_large_enough(
    count: int, told: object
) -> None:
    """Below thirty known outcomes in an arm nothing is said; open ones wait."""
    drawn = pl.DataFrame(
        {
            "arm": ["random"] * count + ["held"] * 100 + ["held"] * 3,
            "label": [True] * 10 + [False] * (count - 10) + [False] * 100 + [None] * 3,
        }
    )

    found = compare_arms(drawn)

    assert (found.difference is not None) == told
    assert (found.called_deals, found.held, found.waiting) == (10, 100, 3)
