"""What an account holds: cards, fields, pipelines, users; and the word of each change.

Every change goes through ``Account.changed``: it is entered in the ledger, and those
who listen (events, webhooks, the digital pipeline) hear of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from crm.testing.amocrm.account_profile import NUMBERS_AS_NUMBERS, AmoProfile
from crm.testing.amocrm.fields import Field, Value
from crm.testing.clock import Clock
from crm.testing.ledger import Ledger, Request

WON: Final = 142
LOST: Final = 143
CLOSED: Final = (WON, LOST)
INBOX: Final = 1
"""Type of the status "unsorted"."""

KINDS: Final = ("leads", "contacts", "companies", "customers")
SINGULAR: Final = {
    "leads": "lead", "contacts": "contact", "companies": "company",
    "customers": "customer", "tasks": "task",
}  # fmt: skip
ROBOT: Final = 0
FIRST_ID: Final = 19_619


@dataclass(frozen=True, slots=True)
class Hand:
    """Who makes a change: a user through a request, a person, or the robot (0)."""

    user_id: int
    request: Request | None = None


@dataclass(slots=True)
class Card:
    """A lead, contact, company or customer.

    ``plain`` holds the fields every account has, ``values`` the custom ones by their
    id, ``tags`` their ids.
    """

    id: int
    kind: str
    plain: dict[str, Any]
    values: dict[int, list[Value]] = field(default_factory=dict)
    tags: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Status:
    """One stage of a pipeline."""

    id: int
    name: str
    sort: int
    type: int = 0


@dataclass(slots=True)
class Pipeline:
    """One pipeline; 142 and 143 are in each."""

    id: int
    name: str
    sort: int
    is_main: bool
    statuses: dict[int, Status]

    @property
    def inbox(self) -> int | None:
        """The status of the unsorted, if it is switched on."""
        return next((s.id for s in self.statuses.values() if s.type == INBOX), None)


@dataclass(frozen=True, slots=True)
class Change:
    """One applied change: whole flat records before and after it.

    ``kind`` is plural as in addresses, ``action`` one of add, update, delete, restore.
    """

    kind: str
    key: int | str
    action: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    hand: Hand

    def differs(self, name: str) -> bool:
        """Say whether a field changed."""
        return self.before.get(name) != self.after.get(name)


Me = tuple[str, int]
"""Kind and number of a record."""

Listener = Callable[[Change], None]


class Account:
    """The state of one account.

    Attributes
    ----------
    cards
        By kind, then by id.
    records
        All else that has an id: tasks, notes, webhooks, catalogs, elements,
        transactions, unsorted; by kind, then by id.
    fields
        Custom fields by kind (``leads``, ``catalogs/7001``), then by id.
    links
        Both ways: (kind, id) to (kind, id), with metadata.
    version
        Grows with each change.
    """

    def __init__(self, clock: Clock, profile: AmoProfile, ledger: Ledger) -> None:
        self.clock, self.profile, self.ledger = clock, profile, ledger
        self.cards: dict[str, dict[int, Card]] = {kind: {} for kind in KINDS}
        self.records: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
        self.fields: dict[str, dict[int, Field]] = defaultdict(dict)
        self.pipelines: dict[int, Pipeline] = {}
        self.loss_reasons: dict[int, str] = {}
        self.sources: dict[int, str] = {}
        self.users: dict[int, dict[str, Any]] = {}
        self.tags: dict[str, dict[int, str]] = defaultdict(dict)
        self.links: dict[Me, dict[Me, dict[str, Any]]] = defaultdict(dict)
        self.listeners: list[Listener] = []
        self.version = 0
        self._ids: dict[str, int] = {}

    @property
    def now(self) -> int:
        """The moment in whole seconds since 1970."""
        return int(self.clock.timestamp)

    def next_id(self, kind: str) -> int:
        """Give the next number of a kind; kinds start apart from each other."""
        if kind not in self._ids:
            self._ids[kind] = FIRST_ID + 1_000_000 * len(self._ids)
        self._ids[kind] += 1
        return self._ids[kind]

    def changed(self, change: Change) -> None:
        """Enter a change in the ledger and tell those who listen."""
        self.version += 1
        entity = SINGULAR.get(change.kind, change.kind.removesuffix("s"))
        self.ledger.applied(
            change.hand.request,
            self.clock.now,
            (entity, str(change.key), change.action),
            before=change.before,
            after=change.after,
        )
        for listener in self.listeners:
            listener(change)

    def flat(self, card: Card) -> dict[str, Any]:
        """Give a card as one flat record: plain fields, tags, custom ones by code."""
        fields = self.fields[card.kind]
        custom = {
            fields[key].key: fields[key].plain(values)
            for key, values in card.values.items()
            if key in fields
        }
        tags = sorted(self.tags[card.kind][tag] for tag in card.tags)
        return {**card.plain, "tags": tags, **custom}

    def custom(self, card: Card) -> list[dict[str, Any]] | None:
        """Show the filled custom fields; ``None`` if there is none."""
        numbers = self.profile.on(NUMBERS_AS_NUMBERS)
        fields = self.fields[card.kind]
        shown = [
            fields[key].read(values, numbers=numbers)
            for key, values in card.values.items()
            if key in fields and values
        ]
        return shown or None

    def tag(self, kind: str, name: str) -> int:
        """Find a tag by its name, or make it."""
        tags = self.tags[kind]
        found = next((key for key, word in tags.items() if word == name), None)
        if found is None:
            found = self.next_id("tags")
            tags[found] = name
        return found

    def link(self, one: Me, other: Me, **metadata: Any) -> None:
        """Tie two records together, both ways."""
        self.links[one][other] = metadata
        self.links[other][one] = metadata
        self.version += 1

    def unlink(self, one: Me, other: Me) -> None:
        """Untie two records."""
        self.links[one].pop(other, None)
        self.links[other].pop(one, None)
        self.version += 1

    def linked(self, one: Me, kind: str) -> list[int]:
        """List the records of a kind tied to a record, in the order of tying."""
        return [key for other, key in self.links.get(one, {}) if other == kind]
