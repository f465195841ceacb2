"""What counts as conversion, and when a label may be trusted.

A snapshot (lead, moment) converted if the lead converts in ``(moment, moment +
horizon]``. Labels may use hindsight, features may not: a payment that was recorded late
counts by its own time.

**Payment.** A refund reverses the latest payments before it, as far as its amount goes,
per currency. A window converts if some payment in it is not fully reversed by refunds
in it. So a payment that is fully refunded within the horizon does not count, one that
is partly refunded or is refunded after the horizon does, and a refund never reaches
forward to a later payment. Without ``repeat`` a lead has converted by a moment if some
earlier payment is not fully reversed by then: one that got all its money back is open
again.

**Stage.** The first entry into the stage (with ``repeat``: any entry). An entry is
reversed if the lead enters a lost stage afterwards within the horizon and does not come
back: won, reopened, lost is lost.

**Outcome.** The outcome column of a flat table; null is an open lead.

**Maturity.** A label is known if ``moment + horizon <= cut-off``; else it is null, not
False. That a lead already converted inside an unfinished window is known, yet not used:
keeping the early successes and dropping what is still undecided would make young leads
look better than they are. Known outcomes of a flat table are always mature.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from leads.errors import BadConfig
from leads.funnel import Funnel, learn_funnel, stage_moves
from leads.history import History
from leads.settings import Settings

HORIZON_OPEN: Final = "horizon not over"
OUTCOME_OPEN: Final = "outcome not known"
LONG_AGO: Final = -(2**62)
"""A moment before everything, far from the edge of 64 bits."""


def horizon_of(settings: Settings) -> int:
    """Return the horizon in microseconds."""
    return settings.conversion.horizon_days * 86_400_000_000


def gap_of(settings: Settings) -> int:
    """Return how long after its moment a label becomes known, in microseconds.

    That is the horizon. A flat table says how leads ended, not when that was known:
    there it is nothing, unless the configuration names a horizon.
    """
    named = "horizon_days" in settings.conversion.model_fields_set
    known_outcome = settings.conversion.kind == "outcome"
    return 0 if known_outcome and not named else horizon_of(settings)


def funnel_of(history: History, settings: Settings) -> Funnel:
    """Learn the funnel, counting as won what the configuration calls conversion."""
    converted = None
    if settings.conversion.kind == "stage":
        converted = _entries(history, settings).group_by("lead_id").agg(
            converted_at=pl.col("at").min()
        )  # fmt: skip
    named = settings.funnel
    return learn_funnel(
        history.tables, won=named.won, lost=named.lost, converted=converted
    )


def label(
    history: History, settings: Settings, moments: pl.DataFrame, funnel: Funnel
) -> pl.DataFrame:
    """Add what became of each lead within the horizon after its moment.

    Parameters
    ----------
    moments
        ``lead_id``, ``moment`` i64, and whatever else; kept in order.
    funnel
        Says which stages are lost, for conversions by stage.

    Returns
    -------
    DataFrame
        ``moments`` with ``label`` (Boolean, null unless mature), ``mature`` and
        ``censored_why`` (null if mature).
    """
    if settings.conversion.kind == "outcome":
        known = history.tables.outcomes.select("lead_id", label="outcome")
        made = moments.join(known, on="lead_id", how="left", maintain_order="left")
        return _with_why(made, pl.col("label").is_not_null(), OUTCOME_OPEN)
    horizon = horizon_of(settings)
    windows = moments.select("lead_id", start="moment", end=pl.col("moment") + horizon)
    found = converted_at(history, settings, windows, funnel).is_not_null()
    mature = pl.col("moment") + horizon <= history.cut_off
    made = moments.with_columns(label=pl.when(mature).then(found))
    return _with_why(made, mature, HORIZON_OPEN)


def _with_why(made: pl.DataFrame, mature: pl.Expr, why: str) -> pl.DataFrame:
    return made.with_columns(
        mature=mature, censored_why=pl.when(~mature).then(pl.lit(why))
    )


def converted_at(
    history: History, settings: Settings, windows: pl.DataFrame, funnel: Funnel
) -> pl.Series:
    """Say when each lead converted within ``(start, end]``; null if it did not.

    ``windows`` has ``lead_id``, ``start`` and ``end`` (i64). What happened at or before
    ``start`` is ignored.
    """
    steps = (
        _money(history)
        if settings.conversion.kind == "payment"
        else _standing(history, settings, funnel)
    )
    asked = history.encode(windows.with_row_index("row")).select(
        "row", "lead", "start", "end"
    )
    inside = (
        asked.lazy()
        .join(steps.lazy(), on="lead", how="inner")
        .filter(pl.col("at") > pl.col("start"), pl.col("at") <= pl.col("end"))
        .sort("row", "account", "order")
    )
    first = _survivors(inside).group_by("row").agg(pl.col("at").min()).collect()
    return asked.join(first, on="row", how="left", maintain_order="left")["at"].rename(
        "converted_at"
    )


def _survivors(inside: pl.LazyFrame) -> pl.LazyFrame:
    """Keep the first step in each account that was never fully reversed.

    The running sum is a stack: what is reversed is taken from the top. Whatever was put
    down after the sum last stood at its lowest is still there, if anything is.
    """
    account = ["row", "account"]
    total = pl.col("amount").cum_sum().over(account)
    # The lowest the stack has been, counting the empty one before the first step.
    lowest = pl.min_horizontal(pl.lit(0, pl.Int64), pl.col("total").min().over(account))
    return (
        inside.with_columns(total=total)
        .with_columns(
            before=pl.col("total") - pl.col("amount"), lowest=lowest,
            last=pl.col("total").last().over(account),
        )
        .filter(
            pl.col("last") > pl.col("lowest"),
            pl.col("before") == pl.col("lowest"),
            pl.col("amount") > 0,
        )
        .group_by(account)
        .agg(pl.col("at").last())
    )  # fmt: skip


def _money(history: History) -> pl.DataFrame:
    """List money in and out: ``lead``, ``at``, ``order``, ``account``, ``amount``."""
    return history.coded("payments").select(
        "lead", "at", "order", account="currency", amount="amount_minor"
    )


def _standing(history: History, settings: Settings, funnel: Funnel) -> pl.DataFrame:
    """List entries into the stage as gains and into lost stages as their reversal.

    A lost stage takes everything back: its amount outweighs all entries before it.
    """
    target = pl.col("stage") == settings.conversion.stage
    lost = funnel.closing.filter(pl.col("state") == "lost", ~target)
    moves = _moves(history).join(lost, on=["pipeline", "stage"], how="left")
    amount = pl.when(target).then(1).when(pl.col("state") == "lost").then(-(10**9))
    return moves.select(
        "lead", "at", "order", account=pl.lit("stage"), amount=amount.cast(pl.Int64)
    ).drop_nulls("amount")


def _moves(history: History) -> pl.DataFrame:
    moves = stage_moves(history.tables).with_columns(pl.col("at").cast(pl.Int64))
    return history.encode(moves.with_row_index("order"))


def _entries(history: History, settings: Settings) -> pl.DataFrame:
    """List the entries into the stage that counts as conversion.

    Raises
    ------
    BadConfig
        No lead ever entered a stage of that name.
    """
    stage = settings.conversion.stage
    entries = history.tables.stages.filter(pl.col("stage") == stage)
    if entries.is_empty():
        known = sorted(history.tables.stages["stage"].unique().drop_nulls())[:30]
        raise BadConfig(
            f"No lead ever entered the stage {stage!r} that [conversion] names.",
            remedy=f"Name one of {known}." if known else "Ingest stage changes first.",
        )
    return entries


def conversions(
    history: History, settings: Settings, funnel: Funnel | None = None
) -> pl.DataFrame:
    """List when each lead converted, with hindsight up to the cut-off.

    Returns
    -------
    DataFrame
        One row per lead in their order: ``lead_id``, ``lead``, ``created_at`` i64,
        ``converted`` (Boolean; null: not known) and ``converted_at`` (i64; null if it
        did not, or if only the outcome is known).
    """
    leads = history.leads.select("lead_id", "lead", "created_at")
    if settings.conversion.kind == "outcome":
        known = history.tables.outcomes.select("lead_id", converted="outcome")
        return leads.join(
            known, on="lead_id", how="left", maintain_order="left"
        ).with_columns(converted_at=pl.lit(None, pl.Int64))
    funnel = funnel or funnel_of(history, settings)
    always = leads.with_columns(start=pl.lit(LONG_AGO), end=pl.lit(history.cut_off))
    found = converted_at(history, settings, always, funnel)
    return leads.with_columns(found.is_not_null().alias("converted"), found)
