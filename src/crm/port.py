"""The port: what every door to a company's leads must do.

``Source`` reads; ``CardDesk`` reads and writes our own fields on the cards of leads and
deals. A client of a CRM implements both and knows nothing of versions, leases, retries
or what a person may have changed: that is decided above it, once for every CRM.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from leads.errors import Unavailable
from leads.persons import Person
from leads.tables import Tables


class Source(Protocol):
    """A place where a company keeps its leads."""

    def read(self) -> Tables:
        """Take in everything, in canonical form.

        Raises
        ------
        BadInput
            With every fault of the data at once.
        """
        ...

    def people(self) -> Iterable[Person]:
        """Say who stands behind leads, as far as it is no field of their cards.

        Asked after ``read``. Personal data: ``leads.persons`` keeps them apart.
        """
        ...


class OurField(StrEnum):
    """A field of the card that is ours; the words are also its external id."""

    TIER = "tier"
    """``str``: a ``leads.decision.Tier`` value."""
    PROBABILITY = "probability"
    """``int``: points, 0 to 100."""
    EXPECTED_MONEY = "expected_money"
    """``int``: whole units of the card's currency."""
    REASONS = "reasons"
    """``str``: at most 500 characters, in the company's language."""
    ACTION = "action"
    """``str``: at most 500 characters."""
    AS_OF = "as_of"
    """``datetime``: in UTC, whole seconds."""
    MODEL_VERSION = "model_version"
    """``str``."""
    VERSION = "version"
    """``int``: which write of ours this is, 1 upwards per card; fits 31 bits."""


Value = str | int | datetime | None
"""A value of a field of ours; None is an empty field."""

Fields = Mapping[OurField, Value]


@dataclass(frozen=True, slots=True)
class Card:
    """What a card shows now.

    ``fields`` holds every ``OurField``, None where it is empty, in the types named
    there whatever form the CRM keeps (option ids, texts of digits, local times). A tier
    that is no word of ours stays the text that it is: a person wrote it.
    """

    entity: str
    """The kind and the CRM's own id: ``"lead:123"``, ``"deal:45"``."""
    fields: Fields
    stage: str | None = None
    """The CRM's id of the stage; amoCRM: ``"pipeline/status"``, never one alone."""
    responsible: str | None = None
    """The CRM's id of whoever is responsible."""
    clients: tuple[str, ...] = ()
    """Whom the card belongs to, the main one first: ``"contact:12"``, ``"company:7"``.
    """


@dataclass(frozen=True, slots=True)
class Move:
    """From one stage to another, named as in ``Card.stage``."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Tie:
    """Whom a card belongs to, and whom it shall, named as in ``Card.clients``."""

    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def gained(self) -> tuple[str, ...]:
        """Whom the card is to be tied to."""
        return tuple(one for one in self.after if one not in self.before)

    @property
    def lost(self) -> tuple[str, ...]:
        """Whom it is to be untied from."""
        return tuple(one for one in self.before if one not in self.after)


@dataclass(frozen=True, slots=True)
class Change:
    """What to write on one card: only what is named here changes.

    A client writes ``tie`` first, and nothing else of the change unless the CRM said
    that the tie is made: so a card that shows a version shows all of its write.
    """

    entity: str
    fields: Fields
    """Values to set; None empties the field."""
    move: Move | None = None
    responsible: str | None = None
    """The CRM's id of whoever is to be responsible; None leaves it as it is."""
    tie: Tie | None = None


class NoteKind(StrEnum):
    """What can be hung on a card."""

    COMMENT = "comment"
    TASK = "task"


@dataclass(frozen=True, slots=True)
class Note:
    """A comment or a task on a card.

    ``marker`` is 16 hex digits, the same for the same thing for ever. The client puts
    it where a search finds it again (``[lcp:<marker>]`` at the end of the text; where
    the CRM takes an idempotency key, as that too).
    """

    entity: str
    kind: NoteKind
    marker: str
    text: str
    deadline: datetime | None = None
    """Of a task; always given for one."""
    responsible: str | None = None
    remote_id: str | None = None
    """None: create it. Else: change the text and the deadline of this one."""
    type: str = "call"
    """Of a task: ``call``, ``meeting``, ``demo``, ``mail``, ``message``, ``check``."""


class Outcome(StrEnum):
    """How a write ended, as far as is known."""

    APPLIED = "applied"
    """The CRM said so, and the body was looked into, not only the status."""
    NOT_APPLIED = "not applied"
    """Certainly not: a limit, a refused connection, a closed gate. Later it may be."""
    UNCLEAR = "unclear"
    """Time-out, reset, 5xx after sending: the CRM may have done it or may yet do it."""
    REFUSED = "refused"
    """For good: a deleted card, a missing right, a value that does not fit."""


GATE: Final = "GATE"
"""Why a change never left: the gate was shut. That is no attempt."""
STAGE_NOT_TAKEN: Final = "STAGE_NOT_TAKEN"
"""Why a change is not applied whole: the card shows all of it but its stage."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one change or note ended."""

    outcome: Outcome
    why: str = ""
    """A short code such as ``"NOT_FOUND"``; never a name, a text or an address."""
    retry_after: timedelta | None = None
    """With NOT_APPLIED: how long the CRM asks to be left alone."""
    remote_id: str | None = None
    """Of a note that was created."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many requests a CRM takes: a bucket that leaks.

    ``burst`` requests may be in the bucket, and ``per_second`` leave it.
    """

    per_second: float
    burst: int


class Heard(StrEnum):
    """What an answer says of the CRM's health, whatever was asked."""

    WELL = "well"
    """It worked, or refused what was asked as such (400, 404)."""
    LIMITED = "limited"
    """Too many requests: 429, 503 with a limit's code."""
    DOWN = "down"
    """No connection, no answer in time, any other 5xx or 503."""
    BLOCKED = "blocked"
    """A ban that only a person lifts (amoCRM's 403 page, ``OVERLOAD_LIMIT``)."""


class GateClosed(Unavailable):
    """No request may leave now; nothing was sent."""

    def __init__(self, what: str, *, remedy: str, retry_after: timedelta) -> None:
        super().__init__(what, remedy=remedy)
        self.retry_after = retry_after


class AccessLost(GateClosed):
    """There are no tokens, or the CRM refuses them: a person must connect again."""


class Gate(Protocol):
    """Where every request to an account passes, whoever sends it.

    A client is given a gate and calls ``enter`` right before each HTTP request (a batch
    is one) and ``heard`` right after each. The limit and the breaker live behind it.
    """

    def enter(self) -> None:
        """Wait a little until one request may leave.

        Raises
        ------
        GateClosed
            It may not, for longer than waiting makes sense. A client lets a read end
            with it, and answers NOT_APPLIED, with its ``retry_after``, for every change
            that was not sent.
        """
        ...

    def heard(self, health: Heard, retry_after: timedelta | None = None) -> None:
        """Take note of what came back."""
        ...


class CardDesk(Protocol):
    """Reads and writes our fields on the cards of one account; safe between threads.

    Nothing is ever repeated inside: whoever calls decides whether and when.
    """

    @property
    def most_at_once(self) -> int:
        """How many cards, changes or notes one call of a method may be given."""
        ...

    @property
    def late_by(self) -> timedelta:
        """How long after sending the CRM may still apply a write.

        Our own time-out included; Bitrix24: 60 s of the server and the time-out.
        """
        ...

    def page(self, entity: str) -> str:
        """Give the address at which people see a card."""
        ...

    def require_fields(self) -> None:
        """Look anew whether our fields are as they must be.

        Raises
        ------
        BadConfig
            A person has deleted or changed some; how to mend them is said.
        Unavailable
            The CRM did not tell.
        """
        ...

    def read(self, entities: Sequence[str]) -> Mapping[str, Card | None]:
        """Look at cards; None for one that is gone. One request if at all possible.

        Raises
        ------
        GateClosed
            Nothing was asked.
        Unavailable
            The CRM did not answer, or some part of the answer is missing: never a part.
        """
        ...

    def write(self, changes: Sequence[Change]) -> Sequence[Result]:
        """Write changes; one result each, in their order. Never raises for the CRM."""
        ...

    def find(self, notes: Sequence[Note]) -> Mapping[str, str]:
        """Find notes by their markers; remote id by marker, absent if there is none.

        Raises as ``read`` does.
        """
        ...

    def post(self, notes: Sequence[Note]) -> Sequence[Result]:
        """Create or change notes; one result each, in their order, as ``write``."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...
