"""Traits: the features that a person can ask about in a playbook, in the same units.

A learned scorecard is to be read, adjusted and scored as a playbook file. So it is made
only of features that have an exact twin among the playbook's facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from model.features.catalog import Catalog, Feature, Kind, Numbers, Words

Side = Literal["fit", "engagement"]

HOURS_A_DAY: Final = 24.0
SECONDS_A_DAY: Final = 86_400
FAMILY: Final[Mapping[Kind, str]] = {
    "card_number": "card",
    "card_text": "card",
    "card_flag": "card",
    "event_count": "events",
    "event_recency": "days_since",
}
PLAIN: Final[Mapping[Kind, str]] = {
    "source": "source",
    "stage": "stage",
    "lead_age": "lead_age",
}
IN_HOURS: Final[frozenset[Kind]] = frozenset({"event_recency", "lead_age"})
OF_FIT: Final[frozenset[Kind]] = frozenset(
    {"card_number", "card_text", "card_flag", "source"}
)


@dataclass(frozen=True, slots=True)
class Trait:
    """One column of the encoded matrix, as a playbook asks for it.

    ``within`` is a window in days. ``levels`` are the names behind the codes of a text,
    from 1. ``days`` says that values are days.
    """

    name: str
    field: str
    fact: str
    side: Side
    column: int
    words: Words
    within: int | None = None
    levels: tuple[str, ...] | None = None
    flag: bool = False
    days: bool = False

    def values(self, matrix: Numbers) -> Numbers:
        """Take its (n,) values out of an encoded (n, p) matrix, in its own unit."""
        column = matrix[:, self.column]
        return np.asarray(column / HOURS_A_DAY if self.days else column)


def traits_of(catalog: Catalog) -> tuple[Trait, ...]:
    """List the features of a catalog that a playbook can ask about."""
    made = (_trait(catalog, place) for place in range(len(catalog.features)))
    return tuple(trait for trait in made if trait is not None)


def _trait(catalog: Catalog, place: int) -> Trait | None:
    feature = catalog.features[place]
    fact = _fact(catalog, feature)
    if fact is None:
        return None
    return Trait(
        name=feature.name,
        field=feature.field,
        fact=fact,
        side="fit" if feature.kind in OF_FIT else "engagement",
        column=place,
        words=feature.words,
        within=None if feature.window is None else feature.window // SECONDS_A_DAY,
        levels=catalog.levels[feature.name] if feature.is_text else None,
        flag=feature.kind == "card_flag",
        days=feature.kind in IN_HOURS,
    )


def _fact(catalog: Catalog, feature: Feature) -> str | None:
    """Name the playbook's fact; None if it has none that is exactly the same."""
    if feature.kind in PLAIN:
        return PLAIN[feature.kind]
    family = FAMILY.get(feature.kind)
    if family is None or feature.of is None:
        return None
    if family != "card" and feature.of not in catalog.event_kinds:
        return None
    return f"{family}.{feature.of}"
