"""What followed each snapshot: when the lead converted, and what it paid.

A label says whether; this says when and how much, with hindsight up to a moment and not
beyond. It agrees with the label: a payment that is wholly refunded within the horizon
is none, whatever a shorter window would have said of it. A snapshot whose lead did not
convert is watched only until that moment: what comes after is not known, not "no".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from leads.funnel import Funnel
from leads.history import History
from leads.settings import Settings
from model.examples.labels import converted_at, horizon_of
from model.features.catalog import Numbers

STEPS: Final = (7, 30, 90)
"""Days at which the chance to have converted is said, besides the horizon."""

DAY: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Sequel:
    """What followed n snapshots, (n,) each.

    ``days`` until the conversion, NaN if none came while the lead was watched;
    ``watched`` for how many days that was; ``amounts`` paid within the horizon after a
    snapshot that converted in it, in the smallest unit of ``currency``, else NaN.
    ``currency`` is the one most payments are in; None where conversions are not
    payments.
    """

    days: Numbers
    watched: Numbers
    amounts: Numbers
    currency: str | None


def steps_of(settings: Settings) -> tuple[int, ...]:
    """List the days at which a chance is wanted, ascending, the horizon among them."""
    return tuple(sorted({*STEPS, settings.conversion.horizon_days}))


def follow(
    history: History,
    settings: Settings,
    moments: pl.DataFrame,
    funnel: Funnel,
    *,
    until: int,
) -> Sequel | None:
    """Find what followed, or None where only outcomes are known, not when.

    Parameters
    ----------
    moments
        ``lead_id`` and ``moment`` (i64, microseconds) of n snapshots.
    until
        The last moment that may be looked at, in microseconds.
    """
    if settings.conversion.kind == "outcome":
        return None
    asked = moments.select("lead_id", start="moment")
    horizon = pl.col("start") + horizon_of(settings)
    longest = pl.col("start") + steps_of(settings)[-1] * DAY
    within = asked.with_columns(end=pl.min_horizontal(horizon, pl.lit(until)))
    beyond = asked.select(
        "lead_id", start=horizon, end=pl.min_horizontal(longest, pl.lit(until))
    )
    early = converted_at(history, settings, within, funnel)
    late = converted_at(history, settings, beyond, funnel)
    start = asked["start"].to_numpy()
    found = early.fill_null(late).cast(pl.Float64).to_numpy()
    currency = _currency(history, settings)
    return Sequel(
        days=(found - start) / DAY,
        watched=np.minimum(until - start, steps_of(settings)[-1] * DAY) / DAY,
        amounts=_amounts(history, within.filter(early.is_not_null()), currency, early),
        currency=currency,
    )


def _currency(history: History, settings: Settings) -> str | None:
    if settings.conversion.kind != "payment":
        return None
    counted = history.tables.payments.group_by("currency").len()
    names = counted.sort("len", "currency", descending=[True, False])["currency"]
    return None if names.is_empty() else str(names[0])


def _amounts(
    history: History, windows: pl.DataFrame, currency: str | None, early: pl.Series
) -> Numbers:
    """Add up what was paid, less refunds, in the windows that hold a conversion."""
    amounts = np.full(len(early), np.nan)
    if currency is None:
        return amounts
    asked = history.encode(windows).with_row_index("row")
    paid = (
        asked.lazy()
        .join(history.coded("payments").lazy(), on="lead", how="inner")
        .filter(
            pl.col("currency") == currency,
            pl.col("at") > pl.col("start"),
            pl.col("at") <= pl.col("end"),
        )
        .group_by("row")
        .agg(pl.col("amount_minor").sum())
        .collect()
    )
    sums = asked.join(paid, on="row", how="left", maintain_order="left")
    found = sums["amount_minor"].cast(pl.Float64).to_numpy()
    amounts[early.is_not_null().to_numpy()] = np.where(found > 0, found, np.nan)
    return amounts
