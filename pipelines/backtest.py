"""``backtest``: what models would have said in the last months, and what happened."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from leads.settings import Settings, read_settings
from model.backtest.outcomes import Outcome
from model.backtest.rehearsal import Rehearsed, rehearse
from model.learning import Progress
from model.proof.record import Bin, TierProof
from pipelines.console import (
    ConfigOption,
    log,
    out,
    shares,
    table,
    verb,
    working,
)
from pipelines.ingest import stored

MONTHS: Final = 3

MonthsOption = Annotated[
    int, typer.Option(min=1, max=60, help="How many of the last mature months.")
]


@verb
def backtest(config: ConfigOption, months: MonthsOption = MONTHS) -> None:
    """Train as of each of the last months, and hold what was said against outcomes.

    Each month is a training of its own. A month that was done for the same data,
    settings and code is not done again.
    """
    settings = read_settings(config)
    with working("Back-testing") as say:
        done = backtest_stored(settings, months=months, progress=say)
    show(done)


def backtest_stored(
    settings: Settings, *, months: int = MONTHS, progress: Progress | None = None
) -> Rehearsed:
    """Back-test what is stored, taking it in first if nothing is; safe to repeat.

    Raises
    ------
    BadInput
        The source has faults.
    DataRefused
        Leads have no times, or no whole month is mature.
    """
    history, digest = stored(settings)
    done = rehearse(
        history,
        settings,
        months=months,
        data_digest=digest,
        progress=progress or (lambda _: None),
    )
    made = done.backtest
    log.info(
        "backtested", digest=made.digest, months=len(made.months), reused=done.reused
    )
    return done


def show(done: Rehearsed) -> None:
    """Print said against happened, month by month and together."""
    made = done.backtest
    told = table(
        "Said then, happened since", "month", "tier", "cases", "said", "happened",
        "95 % interval",
    )  # fmt: skip
    for month in made.months:
        for name, proof in _parts(month.whole, month.tiers):
            told.add_row(month.month, name, *_cells(proof))
        if month.gap:
            told.add_row(month.month, "no model" if month.gap == "no_model" else "none")
    for name, proof in _parts(made.whole, made.tiers):
        told.add_row("together", name, *_cells(proof))
    out.print(told)
    for month in made.months:
        out.print(_words(month), markup=False, soft_wrap=True)
    out.print(f"skipped  {'; '.join(made.skipped)}", soft_wrap=True)
    out.print(f"reused   {done.reused} of {len(made.months)} months")
    out.print(f"digest   {made.digest}")


def _parts(
    whole: Bin | None, tiers: tuple[TierProof, ...]
) -> list[tuple[str, Bin | TierProof]]:
    if whole is None:
        return []
    return [*((item.tier.value, item) for item in tiers if item.count), ("all", whole)]


def _cells(proof: Bin | TierProof) -> tuple[str, ...]:
    told = shares(proof.said, proof.happened, low=proof.low, high=proof.high)
    return (f"{proof.count:,}", *told)


def _words(month: Outcome) -> str:
    if month.gap:
        return f"{month.month}  {month.why}"
    return (
        f"{month.month}  log-loss {month.logloss:.4f} against {month.base_logloss:.4f}"
        f" for the base rate of then; {month.leads:,} leads, {month.converted:,}"
        f" conversions; model {month.bundle:.12}"
    )
