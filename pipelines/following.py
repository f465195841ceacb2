"""What comes of a change in the CRM: followed from the hook to the card, with times."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa

from crm.hearing.inbox import Inbox
from crm.hearing.watch import Watch as Turns
from crm.writeback.tables import OUTBOX
from leads.errors import Unavailable
from leads.journal import Journal

WAIT_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.05
NOTHING: Final = 0

Fields = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Followed:
    """What came of a change, in seconds since it was made.

    ``written`` is None where the card says already what a person would notice.
    """

    lead: str
    predicted: float
    written: float | None
    card: Fields

    def __str__(self) -> str:
        """Say it in one line."""
        ends = f"predicted after {self.predicted:.1f} s"
        if self.written is None:
            ends += ", the card says so already"
        else:
            ends += f", on the card after {self.written:.1f} s"
        tier, points = self.card.get("tier"), self.card.get("probability")
        said = f"lead {self.lead}: {ends}: {tier}, {points} %"
        action = self.card.get("action")
        return f"{said}; {action}" if action else said


@dataclass
class Watch:
    """Follows one change at a time; ``look`` at the lead before it is made.

    ``card`` reads what our fields say on a lead's card.
    """

    journal: Journal
    card: Callable[[str], Fields]
    _since: float = field(default_factory=time.monotonic)
    _before: int = NOTHING
    _offered: int = NOTHING

    def rest(self, account: str) -> float:
        """Wait until the service has caught up with all that it may hear at its start.

        Raises
        ------
        Unavailable
            It did not in two minutes.
        """
        inbox = Inbox(self.journal, account)
        watch = Turns(self.journal, account)
        return self._until(
            lambda: watch.age() is not None and not inbox.state().waiting,
            seconds=2 * WAIT_SECONDS,
        )

    def look(self, lead: str) -> None:
        """See how a lead stands before it is changed."""
        self._before, self._offered = self._newest(lead), self._versions(lead)[0]
        self._since = time.monotonic()

    def change(self, lead: str) -> Followed:
        """Wait until a change is predicted and whatever comes of it is on the card.

        Raises
        ------
        Unavailable
            Nothing came of it in a minute.
        """
        predicted = self._until(lambda: self._newest(lead) > self._before)
        offered, written = self._versions(lead)[0], None
        if offered > self._offered:
            written = self._until(lambda: self._is_confirmed(lead, offered))
        card = self.card(lead)
        return Followed(lead, predicted, written, card)

    def _until(
        self, holds: Callable[[], bool], *, seconds: float = WAIT_SECONDS
    ) -> float:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if holds():
                return time.monotonic() - self._since
            time.sleep(LOOK_SECONDS)
        raise Unavailable(
            "Nothing came of a change in the CRM.",
            remedy="See the service's log for hooks_shut, and run it again.",
        )

    def _newest(self, lead: str) -> int:
        entries = self.journal.history(lead, limit=1)
        return entries[0].id if entries else NOTHING

    def _versions(self, lead: str) -> tuple[int, int]:
        query = sa.select(OUTBOX.c.desired_version, OUTBOX.c.confirmed_version)
        with self.journal.reading() as connection:
            row = connection.execute(query.where(OUTBOX.c.lead_id == lead)).first()
        return (NOTHING, NOTHING) if row is None else (row[0], row[1])

    def _is_confirmed(self, lead: str, version: int) -> bool:
        return self._versions(lead)[1] >= version
