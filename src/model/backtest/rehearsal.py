"""Back-testing: train as one would have trained then, and see what came of it.

For each of the last months whose outcomes are all known, a model is trained of what was
visible when the month began (``History.until``), and predicts every snapshot of the
month from what was visible at its moment. Outcomes are those known today. So nothing
that was recorded after a month's first moment reaches its model, and nothing that was
recorded after a snapshot's moment reaches its prediction. Which leads were closed is
judged by the stages that were known to close leads then; leads that had paid already
are no question, as in training (see ``model.examples.snapshots``).

What cannot be undone is said, not hidden: a card field without recorded changes stands
in the past as it stands today.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl

from leads.decision import Tier
from leads.errors import BadConfig, DataRefused, LeakRefused
from leads.history import History, microseconds
from leads.lead import EPOCH
from leads.settings import Settings
from model.backtest.months import MOST_FOLDS, month_model
from model.backtest.outcomes import (
    ROWS,
    Backtest,
    Outcome,
    keep_backtest,
    keep_month,
    read_month,
)
from model.bundle.provenance import code_mark
from model.bundle.whole import Bundle
from model.examples.labels import funnel_of, gap_of, label
from model.examples.snapshots import consider
from model.features.batch import build
from model.features.catalog import Numbers
from model.learning import DIGITS, UNTOLD
from model.metrics import log_odds_of, probabilities, row_losses
from model.proof.counting import Cases, bin_of, tier_proofs
from model.proof.record import Bin, TierProof
from model.team import compare
from model.training import leads_of, moments_at

SKIPPED: Final = (
    f"folds beyond {MOST_FOLDS}",
    "the worth of groups of features",
    "small steps of the trees",
    "how sure a chance is, and when somebody pays",
    "registration",
)


@dataclass(frozen=True, slots=True)
class Span:
    """One calendar month of the company's zone, ``[start, end)`` in microseconds."""

    month: str
    start: int
    end: int


@dataclass(frozen=True)
class Rehearsed:
    """A back-test, and how many of its months had been rehearsed before."""

    backtest: Backtest
    reused: int


def rehearse(
    history: History,
    settings: Settings,
    *,
    months: int,
    data_digest: str,
    progress: Callable[[str], None],
) -> Rehearsed:
    """Back-test the last months and keep the result in the store; safe to repeat.

    Parameters
    ----------
    months
        How many of the months whose outcomes are all known.
    data_digest
        The digest of the stored tables.
    progress
        Told in words what is being done.

    Raises
    ------
    CodeRefused
        ``[model] require_clean`` is set and the code is not what was committed.
    DataRefused
        Leads have no times, or no whole month is mature.
    """
    folder = settings.store.folder
    keys, outcomes, rows = set(), [], []
    reused = 0
    for span in spans(history, settings, months):
        key = key_of(settings, data_digest, span)
        known = read_month(folder, key)
        reused += known is not None
        if known is None:
            known = rehearse_month(history, settings, span, progress=progress)
            keep_month(folder, key, *known)
        keys.add(key)
        outcomes.append(known[0])
        rows.append(known[1])
    every = pl.concat(rows)
    whole, tiers = _told(every)
    made = Backtest(
        data_digest=data_digest,
        horizon_days=settings.conversion.horizon_days,
        months=tuple(outcomes),
        whole=whole,
        tiers=tiers,
        team=compare(every),
        skipped=SKIPPED,
    ).signed()
    keep_backtest(folder, made, keys)
    return Rehearsed(made, reused)


def spans(history: History, settings: Settings, months: int) -> tuple[Span, ...]:
    """List the last calendar months of which every outcome is known, oldest first.

    Raises
    ------
    DataRefused
        There is none.
    """
    if not history.tables.dated or history.leads.is_empty():
        raise DataRefused(
            "A back-test goes month by month, and these leads have no times.",
            remedy="Name the column of times as [source] time.",
        )
    first = history.leads["created_at"].min()
    assert isinstance(first, int)
    last = history.cut_off - gap_of(settings)
    found = [
        span
        for span in _calendar(first, history.cut_off, settings)
        if span.end <= last and span.start > first
    ]
    if not found:
        raise DataRefused(
            "No calendar month is over and mature: leads come from"
            f" {_day(first)}, data end on {_day(history.cut_off)}, and each outcome"
            f" needs {settings.conversion.horizon_days} days.",
            remedy="Wait, bring older leads, or lower [conversion] horizon_days.",
        )
    return tuple(found[-months:])


def rehearse_month(
    history: History,
    settings: Settings,
    span: Span,
    *,
    progress: Callable[[str], None],
) -> tuple[Outcome, pl.DataFrame]:
    """Train as of a month's first moment, and judge the month's snapshots.

    Returns
    -------
    tuple
        What was said and happened, and the rows (``model.backtest.outcomes.ROWS``).
    """
    then, nothing = history.until(span.start), pl.DataFrame(schema=dict(ROWS))

    def say(what: str) -> None:
        progress(f"{span.month} {what}")

    try:
        bundle = month_model(then, settings, say=say).bundle
        asked = _asked(history, then, settings, span)
    except (DataRefused, LeakRefused, BadConfig) as refusal:
        return Outcome(span.month, span.start, "no_model", str(refusal)), nothing
    if asked.is_empty():
        why = "No snapshot of an open lead falls into the month."
        return Outcome(span.month, span.start, "no_rows", why), nothing
    rows = _predicted(bundle, history, asked)
    labels = rows["label"].cast(pl.Float64).to_numpy()
    base = np.full(len(rows), log_odds_of(bundle.manifest.base_rate))
    whole, tiers = _told(rows)
    judged = Outcome(
        month=span.month,
        start=span.start,
        bundle=bundle.digest,
        leads=rows["lead_id"].n_unique(),
        converted=int(labels.sum()),
        logloss=_mean(row_losses(rows["log_odds"].to_numpy(), labels)),
        base_logloss=_mean(row_losses(base, labels)),
        whole=whole,
        tiers=tiers,
    )
    return judged, rows


def _asked(
    history: History, then: History, settings: Settings, span: Span
) -> pl.DataFrame:
    """Take the month's snapshots, open as far as could be told then, with outcomes."""
    moments = consider(history, settings, funnel=funnel_of(then, settings)).filter(
        pl.col("refused_why").is_null(),
        pl.col("moment").is_between(span.start, span.end, closed="left"),
    )
    known = label(history, settings, moments, funnel_of(history, settings))
    return known.filter(pl.col("label").is_not_null()).sort("moment", "lead_id")


def _predicted(bundle: Bundle, history: History, asked: pl.DataFrame) -> pl.DataFrame:
    moments = moments_at(asked, np.arange(len(asked)))
    table = build(bundle.catalog, history, moments)
    log_odds = bundle.log_odds(table)
    tiers = [tier.value for tier in bundle.tiers(table, log_odds.tolist())]
    return asked.with_columns(
        log_odds=pl.Series(log_odds),
        probability=pl.Series(probabilities(log_odds)),
        tier=pl.Series(tiers, dtype=pl.String),
        owner=history.cards(moments)["owner"],
    ).select(list(ROWS))


def _told(rows: pl.DataFrame) -> tuple[Bin | None, tuple[TierProof, ...]]:
    """Count said against happened, over all rows and per tier as they were named."""
    if rows.is_empty():
        return None, ()
    cases = Cases.of(
        rows["log_odds"].to_numpy(),
        rows["label"].cast(pl.Float64).to_numpy(),
        leads_of(rows),
    )
    tiers = tier_proofs(cases, [Tier(name) for name in rows["tier"]])
    return bin_of(cases, np.arange(len(rows))), tuple(tiers)


def key_of(settings: Settings, data_digest: str, span: Span) -> str:
    """Digest everything that a month's result depends on."""
    facts = settings.model_dump(
        mode="json",
        include={
            "conversion",
            "snapshots",
            "funnel",
            "tiers",
            "source",
            "model",
            "criteria",
        },
        exclude={"model": UNTOLD, "source": {"url", "folder", "path"}},
    )
    told = [data_digest, facts, settings.company.timezone, str(code_mark())]
    text = json.dumps([*told, span.month, MOST_FOLDS], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _calendar(first: int, last: int, settings: Settings) -> Iterator[Span]:
    zone = settings.company.zone
    begin = _moment(first).astimezone(zone)
    count = (_moment(last).year - begin.year + 1) * 12 + 1
    borders = [
        datetime(begin.year + n // 12, n % 12 + 1, 1, tzinfo=zone)
        for n in range(begin.month - 1, begin.month + count)
    ]
    for start, end in pairwise(borders):
        yield Span(
            f"{start:%Y-%m}",
            microseconds(start.astimezone(UTC)),
            microseconds(end.astimezone(UTC)),
        )


def _moment(microseconds_since: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds_since)


def _day(moment: int) -> str:
    return f"{_moment(moment):%Y-%m-%d}"


def _mean(values: Numbers) -> float:
    return round(float(values.mean()), DIGITS)
