"""Looks at leads of a portal again, a few at a time, as ``ingest`` would read them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from crm.bitrix24.answers import Kind, Refused, Trouble, refused
from crm.bitrix24.client import Batch, Client, Command
from crm.bitrix24.reading import rows_of
from crm.bitrix24.shelf import Page, Shelf
from crm.bitrix24.streams import (
    ORDERS,
    PAGE,
    PERSONAL,
    STREAMS,
    Stream,
    products_of,
)
from crm.bitrix24.tables import Gathering, is_by_us
from crm.bitrix24.words import Words, read_words
from crm.hearing.ear import Changes, Found, Glance, Keep, Look, NoQueue
from crm.hearing.message import entity_in_event
from crm.likeness import Likeness
from leads.conform import Rules, conform
from leads.errors import Unavailable
from leads.lead import EPOCH, microseconds
from leads.tables import Tables

BY_NAME: Final = {stream.name: stream for stream in STREAMS}
NUMBERS: Final = {"lead": 1, "deal": 2}
WORDS_SECONDS: Final = 3_600.0
LATER: Final = 2
"""The number of a read that is not the first: what it brings is known since then."""
TIME: Final = "now"
NO_QUEUE: Final = frozenset({"ACCESS_DENIED", "WRONG_AUTH_TYPE"})
SERVER_TIME: Final[Command] = ("server.time", {})

Asked = Mapping[str, Stream]


class PortalEar:
    """``crm.hearing.ear.Ear`` of one portal; for one thread.

    Parameters
    ----------
    client
        Of the portal.
    shelf
        Of ``ingest``: a word counts as it was first read.
    rules
        For the tables, as ``ingest`` has them.
    entity
        ``"lead"`` or ``"deal"``: which card is a lead of ours.
    us
        Gives the portal's number of the user that we act as; asked at each look, since
        an application may be connected, or connected anew, while we listen.
    clock
        Monotonic seconds.
    """

    def __init__(
        self,
        client: Client,
        shelf: Shelf,
        rules: Rules,
        *,
        entity: str,
        us: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.entity = entity
        self._client = client
        self._shelf = shelf
        self._likeness = Likeness(shelf.folder)
        self._rules = rules
        self._us = us
        self._clock = clock
        self._words: tuple[float, Words] | None = None

    @property
    def number(self) -> str | None:
        """Hooks of Bitrix24 carry a token instead."""
        return None

    def look(self, lead_ids: Sequence[str], like: Tables) -> Look:
        """Look at leads; see ``Ear``."""
        ids = [int(one) for one in lead_ids]
        words = self._known_words()
        pages, told = self._first(ids)
        there = {str(row["id"]): row for row in pages[self.entity]}
        seen = _moment(told)
        gone = frozenset(lead_ids) - there.keys()
        marks = {key: str(row.get("updatedTime")) for key, row in there.items()}
        if not there:
            return Look(seen, None, gone)
        pages |= self._second(pages)
        gathering = Gathering(words, entity=self.entity, us=self._us())
        for stream, rows in pages.items():
            gathering.take(Page(stream, LATER, told, rows))
        rules = replace(self._rules, fields=like.fields)
        tables = conform(gathering.tables(), rules)
        return Look(seen, tables, gone, marks, gathering.likenesses())

    def glance(self, lead_ids: Sequence[str]) -> Glance:
        """Look at cards alone; see ``Ear``."""
        ids = [int(one) for one in lead_ids]
        products = {"product": products_of(self.entity).of(ids)}
        asked = {self.entity: _among(self.entity, "id", ids)}
        pages, told = self._whole(asked, products)
        gathering = Gathering(Words(), entity=self.entity, us=self._us())
        for stream, rows in pages.items():
            gathering.take(Page(stream, LATER, told, rows))
        marks = {str(r["id"]): str(r.get("updatedTime")) for r in pages[self.entity]}
        return Glance(gathering.likenesses(), marks)

    def ingested(self, lead_ids: Sequence[str], cut_off: datetime) -> Mapping[str, str]:
        """Give what cards looked like to an ``ingest``; see ``Ear``."""
        return self._likeness.of(lead_ids, cut_off)

    def owners(self, entities: Sequence[str]) -> Mapping[str, str | None]:
        """Say on which lead each thing hangs; see ``Ear``."""
        ids: dict[str, list[int]] = {"deal": [], "activity": []}
        for entity in entities:
            kind, _, number = entity.partition(":")
            if kind in ids:
                ids[kind].append(int(number))
        asked = {
            kind: _among(kind, BY_NAME[kind].id, some)
            for kind, some in ids.items()
            if some
        }
        rows = self._whole(asked)[0] if asked else {}
        found: dict[str, str | None] = dict.fromkeys(entities)
        for row in rows.get("deal", ()):
            found[f"deal:{row['id']}"] = self._lead_of(row)
        activities = rows.get("activity", [])
        deals = self._deals_of(activities)
        for row in activities:
            found[f"activity:{row['ID']}"] = self._owner_of(row, deals)
        return found

    def changed(self, since: int) -> Iterator[Changes]:
        """Ask what has changed; see ``Ear``."""
        begun = (EPOCH + timedelta(microseconds=since)).isoformat()
        cards = ["deal"] if self.entity == "deal" else ["lead", "deal"]
        for name in (*cards, "activity"):
            yield from self._changed_in(BY_NAME[name], begun)

    def drain(self, process: str, keep: Keep) -> int:
        """Empty the portal's own queue of events; see ``Ear``."""
        # What an earlier run reserved and did not clear is hidden until it is marked.
        try:
            self._client.call("event.offline.error", {"process_id": process})
        except Refused as refusal:
            raise _without_queue(refusal) from refusal
        asked = {"clear": 0, "process_id": process, "limit": PAGE}
        count = 0
        for failed in (1, 0):
            while rows := self._queued({**asked, "error": failed}):
                named = [
                    entity_in_event(row.get("EVENT_NAME"), row.get("EVENT_DATA"))
                    for row in rows
                ]
                keep([entity for entity in named if entity])
                ids = [row["ID"] for row in rows]
                self._client.call(
                    "event.offline.clear", {"process_id": process, "id": ids}
                )
                count += len(rows)
        return count

    def _queued(self, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        try:
            told = self._client.call("event.offline.get", asked)
        except Refused as refusal:
            raise _without_queue(refusal) from refusal
        rows = told.get("events") if isinstance(told, Mapping) else None
        if not isinstance(rows, list):
            raise refused("event.offline.get", Trouble(Kind.FAILURE, "NO_ROWS"))
        return rows

    def _first(self, ids: list[int]) -> tuple[dict[str, list[dict[str, Any]]], str]:
        """Read the cards and what hangs on them directly."""
        entity = self.entity
        asked = {
            entity: _among(entity, "id", ids),
            f"{entity}_stage": _among(f"{entity}_stage", "OWNER_ID", ids),
            "activity": _of_cards(entity, ids),
        }
        if entity == "lead":
            asked["deal"] = _among("deal", "leadId", ids)
        products = products_of(entity)
        return self._whole(asked, {"product": products.of(ids)})

    def _second(
        self, pages: Mapping[str, list[dict[str, Any]]]
    ) -> dict[str, list[dict[str, Any]]]:
        """Read whom the cards are about, and what became of the deals of leads."""
        cards = pages[self.entity]
        deals = [int(row["id"]) for row in pages.get("deal", ())]
        asked = {}
        for kind, link in (("contact", "contactId"), ("company", "companyId")):
            ids = sorted({int(row.get(link) or 0) for row in cards} - {0})
            if ids:
                asked[kind] = _among(kind, "id", ids)
        more = {}
        if deals:
            asked["invoice"] = _among("invoice", "parentId2", deals)
            more["order"] = (ORDERS.method, _of_deals(deals))
            if self.entity == "lead":
                asked["deal_stage"] = _among("deal_stage", "OWNER_ID", deals)
                asked["deal_activity"] = _of_cards("deal", deals)
        if not asked:
            return {}
        found, _ = self._whole(asked, more)
        found["activity"] = [*pages["activity"], *found.pop("deal_activity", [])]
        orders = [int(row["orderId"]) for row in found.get("order", ())]
        if orders:
            found |= self._whole({"payment": _among("payment", "orderId", orders)})[0]
        return found

    def _whole(
        self, asked: Asked, once: Mapping[str, Command] | None = None
    ) -> tuple[dict[str, list[dict[str, Any]]], str]:
        """Read lists to their ends; give rows by name, and the portal's time."""
        rows: dict[str, list[dict[str, Any]]] = {name: [] for name in asked}
        last: dict[str, int | str] = dict.fromkeys(asked, 0)
        told = ""
        commands: dict[str, Command] = {**(once or {}), TIME: SERVER_TIME}
        while last:
            commands |= {name: asked[name].page(last[name], None) for name in last}
            batch = self._batch(commands)
            told = told or str(batch.results.get(TIME))
            for name in list(last):
                stream = asked[name]
                page = rows_of(batch, name, stream.wrapper, stream.method)
                rows[name] += [_bare(row) for row in page]
                if len(page) < PAGE:
                    del last[name]
                else:
                    last[name] = int(page[-1][stream.id])
            for name in once or {}:
                if name in batch.results:
                    rows[name] = [_bare(row) for row in _listed(batch.results[name])]
            commands = {}
        return rows, told

    def _changed_in(self, stream: Stream, since: str) -> Iterator[Changes]:
        last = 0
        while True:
            commands = {stream.name: stream.page(last, since), TIME: SERVER_TIME}
            batch = self._batch(commands)
            rows = rows_of(batch, stream.name, stream.wrapper, stream.method)
            if rows:
                yield self._changes(stream, rows, _moment(batch.results.get(TIME)))
            if len(rows) < PAGE:
                return
            last = int(rows[-1][stream.id])

    def _changes(self, stream: Stream, rows: list[dict[str, Any]], now: int) -> Changes:
        deals = self._deals_of(rows) if stream.name == "activity" else {}
        found = []
        for row in rows:
            key, mark = row[stream.id], str(row.get(stream.changed))
            if stream.name == self.entity:
                lead_id: str | None = str(key)
            elif stream.name == "deal":
                lead_id = self._lead_of(row)
            else:
                lead_id = self._owner_of(row, deals)
            found.append(Found(f"{stream.name}:{key}", mark, lead_id))
        return Changes(found, min(now, max(_moment(one.mark) for one in found)))

    def _deals_of(self, rows: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
        """Read the deals that activities hang on, if a deal is not itself our lead."""
        wanted = {int(r["OWNER_ID"]) for r in rows if str(r["OWNER_TYPE_ID"]) == "2"}
        if not wanted or self.entity == "deal":
            return {}
        found, _ = self._whole({"deal": _among("deal", "id", sorted(wanted))})
        return {int(row["id"]): row for row in found["deal"]}

    def _owner_of(
        self, row: Mapping[str, Any], deals: Mapping[int, Mapping[str, Any]]
    ) -> str | None:
        if is_by_us(row, self._us()):
            return None
        kind, number = str(row.get("OWNER_TYPE_ID")), int(row.get("OWNER_ID") or 0)
        if kind == str(NUMBERS[self.entity]):
            return str(number)
        return self._lead_of(deals[number]) if kind == "2" and number in deals else None

    def _lead_of(self, deal: Mapping[str, Any]) -> str | None:
        number = deal.get("id") if self.entity == "deal" else deal.get("leadId")
        return str(number) if int(number or 0) else None

    def _known_words(self) -> Words:
        """Read the portal's words, once an hour; those of ``ingest`` come first."""
        if self._words is None or self._clock() - self._words[0] > WORDS_SECONDS:
            words = Words()
            first = next(self._shelf.pages(), None)
            if first is not None and first.stream == "words":
                words.learn(first.rows)
            words.learn(read_words(self._batch, self._client.call))
            self._words = self._clock(), words
        return self._words[1]

    def _batch(self, commands: Mapping[str, Command]) -> Batch:
        batch = self._client.batch(commands)
        for key, trouble in batch.troubles.items():
            raise refused(commands[key][0], trouble)
        return batch


def _without_queue(refusal: Refused) -> Refused | NoQueue:
    if refusal.trouble.code not in NO_QUEUE:
        return refusal
    return NoQueue(
        f"The portal keeps no queue of events for us ({refusal.trouble.code}).",
        remedy="Its plan lacks it, or we act as no administrator; the poll hears.",
    )


def _among(name: str, key: str, ids: Sequence[int]) -> Stream:
    stream = BY_NAME[name]
    return replace(stream, filter={**stream.filter, f"@{key}": list(ids)})


def _of_cards(kind: str, ids: Sequence[int]) -> Stream:
    """Ask for the activities of leads or of deals."""
    found = _among("activity", "OWNER_ID", ids)
    kinds = {**found.filter, "OWNER_TYPE_ID": NUMBERS[kind]}
    return replace(found, filter=kinds)


def _of_deals(ids: Sequence[int]) -> Mapping[str, Any]:
    asked = {"=ownerTypeId": 2, "@ownerId": list(ids)}
    return {**ORDERS.fixed, "filter": asked, "start": 0}


def _bare(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in PERSONAL}


def _listed(result: Any) -> list[dict[str, Any]]:
    """Take the rows out of a list that may stand under a key of its own."""
    if isinstance(result, Mapping):
        result = next(iter(result.values()), [])
    return result if isinstance(result, list) else []


def _moment(told: Any) -> int:
    try:
        return microseconds(datetime.fromisoformat(str(told)))
    except ValueError as error:
        raise Unavailable(
            "Bitrix24 gave a time that is none.", remedy="It is tried again by itself."
        ) from error
