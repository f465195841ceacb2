"""The law of time: nothing later than a moment changes what is known at it.

Each law holds for random companies (``tests.strategies``) whose rows tie in time with
each other and with the moments, and are often recorded late.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, reject
from hypothesis import settings as examples
from hypothesis import strategies as st
from tests.strategies import (
    START,
    TICK,
    TICKS,
    companies,
    in_content_order,
    random_tables,
    settings,
    with_outcomes,
)  # fmt: skip

from leads.conform import Rules, conform
from leads.conform.raw import RawTable
from leads.errors import DataRefused
from leads.history import History, Payment, microseconds
from leads.settings import Settings
from leads.tables import LEADS, Tables
from model.examples.labels import funnel_of, horizon_of, label
from model.examples.snapshots import CLOSED, CONVERTED, NOT_YET, UNKNOWN, consider, take
from model.examples.split import split

DATED = ("events", "stages", "payments", "field_changes")
SEEDS = st.integers(min_value=0, max_value=2**32 - 1)
CUTS = 500
QUICK = examples(
    max_examples=20, deadline=None, suppress_health_check=list(HealthCheck)
)
TICK_LONG = TICK // TICK.resolution
FIRST = microseconds(START)

PAYMENT = settings(conversion={"horizon_days": 10})
STAGE = settings(conversion={"kind": "stage", "stage": "won", "horizon_days": 10})
REPEAT = settings(conversion={"horizon_days": 10, "repeat": True})


def random_moments(tables: Tables, seed: int, count: int = CUTS) -> pl.DataFrame:
    """Ask for random leads at random moments of the grid; ``cut`` is not earlier."""
    rng = np.random.default_rng(seed)
    at = rng.integers(-2, TICKS + 2, count)
    cut = at + rng.integers(0, 30, count) * rng.integers(0, 2, count)
    return pl.DataFrame(
        {
            "row": pl.Series(range(count), dtype=pl.UInt32),
            "lead_id": rng.choice(tables.leads["lead_id"].to_numpy(), count),
            "moment": FIRST + at * TICK_LONG,
            "cut": FIRST + cut * TICK_LONG,
        }
    )


def worlds(tables: Tables, moments: pl.DataFrame, keep: pl.Expr) -> Tables:
    """Give every moment a world of its own: a copy of its lead with the rows to keep.

    A card that changes is overwritten in the source, so a world that ends before the
    first change knows nothing of that field.
    """
    asked = moments.select("lead_id", "cut", copy=_copy(moments))
    changing = tables.field_changes.select("lead_id", "field").unique()
    leads = tables.leads
    for name in tables.fields:
        changed = changing.filter(pl.col("field") == name)["lead_id"]
        kept = pl.when(~pl.col("lead_id").is_in(changed.implode())).then(name)
        leads = leads.with_columns(kept.alias(name))
    return replace(
        tables,
        leads=_copies(leads, asked, pl.lit(value=True)),
        events=_copies(tables.events, asked, keep),
        stages=_copies(tables.stages, asked, keep),
        payments=_copies(tables.payments, asked, keep),
        field_changes=_copies(tables.field_changes, asked, keep),
    )


def _copy(moments: pl.DataFrame) -> pl.Series:
    return moments.select(pl.format("{}#{}", "lead_id", "row")).to_series()


def _copies(table: pl.DataFrame, asked: pl.DataFrame, keep: pl.Expr) -> pl.DataFrame:
    joined = table.join(asked, on="lead_id").filter(keep)
    copied = joined.with_columns(lead_id="copy").drop("copy", "cut")
    return in_content_order(copied.select(table.columns))


def in_copies(moments: pl.DataFrame) -> pl.DataFrame:
    """Ask the same of the copies."""
    return moments.with_columns(lead_id=_copy(moments))


def seen(history: History, name: str, moments: pl.DataFrame) -> list[tuple[Any, ...]]:
    """List what each row may see of a table, in content order, without ids."""
    rows = history.visible(name, moments).sort("row", "order").collect()
    return rows.drop("lead", "order", "lead_id").rows()


@QUICK
@given(companies(), SEEDS)
def test_later_rows_never_change_what_a_snapshot_sees(
    tables: Tables, seed: int
) -> None:
    """Rows after a cut, by either clock, change nothing at the moments before it."""
    moments = random_moments(tables, seed)
    happened = pl.col("at").cast(pl.Int64) <= pl.col("cut")
    recorded = pl.col("recorded_at").cast(pl.Int64) <= pl.col("cut")
    whole = History(tables)

    cut = History(worlds(tables, moments, happened & recorded))

    copied = in_copies(moments)
    for name in DATED:
        assert seen(cut, name, copied) == seen(whole, name, moments)
        latest = whole.latest(name, moments).drop("lead_id", "order")
        assert cut.latest(name, copied).drop("lead_id", "order").equals(latest)
    assert cut.cards(copied).equals(whole.cards(moments))


@pytest.mark.parametrize("rules", [PAYMENT, STAGE, REPEAT])
def test_what_happens_after_the_horizon_never_changes_a_label(rules: Settings) -> None:
    """Rows later than moment + horizon leave the label as it was: 10,000 moments."""
    decided = set()
    for seed in range(20):
        tables = random_tables(seed)
        moments = random_moments(tables, seed).with_columns(
            cut=pl.col("moment") + horizon_of(rules)
        )
        inside = pl.col("at").cast(pl.Int64) <= pl.col("cut")
        whole, cut = History(tables), History(worlds(tables, moments, inside))
        funnel = funnel_of(whole, rules)

        expected = label(whole, rules, moments, funnel)["label"].to_list()
        found = label(cut, rules, in_copies(moments), funnel)["label"].to_list()

        assert found == expected
        decided |= set(expected)
    assert decided == {True, False, None}


@QUICK
@given(companies(), SEEDS)
def test_one_lead_and_a_batch_see_the_same(tables: Tables, seed: int) -> None:
    """``History`` shows in bulk what ``LeadHistory.as_of`` shows of each lead."""
    moments = random_moments(tables, seed, count=60)
    history = History(tables)

    bulk = {
        name: history.visible(name, moments).sort("order").collect() for name in DATED
    }
    cards = history.cards(moments).drop("row").rows(named=True)

    for asked, card in zip(moments.rows(named=True), cards, strict=True):
        alone = history.lead(asked["lead_id"]).as_of(asked["moment"])
        for name in DATED:
            rows = bulk[name].filter(pl.col("row") == asked["row"])
            rows = rows.drop("row", "moment", "lead", "order", "lead_id")
            assert [tuple(row) for row in getattr(alone, name)] == rows.rows()
        fixed = {name: getattr(alone, name) for name in ("source", "pipeline", "owner")}
        assert card == {"created_at": alone.created_at, **fixed, **alone.fields}


@QUICK
@given(companies(), SEEDS)
def test_looking_back_twice_is_looking_back_once(tables: Tables, seed: int) -> None:
    """As of an earlier moment after a later one is as of the earlier one."""
    history = History(tables)
    for asked in random_moments(tables, seed, count=60).rows(named=True):
        lead = history.lead(asked["lead_id"])

        twice = lead.as_of(asked["cut"]).as_of(asked["moment"])

        assert twice == lead.as_of(asked["moment"])


@QUICK
@given(companies(late=False), st.integers(min_value=0, max_value=TICKS))
def test_snapshots_taken_then_are_those_taken_now(tables: Tables, tick: int) -> None:
    """An ingest of that day gives the snapshots that a later one gives up to it."""
    history, then = History(tables), FIRST + tick * TICK_LONG

    early = take(history.until(then), PAYMENT)
    now = take(history, PAYMENT).filter(pl.col("moment") <= then)

    same = ["lead_id", "moment", "kind", "created_at"]
    assert early.select(same).equals(now.select(same))
    ripe = early["mature"]
    assert early["label"].filter(ripe).equals(now["label"].filter(ripe))


@pytest.mark.parametrize("rules", [PAYMENT, STAGE, REPEAT])
@QUICK
@given(companies(), st.integers(min_value=0, max_value=TICKS))
def test_immature_never_counts_as_lost(
    rules: Settings, tables: Tables, tick: int
) -> None:
    """A label exists if and only if its whole horizon lies before the cut-off."""
    # A stage that no lead ever entered is refused as a slip of the pen.
    assume(rules is not STAGE or "won" in tables.stages["stage"])
    cut_off = START + tick * TICK
    history = History(replace(tables, cut_off=cut_off))

    snapshots = take(history, rules)

    over = snapshots["moment"] + horizon_of(rules) <= microseconds(cut_off)
    assert snapshots["label"].is_not_null().equals(over, check_names=False)
    assert snapshots["mature"].equals(over, check_names=False)
    assert snapshots["censored_why"].is_null().equals(over, check_names=False)


@QUICK
@given(companies(), SEEDS)
def test_order_and_double_delivery_change_nothing(tables: Tables, seed: int) -> None:
    """Rows delivered shuffled and twice give the same snapshots and the same view."""
    rng = np.random.default_rng(seed)
    shuffled = {name: _twice(tables[name], rng) for name in ("leads", *DATED)}
    rules = Rules(zone=ZoneInfo("UTC"), fields=tables.fields)

    again = conform({n: RawTable.of(f, n) for n, f in shuffled.items()}, rules)
    once = conform({n: RawTable.of(tables[n], n) for n in shuffled}, rules)

    first, second = History(once), History(again)
    assert take(second, PAYMENT).equals(take(first, PAYMENT))
    moments = random_moments(tables, seed, count=60)
    for name in DATED:
        assert seen(second, name, moments) == seen(first, name, moments)
    assert second.cards(moments).equals(first.cards(moments))


def _twice(table: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    doubled = pl.concat([table, table])
    return doubled[rng.permutation(len(doubled))]


@QUICK
@given(companies())
def test_only_open_unpaid_leads_give_snapshots(tables: Tables) -> None:
    """A moment is refused exactly if one lead's own history says paid or closed."""
    history = History(tables)
    funnel = funnel_of(history, PAYMENT)
    moments = consider(history, PAYMENT, funnel=funnel)
    asked = moments.filter(~pl.col("refused_why").is_in([NOT_YET, UNKNOWN]))

    for row in asked.rows(named=True):
        whole = history.lead(row["lead_id"])
        then = whole.as_of(row["moment"])
        paid = left_of_money(p for p in whole.payments if p.at <= row["moment"])
        state = "open"
        if then.stages:
            last = then.stages[-1]
            state = funnel.state_of(last.pipeline or then.pipeline, last.stage)
        why = CONVERTED if paid else CLOSED if state != "open" else None
        assert row["refused_why"] == why


def left_of_money(payments: Iterable[Payment]) -> int:
    """Pay onto a stack and refund from its top; what is left, one currency a lead."""
    stack: list[int] = []
    for payment in payments:
        owed = -payment.amount_minor
        if owed <= 0:
            stack.append(-owed)
        while owed > 0 and stack:
            top = stack.pop()
            if top > owed:
                stack.append(top - owed)
            owed -= top
    return sum(stack)


@QUICK
@given(companies(), SEEDS)
def test_a_label_is_what_is_left_of_the_money_in_the_window(
    tables: Tables, seed: int
) -> None:
    """A window converts if money paid in it is not refunded in it, latest first."""
    history, horizon = History(tables), horizon_of(REPEAT)
    moments = random_moments(tables, seed, count=100)

    labels = label(history, REPEAT, moments, funnel_of(history, REPEAT))["label"]

    for asked, found in zip(moments.rows(named=True), labels, strict=True):
        start, end = asked["moment"], asked["moment"] + horizon
        payments = history.lead(asked["lead_id"]).payments
        left = left_of_money(p for p in payments if start < p.at <= end)
        assert found == (left > 0 if end <= history.cut_off else None)


def company_to_split(way: str, seed: int) -> tuple[pl.DataFrame, Settings]:
    """Take snapshots of leads with times, of leads without, or with a holdout given."""
    tables = random_tables(seed, leads=40)
    rules = settings(conversion={"horizon_days": 5}, model={"folds": 3})
    if way != "dated":
        rules = settings(
            source={"kind": "table", "path": "x.csv", "outcome": "y"},
            conversion={"kind": "outcome", "horizon_days": 5},
            model={"folds": 3},
        )
        tables = with_outcomes(tables, seed, holdout=way == "holdout")
    if way == "undated":
        born = pl.lit(0).cast(LEADS["created_at"])
        undated = tables.leads.with_columns(created_at=born, recorded_at=born)
        tables = replace(tables, leads=undated, dated=False)
    return take(History(tables), rules), rules


@pytest.mark.parametrize("way", ["dated", "undated", "holdout"])
@QUICK
@given(SEEDS)
def test_no_lead_is_on_both_sides_of_a_split(way: str, seed: int) -> None:
    """Train and test share no lead, nor do the two sides of any fold."""
    snapshots, rules = company_to_split(way, seed)

    try:
        parts = split(snapshots, rules)
    except DataRefused:  # thirty undated leads, of whom the lot drew none to test on
        reject()

    assert len(parts.folds) >= 2
    for learned, judged in [(parts.train, parts.test), *parts.folds]:
        fit, test = snapshots[learned], snapshots[judged]
        assert not fit.is_empty()
        assert not test.is_empty()
        assert not fit["label"].has_nulls()
        assert not test["label"].has_nulls()
        assert not set(fit["lead_id"]) & set(test["lead_id"])
    judged_rows = np.concatenate([judge for _, judge in parts.folds])
    assert len(np.unique(judged_rows)) == len(judged_rows)
    assert set(judged_rows) <= set(parts.train)
    assert snapshots[parts.test]["holdout"].all() == (way == "holdout")
    assert not snapshots[parts.train]["holdout"].any()


@QUICK
@given(SEEDS)
def test_what_is_judged_is_a_horizon_later_than_what_is_learned(seed: int) -> None:
    """Every label that teaches was known before the first judged lead came."""
    snapshots, rules = company_to_split("dated", seed)

    parts = split(snapshots, rules)

    sides = [(parts.train, parts.test), *parts.folds * (parts.folds_by == "time")]
    for learned, judged in sides:
        known_at = snapshots[learned]["moment"].to_numpy() + horizon_of(rules)
        assert known_at.max() <= snapshots[judged]["created_at"].to_numpy().min()
