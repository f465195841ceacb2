"""Looks at leads of an account again, a few at a time, as ``ingest`` would read them.

What is read goes onto a shelf of its own that lasts for one look, beside the names
that ``ingest`` has read, so that the same tables come of it. Invoices are left to
``ingest``: they are found from their own list only.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from crm.amocrm import slim
from crm.amocrm.client import AmoClient, Query
from crm.amocrm.paging import MOST, MOST_EVENTS, Listing, Row, by_change, every
from crm.amocrm.reading import ENTRIES, ENTRY, LEADS, STREAMS, Stream
from crm.amocrm.shelf import Kept, Shelf
from crm.amocrm.tables import raw_tables
from crm.hearing.ear import Changes, Found, Glance, Keep, Look
from crm.likeness import Likeness, likeness_of
from leads.conform import Rules, conform
from leads.tables import Tables

OFFICE: Final = (
    "account", "pipeline", "user", "field:leads", "field:contacts", "field:companies",
)  # fmt: skip
OFFICE_SECONDS: Final = 600.0
MOST_NAMED: Final = 10
"""Cards that the log may be asked about at once."""
MICROSECONDS: Final = 1_000_000
BY_KIND: Final = {stream.kind: stream for stream in STREAMS}

Office = tuple[Mapping[str, list[Kept]], Any]


class AmoEar:
    """``crm.hearing.ear.Ear`` of one account; for one thread.

    Parameters
    ----------
    client
        Of the account.
    folder
        Where ``ingest`` keeps what it has read of the account.
    rules
        For the tables, as ``ingest`` has them.
    payments
        What counts as one, as configured.
    now
        Gives seconds since 1970.
    clock
        Monotonic seconds.
    """

    entity = "lead"

    def __init__(
        self,
        client: AmoClient,
        folder: Path,
        rules: Rules,
        *,
        payments: Sequence[str],
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._folder = folder
        self._likeness = Likeness(folder)
        self._rules = rules
        self._payments = payments
        self._now = now
        self._clock = clock
        self._office: tuple[float, Office] | None = None
        self._number: str | None = None

    @property
    def number(self) -> str | None:
        """The account's number, which hooks tell."""
        return self._number

    def look(self, lead_ids: Sequence[str], like: Tables) -> Look:
        """Look at leads; see ``Ear``."""
        now = int(self._now())
        rows = self._listed(LEADS.listing, "id", lead_ids)
        there = {str(row["id"]): row for row in rows}
        gone = frozenset(lead_ids) - there.keys()
        marks = {key: str(row.get("updated_at")) for key, row in there.items()}
        seen_at = now * MICROSECONDS
        if not there:
            return Look(seen_at, None, gone)
        with (
            tempfile.TemporaryDirectory(prefix="leadcast-look-") as folder,
            closing(Shelf(Path(folder))) as shelf,
        ):
            self._furnish(shelf)
            self._keep(shelf, LEADS, rows, now)
            self._around(shelf, now)
            raw, _ = raw_tables(shelf, payments=self._payments)
        rules = replace(self._rules, fields=like.fields)
        return Look(seen_at, conform(raw, rules), gone, marks, _likenesses(rows))

    def glance(self, lead_ids: Sequence[str]) -> Glance:
        """Look at cards alone; see ``Ear``."""
        rows = self._listed(LEADS.listing, "id", lead_ids)
        marks = {str(row["id"]): str(row.get("updated_at")) for row in rows}
        return Glance(_likenesses(rows), marks)

    def ingested(self, lead_ids: Sequence[str], cut_off: datetime) -> Mapping[str, str]:
        """Give what cards looked like to an ``ingest``; see ``Ear``."""
        return self._likeness.of(lead_ids, cut_off)

    def owners(self, entities: Sequence[str]) -> Mapping[str, str | None]:
        """Say on which lead things hang: hooks of amoCRM name the lead themselves."""
        return dict.fromkeys(entities)

    def changed(self, since: int) -> Iterator[Changes]:
        """Ask what has changed; see ``Ear``."""
        begun = max(0, since // MICROSECONDS)
        leads = Listing("leads", "leads", {})
        for rows in by_change(self._client.get, leads, since=begun):
            yield self._changes("lead", rows, "id")
        notes = BY_KIND["lead_note"].listing
        for rows in by_change(self._client.get, notes, since=begun):
            yield self._changes("note", rows, "entity_id")

    def drain(self, process: str, keep: Keep) -> int:
        """Empty nothing: amoCRM keeps no queue of events."""
        del process, keep
        return 0

    def learn(self) -> None:
        """Read from ``ingest``'s shelf what everything is called, the number too.

        Raises
        ------
        Unavailable
            The shelf cannot be opened.
        """
        with closing(Shelf(self._folder)) as shelf:
            names = {kind: list(shelf.newest(kind)) for kind in OFFICE}
            done = shelf.place("run") or {"missing": []}
        self._office = self._clock(), (names, done)
        told = next((one.body.get("id") for one in names["account"]), None)
        self._number = None if told is None else str(told)

    def _furnish(self, shelf: Shelf) -> None:
        if self._office is None or self._clock() - self._office[0] > OFFICE_SECONDS:
            self.learn()
        assert self._office is not None
        names, done = self._office[1]
        for kind, rows in names.items():
            shelf.put(kind, rows, {})
        shelf.put("run", [], done)

    def _around(self, shelf: Shelf, now: int) -> None:
        """Read what hangs on the leads of a shelf, and on their people."""
        bodies = [one.body for one in shelf.newest("lead")]
        contacts = {str(key) for body in bodies for key in body["contacts"]}
        ids = {
            "lead": sorted(shelf.ids("lead")),
            "contact": sorted(contacts),
            "company": sorted({str(b["company"]) for b in bodies if b["company"]}),
        }
        for kind in ("contact", "company"):
            stream = BY_KIND[kind]
            self._keep(
                shelf, stream, self._listed(stream.listing, "id", ids[kind]), now
            )
        has_log = "events" not in (shelf.place("run") or {}).get("missing", [])
        for kind in ("lead", "contact"):
            stream = BY_KIND[f"{kind}_note"]
            rows = self._listed(stream.listing, "entity_id", ids[kind])
            self._keep(shelf, stream, rows, now)
            if has_log:
                self._log(shelf, kind, ids[kind], now)

    def _log(self, shelf: Shelf, kind: str, ids: Sequence[str], now: int) -> None:
        fields = [
            f"custom_field_{one.id}_value_changed"
            for one in shelf.newest("field:leads")
        ]
        types = [*ENTRIES, *fields]
        for start in range(0, len(ids), MOST_NAMED):
            asked = {"filter[entity][]": [kind]}
            listing = Listing("events", "events", asked)
            rows = self._listed(listing, "entity_id", ids[start : start + MOST_NAMED])
            wanted = [row for row in rows if row["type"] in types]
            kept = [
                slim.kept(ENTRY, row, slim.entry(row), now=now, backfill=False)
                for row in wanted
            ]
            shelf.put("entry", kept, {})

    def _listed(self, listing: Listing, key: str, ids: Sequence[str]) -> list[Row]:
        """Read the rows of a list that belong to some cards."""
        if not ids:
            return []
        query: Query = {**listing.query, f"filter[{key}][]": list(ids)}
        asked = replace(listing, query=query)
        limit = MOST_EVENTS if listing.name == "events" else MOST
        pages = every(self._client.get, asked, limit=limit)
        return [row for rows in pages for row in rows]

    def _keep(self, shelf: Shelf, stream: Stream, rows: list[Row], now: int) -> None:
        slimmed = [(row, stream.slim(row)) for row in rows]
        kept = [
            slim.kept(stream.times, row, body, now=now, backfill=False)
            for row, body in slimmed
            if body is not None
        ]
        shelf.put(stream.kind, kept, {})

    def _changes(self, kind: str, rows: list[Row], owner: str) -> Changes:
        found = [
            Found(f"{kind}:{row['id']}", str(row.get("updated_at")), str(row[owner]))
            for row in rows
        ]
        latest = max(int(row["updated_at"] or 0) for row in rows)
        return Changes(found, min(latest, int(self._now())) * MICROSECONDS)


def _likenesses(rows: Sequence[Row]) -> dict[str, str]:
    return {str(row["id"]): likeness_of(slim.lead(row)) for row in rows}
