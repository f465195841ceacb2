"""Down the chart: facts in, the plan and the path to it out. Pure, and total.

``plan_of`` is the one door for everything that shows or sends what to do next.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from playbook.condition import holds
from playbook.facts import Facts
from playbook.known import Known, facts_of
from playbook.plan import OWNER, TASKS, Branch, Plan, Playbook
from playbook.text import Language, Text, said

Answer = Literal["yes", "no", "unknown"]
GAP: Final = re.compile(r"\{([^{}]*)\}")
BLANK: Final = "…"
STEM: Final = 3
"""Letters by which a step's verb is known for its task: звонок, позвонить."""


@dataclass(frozen=True, slots=True)
class Step:
    """A branch that a lead came to, and the answer there; "else" counts as yes."""

    branch: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to be done about one lead, and how that was decided.

    ``playbook`` is the digest of the file's meaning, ``path`` every branch the lead
    came to in order. ``due_at`` and ``whom`` are None without a task; ``whom`` also
    if the lead has no manager.
    """

    lead_id: str
    as_of: datetime
    plan: Plan
    path: tuple[Step, ...]
    playbook: str
    due_at: datetime | None = None
    whom: str | None = None
    gaps: Mapping[str, str] | None = None

    def action(self, language: Language) -> str:
        """Say the next step in one line, as for a card or a list."""
        return action_of(self.plan, language)

    def message(self, language: Language) -> str | None:
        """Fill the message's gaps with the lead's own; what is not known is "…"."""
        text: Text | None = self.plan.message
        return None if text is None else filled(text, self.gaps or {}, language)


def filled(text: Text, known: Mapping[str, str], language: Language) -> str:
    """Fill a message's gaps; what is not known is "…"."""
    return GAP.sub(lambda gap: known.get(gap[1], BLANK), said(text, language))


def action_of(plan: Plan, language: Language) -> str:
    """Say a plan's next step in one line: the kind of its task, then its first step.

    A step that names its kind itself ("Позвонить", "Call and ask") stands alone.
    """
    first = said(plan.steps[0], language) if plan.steps else ""
    if plan.task is None:
        return first or said(plan.segment, language)
    kind = said(TASKS[plan.task.type], language)
    begins = first.partition(" ")[0].casefold()
    if begins and kind[:STEM].casefold() in begins:
        return first
    return f"{kind}: {first}" if first else kind


def decide(playbook: Playbook, facts: Facts) -> tuple[Plan, tuple[Step, ...]]:
    """Take a lead down the chart.

    Returns
    -------
    tuple
        The plan it comes to, and every branch on the way with its answer.
    """
    path: list[Step] = []
    branches = playbook.branches
    while True:
        taken = _taken(branches, facts, path)
        if taken.plan is not None:
            return playbook.plans[taken.plan], tuple(path)
        branches = taken.branches


def _taken(branches: tuple[Branch, ...], facts: Facts, path: list[Step]) -> Branch:
    for branch in branches:
        answer = True if branch.when is None else holds(branch.when, facts)
        said_so: Answer = (
            "unknown" if answer is None else "yes" if answer else "no"
        )  # fmt: skip
        path.append(Step(branch.number, said_so))
        if answer:
            return branch
    raise AssertionError("every list of branches ends in else")


def plan_of(playbook: Playbook, known: Known, *, now: datetime) -> Planned:
    """Decide what is to be done about a lead.

    Parameters
    ----------
    known
        Its prediction, and its history as of the prediction's moment.
    now
        When the task is given out: its deadline counts from here.
    """
    plan, path = decide(playbook, facts_of(playbook, known))
    made = known.prediction
    due_at = None if plan.task is None else playbook.hours.due(now, plan.task.within)
    return Planned(
        lead_id=made.lead_id,
        as_of=made.as_of,
        plan=plan,
        path=path,
        playbook=playbook.digest,
        due_at=due_at,
        whom=_whom(plan, known),
        gaps=None if plan.message is None else gaps_of(known),
    )


def _whom(plan: Plan, known: Known) -> str | None:
    if plan.task is None:
        return None
    if plan.task.whom != OWNER:
        return plan.task.whom
    return None if known.lead is None else known.lead.owner


def gaps_of(known: Known) -> dict[str, str]:
    """Gather what a message may say of the lead itself."""
    lead = known.lead
    gaps: dict[str, object] = {"lead": known.prediction.lead_id}
    if lead is not None:
        stage = lead.stages[-1].stage if lead.stages else None
        gaps |= {
            "manager": lead.owner, "source": lead.source, "pipeline": lead.pipeline,
            "stage": stage, **{f"card.{k}": v for k, v in lead.fields.items()},
        }  # fmt: skip
    return {name: str(value) for name, value in gaps.items() if value is not None}
