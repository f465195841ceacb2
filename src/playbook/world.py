"""What a company has that a playbook may name: stages, managers, fields, events."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from leads.tables import LEADS, FieldType, Tables
from playbook.text import Text

NOTHING: Final[Mapping[str, Text]] = {}
FEW: Final = 100
"""Leads below which names that are not in the data may just not have come yet."""

ALIKE: Final = 0.8
"""How alike two names are if one is the other misspelt."""


@dataclass(frozen=True, slots=True)
class World:
    """Names that exist; None where that is not known, and any name will do.

    ``changeable`` are the kinds of events and card fields that somebody can change;
    None: all of them but ``fixed``, the card fields that never changed. While the data
    are ``young`` a name that is not there may still come, unless it looks like a
    misspelt one. ``criteria`` are the questions of the 50 % group that a card field
    answers. ``words`` are what the company calls its fields and events. ``country`` and
    ``region`` are those whose public holidays the company keeps.
    """

    stages: frozenset[str] | None = None
    pipelines: frozenset[str] | None = None
    sources: frozenset[str] | None = None
    managers: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    fields: Mapping[str, FieldType] | None = None
    reasons: frozenset[str] | None = None
    changeable: frozenset[str] | None = None
    fixed: frozenset[str] = frozenset()
    young: bool = False
    words: Mapping[str, Text] = field(default_factory=dict)
    language: str = "en"
    zone: str = "UTC"
    country: str | None = None
    region: str | None = None
    criteria: frozenset[str] | None = None

    @classmethod
    def of(
        cls,
        tables: Tables,
        *,
        reasons: Collection[str] | None = None,
        changeable: Collection[str] | None = None,
        words: Mapping[str, Text] = NOTHING,
        language: str = "en",
        zone: str = "UTC",
    ) -> World:
        """List what is in the ingested tables."""
        leads = tables.leads
        fields = {
            name: tables.fields.get(name, FieldType.TEXT)
            for name in leads.columns
            if name not in LEADS
        }

        moved = frozenset(tables.field_changes["field"].unique())
        kinds = frozenset(tables.events["kind"].unique())

        def names(values: object) -> frozenset[str]:
            return frozenset(str(v) for v in values if v is not None)  # type: ignore[attr-defined]  # a column of texts

        return cls(
            stages=names(tables.stages["stage"].unique()),
            pipelines=names(leads["pipeline"].unique()),
            sources=names(leads["source"].unique()),
            managers=names(leads["owner"].unique()),
            kinds=kinds,
            fields=fields,
            reasons=None if reasons is None else frozenset(reasons),
            changeable=None if changeable is None else frozenset(changeable),
            fixed=frozenset(fields) - moved - kinds if moved else frozenset(),
            young=len(leads) < FEW,
            words=words,
            language=language,
            zone=zone,
        )

    def lacks(self, name: str, known: Collection[str] | None) -> bool:
        """Whether a name is a mistake, ``known`` being those that there are.

        Examples
        --------
        >>> World().lacks("partner", {"organic"})
        True
        >>> young = World(young=True)
        >>> young.lacks("partner", {"organic"}), young.lacks("orgnic", {"organic"})
        (False, True)
        """
        if known is None or name in known:
            return False
        return not self.young or bool(get_close_matches(name, known, 1, ALIKE))

    def of_fact(self, fact: str) -> frozenset[str] | None:
        """Give the names that a fact can have; None if any."""
        return {
            "stage": self.stages,
            "pipeline": self.pipelines,
            "source": self.sources,
            "manager": self.managers,
            "reasons_for": self.reasons,
            "reasons_against": self.reasons,
        }.get(fact)


def likely(name: str, known: Collection[str]) -> str:
    """Say what was perhaps meant, or what there is.

    Examples
    --------
    >>> likely("tear", ["tier", "stage"]), likely("x", ["b", "a"])
    ("Did you mean 'tier'?", "There is: 'a', 'b'.")
    """
    close = get_close_matches(name, known, n=1)
    if close:
        return f"Did you mean {close[0]!r}?"
    shown = ", ".join(repr(one) for one in sorted(known)[:12])
    more = f" and {len(known) - 12} more" if len(known) > 12 else ""
    return f"There is: {shown}{more}." if known else "There is none."
