"""Reads an account onto the shelf: everything once, then what changed since.

Each stream keeps its own place, written with its page, so a run that is killed goes on
in the middle. A page that fails ends the run loudly; what was kept stays, and counts
for nothing until a run has come to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from crm.amocrm import slim
from crm.amocrm.client import AGAIN, AmoClient, NotInPlan, Query
from crm.amocrm.paging import Listing, Row, by_change, every, in_window
from crm.amocrm.shelf import Kept, Shelf
from crm.amocrm.slim import Times
from crm.transport import Patience

DAY: Final = 86_400
WINDOW: Final = 30 * DAY
MARGIN: Final = 5
"""Seconds before now that are left for the next run: they may still be written to."""
OVERLAP: Final = 300
"""Seconds that are read again, for what was written down late."""
BY_IDS: Final = 250

NOTES: Final = ("call_in", "call_out", "sms_in", "sms_out", "common")
ENTRIES: Final = (
    "lead_status_changed", "entity_responsible_changed", "sale_field_changed",
    "lead_deleted", "lead_restored", "incoming_chat_message", "outgoing_chat_message",
    "task_added", "task_completed",
)  # fmt: skip

CHANGED: Final = "custom_field_{}_value_changed"
MOST_NAMED: Final = 60
ENTRY: Final = Times("entry")
INVOICE: Final = Times("invoice", own="updated_at", known="updated_at")
PURCHASE: Final = Times("purchase", own="completed_at", known="completed_at")

log = structlog.get_logger()

Told = Callable[[str, int], None]
Slim = Callable[[Row], Any]


@dataclass(frozen=True, slots=True)
class Stream:
    """Things of one kind: where they are read, and what is kept of them."""

    times: Times
    listing: Listing
    slim: Slim

    @property
    def kind(self) -> str:
        """What the shelf calls them."""
        return self.times.kind


LEADS: Final = Stream(
    Times("lead", own="updated_at"),
    Listing("leads", "leads", {"with": "contacts,source,catalog_elements"}),
    slim.lead,
)
STREAMS: Final = (
    LEADS,
    Stream(Times("contact"), Listing("contacts", "contacts", {}), slim.person),
    Stream(Times("company"), Listing("companies", "companies", {}), slim.person),
    *(
        Stream(
            Times(f"{kind}_note"),
            Listing(f"{kind}s/notes", "notes", {"filter[note_type][]": NOTES}),
            slim.note,
        )
        for kind in ("lead", "contact")
    ),
)


class Reader:
    """Brings an account's newest state onto a shelf.

    Parameters
    ----------
    client
        Of the account.
    shelf
        Where it was read up to, and what was read.
    now
        Seconds since 1970.
    patience
        How long a page is asked for again.
    told
        Hears the stream and how many rows of it were read, after each page.
    """

    def __init__(
        self,
        client: AmoClient,
        shelf: Shelf,
        *,
        now: int,
        patience: Patience = Patience(),  # noqa: B008 - frozen
        told: Told = lambda _stream, _rows: None,
    ) -> None:
        self._client = client
        self._shelf = shelf
        self._now = now
        self._patience = patience
        self._told = told
        self._counts: dict[str, int] = {}
        self.missing: list[str] = []

    def run(self, *, invoices: bool = True, customers: bool = False) -> None:
        """Read everything that is new.

        Raises
        ------
        Unavailable
            A page could not be read; run it again, and it goes on there.
        """
        self._shelf.put("office", list(self._office()), {"at": self._now})
        for stream in STREAMS:
            self._read(stream)
        self._in_plan("events", self._log)
        if invoices:
            self._in_plan("catalogs", self._invoices)
        if customers:
            self._in_plan("customers", self._customers)
        done = {"at": self._now, "missing": self.missing}
        self._shelf.put("run", [], done)

    def _in_plan(self, section: str, read: Callable[[], None]) -> None:
        """Read what the plan may not include; say so rather than fail."""
        try:
            read()
        except NotInPlan:
            self.missing.append(section)

    def _read(self, stream: Stream) -> None:
        place = self._shelf.place(stream.kind) or {"at": 0, "whole": False}
        since, backfill = max(0, place["at"] - OVERLAP), not place["whole"]
        if backfill:
            since = place["at"]
        for rows in by_change(self._ask, stream.listing, since=since):
            at = max(place["at"], int(rows[-1]["updated_at"] or 0))
            place = {**place, "at": at}
            self._keep(stream, rows, place, backfill=backfill)
        self._shelf.put(stream.kind, [], {**place, "whole": True})

    def _keep(
        self, stream: Stream, rows: list[Row], place: Any, *, backfill: bool
    ) -> None:
        slimmed = [(row, stream.slim(row)) for row in rows]
        kept = [
            slim.kept(stream.times, row, body, now=self._now, backfill=backfill)
            for row, body in slimmed
            if body is not None
        ]
        self._shelf.put(stream.kind, kept, place)
        self._tell(stream.kind, len(rows))

    def _log(self) -> None:
        """Read the log, window by window, from the first lead on."""
        until = self._now - MARGIN
        place = self._shelf.place("log")
        if place is None:
            first = self._shelf.earliest("lead")
            place = {"from": until if first is None else first, "whole": False}
        begin = place["from"]
        if place["whole"] and "page" not in place:
            begin -= OVERLAP
        while begin <= until:
            end = min(begin + WINDOW, until)
            if "page" in place:
                end = place["to"]
            self._window(begin, end, place)
            place = {"from": end, "whole": place["whole"]}
            self._shelf.put("log", [], place)
            if end >= until:
                break
            begin = end
        self._shelf.put("log", [], {**place, "whole": True})

    def _window(self, begin: int, end: int, place: dict[str, Any]) -> None:
        listing = Listing("events", "events", self._entries())
        pages = in_window(
            self._ask, listing, since=begin, until=end, page=place.get("page", 1)
        )
        backfill = not place["whole"]
        for rows, page in pages:
            kept = [
                slim.kept(ENTRY, row, slim.entry(row), now=self._now, backfill=backfill)
                for row in rows
                if _is_wanted(row["type"])
            ]
            here = {"from": begin, "to": end, "page": page, "whole": place["whole"]}
            self._shelf.put("log", kept, here)
            self._tell("log", len(rows))

    def _entries(self) -> Query:
        fields = [one.id for one in self._shelf.newest("field:leads")]
        asked: dict[str, Any] = {"filter[entity][]": ["lead", "contact"]}
        if len(fields) <= MOST_NAMED:  # an address has no room for more
            changed = [CHANGED.format(key) for key in fields]
            asked["filter[type][]"] = [*ENTRIES, *changed]
        return asked

    def _invoices(self) -> None:
        """Read all invoices: they have no filter by change that is documented."""
        asked = Listing("catalogs", "catalogs", {"filter[type]": "invoices"})
        catalogs = [row["id"] for rows in every(self._ask, asked) for row in rows]
        place = self._shelf.place("invoice") or {"whole": False}
        stream = Stream(INVOICE, asked, slim.invoice)
        for key in catalogs:
            listing = Listing(f"catalogs/{key}/elements", "elements", {})
            for rows in every(self._ask, listing):
                self._keep(stream, rows, place, backfill=not place["whole"])
        known = set(place.get("loose", []))
        self._shelf.put("invoice", [], {"whole": True, "loose": sorted(known)})
        loose = self._claimed(self._loose() - known)
        told = {"whole": True, "loose": sorted(known & self._loose() | loose)}
        self._shelf.put("invoice", [], told)

    def _claimed(self, loose: set[int]) -> set[int]:
        """Look again at leads, if there are new invoices of none; give those left.

        Tying an invoice to a lead need not count as a change of the lead. Leads that
        are open or closed lately come first, all others only if that was not enough.
        """
        for is_late in (False, True):
            if not loose:
                return loose
            self._read_again(self._ids(is_late=is_late))
            loose &= self._loose()
        return loose

    def _loose(self) -> set[int]:
        """Give the invoices that are tied to no lead that we know."""
        leads, invoices = self._shelf.newest("lead"), self._shelf.newest("invoice")
        tied = {key for one in leads for key in one.body["elements"]}
        return {int(one.id) for one in invoices if not one.body["is_deleted"]} - tied

    def _ids(self, *, is_late: bool) -> list[str]:
        """List leads: those closed long ago, or all the others."""
        since = self._now - WINDOW
        return [
            one.id
            for one in self._shelf.newest("lead")
            if ((one.body["closed_at"] or self._now) < since) is is_late
        ]

    def _read_again(self, ids: list[str]) -> None:
        place = self._shelf.place("lead")
        for start in range(0, len(ids), BY_IDS):
            few = {"filter[id][]": ids[start : start + BY_IDS]}
            listing = replace(LEADS.listing, query={**LEADS.listing.query, **few})
            for rows in every(self._ask, listing):
                self._keep(LEADS, rows, place, backfill=False)

    def _customers(self) -> None:
        """Read what repeat customers bought, customer by customer."""
        listing = Listing("customers", "customers", {"with": "contacts"})
        stream = Stream(Times("customer"), listing, slim.customer)
        place = self._shelf.place("customer") or {"whole": False}
        for rows in every(self._ask, listing):
            self._keep(stream, rows, place, backfill=not place["whole"])
        bought = Stream(PURCHASE, listing, slim.purchase)
        for key in sorted(self._shelf.ids("customer")):
            asked = Listing(f"customers/{key}/transactions", "transactions", {})
            for rows in every(self._ask, asked):
                told = [{"customer_id": int(key), **row} for row in rows]
                self._keep(bought, told, place, backfill=not place["whole"])
        self._shelf.put("customer", [], {"whole": True})

    def _office(self) -> Iterator[Kept]:
        """Read what everything is called: account, pipelines, users, fields."""
        account = self._ask("account", {}) or {}
        told = {key: account.get(key) for key in ("id", "currency", "current_user_id")}
        yield self._named("account", "0", told)
        yield from self._pipelines()
        for rows in every(self._ask, Listing("users", "users", {})):
            for row in rows:
                yield self._named("user", str(row["id"]), {"name": row["name"]})
        for kind in ("leads", "contacts", "companies"):
            yield from self._fields(kind)

    def _pipelines(self) -> Iterator[Kept]:
        for rows in every(self._ask, Listing("leads/pipelines", "pipelines", {})):
            for row in rows:
                statuses = row["_embedded"]["statuses"]
                names = {str(each["id"]): each["name"] for each in statuses}
                told = {"name": row["name"], "statuses": names}
                yield self._named("pipeline", str(row["id"]), told)

    def _fields(self, kind: str) -> Iterator[Kept]:
        listing = Listing(f"{kind}/custom_fields", "custom_fields", {})
        for rows in every(self._ask, listing):
            for row in rows:
                if not str(row.get("code") or "").startswith(slim.OURS):
                    told = {key: row.get(key) for key in ("name", "type", "code")}
                    yield self._named(f"field:{kind}", str(row["id"]), told)

    def _named(self, kind: str, key: str, body: Any) -> Kept:
        return Kept(kind, key, self._now, self._now, body)

    def _ask(self, path: str, query: Query) -> dict[str, Any] | None:
        return self._patience.asking(lambda: self._client.get(path, query), again=AGAIN)

    def _tell(self, stream: str, rows: int) -> None:
        self._counts[stream] = self._counts.get(stream, 0) + rows
        self._told(stream, self._counts[stream])


def _is_wanted(type_: str) -> bool:
    begin, end = CHANGED.split("{}")
    return type_ in ENTRIES or (type_.startswith(begin) and type_.endswith(end))


def logged(stream: str, rows: int) -> None:
    """Tell the log how far a stream is."""
    log.info("amocrm_read", stream=stream, rows=rows)
