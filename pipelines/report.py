"""``report``: write the pages as self-contained HTML files, each with a JSON twin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from leads.errors import Unavailable
from leads.history import History
from leads.journal import Journal
from leads.settings import Settings, read_settings
from leads.store import load
from model.backtest.outcomes import read_backtest
from model.proof.record import Capacity
from pipelines.console import (
    ConfigOption,
    log,
    out,
    shares,
    table,
    verb,
    working,
)
from serve.insight import Insight
from serve.overlay import fresh_of
from serve.pages.evidence import read_evidence
from serve.pages.paper import write_digest
from serve.pages.report import MOST_LISTED, MOST_PAGES, Report, write_report
from serve.pages.seen import Seen
from serve.pages.sight import Sight
from serve.planning import Planning

FOLDER: Final = "reports"

ListedOption = Annotated[
    int, typer.Option(min=1, max=100_000, help="How many leads the list holds.")
]
PagesOption = Annotated[
    int, typer.Option(min=0, max=10_000, help="How many of them get their own page.")
]


@verb
def report(
    config: ConfigOption,
    listed: ListedOption = MOST_LISTED,
    pages: PagesOption = MOST_PAGES,
) -> None:
    """Write the list of leads, the best leads and the proof of the model as files."""
    settings = read_settings(config)
    with working("Writing the reports"):
        done = report_leads(settings, now=datetime.now(UTC), listed=listed, pages=pages)
    show(done)


def report_leads(
    settings: Settings,
    *,
    now: datetime,
    listed: int = MOST_LISTED,
    pages: int = MOST_PAGES,
    digest: bool = True,
) -> Report:
    """Write the reports of what is in the journal; safe to repeat.

    ``digest`` is False where it is written after them anyway.

    Raises
    ------
    Unavailable
        The journal's database does not answer.
    DamagedBundle
        The files of the model in use are not what they were.
    """
    with sight_of(settings, now) as sight:
        done = write_report(
            sight, folder_of(settings), now=now, listed=listed, pages=pages
        )
        if digest:
            write_digest(sight, folder_of(settings), now=now)
    log.info("reported", listed=done.listed, total=done.total, pages=done.pages)
    return done


def folder_of(settings: Settings) -> Path:
    """Say where the reports are kept."""
    return settings.store.folder / FOLDER


@contextmanager
def sight_of(settings: Settings, now: datetime) -> Iterator[Sight]:
    """Open what reports look at, as of a moment."""
    folder = settings.store.folder
    journal = Journal(settings.store.database)
    try:
        journal.upgrade()
        history = _history(folder)
        yield Sight(
            settings,
            journal,
            lambda: history,
            partial(read_evidence, folder, settings),
            partial(read_backtest, folder),
            insight=Insight(
                settings,
                journal=journal,
                history=lambda: history,
                fresh=fresh_of(settings, journal),
            ),
            now=lambda: now,
            planning=Planning(settings, lambda: history, now=lambda: now),
            seen=Seen.of(settings, journal),
        )
    finally:
        journal.close()


def _history(folder: Path) -> History | None:
    try:
        return History(load(folder))
    except Unavailable:  # leads may have come by request alone
        return None


def show(done: Report) -> None:
    """Print what was written and where to look first."""
    made = table("Reports", "what", "how many", "file")
    made.add_row("leads", f"{done.listed:,} of {done.total:,}", str(done.listing))
    made.add_row("leads' pages", f"{done.pages:,}", str(done.listing.parent / "leads"))
    made.add_row("proof of the model", "", str(done.proof))
    out.print(made)
    if done.capacity:
        show_capacity(done.capacity)


def show_capacity(rows: Sequence[Capacity]) -> None:
    """Print what other numbers of calls per week would gain or lose."""
    other = table(
        "If the team called more, or fewer",
        "hot a week", "hot above", "said", "happened", "95 % interval",
        "of all conversions",
    )  # fmt: skip
    for row in rows:
        asked = f"{row.per_week:,}" + " (now)" * row.present
        if row.floored:
            asked += f", only {row.reached:g}"
        told = shares(row.said, row.happened, low=row.low, high=row.high)
        other.add_row(asked, f"{row.border:.1%}", *told, f"{row.caught:.0%}")
    out.print(other)
