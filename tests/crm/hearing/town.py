"""A CRM of few words: leads with one number each, that people change and tell of.

It stands behind the ear's port, so that what is tested is the hearing and nothing else;
the real vendors' doubles are heard elsewhere.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
from tests.crm.writeback.saying import said

from crm.hearing.ear import Changes, Found, Glance, Keep, Look
from crm.hearing.fresh import Fresh
from crm.hearing.inbox import Inbox
from crm.hearing.listener import Listener, Terms
from leads.conform import Rules, conform
from leads.conform.raw import RawTable
from leads.decision import Prediction, Tier
from leads.history import History
from leads.journal import Journal
from leads.lead import EPOCH, LeadHistory
from leads.tables import FieldType, Tables

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = Rules(ZoneInfo("UTC"), fields={"size": FieldType.NUMBER})


def tables_of(sizes: Mapping[str, int], *, seen: datetime) -> Tables:
    """Put leads into tables."""
    frame = pl.DataFrame(
        {
            "lead_id": list(sizes),
            "created_at": [START.isoformat()] * len(sizes),
            "recorded_at": [seen.isoformat()] * len(sizes),
            "size": [str(size) for size in sizes.values()],
        }
    )
    return conform({"leads": RawTable.of(frame, "leads")}, RULES)


@dataclass
class Town:
    """The CRM: what each lead is now, when it changed, and its queue of events."""

    sizes: dict[str, int] = field(default_factory=dict)
    changed_at: dict[str, int] = field(default_factory=dict)
    ticks: int = 0
    looks: int = 0
    glances: int = 0
    kept: dict[str, str] = field(default_factory=dict)
    entity: str = "lead"
    number: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def seen_at(self) -> int:
        """The town's time."""
        return _micros(START) + 1_000_000 * (3_600 + self.ticks)

    def change(self, lead_id: str, size: int) -> None:
        """Let a person change a lead, or make it."""
        with self.lock:
            self.ticks += 1
            self.sizes[lead_id] = size
            self.changed_at[lead_id] = self.seen_at

    def touch(self, lead_id: str) -> None:
        """Let a field of ours be written: the lead changes, and nothing of it."""
        self.change(lead_id, self.sizes[lead_id])

    def delete(self, lead_id: str) -> None:
        """Let a person delete a lead."""
        with self.lock:
            del self.sizes[lead_id]

    def look(self, lead_ids: Sequence[str], like: Tables) -> Look:
        """Look at leads."""
        del like
        with self.lock:
            self.looks += 1
            there = {key: self.sizes[key] for key in lead_ids if key in self.sizes}
            seen_at = self.seen_at
            marks = {key: str(self.changed_at[key]) for key in there}
        gone = frozenset(lead_ids) - there.keys()
        seen = EPOCH + timedelta(microseconds=seen_at)
        tables = tables_of(there, seen=seen) if there else None
        return Look(seen_at, tables, gone, marks, {k: str(v) for k, v in there.items()})

    def glance(self, lead_ids: Sequence[str]) -> Glance:
        """Look at the leads' numbers alone."""
        with self.lock:
            self.glances += 1
            there = [key for key in lead_ids if key in self.sizes]
            likenesses = {key: str(self.sizes[key]) for key in there}
            return Glance(likenesses, {key: str(self.changed_at[key]) for key in there})

    def ingested(self, lead_ids: Sequence[str], cut_off: datetime) -> Mapping[str, str]:
        """Give what was kept of an ingest, whichever it was."""
        del cut_off
        return {key: self.kept[key] for key in lead_ids if key in self.kept}

    def owners(self, entities: Sequence[str]) -> Mapping[str, str | None]:
        """Say that a deal is of the lead of its number; nothing else is of any."""
        return {
            one: one.partition(":")[2] if one.startswith("deal:") else None
            for one in entities
        }

    def changed(self, since: int) -> Iterator[Changes]:
        """Tell what has changed."""
        with self.lock:
            late = {k: at for k, at in self.changed_at.items() if at >= since}
        found = [Found(f"lead:{key}", str(at), key) for key, at in late.items()]
        if found:
            yield Changes(found, min(self.seen_at, max(late.values())))

    def drain(self, process: str, keep: Keep) -> int:
        """There is no queue."""
        del process, keep
        return 0


@dataclass
class Crier:
    """A seer that says of a lead what its number is: probability size/1000."""

    journal: Journal
    known: History

    def ingested(self) -> History:
        """Give what was ingested."""
        return self.known

    def predicted(
        self, leads: Sequence[LeadHistory], moment: datetime, like: Tables
    ) -> tuple[list[Prediction], list[bytes]]:
        """Predict all of them."""
        del like
        made = []
        for lead in leads:
            size = lead.as_of(_micros(moment)).fields["size"]
            assert isinstance(size, float)
            tier = Tier.HOT if size > 500 else Tier.COLD
            made.append(said(lead.lead_id, tier, size / 1000))
        return made, [b""] * len(made)

    def is_predicted(self, lead_ids: Sequence[str]) -> set[str]:
        """Name those of which the journal has a prediction."""
        return set(self.journal.standing(lead_ids))

    def now(self) -> datetime:
        """Stand still, later than everything in the town."""
        return START + timedelta(days=100)


def ingested(town: Town) -> History:
    """Ingest a town as it is; it must not be empty."""
    town.kept = {key: str(size) for key, size in town.sizes.items()}
    return History(tables_of(town.sizes, seen=START))


def listener_of(journal: Journal, town: Town, known: History) -> Listener:
    """Listen to a town, never asking by itself unless told."""
    return Listener(
        Inbox(journal, "acme"), town,
        fresh=Fresh(journal, "acme"),
        seer=Crier(journal, known),
        terms=Terms(every=timedelta(days=1)),
    )  # fmt: skip


def emptied(listener: Listener) -> int:
    """Listen until nothing is due; give how many predictions were made."""
    made = 0
    while (done := listener.round()).taken:
        made += done.predicted
    return made


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)
