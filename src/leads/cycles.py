"""How long a deal takes on average: the days from a lead's coming to its first payment.

One definition for the checklist, the model's features and the playbook's facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from leads.history import History

DAY: Final = 86_400_000_000
WHOLE: Final = ""
"""The mean of all pipelines, and of leads in none."""

FEWEST_DEALS: Final = 10
"""Deals of a pipeline below which it goes by the mean of all."""


def mean_cycles(
    history: History, leads: pl.DataFrame | None = None, *, until: int | None = None
) -> Mapping[str, float]:
    """Give the mean days to the first payment, by pipeline; ``WHOLE`` holds all.

    Parameters
    ----------
    leads
        ``lead``, ``created_at`` and ``pipeline`` of the leads to look at; all if None.
    until
        What was paid or recorded later is not known, in microseconds.

    Returns
    -------
    Mapping
        Empty where fewer than ten deals are known at all.
    """
    among = history.leads if leads is None else leads
    paid = history.coded("payments").filter(pl.col("amount_minor") > 0)
    if until is not None:
        paid = paid.filter(pl.max_horizontal("at", "recorded_at") <= until)
    taken = (
        paid.group_by("lead")
        .agg(paid_at=pl.col("at").min())
        .join(among.select("lead", "created_at", "pipeline"), on="lead")
        .select("pipeline", days=(pl.col("paid_at") - pl.col("created_at")) / DAY)
        .filter(pl.col("days") >= 0)
    )
    if len(taken) < FEWEST_DEALS:
        return {}
    means = (
        taken.drop_nulls("pipeline")
        .group_by("pipeline")
        .agg(pl.col("days").mean(), deals=pl.len())
        .filter(pl.col("deals") >= FEWEST_DEALS)
        .sort("pipeline")
    )
    whole = float(taken.select(pl.col("days").mean()).item())
    rows = means.select("pipeline", "days").iter_rows()
    return {name: days for name, days in {WHOLE: whole, **dict(rows)}.items() if days}


def cycle_of(cycles: Mapping[str, float], pipeline: str | None) -> float | None:
    """Give the mean days of a pipeline, else of all; None if nothing is known."""
    return cycles.get(pipeline or WHOLE, cycles.get(WHOLE))
