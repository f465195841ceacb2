"""Tiers that fit the team: borders from calls per week, and what other ones would gain.

A team calls leads, not snapshots, so leads are ranked here by the best score that each
ever had: that many become hot at some time. How many come in is counted in the newest
weeks, for last year's inflow is not next week's.

Kept apart from ``tiers``, which knows only scores and borders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from leads.errors import DataRefused
from leads.settings import Tiers
from model.features.catalog import Numbers
from model.metrics import Codes
from model.proof.counting import Cases, wilson
from model.proof.record import DIGITS, Capacity
from model.tiers.borders import Borders, Cut, cut_at

Inflow = Mapping[str, float]
"""New leads per week by pipeline ("" for none); empty where leads have no dates."""

WEEK: Final = 604_800_000_000
RECENT_WEEKS: Final = 8
FEWEST_RANKED: Final = 20
"""Leads of a pipeline below which the whole company's are ranked in their place."""

STEPS: Final = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
"""Other capacities that are looked at, as parts of the present one."""


def recent_inflow(leads: pl.DataFrame) -> dict[str, float]:
    """Count new leads per week and pipeline in the weeks before the newest lead.

    Parameters
    ----------
    leads
        ``created_at`` (i64, microseconds) and ``pipeline`` of every lead.

    Examples
    --------
    >>> days = [day * WEEK // 7 for day in range(14)]
    >>> leads = pl.DataFrame({"created_at": days, "pipeline": ["sales"] * 14})
    >>> recent_inflow(leads)
    {'sales': 7.0}
    """
    if leads.is_empty() or leads["created_at"].n_unique() == 1:
        return {}
    newest, oldest = leads.select(
        pl.col("created_at").max().alias("newest"),
        pl.col("created_at").min().alias("oldest"),
    ).row(0)
    # n leads a step apart fill n steps, of which only n - 1 lie between them.
    span = (newest - oldest) * len(leads) / (len(leads) - 1)
    window = min(RECENT_WEEKS * WEEK, span)
    recent = leads.filter(pl.col("created_at") > newest - window)
    counted = recent.select(pl.col("pipeline").fill_null("")).group_by("pipeline").len()
    return {
        name: round(count * WEEK / window, DIGITS)
        for name, count in counted.sort("pipeline").iter_rows()
    }


@dataclass(frozen=True)
class Scored:
    """Rows that the model had not learned from: score, lead and pipeline of each, n."""

    scores: Numbers
    leads: Codes
    pipelines: Sequence[str | None]

    def best(self) -> Scored:
        """Keep each lead's best row."""
        order = np.lexsort((-self.scores, self.leads))
        first = order[np.unique(self.leads[order], return_index=True)[1]]
        of_row = [self.pipelines[row] for row in first.tolist()]
        return Scored(self.scores[first], self.leads[first], of_row)

    def of(self, pipeline: str) -> Numbers:
        """Give the scores of one pipeline."""
        chosen = [(name or "") == pipeline for name in self.pipelines]
        return np.asarray(self.scores[np.array(chosen, dtype=bool)])


def place_borders(
    scored: Scored, tiers: Tiers, *, floor: float, inflow: Inflow
) -> Borders:
    """Place the borders as the settings ask: by share, or by what the team can call.

    Parameters
    ----------
    scored
        Out-of-fold rows.
    floor
        The probability that a hot lead must beat in any case.
    inflow
        New leads per week.

    Raises
    ------
    DataRefused
        A capacity is given, but nothing says how many leads come in, or not of that
        pipeline.
    """
    # A floor of money would be another thing than one of chance.
    least = floor if tiers.by == "chance" else 0.0
    asked, best = tiers.hot_per_week, scored.best()
    own = asked if isinstance(asked, dict) else {}
    _check(asked, inflow, scored.pipelines)

    def fitting(scores: Numbers, per_week: int, coming: float) -> Cut:
        share = min(per_week / coming, 1.0)
        return cut_at(scores, hot=share, warm=tiers.warm, least=least)

    if isinstance(asked, int):
        cut = fitting(best.scores, asked, sum(inflow.values()))
    else:
        cut = cut_at(scored.scores, hot=tiers.hot, warm=tiers.warm, least=least)
    return Borders(
        cut.hot,
        cut.warm,
        floor=floor,
        hysteresis=tiers.hysteresis,
        by=tiers.by,
        pipelines={
            name: fitting(_ranked(best, name), per_week, inflow[name])
            for name, per_week in sorted(own.items())
        },
    )


def _ranked(best: Scored, pipeline: str) -> Numbers:
    own = best.of(pipeline)
    return own if len(own) >= FEWEST_RANKED else best.scores


def _check(
    asked: int | Mapping[str, int] | None,
    inflow: Inflow,
    pipelines: Sequence[str | None],
) -> None:
    if asked is None:
        return
    if not inflow:
        raise DataRefused(
            "[tiers] hot_per_week needs to know how many leads come per week, and these"
            " leads have no dates.",
            remedy="Use the shares [tiers] hot and warm, or give [source] time.",
        )
    if isinstance(asked, int):
        return
    absent = sorted(set(asked) - set(inflow))
    if absent:
        raise DataRefused(
            f"[tiers] hot_per_week names {absent}, of which no lead came in the last"
            f" {RECENT_WEEKS} weeks; there are {sorted(inflow)}.",
            remedy="Name pipelines as the data do, or leave these out.",
        )
    if len(inflow) > 1 and not any(pipelines):
        raise DataRefused(
            "[tiers] hot_per_week differs by pipeline, but the pipeline is not among"
            " the model's features.",
            remedy="Take pipeline out of [model] exclude, or give one number for all.",
        )


def what_if(
    cases: Cases, borders: Borders, tiers: Tiers, *, inflow: Inflow
) -> tuple[Capacity, ...]:
    """Say what another capacity would gain or lose, on test rows.

    Each capacity's border is placed among the test leads themselves. A lead is called
    when it first beats the border; what was said and what happened then is counted.

    Parameters
    ----------
    cases
        Test rows, those of one lead from the oldest to the newest.
    borders
        The model's own, for its floor and its present number of hot leads.

    Returns
    -------
    tuple of Capacity
        From the smallest to the largest; empty where leads have no dates, or where
        tiers are cut by money.
    """
    weekly = sum(inflow.values())
    if not weekly or tiers.by == "money":
        return ()
    own = tiers.hot_per_week
    if own is None:
        hot = cases.leads[cases.chances > borders.hot]
        present = len(np.unique(hot)) / len(np.unique(cases.leads)) * weekly
    else:
        present = own if isinstance(own, int) else sum(own.values())
    now = max(round(present), 1)
    looked_at = sorted({max(round(step * now), 1) for step in STEPS})
    return tuple(
        _at(per_week, cases, borders.floor, weekly, present=per_week == now)
        for per_week in looked_at
        if per_week <= max(weekly, now)
    )


def _at(
    per_week: int, cases: Cases, floor: float, weekly: float, *, present: bool
) -> Capacity:
    every = Scored(cases.chances, cases.leads, [None] * len(cases.leads))
    best = every.best().scores
    share = min(per_week / weekly, 1.0)
    border = cut_at(best, hot=share, warm=0.0, least=floor).hot
    over = np.flatnonzero(cases.chances > border)
    first = over[np.unique(cases.leads[over], return_index=True)[1]]
    converting = len(np.unique(cases.leads[cases.labels > 0]))
    row = Capacity(
        per_week=per_week,
        present=present,
        border=round(border, DIGITS),
        floored=bool(border <= floor),
        reached=round(len(first) / len(best) * weekly, 1),
    )
    if not len(first):
        return row
    happened, low, high = wilson(float(cases.labels[first].mean()), len(first))
    return replace(
        row,
        said=round(float(cases.chances[first].mean()), DIGITS),
        happened=happened,
        low=low,
        high=high,
        caught=round(float(cases.labels[first].sum()) / max(converting, 1), DIGITS),
    )
