"""Snapshots: the (lead, moment) pairs that a model learns from and is judged on.

A lead is looked at when it comes in, at ages, at every stage change and on calendar
days, as ``[snapshots] at`` says. What was known late is looked at late: the creation
snapshot is taken when the lead was first recorded, the one of a stage change when that
change was, so that live scoring, which cannot look earlier, meets the same moments. Two
reasons for one moment give one snapshot, named by the reason that stands first in the
configuration.

No snapshot is taken

- after the cut-off, or before the lead was recorded;
- once the lead has converted (unless ``[conversion] repeat``). This looks at when it
  paid, not at when the payment was recorded: a lead that has paid already is no longer
  a question, and its label would be wrong;
- while the lead stands in a closing stage, as far as was visible then.

A flat table whose outcomes are known has nothing that changes, so its leads are looked
at once, at creation.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Final

import polars as pl

from leads.funnel import NO_PIPELINE, Funnel
from leads.history import History, microseconds
from leads.settings import Settings, age_of, day_of
from model.examples.labels import LONG_AGO, converted_at, funnel_of, label

NOT_YET: Final = "after the cut-off"
UNKNOWN: Final = "lead not recorded yet"
CONVERTED: Final = "already converted"
CLOSED: Final = "lead was closed"
MICROSECOND: Final = 1_000_000


def take(
    history: History, settings: Settings, *, funnel: Funnel | None = None
) -> pl.DataFrame:
    """Take every snapshot of every lead, with its label.

    Returns
    -------
    DataFrame
        Sorted by (moment, lead_id): ``row`` u32 from 0, ``lead_id``, ``moment`` i64,
        ``kind``, ``label`` (null if not mature or not known), ``mature``,
        ``censored_why``, ``holdout``, ``created_at`` i64.
    """
    funnel = funnel or funnel_of(history, settings)
    taken = consider(history, settings, funnel=funnel).filter(
        pl.col("refused_why").is_null()
    )
    held = history.tables.outcomes.select("lead_id", "holdout")
    return (
        label(history, settings, taken, funnel)
        .join(held, on="lead_id", how="left", maintain_order="left")
        .with_columns(pl.col("holdout").fill_null(value=False))
        .sort("moment", "lead_id")
        .select(
            pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"),
            "lead_id", "moment", "kind", "label", "mature", "censored_why", "holdout",
            "created_at",
        )
    )  # fmt: skip


def consider(history: History, settings: Settings, *, funnel: Funnel) -> pl.DataFrame:
    """List every moment that the configuration asks for, and why some are refused.

    Returns ``lead``, ``lead_id``, ``created_at``, ``moment``, ``kind`` and
    ``refused_why`` (null: a snapshot is taken), one row per (lead, moment).
    """
    moments = _moments(history, settings)
    late = pl.col("moment") > history.cut_off
    unknown = pl.col("moment") < pl.max_horizontal("created_at", "recorded_at")
    reason = pl.when(late).then(pl.lit(NOT_YET)).when(unknown).then(pl.lit(UNKNOWN))
    moments = moments.with_columns(refused_why=reason)
    possible = pl.col("refused_why").is_null()
    asked = moments.filter(possible)
    return pl.concat(
        [
            moments.filter(~possible),
            asked.with_columns(_answered(history, settings, asked, funnel)),
        ]
    ).drop("recorded_at")


def _answered(
    history: History, settings: Settings, asked: pl.DataFrame, funnel: Funnel
) -> pl.Series:
    """Say why a lead is no longer a question at its moment: converted or closed."""
    if settings.conversion.kind == "outcome":
        return asked["refused_why"]
    past = asked.select("lead_id", "lead", start=pl.lit(LONG_AGO), end="moment")
    converted = (
        pl.repeat(value=False, n=len(asked), eager=True)
        if settings.conversion.repeat
        else converted_at(history, settings, past, funnel).is_not_null()
    )
    closed = _closed(history, asked, funnel)
    return pl.select(
        pl.when(converted).then(pl.lit(CONVERTED))
        .when(closed).then(pl.lit(CLOSED))
        .alias("refused_why")
    ).to_series()  # fmt: skip


def _closed(history: History, asked: pl.DataFrame, funnel: Funnel) -> pl.Series:
    closing = funnel.closing
    if closing.is_empty():
        return pl.repeat(value=False, n=len(asked), eager=True)
    of_lead = history.leads["pipeline"][asked["lead"]].alias("of_lead")
    stood = history.latest("stages", asked.with_row_index("row")).with_columns(of_lead)
    return stood.with_columns(
        pl.coalesce("pipeline", "of_lead", pl.lit(NO_PIPELINE))
    ).join(
        closing, on=["pipeline", "stage"], how="left", maintain_order="left"
    )["state"].is_not_null()  # fmt: skip


def _moments(history: History, settings: Settings) -> pl.DataFrame:
    leads = history.leads.select("lead", "lead_id", "created_at", "recorded_at")
    asked = settings.snapshots.at
    if settings.conversion.kind == "outcome":
        asked = ("creation",)
    parts = [
        _moments_of(text, leads, history, settings).with_columns(
            kind=pl.lit(text), place=pl.lit(place)
        )
        for place, text in enumerate(asked)
    ]
    return (
        pl.concat(parts)
        .sort("lead", "moment", "place")
        .unique(["lead", "moment"], keep="first", maintain_order=True)
        .drop("place")
    )


def _moments_of(
    text: str, leads: pl.DataFrame, history: History, settings: Settings
) -> pl.DataFrame:
    known = pl.max_horizontal("created_at", "recorded_at")
    if text == "creation":
        return leads.with_columns(moment=known)
    if text == "stage_change":
        seen = history.coded("stages").select(
            "lead", moment=pl.max_horizontal("at", "recorded_at")
        )
        return leads.join(seen, on="lead")
    if (age := age_of(text)) is not None:
        microseconds_old = int(age.total_seconds()) * MICROSECOND
        return leads.with_columns(moment=pl.col("created_at") + microseconds_old)
    day = day_of(text)
    assert day is not None, "settings let no other moment pass"
    midnight = datetime.combine(day, time(), settings.company.zone)
    moment = pl.lit(microseconds(midnight.astimezone(UTC)), pl.Int64)
    return leads.with_columns(moment=moment)


def open_leads(
    history: History,
    settings: Settings,
    at: int | None = None,
    *,
    funnel: Funnel | None = None,
) -> pl.DataFrame:
    """List the leads worth a prediction: neither converted nor in a closing stage.

    Parameters
    ----------
    at
        The moment, in microseconds; by default the cut-off. Only what was visible then
        counts. For a flat table: leads whose outcome is not known.

    Returns
    -------
    DataFrame
        ``row`` u32 from 0, ``lead_id``, ``moment`` i64, sorted by ``lead_id``.
    """
    then = history if at is None else history.until(at)
    funnel = funnel or funnel_of(history, settings)
    leads = then.leads.select("lead", "lead_id", "created_at").with_columns(
        moment=pl.lit(then.cut_off), refused_why=pl.lit(None, pl.String)
    )
    if settings.conversion.kind == "outcome":
        known = then.tables.outcomes.drop_nulls("outcome")
        found = leads.join(known, on="lead_id", how="anti", maintain_order="left")
        moment = pl.col("created_at") if at is None else pl.col("moment")
        found = found.with_columns(moment=moment)
    else:
        found = leads.with_columns(_answered(then, settings, leads, funnel)).filter(
            pl.col("refused_why").is_null()
        )
    return found.with_row_index("row").select("row", "lead_id", "moment")
