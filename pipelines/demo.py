"""``demo``: the main job from data to reports, on an invented company, then serve.

It chains the stages that the other verbs run, and nothing else: what it shows can be
done verb by verb on a company's own data.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from leads.errors import BadConfig, NoModel, PromotionRefused
from leads.settings import FilesSource, Settings, read_settings
from leads.synthetic import invent, write
from model.learning import Trained
from model.promotion.champion import read as read_champion
from pipelines.console import ConfigOption, out, table, verb, working
from pipelines.ingest import take_in
from pipelines.promote import promote_stored
from pipelines.report import report_leads
from pipelines.score import score_open
from pipelines.serve import serve_here
from pipelines.snapshot import snapshot_leads
from pipelines.train import train_and_register

LEADS: Final = 5_000
SEED: Final = 2026

LeadsOption = Annotated[
    int, typer.Option(min=500, help="How many leads to invent, if none are there.")
]
ServeOption = Annotated[
    bool, typer.Option("--serve/--no-serve", help="Go on to serve when all is done.")
]


@dataclass
class Step:
    """One step of the demo: ``doing`` shows what goes on, ``said`` is its result."""

    doing: Callable[[str], None]
    said: str = ""


@dataclass
class Story:
    """What the demo did, told step by step."""

    steps: list[tuple[str, str, float]] = field(default_factory=list)

    @contextmanager
    def step(self, what: str) -> Iterator[Step]:
        """Show that a step is going on; keep what it said and how long it took."""
        began = time.perf_counter()
        with working(what.capitalize()) as doing:
            step = Step(doing)
            yield step
        self.steps.append((what, step.said, time.perf_counter() - began))

    def show(self) -> None:
        """Print the story as a table."""
        told = table("What the demo did", "step", "result", "seconds")
        for what, said, seconds in self.steps:
            told.add_row(what, said, f"{seconds:.1f}")
        out.print(told)


@verb
def demo(
    config: ConfigOption, leads: LeadsOption = LEADS, serve: ServeOption = True
) -> None:  # fmt: skip
    """Run the main job from data to reports, then serve."""
    settings = read_settings(config)
    story = Story()
    _invent_if_absent(settings, leads, story)
    run(settings, story)
    story.show()
    out.print(f"reports  {settings.store.folder.resolve() / 'reports'}", soft_wrap=True)
    if serve:
        serve_here(settings)


def _invent_if_absent(settings: Settings, leads: int, story: Story) -> None:
    source = settings.source
    if not isinstance(source, FilesSource) or source.folder.name != "export":
        raise BadConfig(
            "The demo invents a company's files into a folder named 'export'.",
            remedy="Use pipelines/config/demo.toml, or run the other verbs one by one.",
        )
    if source.folder.exists():
        return
    with story.step("invent a company") as step:
        company = invent(leads, seed=SEED)
        write(company, source.folder.parent)
        step.said = f"{leads:,} leads, {company.events.height:,} events"


def run(settings: Settings, story: Story) -> None:
    """Ingest, snapshot, train, promote, score and report."""
    learn(settings, story)
    now = datetime.now(UTC)
    with story.step("predict open leads") as step:
        tiers = score_open(settings, None, as_of=None, now=now).tiers
        step.said = ", ".join(f"{tiers[tier]:,} {tier.value}" for tier in tiers)
    with story.step("report") as step:
        done = report_leads(settings, now=now)
        step.said = f"{done.listed:,} leads listed, {done.pages:,} with a page"


def learn(settings: Settings, story: Story) -> None:
    """Ingest, snapshot, train and promote."""
    with story.step("ingest") as step:
        rows = take_in(settings).rows
        step.said = ", ".join(f"{n:,} {name}" for name, n in rows.items() if n)
    with story.step("snapshot") as step:
        made = snapshot_leads(settings)
        step.said = f"{len(made.snapshots):,} snapshots"
    with story.step("train and register") as step:
        trained = train_and_register(settings, progress=step.doing)
        step.said = f"version {trained.version}: {_measured(trained.trained)}"
    with story.step("promote") as step:
        step.said = _promoted(settings)


def _measured(trained: Trained) -> str:
    figures = trained.metrics
    if not figures:
        return "the usual rate, for want of data"
    auc, loss = (figures[name].value for name in ("auc", "logloss"))
    return f"ROC-AUC {auc:.3f}, log-loss {loss:.3f}"


def _promoted(settings: Settings) -> str:
    """Promote, or tell why what served before goes on: no reason to stop a demo."""
    try:
        return promote_stored(settings).words
    except PromotionRefused as refusal:
        try:
            read_champion(settings.store.folder)
        except NoModel:
            raise refusal from None
        return refusal.what
