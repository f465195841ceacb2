"""How far a stage is from the deal, as people set it, and what they ask before half."""

from __future__ import annotations

from typing import Final, Literal, Self

from pydantic import Field, model_validator

from leads.settings.section import Section
from leads.settings.tidying import Name

GROUPS: Final = {"schiffman": (25, 50, 70, 100), "agency": (25, 40, 50, 75, 90, 100)}
"""The percentages that a stage may be given: Schiffman's, and finer ones."""

OF_CARD: Final = ("right_person", "right_plan", "right_budget")
"""The questions of the 50 % group that a card field answers."""


class StageMap(Section):
    """The percentage of each stage of one pipeline (``""``: of every other one).

    A stage that is not named is given a percentage by its place.
    """

    pipeline: str = ""
    groups: Literal["schiffman", "agency"] = "agency"
    stages: dict[Name, int]

    @model_validator(mode="after")
    def _of_the_groups(self) -> Self:
        allowed = GROUPS[self.groups]
        if bad := {k: v for k, v in self.stages.items() if v not in allowed}:
            raise ValueError(
                f"{bad} are not groups of {self.groups!r}; give one of"
                f" {', '.join(map(str, allowed))}"
            )
        return self


class Criteria(Section):
    """The card fields that answer the four questions of the 50 % group.

    Each may be empty: then nobody knows the answer. ``no`` are values that mean no. The
    fourth question, timing, is answered by the deal's age: late is older than
    ``late`` times the average cycle of its pipeline.
    """

    right_person: str = ""
    right_plan: str = ""
    right_budget: str = ""
    no: tuple[str, ...] = ("no", "нет", "false", "0")
    late: float = Field(default=1.0, gt=0.0, le=10.0)

    @property
    def fields(self) -> dict[str, str]:
        """Name the card field of each question that has one."""
        named = {name: getattr(self, name) for name in OF_CARD}
        return {name: field for name, field in named.items() if field}

    @property
    def refusals(self) -> tuple[str, ...]:
        """Give the values that mean no, in small letters."""
        return tuple(one.strip().lower() for one in self.no)
