"""What the pages say of a lead's plan, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from model.features.catalog import Words

NEXT_STEP: Final[Mapping[str, Words]] = {
    "plan.title": Words("What to do next", "Что делать дальше"),
    "plan.next": Words("Next", "Дальше"),
    "plan.due": Words("by {when}", "до {when}"),
    "plan.deadline": Words("Deadline", "Срок"),
    "plan.whom": Words("Who does it", "Кто делает"),
    "plan.path": Words("Why this plan", "Почему этот план"),
    "plan.yes": Words("yes", "да"),
    "plan.no": Words("no", "нет"),
    "plan.unknown": Words("not known", "неизвестно"),
    "plan.message": Words("Message to send", "Что отправить"),
    "plan.decided": Words(
        "Decided {when} by version {version} of the playbook.",
        "Решено {when} по версии {version} регламента.",
    ),
    "col.due": Words("Deadline", "Срок"),
    "col.whom": Words("Who does it", "Кто делает"),
}
