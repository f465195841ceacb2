"""All that a portal remembers, as plain objects that a test may read and change."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crm.testing.bitrix24.schema import Entity, Type

Record = dict[str, Any]


@dataclass(slots=True)
class User:
    """A person of the portal; ``denied_stages`` may not be moved to by them."""

    id: int
    name: str
    admin: bool = False
    sees_all: bool = True
    denied_stages: frozenset[str] = frozenset()


@dataclass(slots=True)
class Option:
    """One value of an enumeration."""

    id: int
    value: str
    xml_id: str = ""
    sort: int = 500


@dataclass(slots=True)
class CustomField:
    """A custom field of one kind of record."""

    id: int
    entity: str  # CRM_LEAD
    name: str  # UF_CRM_TIER
    type: Type
    user_type: str
    xml_id: str = ""
    multiple: bool = False
    mandatory: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    options: list[Option] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)  # kept and given back


@dataclass(frozen=True, slots=True)
class Status:
    """A stage, or an entry of another list such as the sources."""

    id: int
    entity: str  # DEAL_STAGE_9
    status: str  # C9:NEW
    name: str
    sort: int
    semantics: str | None = None  # S won, F lost
    category: int = 0


@dataclass(frozen=True, slots=True)
class Category:
    """A pipeline."""

    id: int
    entity_type: int
    name: str
    sort: int = 500


@dataclass(frozen=True, slots=True)
class Step:
    """A line of the stage history; ``kind`` 1 made, 2 moved, 3 closed, 5 pipeline."""

    id: int
    entity_type: int
    owner: int
    kind: int
    at: datetime
    stage: str
    semantics: str
    category: int


class State:
    """Everything in the portal but its credentials, events and limits."""

    def __init__(self) -> None:
        self.users: dict[int, User] = {
            1: User(1, "Integration", admin=True),
            7: User(7, "Manager", sees_all=False),
        }
        self.records: dict[int, dict[int, Record]] = {}
        self.fields: list[CustomField] = []
        self.statuses: list[Status] = []
        self.categories: list[Category] = []
        self.history: list[Step] = []
        self.rows: dict[str, dict[int, Record]] = {}  # comments, tasks, payments...
        # What must be filled when a record enters a stage: (type, stage) -> names.
        self.stage_required: dict[tuple[int, str], frozenset[str]] = {}
        self._ids: dict[str, Iterator[int]] = {}

    def new_id(self, table: str, first: int = 1) -> int:
        """Give the next id of a table."""
        if table not in self._ids:
            self._ids[table] = itertools.count(first)
        return next(self._ids[table])

    def of(self, entity: Entity) -> dict[int, Record]:
        """Give all records of a kind, by id."""
        return self.records.setdefault(entity.type_id, {})

    def table(self, name: str) -> dict[int, Record]:
        """Give all rows of a table that is not a kind of record."""
        return self.rows.setdefault(name, {})

    def custom_of(self, entity: Entity) -> dict[str, CustomField]:
        """Give the custom fields of a kind, by name."""
        return {each.name: each for each in self.fields if each.entity == entity.custom}

    def stage(self, entity: Entity, stage: str) -> Status | None:
        """Find a stage of a kind of record by its id."""
        return next(
            (
                each
                for each in self.statuses
                if each.status == stage and each.entity.startswith(entity.stages)
            ),
            None,
        )

    def stages_of(self, entity: Entity, category: int = 0) -> list[Status]:
        """List the stages of a pipeline in their order."""
        name = stage_list(entity, category)
        found = [each for each in self.statuses if each.entity == name]
        return sorted(found, key=lambda each: each.sort)


def stage_list(entity: Entity, category: int) -> str:
    """Name the list that holds the stages of a pipeline.

    Examples
    --------
    >>> from crm.testing.bitrix24.schema import DEAL, INVOICE, LEAD
    >>> stage_list(LEAD, 0), stage_list(DEAL, 0), stage_list(DEAL, 9)
    ('STATUS', 'DEAL_STAGE', 'DEAL_STAGE_9')
    >>> stage_list(INVOICE, 3)
    'SMART_INVOICE_STAGE_3'
    """
    bare = entity.name == "lead" or (entity.name == "deal" and category == 0)
    return entity.stages if bare else f"{entity.stages}_{category}"
