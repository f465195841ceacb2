"""Our fields on the cards of leads and deals: what they are, and whether they stand.

A field is known by its external id (``XML_ID``), never by its name: a portal may have
had that name before. What is found is compared with what must be there, and everything
that is wrong is told at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from crm.bitrix24.client import Batch, Client
from crm.layouts import TIER_OF, TIERS, TITLES, Title, fault_of, refuse_changed
from crm.port import OurField
from leads.errors import Fault, Unavailable

ENTITIES: Final[Mapping[str, int]] = {"lead": 1, "deal": 2}
"""Kinds of card that carry our fields, and Bitrix24's number of each."""

MARK: Final = "lcp_"
PREFIX: Final = "UF_CRM_LCP_"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One field as it must be."""

    our: OurField
    type: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def xml_id(self) -> str:
        """The external id, the same on every portal."""
        return f"{MARK}{self.our.value}"

    @property
    def title(self) -> Title:
        """What people read."""
        return TITLES[self.our]


WANTED: Final = (
    Wanted(OurField.TIER, "enumeration", {"DISPLAY": "UI"}),
    Wanted(OurField.PROBABILITY, "integer"),
    Wanted(OurField.EXPECTED_MONEY, "double", {"PRECISION": 0}),
    Wanted(OurField.REASONS, "string", {"ROWS": 4}),
    Wanted(OurField.ACTION, "string", {"ROWS": 2}),
    Wanted(OurField.AS_OF, "datetime"),
    Wanted(OurField.MODEL_VERSION, "string"),
    Wanted(OurField.VERSION, "integer"),
)


class State(StrEnum):
    """What is wrong with a field."""

    ABSENT = "is not there"
    OTHER_TYPE = "has another type"
    MULTIPLE = "takes several values"
    NO_OPTION = "has lost an option"


@dataclass(frozen=True, slots=True)
class Found:
    """One field as the portal has it.

    ``options`` maps a tier's word to the portal's number of it; ``words`` maps every
    number to what people read there.
    """

    id: str
    name: str
    type: str
    multiple: bool
    options: Mapping[str, str]
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Flaw:
    """One field that is not as it must be."""

    entity: str
    wanted: Wanted
    state: State
    found: Found | None = None

    @property
    def fault(self) -> Fault:
        """Say it to a person."""
        return fault_of(
            f"Bitrix24, {self.entity}", self.wanted.xml_id, self.wanted.our,
            state=self.state, remedy="Run `connect bitrix24 --repair`.",
        )  # fmt: skip


Layout = Mapping[str, Mapping[OurField, Found]]
"""Our fields by kind of card, those that are there."""


def look(client: Client) -> Layout:
    """Read which of our fields the portal has.

    Raises
    ------
    Unavailable
        The portal did not answer, or not for every kind of card.
    """
    asked = client.batch(
        {entity: (f"crm.{entity}.userfield.list", {}) for entity in ENTITIES}
    )
    return {entity: _ours(_rows(asked, entity)) for entity in ENTITIES}


def flaws_in(layout: Layout) -> list[Flaw]:
    """List everything that is not as it must be."""
    flaws = []
    for entity in ENTITIES:
        for wanted in WANTED:
            found = layout[entity].get(wanted.our)
            state = _state(wanted, found)
            if state is not None:
                flaws.append(Flaw(entity, wanted, state, found))
    return flaws


def require_sound(layout: Layout) -> None:
    """Refuse to go on with fields that a person has changed.

    Raises
    ------
    FieldsChanged
        With every flaw.
    """
    refuse_changed("Bitrix24", "bitrix24", [flaw.fault for flaw in flaws_in(layout)])


def _state(wanted: Wanted, found: Found | None) -> State | None:
    if found is None:
        return State.ABSENT
    if found.type != wanted.type:
        return State.OTHER_TYPE
    if found.multiple:
        return State.MULTIPLE
    lacks = wanted.our is OurField.TIER and len(found.options) < len(TIERS)
    return State.NO_OPTION if lacks else None


def _rows(asked: Batch, entity: str) -> list[Mapping[str, Any]]:
    rows = asked.results.get(entity)
    if not isinstance(rows, list) or not all(isinstance(r, Mapping) for r in rows):
        trouble = asked.troubles.get(entity)
        code = trouble.code if trouble else "no answer"
        raise Unavailable(
            f"Bitrix24 did not tell the custom fields of {entity}s ({code}).",
            remedy="Run `connect bitrix24 --check`; the scope crm is needed.",
        )
    return rows


def _ours(rows: list[Mapping[str, Any]]) -> dict[OurField, Found]:
    known = {wanted.xml_id: wanted.our for wanted in WANTED}
    return {
        known[row["XML_ID"]]: _found(row) for row in rows if row.get("XML_ID") in known
    }


def _found(row: Mapping[str, Any]) -> Found:
    options = [each for each in row.get("LIST") or [] if isinstance(each, Mapping)]
    return Found(
        id=str(row.get("ID")),
        name=str(row.get("FIELD_NAME")),
        type=str(row.get("USER_TYPE_ID")),
        multiple=row.get("MULTIPLE") == "Y",
        options={
            TIER_OF[each["XML_ID"]]: str(each.get("ID"))
            for each in options
            if each.get("XML_ID") in TIER_OF
        },
        words={str(each.get("ID")): str(each.get("VALUE")) for each in options},
    )
