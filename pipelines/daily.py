"""``daily``: the morning's run, once per business date, however many start it.

It chains the stages that the other verbs run. Each step that is done is written down
under the run's lease, so a run that was killed is taken up where it stopped; the steps
themselves are harmless to repeat. A step loads its stage when it is its turn: to say
how a morning stands takes none of them.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from sqlalchemy.exc import SQLAlchemyError

from leads.errors import BadConfig, Late, LeadcastError, Overtaken
from leads.journal import Journal
from leads.logs import mask
from leads.mornings import moment_of, newest_due
from leads.runs import Run, Runs
from leads.settings import Settings, read_settings
from pipelines.console import ConfigOption, log, out, table, verb, working

if TYPE_CHECKING:
    from serve.pages.letter import Letter

CheckOption = Annotated[
    bool,
    typer.Option(
        "--check", help="Only say how today's run stands; exit 4 if it is late."
    ),
]


@dataclass(frozen=True)
class Morning:
    """What every step may look at."""

    settings: Settings
    run: Run
    now: datetime
    advance: Callable[[int], None]
    """Called as a long step goes on; raises ``Overtaken`` if it must stop."""
    note: Callable[[str, str], None]
    """Writes down how far a step has come, by name; empty text takes it back."""


def _ingest(morning: Morning) -> Mapping[str, str]:
    from pipelines.ingest import take_in

    done = take_in(morning.settings)
    with closing(Journal(morning.settings.store.database)) as journal:
        last, _ = journal.mark()
    cut_off = "" if done.cut_off is None else done.cut_off.isoformat()
    rows = ", ".join(f"{count:,} {name}" for name, count in done.rows.items() if count)
    return {"ingest": rows, "as_of": cut_off, "after": str(last)}


def _score(morning: Morning) -> Mapping[str, str]:
    """Predict as of what this run ingested, so that going on repeats no prediction."""
    from pipelines.score import score_open

    pinned = morning.run.done["as_of"]
    as_of = datetime.fromisoformat(pinned) if pinned else None
    done = score_open(
        morning.settings, None, as_of=as_of, now=morning.now, advance=morning.advance
    )
    tiers = ", ".join(f"{count:,} {tier.value}" for tier, count in done.tiers.items())
    said = f"version {done.model_version}: {tiers}"
    plans = ", ".join(f"{count:,} {name}" for name, count in done.plans.items())
    return {"score": f"{said}; plans: {plans}" if plans else said}


def _route(morning: Morning) -> Mapping[str, str]:
    from pipelines.routing import route_morning

    return route_morning(morning.settings, now=morning.now)


def _deliver(morning: Morning) -> Mapping[str, str]:
    if morning.settings.crm is None:
        return {"deliver": "no CRM is configured"}
    from pipelines.deliver import deliver_due

    done = deliver_due(morning.settings, advance=morning.advance)
    return {"deliver": f"{done.written:,} cards written, {done.waiting:,} wait"}


def _report(morning: Morning) -> Mapping[str, str]:
    from pipelines.report import report_leads

    done = report_leads(morning.settings, now=morning.now, digest=False)
    return {"report": f"{done.listed:,} leads listed, {done.pages:,} with a page"}


def _digest(morning: Morning) -> Mapping[str, str]:
    from pipelines.digesting import digest_leads

    done = digest_leads(morning.settings, now=morning.now).facts
    if done is None:
        return {"digest": "nothing was predicted yet"}
    moved = "no yesterday"
    if done.changes is not None:
        moved = f"{done.changes.warmer:,} warmer, {done.changes.colder:,} colder"
    return {"digest": f"{done.today:,} to call today, {moved}"}


def _letter(settings: Settings, *, now: datetime) -> Letter | None:
    from pipelines.digesting import digest_letter

    return digest_letter(settings, now=now)


def mail_step(
    morning: Morning, *, write: Callable[..., Letter | None] = _letter
) -> Mapping[str, str]:
    """Send the digest, at most once: what is not known to have failed is not repeated.

    That it begins is written down before the first byte goes out, and taken back only
    if the server surely did not take it. What only a person can mend, such as a wrong
    password, is told loudly and ends the step: cards and reports are done.
    """
    mail = morning.settings.daily.mail
    if mail is None:
        return {"mail": "no mail is configured"}
    if SENDING in morning.run.done:
        return {"mail": "perhaps sent: the run stopped while it was; not sent again"}
    from pipelines.mailing import NotSent, Refused, send

    letter = write(morning.settings, now=morning.now)
    if letter is None:
        return {"mail": "nothing was predicted yet"}
    morning.note(SENDING, "begun")
    try:
        return {"mail": send(letter, mail, day=morning.run.day, now=morning.now)}
    except (Refused, BadConfig) as error:
        morning.note(SENDING, "")
        log.error("mail_not_sent", why=error.what, remedy=error.remedy)
        return {"mail": f"{NOT_SENT}. {error.what} {error.remedy}"}
    except NotSent:
        morning.note(SENDING, "")
        raise


Step = Callable[[Morning], Mapping[str, str]]
SENDING: Final = "sending"
"""The note that stands while an e-mail may be under way."""

NOT_SENT: Final = "NOT SENT"
"""What the step of the e-mail says first if a person must mend something."""

STEPS: Final[Mapping[str, Step]] = {
    "ingest": _ingest, "score": _score, "route": _route, "deliver": _deliver,
    "report": _report, "digest": _digest, "mail": mail_step,
}  # fmt: skip
"""Every step of a morning, in order; its name is the key it is written down under."""


TelegramOption = Annotated[
    bool, typer.Option("--telegram", help="Only print the digest as a message.")
]


@verb
def daily(
    config: ConfigOption, check: CheckOption = False, telegram: TelegramOption = False
) -> None:
    """Run this morning's work once: read, predict, write back, report, tell."""
    settings = read_settings(config)
    if telegram:
        from pipelines.digesting import telegram_text

        typer.echo(telegram_text(settings))
        return
    now = datetime.now(UTC)
    day = newest_due(now, settings.daily.at, settings.company.zone)
    with closing(Journal(settings.store.database)) as journal:
        journal.upgrade()
        runs = Runs(journal)
        if check:
            _check(runs.of(day), day, settings, now)
            return
        run = runs.claim(day)
        if run is None:
            out.print(_idle(runs.of(day), day, settings.company.zone))
            return
        show(work(settings, runs, run, now=now), settings.company.zone)


def work(
    settings: Settings,
    runs: Runs,
    run: Run,
    *,
    now: datetime,
    steps: Mapping[str, Step] | None = None,
) -> Run:
    """Do what is left of a claimed run; a failure is written down, then raised.

    Given only some ``steps`` it does these, and the run is not finished.

    Raises
    ------
    Overtaken
        Another took the run over.
    LeadcastError
        A step failed; the run may be taken up again.
    """
    with _letting_go(runs, run), _kept(runs, run) as lost:

        def advance(_: int) -> None:
            if lost.is_set():
                runs.renew(run)  # says who has it

        for name, step in (STEPS if steps is None else steps).items():
            if name in run.done:
                continue
            advance(0)

            def note(what: str, said: str) -> None:
                nonlocal run
                run = runs.note(run, **{what: said})

            with working(f"{run.day}: {name}"):
                said = step(Morning(settings, run, now, advance, note))
            run = runs.complete(run, **said)
            log.info("daily_step", day=run.day.isoformat(), step=name, said=said[name])
        return runs.finish(run) if steps is None else run


@contextmanager
def _letting_go(runs: Runs, run: Run) -> Iterator[None]:
    """Write down why a run ends early, and give it free for the next who comes."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except Overtaken:
        raise
    except (LeadcastError, SQLAlchemyError, OSError) as error:
        why = error.what if isinstance(error, LeadcastError) else mask(str(error))
        log.error("daily_failed", day=run.day.isoformat(), why=why)
        with suppress(LeadcastError, SQLAlchemyError, OSError):  # the lease will end
            runs.fail(run, f"{type(error).__name__}: {why}")
        raise
    except (SystemExit, KeyboardInterrupt):
        runs.release(run)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _kept(runs: Runs, run: Run) -> Iterator[threading.Event]:
    """Renew the lease beside the work; the event is set once the run is another's."""
    stopping, lost = threading.Event(), threading.Event()

    def renew() -> None:
        while not stopping.wait(runs.lease / timedelta(seconds=4)):
            try:
                runs.renew(run)
            except Overtaken:
                lost.set()
                return
            except (
                LeadcastError
            ) as error:  # the lease outlasts a database that restarts
                log.warning("daily_lease", why=str(error))

    thread = threading.Thread(target=renew, name="daily-lease", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        stopping.set()
        thread.join()


def _idle(run: Run | None, day: date, zone: ZoneInfo) -> str:
    if run is None:
        return f"The run of {day} is over: a newer one was begun."
    if run.finished_at is not None:
        done = run.finished_at.astimezone(zone)
        return f"The run of {day} is done since {done:%H:%M %Z}."
    steps = [name for name in STEPS if name in run.done]
    return f"The run of {day} is going on elsewhere; done is {_listed(steps)}."


def _listed(steps: Sequence[str]) -> str:
    return ", ".join(steps) or "nothing"


def _check(run: Run | None, day: date, settings: Settings, now: datetime) -> None:
    """Say how a date stands.

    Raises
    ------
    Late
        It should be done and is not.
    """
    zone = settings.company.zone
    late = moment_of(day, settings.daily.late, zone)
    if run is not None and run.is_finished:
        show(run, zone)
        return
    done = _listed([name for name in STEPS if run and name in run.done])
    why = f" It last failed: {run.failed_why}" if run and run.failed_why else ""
    if now >= late:
        raise Late(
            f"The run of {day} is not done; done is {done}.{why}",
            remedy="Mend what failed and run daily; it goes on where it stopped.",
        )
    out.print(f"The run of {day} is not done yet; done is {done}.{escape(why)}")


def show(run: Run, zone: ZoneInfo) -> None:
    """Print what each step said."""
    told = table(f"The run of {run.day}", "step", "result")
    for name in STEPS:
        said = escape(run.done.get(name, ""))
        loud = name == "mail" and said.startswith(NOT_SENT)
        told.add_row(name, f"[bold red]{said}[/]" if loud else said)
    out.print(told)
    if run.finished_at is not None:
        taken = (run.finished_at - run.started_at).total_seconds()
        done = run.finished_at.astimezone(zone)
        out.print(f"done     {done:%H:%M %Z}, {taken:,.0f} s after it began")
