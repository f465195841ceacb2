"""Our fields on the cards of leads: what they are, and whether they stand.

A field is known by its ``code``, never by its name or number: names are people's, and
numbers differ from account to account. What is found is compared with what must be
there, and everything that is wrong is told at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from crm.amocrm.client import AmoClient
from crm.amocrm.paging import Listing, every
from crm.amocrm.slim import OURS
from crm.layouts import (
    TIER_OF,
    TIERS,
    TITLES,
    Option,
    Title,
    fault_of,
    refuse_changed,
)
from crm.port import OurField
from leads.errors import Fault

PATH: Final = "leads/custom_fields"
FIRST_PLACE: Final = 900


@dataclass(frozen=True, slots=True)
class Wanted:
    """One field as it must be."""

    our: OurField
    type: str

    @property
    def code(self) -> str:
        """The code, the same in every account."""
        return f"{OURS}{self.our.value.upper()}"

    @property
    def title(self) -> Title:
        """What people read."""
        return TITLES[self.our]


WANTED: Final = (
    Wanted(OurField.TIER, "select"),
    Wanted(OurField.PROBABILITY, "numeric"),
    Wanted(OurField.EXPECTED_MONEY, "numeric"),
    Wanted(OurField.REASONS, "textarea"),
    Wanted(OurField.ACTION, "textarea"),
    Wanted(OurField.AS_OF, "date_time"),
    Wanted(OurField.MODEL_VERSION, "text"),
    Wanted(OurField.VERSION, "numeric"),
)


class State(StrEnum):
    """What is wrong with a field."""

    ABSENT = "is not there"
    OTHER_TYPE = "has another type"
    NO_OPTION = "has lost an option"
    OPEN = "can be written by people"


@dataclass(frozen=True, slots=True)
class Found:
    """One field as the account has it; ``options`` maps a tier's word to its id."""

    id: int
    type: str
    options: Mapping[str, int]
    rows: Sequence[Mapping[str, Any]] = ()
    """All options as the account tells them."""
    is_api_only: bool = True


@dataclass(frozen=True, slots=True)
class Flaw:
    """One field that is not as it must be."""

    wanted: Wanted
    state: State
    found: Found | None = None

    @property
    def fault(self) -> Fault:
        """Say it to a person."""
        remedy = "Run `connect amocrm --repair`."
        if self.state is State.OTHER_TYPE:
            remedy = "Delete it in amoCRM, then run `connect amocrm --repair`."
        our, code = self.wanted.our, self.wanted.code
        return fault_of("amoCRM, leads", code, our, state=self.state, remedy=remedy)


Layout = Mapping[OurField, Found]
"""Our fields, those that are there."""


def look(client: AmoClient) -> Layout:
    """Read which of our fields the account has.

    Raises
    ------
    Unavailable
        The account did not answer.
    """
    listing = Listing(PATH, "custom_fields", {})
    known = {wanted.code: wanted.our for wanted in WANTED}
    return {
        known[row["code"]]: _found(row)
        for rows in every(client.get, listing)
        for row in rows
        if row.get("code") in known
    }


def flaws_in(layout: Layout) -> list[Flaw]:
    """List everything that is not as it must be."""
    return [
        Flaw(wanted, state, layout.get(wanted.our))
        for wanted in WANTED
        for state in _states(wanted, layout.get(wanted.our))
    ]


def require_sound(layout: Layout) -> None:
    """Refuse to go on with fields that a person has deleted or changed.

    Raises
    ------
    FieldsChanged
        With every flaw.
    """
    refuse_changed("amoCRM", "amocrm", [flaw.fault for flaw in flaws_in(layout)])


def mend(client: AmoClient, flaws: Sequence[Flaw], *, language: str) -> int:
    """Create what is absent and put right what can be; give how many were touched.

    A field of another type stays: only a person may delete values.

    Raises
    ------
    Unavailable
        The account refused or did not answer; it is safe to run it again.
    """
    absent = [flaw.wanted for flaw in flaws if flaw.state is State.ABSENT]
    if absent:
        client.send("POST", PATH, [_body(one, language) for one in absent])
    changes: dict[int, dict[str, Any]] = {}
    for flaw in flaws:
        if flaw.found is None:
            continue
        if flaw.state is State.NO_OPTION:
            options = _options(flaw.found, language)
            changes.setdefault(flaw.found.id, {})["enums"] = options
        elif flaw.state is State.OPEN:
            changes.setdefault(flaw.found.id, {})["is_api_only"] = True
    for key, change in changes.items():
        client.send("PATCH", f"{PATH}/{key}", change)
    return len(absent) + len(changes)


def _states(wanted: Wanted, found: Found | None) -> list[State]:
    if found is None:
        return [State.ABSENT]
    if found.type != wanted.type:
        return [State.OTHER_TYPE]
    states = []
    if wanted.our is OurField.TIER and len(found.options) < len(TIERS):
        states.append(State.NO_OPTION)
    if not found.is_api_only:
        states.append(State.OPEN)
    return states


def _found(row: Mapping[str, Any]) -> Found:
    options = [each for each in row.get("enums") or [] if isinstance(each, Mapping)]
    return Found(
        id=int(row["id"]),
        type=str(row.get("type")),
        options={
            TIER_OF[str(each["code"])]: int(each["id"])
            for each in options
            if each.get("code") in TIER_OF
        },
        rows=options,
        is_api_only=bool(row.get("is_api_only")),
    )


def _body(wanted: Wanted, language: str) -> dict[str, Any]:
    """Describe a field to be made; ``is_api_only`` keeps people from writing it."""
    body: dict[str, Any] = {
        "name": wanted.title.of(language),
        "type": wanted.type,
        "code": wanted.code,
        "sort": FIRST_PLACE + WANTED.index(wanted),
        "is_api_only": True,
    }
    if wanted.our is OurField.TIER:
        body["enums"] = _worded(TIERS.values(), language, first=1)
    return body


def _options(found: Found, language: str) -> list[dict[str, Any]]:
    """Give all options back with their ids, and those that are lost anew."""
    keys = ("id", "value", "sort", "code")
    kept = [{key: row[key] for key in keys if key in row} for row in found.rows]
    lost = [one for tier, one in TIERS.items() if tier.value not in found.options]
    return kept + _worded(lost, language, first=100)


def _worded(
    options: Iterable[Option], language: str, *, first: int
) -> list[dict[str, Any]]:
    return [
        {"value": one.title.of(language), "sort": place, "code": one.id}
        for place, one in enumerate(options, first)
    ]
