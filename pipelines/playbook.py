"""``playbook``: show, check, test and compare the owner's flow chart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import orjson
import polars as pl
import typer
from rich.tree import Tree

from leads.errors import BadInput, DataRefused, Fault, Unavailable
from leads.history import History
from leads.settings import Settings, read_settings
from leads.store import load
from leads.wholefile import replace_whole
from pipelines.console import (
    ConfigOption,
    log,
    out,
    shares,
    table,
    verb,
    working,
)
from pipelines.routing import route_leads
from playbook.doubts import doubts_of, lines_of
from playbook.drawing import to_svg
from playbook.file import read_playbook
from playbook.known import Known
from playbook.mermaid import to_mermaid
from playbook.norms import Norms
from playbook.plan import Branch, Playbook
from playbook.telling import Telling
from playbook.text import Language
from playbook.trying import Case, Trial, try_out
from playbook.world import World
from serve.vocabulary import kept_folder, playbook_of, world_of

if TYPE_CHECKING:
    from leads.journal import Journal
    from playbook.difference import Difference

MOST_SHOWN: Final = 10
NARROW: Final = 360

playbook = typer.Typer(
    name="playbook",
    help="Show, check, test and compare the owner's flow chart.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
)

playbook.command("route")(route_leads)


class Form(StrEnum):
    """How a playbook is shown."""

    TEXT = "text"
    MERMAID = "mermaid"
    SVG = "svg"


class Tongue(StrEnum):
    """The language of what is shown."""

    EN = "en"
    RU = "ru"


FileArgument = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE.yaml]", help="Another file than the configured one."),
]
NewArgument = Annotated[
    Path, typer.Argument(metavar="NEW.yaml", help="The file that may become live.")
]
LanguageOption = Annotated[
    Tongue | None, typer.Option("--lang", help="By default the company's.")
]


@dataclass(frozen=True)
class Opened:
    """A playbook, and what it was read with."""

    settings: Settings
    history: History | None
    world: World
    playbook: Playbook

    @classmethod
    def of(cls, config: Path, file: Path | None) -> Opened:
        """Read a playbook against what the company has.

        Raises
        ------
        BadConfig
            The configuration or the playbook has faults.
        """
        settings = read_settings(config)
        history = _history(settings)
        world = world_of(settings, history)
        made = (
            playbook_of(settings, history)
            if file is None
            else read_playbook(file, world)
        )
        return cls(settings, history, world, made)

    def telling(self, tongue: Tongue | None = None) -> Telling:
        """Say it in a language, the company's if none is asked for."""
        chosen: Language = self.settings.company.language
        if tongue is not None:
            chosen = "ru" if tongue is Tongue.RU else "en"
        return Telling.of(self.playbook, self.world, chosen)


def _history(settings: Settings) -> History | None:
    try:
        return History(load(settings.store.folder))
    except Unavailable:  # a playbook may be drawn before anything is ingested
        return None


@playbook.command()
@verb
def show(
    config: ConfigOption,
    file: FileArgument = None,
    form: Annotated[Form, typer.Option("--as", help="How to draw it.")] = Form.TEXT,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Write it there.")
    ] = None,
    lang: LanguageOption = None,
    narrow: Annotated[
        bool, typer.Option("--narrow", help="An SVG in one column, for a phone.")
    ] = False,
) -> None:
    """Draw the playbook: as a tree, as Mermaid, or as an SVG picture."""
    telling = Opened.of(config, file).telling(lang)
    if form is Form.TEXT:
        out.print(_tree(telling))
        hours = telling.hours(telling.playbook.hours)
        out.print(f"hours  {hours}", soft_wrap=True, markup=False)
        return
    text = (
        to_mermaid(telling)
        if form is Form.MERMAID
        else to_svg(telling, width=NARROW if narrow else 760)
    )
    if to is None:
        out.print(text, markup=False, highlight=False, soft_wrap=True, end="")
        return
    replace_whole(to, text.encode(), private=False)
    out.print(f"drawn  {to}", soft_wrap=True)


@playbook.command()
@verb
def check(
    config: ConfigOption,
    file: FileArgument = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if there are warnings.")
    ] = False,
) -> None:
    """Name every fault of the playbook, with its line and column.

    Warnings are branches that no lead can reach, and facts that no lead has. Exit
    codes: 0 good, 1 warnings (with --strict), 2 faults.
    """
    opened = Opened.of(config, file)
    made = opened.playbook
    out.print(
        f"good     {len(made.plans)} plans, {sum(1 for _ in made.every_branch())}"
        f" branches, version {made.digest[:12]}"
    )
    if opened.history is None:
        out.print("names    not checked: nothing was ingested yet")
    found = doubts_of(made, () if opened.history is None else _newest(opened.history))
    live = opened.settings.playbook
    path = file or (None if live is None else live.file)
    assert path is not None, "the playbook was read from a file"
    lines, telling = lines_of(path.read_text(encoding="utf-8-sig")), opened.telling()
    for one in found:
        line, column = lines[one.branch.number]
        where = f"{path.name}, line {line}, column {column}"
        words = f"branch {one.branch.number}: {telling.branch(one.branch)}"
        what = (
            "no lead can reach"
            if not one.fact
            else f"no lead has {one.fact!r}, asked by"
        )
        out.print(f"warning  {where}: {what} {words}", soft_wrap=True, markup=False)
    if found and strict:
        raise typer.Exit(1)


def _newest(history: History) -> Iterator[Known]:
    """Go through leads as they are known at the end of the data, the newest first."""
    norms, now = Norms.of(history), history.cut_off
    for lead_id in history.leads.sort("created_at", descending=True)["lead_id"]:
        yield Known.unpredicted(history.lead(lead_id).as_of(now), now, norms)


@playbook.command("test")
@verb
def run(config: ConfigOption, file: FileArgument = None) -> None:
    """Run the playbook over past leads and the open ones, and change nothing."""
    opened = Opened.of(config, file)
    now = datetime.now(UTC)
    with working("Trying the playbook") as say:
        done, why = try_playbook(opened, now=now, say=say)
    show_trial(done, opened.telling(), why)


def try_playbook(opened: Opened, *, now: datetime, say: object) -> tuple[Trial, str]:
    """Try a playbook, and keep the result for the page; safe to repeat.

    Returns
    -------
    tuple
        What came of it, and why there are no past leads, if there are none.

    Raises
    ------
    NoModel
        None was ever promoted.
    Unavailable
        Nothing was ingested, or the journal does not answer.
    """
    from serve.bulk import Model  # loads the learning libraries, which takes seconds
    from serve.tryout import open_cases, open_known, past_cases, past_ground

    settings, made = opened.settings, opened.playbook
    model = Model.of(settings)
    history = opened.history or History(load(settings.store.folder))
    why = ""
    past: Iterator[Case] = iter(())
    try:
        ground = past_ground(history, settings, model)
        past = past_cases(ground, model, made, progress=lambda _: None)
    except DataRefused as refusal:
        why = str(refusal)
    with _journal(settings) as journal:
        _, leads = open_known(settings, model, journal, now=now)
        cases = _together(past, open_cases(made, leads), say)
        done = try_out(made, cases)
    keep_trial(settings, done, why, now=now)
    log.info("playbook_tried", playbook=done.playbook, past=done.past)
    return done, why


def _together(
    past: Iterator[Case], still_open: Iterator[Case], say: object
) -> Iterator[Case]:
    count = 0
    for cases in (past, still_open):
        for case in cases:
            count += 1
            if callable(say) and count % 500 == 0:
                say(f"Trying the playbook: {count:,} cases")
            yield case


def keep_trial(settings: Settings, done: Trial, why: str, *, now: datetime) -> None:
    """Keep what a version was found to do, for the page."""
    folder = kept_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    told = {"trial": asdict(done), "why": why, "tried_at": now.isoformat()}
    text = orjson.dumps(told, option=orjson.OPT_INDENT_2)
    replace_whole(folder / f"{done.playbook}.test.json", text)


@playbook.command()
@verb
def diff(
    new: NewArgument,
    config: ConfigOption,
    old: Annotated[
        Path | None,
        typer.Option("--against", metavar="OLD.yaml", help="Not the configured one."),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE.csv", help="Write every lead that moves."),
    ] = None,
) -> None:
    """Show which open leads would get another plan, before the file is live."""
    from playbook.difference import differ
    from serve.bulk import Model  # as above
    from serve.tryout import open_known

    before, after = Opened.of(config, old), Opened.of(config, new)
    if to is not None and to.suffix != ".csv":
        fault = Fault("--to", f"{to.name!r} is not a CSV file", "End it with .csv.")
        raise BadInput.of("The command", [fault])
    settings = before.settings
    with working("Comparing playbooks"), _journal(settings) as journal:
        now = datetime.now(UTC)
        _, leads = open_known(settings, Model.of(settings), journal, now=now)
        found = differ(before.playbook, after.playbook, leads)
    show_difference(found)
    if to is not None:
        rows = [asdict(one) for one in found.moved]
        schema = ("lead_id", "before", "after", "probability")
        content = pl.DataFrame(rows, schema=schema).write_csv().encode()
        replace_whole(to, content, private=False)
        out.print(f"moved  {to}", soft_wrap=True)


@contextmanager
def _journal(settings: Settings) -> Iterator[Journal]:
    from leads.journal import Journal

    with closing(Journal(settings.store.database)) as journal:
        journal.upgrade()
        yield journal


def _tree(telling: Telling) -> Tree:
    made = telling.playbook
    root = Tree(f"[bold]{telling.say(made.title)}[/]  version {made.digest[:12]}")
    _grow(root, made.branches, telling)
    return root


def _grow(root: Tree, branches: tuple[Branch, ...], telling: Telling) -> None:
    for branch in branches:
        here = root.add(f"{branch.number}  {telling.branch(branch)}")
        if branch.title is not None and branch.when is not None:
            here.add(f"[dim]{telling.condition(branch.when)}[/]")
        if branch.plan is not None:
            plan = telling.playbook.plans[branch.plan]
            leaf = here.add(f"[bold green]→ {telling.say(plan.segment)}[/]")
            if plan.task is not None:
                leaf.add(telling.task(plan.task))
        _grow(here, branch.branches, telling)


def show_trial(done: Trial, telling: Telling, why: str) -> None:
    """Print where leads fall, how they converted, and what nobody reaches."""
    told = table(
        f"Playbook {done.playbook[:12]} on {done.past:,} past leads and"
        f" {done.open_leads:,} open ones",
        "branch", "plan", "past", "converted", "95 % interval", "said", "open",
    )  # fmt: skip
    for leaf in done.leaves:
        said, rate, span = shares(leaf.said, leaf.rate, low=leaf.low, high=leaf.high)
        segment = telling.say(telling.playbook.plans[leaf.plan].segment)
        told.add_row(
            leaf.branch, segment, f"{leaf.leads:,}", rate, span, said,
            f"{leaf.open_leads:,}",
        )  # fmt: skip
    out.print(told)
    if why:
        out.print(f"past         {why}", soft_wrap=True, markup=False)
    numbers = {branch.number: branch for branch in telling.playbook.every_branch()}
    for number in done.dead:
        words = telling.branch(numbers[number])
        out.print(f"unreachable  {number} {words}: no lead can come here", markup=False)
    idle = ", ".join(done.idle) or "none"
    out.print(f"nobody fell  {idle}", soft_wrap=True)
    out.print(
        f"all others   {done.fallen_past:,} past and {done.fallen_open:,} open leads"
        " were caught by no question"
    )
    for blind in done.blind:
        out.print(
            f"not known    {blind.unknown:,} of {blind.asked:,} times at branch"
            f" {blind.branch}; such leads go on to the next one"
        )


def show_difference(found: Difference) -> None:
    """Print how many leads move from which plan to which, and the likeliest."""
    if found.empty:
        out.print(f"the same  {found.leads:,} open leads keep their plans")
        return
    ways = table(
        f"{len(found.moved):,} of {found.leads:,} open leads get another plan",
        "from", "to", "leads",
    )  # fmt: skip
    for before, after, count in found.ways:
        ways.add_row(before, after, f"{count:,}")
    out.print(ways)
    if found.moved:
        best = table("The likeliest of them", "lead", "chance", "from", "to")
        for one in found.moved[:MOST_SHOWN]:
            best.add_row(one.lead_id, _share(one.probability), one.before, one.after)
        out.print(best)
    for name in ("reworded", "added", "removed"):
        plans = getattr(found, name)
        if plans:
            out.print(f"{name:9} {', '.join(plans)}", soft_wrap=True)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
