from __future__ import annotations

import polars as pl
from tests.model.benefit.test_calls import replayed

from model.benefit.calls import call
from model.benefit.orders import (
    by_money,
    by_plan,
    by_points,
    by_tier,
    by_tier_and_money,
    said_orders,
    usual_orders,
)


def rows() -> pl.DataFrame:
    """Make four leads of one week, with what playbook and points say of them."""
    return replayed(
        (0, "a", 0.9, False), (0, "b", 0.5, False), (0, "c", 0.6, False),
        (0, "d", 0.1, False),
    ).with_columns(
        leaf=pl.Series([0, 2, 2, 1]),
        calls=pl.Series([False, True, True, True]),
        points=pl.Series([5.0, 9.0, 5.0, None]),
    )  # fmt: skip


def called(order: object) -> list[str]:
    """List whom an order calls, one after the other."""
    return call(rows(), order, 4)["lead_id"].to_list()  # type: ignore[arg-type]  # an Order


def test_the_playbook_calls_whom_its_leaves_say_in_the_order_of_the_file() -> None:
    """Leaves without a call come last, and in a leaf the likeliest comes first."""
    assert called(by_plan) == ["d", "c", "b", "a"]


def test_points_rank_by_points_then_by_arrival() -> None:
    """Who has none comes last; of the same number who came first."""
    assert called(by_points) == ["b", "c", "a", "d"]


def test_ours_is_sorted_as_the_list_is() -> None:
    """By money a tier is gone through by expected money, and tiers stay above all."""
    money = rows().with_columns(
        amount=pl.Series([100.0, 900.0, 100.0, 9_000.0]),
        tier=pl.Series(["hot", "hot", "warm", "warm"]),
    )

    first = call(money, by_tier_and_money, 4)["lead_id"].to_list()

    assert first == ["b", "a", "d", "c"]
    assert call(money, by_tier, 4)["lead_id"].to_list() == ["a", "b", "c", "d"]
    assert call(money, by_money, 1)["lead_id"].to_list() == ["d"]
    assert usual_orders([], {}, by="money")["ours"] is by_tier_and_money
    assert usual_orders([], {})["ours"] is by_tier


def test_only_what_was_said_is_an_order() -> None:
    """Without a playbook and without points there is no order of theirs."""
    nothing = rows().with_columns(leaf=pl.lit(None), points=pl.lit(None))

    assert list(said_orders(rows())) == ["plan", "points"]
    assert not said_orders(nothing)
    assert not said_orders(rows().drop("leaf", "points", "calls"))
