"""``demo``: the main job from data to reports, on an invented company, then serve.

It chains the stages that the other verbs run, and nothing else: what it shows can be
done verb by verb on a company's own data.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from leads.errors import BadConfig
from leads.settings import FilesSource, Settings, read_settings
from leads.synthetic import invent, write
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
class Story:
    """What the demo did, told step by step."""

    steps: list[tuple[str, str, float]] = field(default_factory=list)

    @contextmanager
    def step(self, what: str) -> Iterator[list[str]]:
        """Show that a step is going on and note what it says and how long it took."""
        said: list[str] = []
        began = time.perf_counter()
        with working(what):
            yield said
        self.steps.append((what, " ".join(said), time.perf_counter() - began))

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
    with story.step("invent a company") as said:
        company = invent(leads, seed=SEED)
        write(company, source.folder.parent)
        said.append(f"{leads:,} leads, {company.events.height:,} events")


def run(settings: Settings, story: Story) -> None:
    """Ingest, snapshot, train, promote, score and report."""
    with story.step("ingest") as said:
        rows = take_in(settings).rows
        said.append(", ".join(f"{n:,} {name}" for name, n in rows.items() if n))
    with story.step("snapshot") as said:
        card = snapshot_leads(settings).card
        said.append(f"base rate {card.base_rate:.1%}" if card.base_rate else "")
    with story.step("train and register") as said:
        made = train_and_register(settings)
        auc, loss = made.trained.metrics["auc"], made.trained.metrics["logloss"]
        said.append(f"version {made.version}, ROC-AUC {auc.value:.3f},")
        said.append(f"log-loss {loss.value:.3f}")
    with story.step("promote") as said:
        said.append(promote_stored(settings).words)
    now = datetime.now(UTC)
    with story.step("predict open leads") as said:
        tiers = score_open(settings, None, as_of=None, now=now).tiers
        said.append(", ".join(f"{n:,} {tier.value}" for tier, n in tiers.items()))
    with story.step("report") as said:
        done = report_leads(settings, now=now)
        said.append(f"{done.listed:,} leads listed, {done.pages:,} with a page")
