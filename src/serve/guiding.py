"""A plan of the playbook as a card carries it: next step, task, stage.

The words are the company's own; what only the file's author sees, such as names of
plans, aims and the other language, is no part of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from crm.writeback.guidance import Guidance, Todo
from playbook import Plan, Planned
from playbook.plan import OWNER
from playbook.text import Language, Text, said

STEPS: Final[Text] = {"en": "Steps", "ru": "Шаги"}
SCRIPT: Final[Text] = {"en": "What to say", "ru": "Что сказать"}
QUESTIONS: Final[Text] = {"en": "Ask", "ru": "Спросить"}
MESSAGE: Final[Text] = {"en": "Message", "ru": "Сообщение"}


def guidance_of(planned: Planned, language: Language) -> Guidance:
    """Word what was planned for one lead's card."""
    plan, todo, stage = planned.plan, None, planned.plan.stage
    if plan.task is not None and planned.due_at is not None:
        todo = Todo(
            plan.task.type,
            "\n".join(_lines(planned, language)),
            planned.due_at,
            None if plan.task.whom == OWNER else plan.task.whom,
        )
    return Guidance(
        action=planned.action(language),
        mark=mark_of(plan, language),
        todo=todo,
        stage=None if stage is None else stage.stage,
        moves=stage is not None and stage.moved and plan.automatic,
    )


def mark_of(plan: Plan, language: Language) -> str:
    """Name what a person would notice of a plan, in 16 hex digits.

    A deadline is no part of it, for it stands as long as the plan does, nor is what a
    message says of the lead itself.
    """
    task, stage = plan.task, plan.stage
    seen = (
        [said(step, language) for step in plan.steps],
        plan.script and said(plan.script, language),
        [said(one, language) for one in plan.questions],
        plan.message and said(plan.message, language),
        task and (task.type, task.whom),
        stage and (stage.stage, stage.moved and plan.automatic),
        None if plan.steps or task else said(plan.segment, language),
    )
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def _lines(planned: Planned, language: Language) -> Iterator[str]:
    """Write the task: its title, then all that helps to do it."""
    plan = planned.plan
    yield planned.action(language)
    if len(plan.steps) > 1:
        yield f"{said(STEPS, language)}:"
        for number, step in enumerate(plan.steps, 1):
            yield f"{number}. {said(step, language)}"
    if plan.script is not None:
        yield f"{said(SCRIPT, language)}: {said(plan.script, language)}"
    if plan.questions:
        yield f"{said(QUESTIONS, language)}:"
        for question in plan.questions:
            yield f"— {said(question, language)}"
    message = planned.message(language)
    if message is not None:
        yield f"{said(MESSAGE, language)}: {message}"
