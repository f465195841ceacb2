"""What a playbook wants done about a lead, as far as its card is concerned.

Whoever plans leads is a stranger to this package: it says here, in the company's
language and in the company's names of stages and people, what the card should carry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Todo:
    """A task that a plan asks for; its first line is its title."""

    type: str
    """``call``, ``meeting``, ``demo``, ``mail``, ``message`` or ``check``."""
    text: str
    deadline: datetime
    whom: str | None = None
    """As in ``LeadHistory.owner``; None is whoever is responsible for the card."""


@dataclass(frozen=True, slots=True)
class Guidance:
    """What is to be done about one lead next."""

    action: str
    mark: str
    """The same as long as a person would notice no difference in the plan."""
    todo: Todo | None = None
    stage: str | None = None
    """Where to bring the lead, in people's words for the stage."""
    moves: bool = False
    """Whether the plan may move it by itself; the stage pair must be on as well."""


Guidances = Mapping[str, Guidance]
"""By lead; one that nobody planned is absent."""
