"""``points``: learn a scorecard from the data, show one, try one on past leads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from leads.errors import BadConfig
from leads.history import History
from leads.settings import Settings, read_settings
from leads.store import load
from leads.wholefile import replace_whole
from model.points.hypotheses import check_hypotheses
from model.points.record import Hypothesis
from model.points.scorecard import learn_scorecard
from model.points.writing import to_yaml
from model.training import Terms, task_of
from pipelines.console import ConfigOption, log, out, table, verb, working
from pipelines.playbook import LanguageOption, Tongue
from playbook.file import read_playbook
from playbook.points import DIGITS, LETTERS, SIDE_WORDS, Bounds
from playbook.pointsfile import holds_only_points, parse_points
from playbook.telling import Telling
from playbook.text import Language, said
from serve.pointing import (
    Counted,
    Tried,
    counted,
    keep_tried,
    rival_of,
    try_points,
)
from serve.vocabulary import playbook_of, world_of

LEAST_P: Final = 0.0001

points = typer.Typer(
    name="points",
    help="Learn, show and test a scorecard: points for who a lead is and what it does.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
)

FileArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE.yaml]",
        help="A file of points or a playbook; else what is in use.",
    ),
]


@points.command()
@verb
def learn(
    config: ConfigOption,
    to: Annotated[
        Path, typer.Argument(metavar="FILE.yaml", help="Where to write the scorecard.")
    ],
    lang: LanguageOption = None,
) -> None:
    """Learn a scorecard from past leads, and write it for a person to adjust."""
    settings = read_settings(config)
    history = History(load(settings.store.folder))
    with working("Learning points") as say:
        task = task_of(history, settings, progress=say, terms=Terms(brief=True))
        matrix, leads = task.matrix, task.training_leads
        card = learn_scorecard(task.catalog, matrix.values, matrix.labels, leads)
        found = check_hypotheses(
            task.catalog, matrix.values, labels=matrix.labels, leads=leads
        )
    replace_whole(to, to_yaml(card).encode(), private=False)
    show_hypotheses(found, _tongue(settings, lang))
    out.print(f"learned  {len(card.lines)} traits, {card.items} lines of points")
    out.print(f"written  {to}", soft_wrap=True)
    log.info("points_learned", traits=len(card.lines), items=card.items)


@points.command()
@verb
def show(
    config: ConfigOption, file: FileArgument = None, lang: LanguageOption = None
) -> None:
    """Show a scorecard as a table, in words."""
    settings = read_settings(config)
    use, telling = _opened(settings, file, lang)
    told = table(f"Points ({use.origin})", "group", "what", "points", "bounds")
    before = None
    for side, group, item in use.card.items():
        name = said(group.title, telling.language) if group.title else group.name
        side_name = said(SIDE_WORDS[side], telling.language).partition(":")[0]
        if group is not before:
            told.add_row(f"[bold]{side_name}: {name}[/]", "", "", _bounds(group.bounds))
            before = group
        told.add_row("", telling.item(item), f"{item.points:+}", _bounds(item.bounds))
    out.print(told)
    for side, of in use.card.sides():
        names = LETTERS if side == "fit" else DIGITS
        places = [f"{n} from {b}" for n, b in zip(names, of.borders, strict=False)]
        out.print(f"{side:11} {', '.join(places)}, else {names[-1]}")
    for tier, cells in (("hot", use.card.hot), ("warm", use.card.warm)):
        out.print(f"{tier:11} {', '.join(sorted(cells))} while data are too few")


def _bounds(bounds: Bounds) -> str:
    """Say between what points are kept; nothing if they are free."""
    least = [] if bounds.least is None else [f"least {bounds.least:+}"]
    most = [] if bounds.most is None else [f"most {bounds.most:+}"]
    return ", ".join(least + most)


@points.command("test")
@verb
def run(config: ConfigOption, file: FileArgument = None) -> None:
    """Try a scorecard on past leads as they were known then; change nothing."""
    settings = read_settings(config)
    use, _ = _opened(settings, file, None)
    history = History(load(settings.store.folder))
    with working("Trying points"):
        tried = try_points(use, history, settings)
    keep_tried(settings, use, tried)
    show_tried(tried)


def show_tried(tried: Tried) -> None:
    """Print the grid: what part of past leads in each cell converted."""
    told = table(
        f"{tried.leads:,} past leads at {tried.snapshots:,} moments: converted",
        "fit", *(f"engagement {digit}" for digit in DIGITS),
    )  # fmt: skip
    cells = {one.grid: one for one in tried.cells}
    for letter in LETTERS:
        row = [cells[f"{letter}{digit}"] for digit in DIGITS]
        told.add_row(
            letter,
            *(
                "-" if one.rate is None else f"{one.rate:.0%} of {one.past:,}"
                for one in row
            ),
        )
    out.print(told)
    auc = "not known" if tried.auc is None else f"{tried.auc:.3f}"
    out.print(f"auc      {auc} of points over these moments")


@points.command()
@verb
def hypotheses(
    config: ConfigOption,
    every: Annotated[
        bool,
        typer.Option("--all", help="Also those that differ by luck alone."),
    ] = False,
    lang: LanguageOption = None,
) -> None:
    """Show for each trait how converting and lost leads differ, with intervals.

    They are the training leads of the model in use, each counted once.
    """
    settings = read_settings(config)
    rival = rival_of(settings)
    if rival is None or not rival.hypotheses:
        raise BadConfig(
            "Nothing was compared beside the model in use.",
            remedy="Run train and promote; few data tell nothing apart.",
        )
    show_hypotheses(rival.hypotheses, _tongue(settings, lang), every=every)


def show_hypotheses(
    found: tuple[Hypothesis, ...], language: Language, *, every: bool = False
) -> None:
    """Print how converting and lost leads differ, the surest first."""
    told = table(
        "How converting and lost leads differ", "trait", "converted", "lost",
        "difference", "95 % interval", "p (Holm)", "leads",
    )  # fmt: skip
    for one in found:
        if not (one.differs or every):
            continue
        name = one.ru if language == "ru" else one.en
        shown = f"{name} = {one.level}" if one.level else name
        percents = one.kind == "share"
        won, lost = (
            f"{x:.0%}" if percents else f"{x:,.4g}" for x in (one.won, one.lost)
        )
        what = f"{one.effect:+.0%}" if percents else f"more in {one.effect:.0%}"
        told.add_row(
            shown,
            won,
            lost,
            what,
            f"{one.low:.0%} to {one.high:.0%}",
            _luck(one.p),
            f"{one.known:,}",
        )
    out.print(told)
    alike = sum(not one.differs for one in found)
    out.print(f"alike    {alike} of {len(found)} traits cannot be told apart from luck")


def _luck(p: float) -> str:
    """Write a p-value; 0 would claim more than can be known."""
    return f"{p:.2g}" if p >= LEAST_P else f"< {LEAST_P:g}"


def _opened(
    settings: Settings, file: Path | None, lang: Tongue | None
) -> tuple[Counted, Telling]:
    history = History(load(settings.store.folder))
    world = world_of(settings, history)
    book = None
    if file is not None and file.exists() and holds_only_points(file):
        card = parse_points(file.read_text(encoding="utf-8-sig"), world, name=file.name)
        use: Counted | None = Counted(card, "hand")
    elif file is not None:
        book = read_playbook(file, world)
        use = Counted(book.points, "hand", book) if book.points else None
    else:
        book = playbook_of(settings, history) if settings.playbook else None
        use = counted(settings, book, world)
    if use is None:
        raise BadConfig(
            "There are no points: no section points, and none were learned.",
            remedy="Run points learn FILE.yaml, or train and promote a model.",
        )
    return use, Telling.of(use.playbook, world, _tongue(settings, lang))


def _tongue(settings: Settings, lang: Tongue | None) -> Language:
    if lang is None:
        return settings.company.language
    return "ru" if lang is Tongue.RU else "en"
