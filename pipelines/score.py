"""``score``: predict a file of leads, or every open lead of the source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import nlargest
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.progress import TimeRemainingColumn as Remaining

from crm.courier import also_of
from leads.decision import Prediction, Tier
from leads.errors import BadInput, Fault
from leads.forgetting import forget_before
from leads.journal import Journal
from leads.settings import Settings, read_settings
from pipelines.console import ConfigOption, err, log, out, table, verb
from playbook.ledger import standing_plans
from serve.bulk import (
    Model,
    Work,
    leads_of_file,
    open_leads_of,
    predicted,
    recorded,
)
from serve.planning import Planning
from serve.results import check_ending, write_results

MOST_SHOWN: Final = 10

InputOption = Annotated[
    Path | None,
    typer.Option("--input", metavar="FILE", help="Leads in the source's own form."),
]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", help="Results: .parquet or .csv."),
]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of", metavar="MOMENT", help="ISO 8601 with an offset; now or the cut-off."
    ),
]


@dataclass
class Scored:
    """What one run of ``score`` said: how many in each tier, and the best leads.

    ``plans`` counts open leads by plan of the playbook; empty if none is in use.
    """

    model_version: str
    tiers: Counter[Tier] = field(default_factory=Counter)
    best: list[Prediction] = field(default_factory=list)
    plans: Counter[str] = field(default_factory=Counter)

    def add(self, predictions: list[Prediction]) -> None:
        """Count a chunk."""
        self.tiers.update(made.tier for made in predictions)
        self.best = nlargest(
            MOST_SHOWN, [*self.best, *predictions], key=lambda made: made.probability
        )


@verb
def score(
    config: ConfigOption,
    leads: InputOption = None,
    results: OutputOption = None,
    as_of: AsOfOption = None,
) -> None:
    """Predict a file of leads, or every open lead, and record those in the journal."""
    settings = read_settings(config)
    moment = None if as_of is None else _moment(as_of)
    now = datetime.now(UTC)
    with _bar() as (begin, advance):
        if leads is not None:
            done = score_file(
                settings, leads, results,
                as_of=moment, now=now, begin=begin, advance=advance,
            )  # fmt: skip
        else:
            done = score_open(
                settings, results, as_of=moment, now=now, begin=begin, advance=advance
            )
    show(done)
    if results is not None:
        out.print(f"results  {results}")


Advance = Callable[[int], None]


def _ignore(_: int) -> None:
    """Stand where nobody watches the progress."""


def score_file(  # noqa: PLR0913 - the two last are for who watches
    settings: Settings,
    leads: Path,
    results: Path | None,
    *,
    as_of: datetime | None,
    now: datetime,
    begin: Advance = _ignore,
    advance: Advance = _ignore,
) -> Scored:
    """Predict a file of leads into a file of results, in its order.

    Nothing is recorded in the journal: the same leads may be tried in many versions.

    Raises
    ------
    BadInput
        There is no output file, or not of a known kind; the file of leads has faults.
    NoModel
        None was ever promoted.
    Unavailable
        Nothing was ingested.
    """
    if results is None:
        fault = Fault("--output", "is needed with --input", "Name a file for results.")
        raise BadInput.of("The command", [fault])
    check_ending(results)
    model = Model.of(settings)
    work = leads_of_file(leads, settings, as_of=as_of, now=now)
    planning = Planning(settings, lambda: work.history, now=lambda: now)
    chunks = planning.answered(_predicted(work, model, begin, advance))
    done = Scored(model.champion.version)
    return _taken((made for made, _ in chunks), results, done)


def score_open(
    settings: Settings,
    results: Path | None,
    *,
    as_of: datetime | None,
    now: datetime,
    begin: Advance = _ignore,
    advance: Advance = _ignore,
) -> Scored:
    """Predict every open lead of the source and record it; safe to repeat.

    Raises
    ------
    NoModel
        None was ever promoted.
    Unavailable
        Nothing was ingested, or the journal does not answer.
    """
    if results is not None:
        check_ending(results)
    model = Model.of(settings)
    work = open_leads_of(settings, as_of=as_of, now=now)
    planning = Planning(settings, lambda: work.history, now=lambda: now)
    offers = also_of(settings, lambda: work.history)
    also = planning.also(offers)
    with closing(Journal(settings.store.database, also=also)) as journal:
        journal.upgrade()
        _forget(settings, journal, now)
        made = planning.answered(_predicted(work, model, begin, advance, journal))
        chunks = planning.renewed(recorded(made, journal, now=now), journal, offers)
        done = _taken(chunks, results, Scored(model.champion.version))
        done.plans = _plans(planning, journal, work)
        return done


def _plans(planning: Planning, journal: Journal, work: Work) -> Counter[str]:
    """Count the open leads by what the playbook decided on them."""
    planner = planning.current()
    if planner is None:
        return Counter()
    kept = standing_plans(journal, planner.playbook.digest)
    found = (kept.get(lead_id) for lead_id in work.moments["lead_id"])
    return Counter(dict(Counter(plan for plan in found if plan).most_common()))


def _forget(settings: Settings, journal: Journal, now: datetime) -> None:
    """Forget what is older than the company keeps; this verb is its daily job."""
    keep = settings.journal.keep_days
    if keep is not None:
        gone = forget_before(journal, now - timedelta(days=keep))
        log.info("forgotten", keep_days=keep, **asdict(gone))


def _predicted(
    work: Work,
    model: Model,
    begin: Advance,
    advance: Advance,
    journal: Journal | None = None,
) -> Iterator[tuple[list[Prediction], list[bytes]]]:
    begin(len(work.moments))
    return predicted(work, model, reasons=True, progress=advance, journal=journal)


def _taken(
    chunks: Iterator[list[Prediction]], results: Path | None, done: Scored
) -> Scored:
    def counted() -> Iterator[list[Prediction]]:
        for predictions in chunks:
            done.add(predictions)
            yield predictions

    passing = counted() if results is None else write_results(results, counted())
    for _ in passing:
        pass
    return done


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min  # noqa: DTZ901 - refused below, like any without a zone
    if moment.utcoffset() is None:
        fault = Fault(
            "--as-of",
            f"{text!r} is not a moment in ISO 8601 with an offset",
            "Write one like 2026-03-01T00:00:00+03:00.",
        )
        raise BadInput.of("The command", [fault])
    return moment


@contextmanager
def _bar() -> Iterator[tuple[Advance, Advance]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Remaining(),
    )
    hidden = not err.is_terminal
    with Progress(*columns, console=err, transient=True, disable=hidden) as progress:
        task = progress.add_task("Predicting", total=None)
        yield (
            lambda total: progress.update(task, total=total),
            lambda count: progress.advance(task, count),
        )


def show(done: Scored) -> None:
    """Print how many leads are in each tier, and the likeliest."""
    total = done.tiers.total()
    tiers = table(f"{total:,} leads by model {done.model_version}", "tier", "leads")
    for tier in Tier:
        if done.tiers[tier] or tier is not Tier.NO_DATA:
            tiers.add_row(tier.value, f"{done.tiers[tier]:,}")
    out.print(tiers)
    best = table("The likeliest", "lead", "probability", "tier", "because")
    for made in done.best:
        why = made.reasons[0].text["en"] if made.reasons else ""
        best.add_row(made.lead_id, f"{made.probability:.1%}", made.tier.value, why)
    out.print(best)
