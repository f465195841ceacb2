"""The law of time: nothing later than a moment changes what is known at it.

Each law holds for random companies (``tests.strategies``) whose rows tie in time with
each other and with the moments, and are often recorded late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given
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
from leads.history import History, microseconds
from leads.raw import RawTable
from leads.settings import Settings
from leads.tables import LEADS, Tables
from model.labels import funnel_of, horizon_of, label
from model.snapshots import CLOSED, CONVERTED, consider, take
from model.split import split

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
    frames = {
        name: _copies(tables[name].filter(pl.lit(value=True)), asked, keep)
        for name in DATED
    }
    everything = _copies(leads, asked, pl.lit(value=True))
    return replace(tables, leads=everything, **frames)


def _copy(moments: pl.DataFrame) -> pl.Series:
    return moments.select(pl.format("{}#{}", "lead_id", "row")).to_series()


def _copies(table: pl.DataFrame, asked: pl.DataFrame, keep: pl.Expr) -> pl.DataFrame:
    joined = table.join(asked, on="lead_id").filter(keep)
    copied = joined.with_columns(lead_id="copy").drop("copy", "cut")
    return in_content_order(copied.select(table.columns))


def in_copies(moments: pl.DataFrame) -> pl.DataFrame:
    """Ask the same of the copies."""
    return moments.with_columns(lead_id=_copy(moments))


def seen(history: History, name: str, moments: pl.DataFrame) -> list[object]:
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
            assert [astuple(row) for row in getattr(alone, name)] == rows.rows()
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
@given(companies(), st.sampled_from([PAYMENT, STAGE]))
def test_a_converted_or_closed_lead_gives_no_snapshot(
    tables: Tables, rules: Settings
) -> None:
    """What one lead's own history says of the moment agrees with what was taken."""
    history = History(tables)
    funnel = funnel_of(history, rules)
    moments = consider(history, rules, funnel=funnel)

    for asked in moments.rows(named=True):
        lead = history.lead(asked["lead_id"]).as_of(asked["moment"])
        pipeline = lead.stages and (lead.stages[-1].pipeline or lead.pipeline)
        state = funnel.state_of(pipeline, lead.stages[-1].stage) if pipeline else "open"
        if asked["refused_why"] is None:
            assert state == "open" or not pipeline
        if asked["refused_why"] == CLOSED:
            assert lead.stages[-1].stage in {"won", "lost"}
        if asked["refused_why"] == CONVERTED and rules is PAYMENT:
            whole = history.lead(asked["lead_id"])
            assert any(
                p.at <= asked["moment"] and p.amount_minor > 0 for p in whole.payments
            )


@pytest.mark.parametrize("way", ["dated", "undated", "holdout"])
@QUICK
@given(SEEDS)
def test_no_lead_is_on_both_sides_of_a_split(way: str, seed: int) -> None:
    """Train and test, and every fold's two sides, share no lead; time only forward."""
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
    snapshots = take(History(tables), rules)

    parts = split(snapshots, rules)

    gap = horizon_of(rules)
    assert len(parts.folds) >= 2
    sides = [(parts.train, parts.test), *parts.folds]
    forward = [parts.cut is not None, *[parts.folds_by == "time"] * len(parts.folds)]
    for (learned, judged), by_time in zip(sides, forward, strict=True):
        fit, test = _rows(snapshots, learned), _rows(snapshots, judged)
        assert len(fit), len(test)
        assert not fit["label"].has_nulls()
        assert not test["label"].has_nulls()
        assert not set(fit["lead_id"]) & set(test["lead_id"])
        if by_time:
            assert (fit["moment"] + gap).max() <= test["created_at"].min()
    judged_rows = np.concatenate([judge for _, judge in parts.folds])
    assert len(np.unique(judged_rows)) == len(judged_rows)
    assert set(judged_rows) <= set(parts.train)
    if way == "holdout":
        assert not _rows(snapshots, parts.train)["holdout"].any()
        assert _rows(snapshots, parts.test)["holdout"].all()


def _rows(snapshots: pl.DataFrame, index: Sequence[int]) -> pl.DataFrame:
    return snapshots[np.asarray(index)]
