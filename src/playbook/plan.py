"""A playbook: questions in their order, and the plans at their ends.

Every list of branches ends in one for all others, so every lead comes to exactly one
plan, and every plan stands at the end of exactly one branch: the chart is a tree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

from playbook.condition import All, Condition, tests_of
from playbook.facts import Asked
from playbook.hours import Hours, Within
from playbook.points import HOT, WARM, Scorecard
from playbook.text import Text

TaskType = Literal["call", "meeting", "demo", "mail", "message", "check"]
OWNER: Final = "owner"
"""Stands for whoever is responsible for the lead."""

TASKS: Final[Mapping[TaskType, Text]] = {
    "call": {"en": "Call", "ru": "Звонок"},
    "meeting": {"en": "Meeting", "ru": "Встреча"},
    "demo": {"en": "Demonstration", "ru": "Демонстрация"},
    "mail": {"en": "Mail", "ru": "Письмо"},
    "message": {"en": "Message", "ru": "Сообщение"},
    "check": {"en": "Check", "ru": "Проверка"},
}


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done, by whom, and how soon."""

    type: TaskType
    within: Within
    whom: str = OWNER


@dataclass(frozen=True, slots=True)
class StageStep:
    """A stage to bring the lead to: by hand, or ``moved`` without asking."""

    stage: str
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """One leaf: what a segment is called and what is done about its leads.

    ``aims`` name what the plan is to change: kinds of events and card fields that
    somebody can. ``automatic`` allows what needs no person, such as the message, to go
    out by itself.
    """

    name: str
    segment: Text
    steps: tuple[Text, ...]
    script: Text | None = None
    questions: tuple[Text, ...] = ()
    task: Task | None = None
    stage: StageStep | None = None
    message: Text | None = None
    aims: tuple[str, ...] = ()
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """A question and where a yes leads: to a plan, or to further branches.

    ``when`` is None in the last of a list, which takes all others. ``number`` says
    where it stands, such as ``2.1``.
    """

    number: str
    when: Condition | None
    plan: str | None = None
    branches: tuple[Branch, ...] = ()
    title: Text | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """One state of using the product, and what a lead in it has done."""

    name: str
    words: Text
    when: Condition


@dataclass(frozen=True, slots=True)
class TrialPeriod:
    """How long a trial lasts; it starts at creation or with a kind of event."""

    days: int
    starts: str | None = None


@dataclass(frozen=True)
class Playbook:
    """The owner's flow chart as a whole."""

    title: Text
    branches: tuple[Branch, ...]
    plans: Mapping[str, Plan]
    usage: tuple[Usage, ...] = ()
    trial: TrialPeriod | None = None
    hours: Hours = field(default_factory=Hours)
    points: Scorecard | None = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hex of what it means: comments and layout have no part in it."""
        told = asdict(self)
        if self.points is None:  # versions from before there were points stay theirs
            del told["points"]
        elif (self.points.hot, self.points.warm) == (HOT, WARM):
            del told["points"]["hot"], told["points"]["warm"]
        text = json.dumps(told, ensure_ascii=False, sort_keys=True, default=_plain)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def asks(self) -> frozenset[Asked]:
        """Every fact that some branch asks about."""
        conditions = [b.when for b in self.every_branch() if b.when is not None]
        return frozenset(t.asked for when in conditions for t in tests_of(when))

    def every_branch(self) -> Iterator[Branch]:
        """Go through all branches as they stand in the file."""
        yield from _walk(self.branches)

    def leaves(self) -> tuple[tuple[Branch, Plan], ...]:
        """List the branches that end in a plan, in their order."""
        return tuple(
            (branch, self.plans[branch.plan])
            for branch in self.every_branch()
            if branch.plan is not None
        )


EVERYONE: Final = All()


def _walk(branches: tuple[Branch, ...]) -> Iterator[Branch]:
    for branch in branches:
        yield branch
        yield from _walk(branch.branches)


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else str(value)
