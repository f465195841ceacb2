"""What the page of the playbook shows: its leaves, who is in them, how they did."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import Any

from playbook.plan import Plan, Playbook
from playbook.telling import Telling
from playbook.text import LANGUAGES, Language
from playbook.trying import Blind, Tried
from playbook.world import World

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One plan: how many leads have it now, and how past ones fared if it was tried.

    ``segment`` is by language.
    """

    branch: str
    plan: str
    segment: Mapping[str, str]
    leads: int
    tried: Tried | None


@dataclass(frozen=True, slots=True)
class Chart:
    """The facts of the page.

    ``earlier`` leads were decided on by another version, until the next run.
    ``tried_at`` is when this version was tried, ``why`` says why no past lead could be;
    ``fallen`` counts the past leads that no question caught.
    """

    version: str
    leaves: tuple[Leaf, ...]
    earlier: int
    tried_at: datetime | None = None
    why: str = ""
    past: int = 0
    fallen: int = 0
    dead: tuple[str, ...] = ()
    blind: tuple[Blind, ...] = ()

    @property
    def leads(self) -> int:
        """How many leads this version decided on."""
        return sum(leaf.leads for leaf in self.leaves)


@dataclass(frozen=True, slots=True)
class Flowchart:
    """The playbook in use with its facts, and the names that its words need."""

    playbook: Playbook
    world: World
    chart: Chart

    def plain(self) -> Facts:
        """Give all that the page says as plain facts, texts by language."""
        made, said = self.playbook, partial(_said, self._tellings())
        told = asdict(self.chart)
        for leaf in told["leaves"]:
            leaf |= _texts(made.plans[leaf["plan"]], said)
        return told | {
            "title": made.title,
            "hours": said(methodcaller("hours", made.hours)),
            "trial_days": None if made.trial is None else made.trial.days,
            "usage": [
                {"state": one.words, "when": said(methodcaller("condition", one.when))}
                for one in made.usage
            ],
            "branches": [
                {"branch": one.number, "plan": one.plan,
                 "question": said(methodcaller("branch", one))}
                for one in made.every_branch()
            ],
        }  # fmt: skip

    def _tellings(self) -> Mapping[Language, Telling]:
        return {
            language: Telling.of(self.playbook, self.world, language)
            for language in LANGUAGES
        }


def _said(
    tellings: Mapping[Language, Telling], word: Callable[[Telling], str]
) -> dict[str, str]:
    return {language: word(telling) for language, telling in tellings.items()}


def _texts(plan: Plan, said: Callable[[Callable[[Telling], str]], Any]) -> Facts:
    """Give what a plan says to its reader; what it lacks is None or empty."""
    task, stage = plan.task, plan.stage
    return {
        "steps": plan.steps,
        "script": plan.script,
        "questions": plan.questions,
        "task": None if task is None else said(methodcaller("task", task)),
        "stage": None if stage is None else stage.stage,
        "moves": stage is not None and stage.moved,
        "message": plan.message,
        "aims": said(methodcaller("aims", plan)) if plan.aims else None,
        "automatic": plan.automatic,
    }


def chart_of(
    playbook: Playbook, counts: Mapping[tuple[str, str], int], kept_folder: Path
) -> Chart:
    """Gather the facts of a playbook.

    Parameters
    ----------
    counts
        Leads by playbook and plan of their newest decision.
    kept_folder
        Where the result of a test is kept, by the version's digest.
    """
    kept = _kept(kept_folder / f"{playbook.digest}.test.json")
    trial: Mapping[str, Any] = kept.get("trial", {})
    tried = {one["plan"]: Tried(**one) for one in trial.get("leaves", ())}
    leaves = tuple(
        Leaf(
            branch=branch.number,
            plan=plan.name,
            segment=plan.segment,
            leads=counts.get((playbook.digest, plan.name), 0),
            tried=tried.get(plan.name),
        )
        for branch, plan in playbook.leaves()
    )
    here = sum(leaf.leads for leaf in leaves)
    return Chart(
        version=playbook.digest,
        leaves=leaves,
        earlier=sum(counts.values()) - here,
        tried_at=datetime.fromisoformat(kept["tried_at"]) if kept else None,
        why=kept.get("why", ""),
        past=trial.get("past", 0),
        fallen=trial.get("fallen_past", 0),
        dead=tuple(trial.get("dead", ())),
        blind=tuple(Blind(**one) for one in trial.get("blind", ())),
    )


def _kept(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # not tried, or by another version of us
        return {}
    return found
