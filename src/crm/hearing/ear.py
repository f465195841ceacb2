"""What a client of a CRM must be able to do for somebody who listens.

An ear looks at leads again, tells what has changed since a moment, and empties the
CRM's own queue of events where it has one. It knows nothing of hints or predictions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from leads.errors import Unavailable
from leads.tables import Tables


@dataclass(frozen=True, slots=True)
class Look:
    """Leads as the CRM shows them now, and all that hangs on them."""

    seen_at: int
    """When they were looked at, by the clock that ``ingest`` tells times by."""
    tables: Tables | None
    """None if all of them are gone."""
    gone: frozenset[str] = frozenset()
    """Ids of those that the CRM no longer has."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """When each was last changed, as the CRM writes it, by lead id."""
    likenesses: Mapping[str, str] = field(default_factory=dict)
    """What the card of each looks like (``crm.likeness``), by lead id."""


@dataclass(frozen=True, slots=True)
class Glance:
    """Cards as the CRM shows them now, without what hangs on them; by lead id."""

    likenesses: Mapping[str, str]
    marks: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """Something that has changed, and whose it is."""

    entity: str
    mark: str
    """When, as the CRM writes it."""
    lead_id: str | None
    """The lead that it hangs on; None if on none."""


@dataclass(frozen=True, slots=True)
class Changes:
    """A page of what has changed.

    ``upto`` is the latest change in it, but never later than the CRM's own time: a
    change dated ahead must not hide those that come before it.
    """

    found: Sequence[Found]
    upto: int


class NoQueue(Unavailable):
    """The CRM keeps no queue of events for us: not in its plan, or not our right."""


Keep = Callable[[Sequence[str]], object]
"""Keeps hints; they are on the disk when it returns."""


class Ear(Protocol):
    """Looks at one account; every request passes its gate."""

    @property
    def entity(self) -> str:
        """Which card is a lead of ours: ``"lead"`` or ``"deal"``."""
        ...

    @property
    def number(self) -> str | None:
        """The CRM's own number of the account, if it is known and hooks tell it."""
        ...

    def look(self, lead_ids: Sequence[str], like: Tables) -> Look:
        """Look at leads, at most 50.

        Parameters
        ----------
        like
            The ingested tables: card fields keep their types.

        Raises
        ------
        GateClosed, Unavailable
            Nothing is known.
        BadInput
            What the CRM says of one of them cannot be read.
        """
        ...

    def glance(self, lead_ids: Sequence[str]) -> Glance:
        """Look at the cards alone of at most 50 leads; raises as ``look`` does.

        One that is not named in what comes back is gone, or must be looked at whole.
        """
        ...

    def ingested(self, lead_ids: Sequence[str], cut_off: datetime) -> Mapping[str, str]:
        """Give what cards looked like to the ``ingest`` that ended then, as known."""
        ...

    def owners(self, entities: Sequence[str]) -> Mapping[str, str | None]:
        """Say on which lead each of these things hangs; None for on none, or gone.

        What we hung on a card ourselves tells nothing of its lead: None, too.
        """
        ...

    def changed(self, since: int) -> Iterator[Changes]:
        """Ask what has changed since a moment, in microseconds of the CRM's clock."""
        ...

    def drain(self, process: str, keep: Keep) -> int:
        """Empty the CRM's own queue of events; give how many there were.

        Each page is kept before the CRM may forget it. What an earlier run had reserved
        under the same ``process`` and did not finish comes again.

        Raises
        ------
        NoQueue
            There is none, and asking again is of no use.
        """
        ...
