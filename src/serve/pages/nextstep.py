"""What a lead's plan says, on the list and on its page: facts only, no markup.

A plan is worded by the file in the company's languages; here both are kept, and the
page chooses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from playbook.decide import action_of, filled, gaps_of
from playbook.known import Known
from playbook.plan import OWNER, TASKS, Playbook
from playbook.telling import Telling
from playbook.text import LANGUAGES, Language, Text
from playbook.world import World
from serve.planning import NextStep

Answer = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A plan in a line, by language; ``whom`` is None without a task or a manager."""

    action: Mapping[str, str]
    due_at: datetime | None
    whom: str | None
    automatic: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on the way through the chart, by language, and the answer to it."""

    branch: str
    question: Mapping[str, str]
    answer: Answer


@dataclass(frozen=True, slots=True)
class PlanSheet:
    """A plan as it stands on a lead's page; texts are by language.

    ``playbook`` is the version that decided, ``made_at`` when it did. ``moves`` says
    that the stage is the plan's to change, where the configuration allows the pair.
    """

    line: PlanLine
    segment: Text
    steps: Sequence[Text]
    script: Text | None
    questions: Sequence[Text]
    task: Text | None
    stage: str | None
    moves: bool
    message: Mapping[str, str] | None
    path: tuple[Asked, ...]
    playbook: str
    made_at: datetime


def line_of(step: NextStep) -> PlanLine:
    """Word a kept plan in a line."""
    kept = step.kept
    action: dict[str, str] = {
        language: action_of(step.plan, language) for language in LANGUAGES
    }
    return PlanLine(action, kept.due_at, kept.whom, kept.automatic)


def sheet_of(
    step: NextStep, playbook: Playbook, world: World, known: Known | None
) -> PlanSheet:
    """Word a kept plan as a whole.

    Parameters
    ----------
    playbook
        The version that decided.
    world
        What the company calls its things.
    known
        What the lead's own words in a message come from; without it they are "…".
    """
    plan, message = step.plan, step.plan.message
    gaps = {} if known is None else gaps_of(known)
    whom = plan.task is not None and plan.task.whom
    line = line_of(step)
    if whom and whom != OWNER and line.whom is None:
        line = PlanLine(line.action, line.due_at, whom, line.automatic)
    return PlanSheet(
        line=line,
        segment=plan.segment,
        steps=plan.steps,
        script=plan.script,
        questions=plan.questions,
        task=None if plan.task is None else TASKS[plan.task.type],
        stage=None if plan.stage is None else plan.stage.stage,
        moves=plan.stage is not None and plan.stage.moved and plan.automatic,
        message=message and {one: filled(message, gaps, one) for one in LANGUAGES},
        path=_path(step, playbook, world),
        playbook=playbook.digest,
        made_at=step.kept.made_at,
    )


def _path(step: NextStep, playbook: Playbook, world: World) -> tuple[Asked, ...]:
    branches = {branch.number: branch for branch in playbook.every_branch()}
    tellings: dict[Language, Telling] = {
        language: Telling.of(playbook, world, language) for language in LANGUAGES
    }
    return tuple(
        Asked(
            one.branch,
            {
                language: telling.branch(branches[one.branch])
                for language, telling in tellings.items()
            },
            one.answer,
        )
        for one in step.kept.path
        if one.branch in branches
    )
