"""Going through past months week by week, with the models of then.

For each month a model is trained of what was known at its first moment, as in the
back-test (``model.backtest.rehearsal``), and asked at the beginning of each of the
month's whole weeks about every lead that was open then. So no lead is judged by a model
that has seen what became of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import polars as pl

from leads.errors import BadConfig, DataRefused, LeakRefused
from leads.history import History
from leads.settings import Settings
from model.backtest.months import month_model
from model.backtest.rehearsal import Span, key_of, spans
from model.backtest.weeks import ROWS, keep_rows, read_rows
from model.bundle.whole import Bundle
from model.examples.labels import funnel_of, horizon_of, label
from model.examples.snapshots import open_leads
from model.features.batch import build
from model.metrics import probabilities
from model.stages import pass_stages

WEEK: Final = 7 * 86_400_000_000


@dataclass(frozen=True, slots=True)
class Step:
    """How far a replay has come: ``what`` is being done about one month of several.

    ``done`` months are over, of ``of``; ``month`` is the one at hand.
    """

    month: str
    what: str
    done: int
    of: int


Watch = Callable[[Step], None]
"""Told of every step."""


def replay(
    history: History, settings: Settings, *, months: int, data_digest: str, watch: Watch
) -> pl.DataFrame:
    """Replay the last months whose outcomes are all known; safe to repeat.

    Parameters
    ----------
    data_digest
        Of the stored tables: a month is not replayed twice of the same.
    watch
        Told what is being done, month by month.

    Returns
    -------
    DataFrame
        ``model.backtest.weeks.ROWS``, oldest first; a month without a model has none.

    Raises
    ------
    DataRefused
        Leads have no times, or no whole month is mature.
    """
    folder, parts = settings.store.folder, []
    every = spans(history, settings, months)
    for done, span in enumerate(every):

        def say(what: str, span: Span = span, done: int = done) -> None:
            watch(Step(span.month, what, done, len(every)))

        key = key_of(settings, data_digest, span)
        rows = read_rows(folder, key, ROWS)
        if rows is None:
            rows = replay_month(history, settings, span, say=say)
            keep_rows(folder, key, rows)
        else:
            say("Taking what was replayed before")
        parts.append(rows)
        watch(Step(span.month, "", done + 1, len(every)))
    return pl.concat(parts)


def replay_month(
    history: History, settings: Settings, span: Span, *, say: Callable[[str], None]
) -> pl.DataFrame:
    """Train as of a month's first moment, and look at each of its weeks."""
    then = history.until(span.start)
    try:
        bundle = month_model(then, settings, say=say).bundle
    except (DataRefused, LeakRefused, BadConfig) as refusal:
        say(str(refusal))
        return pl.DataFrame(schema=dict(ROWS))
    say("Looking at its weeks")
    known = _known_of_stages(then, settings)
    moments = range(span.start, span.end - WEEK + 1, WEEK)
    weeks = [_week(history, settings, bundle, moment) for moment in moments]
    return (
        pl.concat(weeks)
        .join(known[0], on=["pipeline", "stage"], how="left", maintain_order="left")
        .join(known[1], on="pipeline", how="left", maintain_order="left")
        .with_columns(month=pl.lit(span.month))
        .select(pl.col(name).cast(kind) for name, kind in ROWS.items())
    )


def _week(
    history: History, settings: Settings, bundle: Bundle, moment: int
) -> pl.DataFrame:
    then = history.until(moment)
    funnel = funnel_of(then, settings)
    asked = open_leads(then, settings, funnel=funnel)
    table = build(bundle.catalog, history, asked)
    log_odds = bundle.log_odds(table)
    outlooks = bundle.outlooks(table, log_odds.tolist())
    tiers = bundle.tiers(table, log_odds.tolist(), outlooks=outlooks)
    chances = probabilities(log_odds)
    amounts = [
        None if one is None or one.expected_minor is None else one.expected_minor / p
        for one, p in zip(outlooks, chances.tolist(), strict=True)
    ]
    cards = history.cards(asked)
    judged = label(history, settings, asked, funnel_of(history, settings))
    return judged.select("lead_id", "moment", "label").with_columns(
        pipeline=cards["pipeline"].fill_null(""),
        created_at=cards["created_at"],
        stage=history.latest("stages", asked)["stage"].fill_null(""),
        chance=pl.Series(chances),
        tier=pl.Series([tier.value for tier in tiers], dtype=pl.String),
        amount=pl.Series(amounts, dtype=pl.Float64),
        money=received(history, asked, horizon_of(settings)),
    )


def received(history: History, moments: pl.DataFrame, horizon: int) -> pl.Series:
    """Add up what each lead paid within the horizon after its moment, net (i64)."""
    asked = history.encode(moments).select("row", "lead", "moment")
    paid = _money(history).join(asked, on="lead").filter(
        pl.col("at") > pl.col("moment"), pl.col("at") <= pl.col("moment") + horizon
    )  # fmt: skip
    sums = paid.group_by("row").agg(money=pl.col("amount_minor").sum())
    found = asked.join(sums, on="row", how="left", maintain_order="left")
    return found["money"].fill_null(0)


def _money(history: History) -> pl.DataFrame:
    """List the payments in the company's commonest currency."""
    paid = history.coded("payments")
    commonest = paid["currency"].mode().sort().head(1)
    return paid.filter(pl.col("currency").is_in(commonest.implode()))


def _known_of_stages(
    then: History, settings: Settings
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tell what was known of stages and of payments: shares, mean amounts."""
    rows = [
        (one.pipeline, one.stage, None if one.soon is None else one.soon.share)
        for one in pass_stages(then, settings).stages
    ]
    schema = {"pipeline": pl.String, "stage": pl.String, "stage_rate": pl.Float64}
    rates = pl.DataFrame(rows, schema=schema, orient="row")
    firsts = (
        _money(then)
        .filter(pl.col("amount_minor") > 0)
        .sort("order")
        .unique("lead", keep="first", maintain_order=True)
        .join(then.leads.select("lead", "pipeline"), on="lead")
    )
    amounts = firsts.group_by(pl.col("pipeline").fill_null("")).agg(
        mean_amount=pl.col("amount_minor").mean()
    )
    return rates, amounts
