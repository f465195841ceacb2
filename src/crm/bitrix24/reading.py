"""One read of a portal onto the shelf: whole the first time, what changed after that.

Pages are asked for twenty at a time, each command of a batch taking its cursor from the
answer of the one before. An answer that is not whole, or out of order, ends the read
with an error; what came before it stays, and the next run goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from crm.bitrix24.answers import Kind, Trouble, refused
from crm.bitrix24.client import PASSING, Batch, Client, Command
from crm.bitrix24.shelf import Cursor, Page, Place, Shelf
from crm.bitrix24.streams import (
    IDENTITY,
    ORDERS,
    PAGE,
    PERSONAL,
    STREAMS,
    Lookup,
    Stream,
    products_of,
)
from crm.bitrix24.words import read_words
from crm.transport import Lost, Patience
from leads.errors import Unavailable

OVERLAP: Final = timedelta(minutes=10)
MOST_PAGES: Final = 20
"""Of one batch: some five megabytes, and seconds of the portal's sixty."""
MOST_IDS: Final = 40

Tell = Callable[[str], None]


class Reading:
    """Reads one portal onto a shelf.

    Parameters
    ----------
    client
        Of the portal.
    shelf
        Where pages go.
    entity
        ``"lead"`` or ``"deal"``: whose product rows are wanted.
    patience
        With limits and failures that pass.
    tell
        Told how far it is.
    """

    def __init__(
        self,
        client: Client,
        shelf: Shelf,
        *,
        entity: str,
        patience: Patience = Patience(),  # noqa: B008 - frozen
        tell: Tell = lambda _: None,
    ) -> None:
        self._client = client
        self._shelf = shelf
        self._entity = entity
        self._patience = patience
        self._tell = tell
        self._chain = 1

    def run(self) -> Cursor:
        """Read everything that there is to read; safe to repeat after any end.

        Raises
        ------
        Unavailable
            The portal did not answer, or answered what cannot be whole.
        """
        now = self._now()
        cursor = self._begun(self._shelf.cursor(), now)
        seen = now.isoformat()
        cursor = self._words(cursor, seen)
        for stream in STREAMS:
            cursor = self._stream(stream, cursor, seen)
        cursor = self._looked_up(ORDERS, self._ids("payment", "orderId"), cursor, seen)
        ids = self._ids(self._entity, "id")
        cursor = self._looked_up(products_of(self._entity), ids, cursor, seen)
        return self._shelf.stand(replace(cursor, is_done=True))

    def _now(self) -> datetime:
        """Ask the portal for its time: its clock names the changes, not ours."""
        told = self._ask("server.time", {})
        try:
            return datetime.fromisoformat(str(told))
        except ValueError as error:
            raise refused("server.time", Trouble(Kind.FAILURE, "NO_TIME")) from error

    def _begun(self, cursor: Cursor, now: datetime) -> Cursor:
        """Go on with a read that was cut short, or begin the next one."""
        if not cursor.is_done:
            return cursor
        since = None
        if cursor.began:
            before = datetime.fromisoformat(cursor.began) - OVERLAP
            since = before.isoformat()
        return self._shelf.stand(
            Cursor(
                read=cursor.read + 1, began=now.isoformat(), since=since,
                is_done=False, pages=cursor.pages, tops=cursor.tops,
            )
        )  # fmt: skip

    def _words(self, cursor: Cursor, seen: str) -> Cursor:
        if cursor.at("words").is_done:
            return cursor
        self._tell("words: fields, stages, people")
        rows = read_words(self._batch, self._ask)
        cursor = cursor.moved("words", Place(is_done=True))
        return self._shelf.put(Page("words", cursor.read, seen, rows), cursor)

    def _stream(self, stream: Stream, cursor: Cursor, seen: str) -> Cursor:
        place = cursor.at(stream.name)
        if not place.rows and not place.last and not stream.changed:
            place = Place(last=cursor.tops.get(stream.name, 0))
        self._chain = 1
        while not place.is_done:
            rows, ended = self._pages(stream, place.last, cursor.since)
            if ended and cursor.since is None:
                self._check_count(stream, place, rows)
            last = int(rows[-1][stream.id]) if rows else place.last
            place = Place(last, place.rows + len(rows), ended)
            cursor = cursor.moved(stream.name, place)
            page = Page(stream.name, cursor.read, seen, rows)
            cursor = (
                self._shelf.put(page, cursor) if rows else self._shelf.stand(cursor)
            )
            self._tell(f"{stream.name}: {place.rows:,} rows")
        return cursor

    def _pages(
        self, stream: Stream, last: int, since: str | None
    ) -> tuple[list[dict[str, Any]], bool]:
        """Ask for the next pages; tell whether the last one is among them."""
        commands: dict[str, Command] = {}
        after: int | str = last
        for number in range(self._chain):
            commands[f"p{number}"] = stream.page(after, since)
            after = stream.reference(f"p{number}")
        try:
            batch = self._batch(commands)
        except Lost:
            if self._chain == 1:
                raise
            self._chain = max(1, self._chain // 2)  # too much at once, perhaps
            return self._pages(stream, last, since)
        rows: list[dict[str, Any]] = []
        for key in commands:
            page = self._page(stream, batch, key, last)
            rows += page
            if len(page) < PAGE:
                # What follows took its cursor from a row that is not there.
                return rows, True
            last = int(page[-1][stream.id])
        self._chain = min(MOST_PAGES, self._chain * 2)
        return rows, False

    def _page(
        self, stream: Stream, batch: Batch, key: str, last: int
    ) -> list[dict[str, Any]]:
        rows = rows_of(batch, key, stream.wrapper, stream.method)
        for row in rows:
            number = str(row.get(stream.id))
            if not number.isdigit() or int(number) <= last:
                raise Unavailable(
                    f"Bitrix24 gave rows of {stream.name} out of order.",
                    remedy="Run again; nothing was stored of them.",
                )
            last = int(number)
        left_out = PERSONAL - IDENTITY.get(stream.name, frozenset())
        return [{k: v for k, v in row.items() if k not in left_out} for row in rows]

    def _check_count(
        self, stream: Stream, place: Place, rows: list[dict[str, Any]]
    ) -> None:
        """Refuse a whole read that has fewer rows than the portal counts."""
        if not place.rows and not rows:
            return
        upto = int(rows[-1][stream.id]) if rows else place.last
        method, params = stream.count(upto)
        told = self._patience.asking(
            lambda: self._client.counted(method, params), again=PASSING
        )
        got = place.rows + len(rows)
        if got < told:
            raise Unavailable(
                f"Bitrix24 counts {told:,} rows of {stream.name} and gave {got:,}.",
                remedy="Run again; if it stays, look at what the webhook may see.",
            )

    def _looked_up(
        self, lookup: Lookup, ids: Iterable[int], cursor: Cursor, seen: str
    ) -> Cursor:
        """Ask for the rows that belong to what this read brought."""
        place = cursor.at(lookup.name)
        wanted = sorted(number for number in set(ids) if number > place.last)
        if place.is_done:
            return cursor
        step = MOST_IDS * MOST_PAGES
        for start in range(0, len(wanted), step):
            part = wanted[start : start + step]
            rows = self._rows_for(lookup, part)
            place = Place(part[-1], place.rows + len(rows))
            cursor = cursor.moved(lookup.name, place)
            page = Page(lookup.name, cursor.read, seen, rows)
            cursor = self._shelf.put(page, cursor)
            self._tell(f"{lookup.name}: {place.rows:,} rows")
        return self._shelf.stand(
            cursor.moved(lookup.name, replace(place, is_done=True))
        )

    def _rows_for(self, lookup: Lookup, ids: list[int]) -> list[dict[str, Any]]:
        """Ask in parts; a part whose page is full may hold more, and is halved."""
        waiting = [ids[n : n + MOST_IDS] for n in range(0, len(ids), MOST_IDS)]
        rows: list[dict[str, Any]] = []
        while waiting:
            now, waiting = waiting[:MOST_PAGES], waiting[MOST_PAGES:]
            commands = {f"i{n}": lookup.of(part) for n, part in enumerate(now)}
            batch = self._batch(commands)
            for n, part in enumerate(now):
                got = rows_of(batch, f"i{n}", lookup.wrapper, lookup.method)
                if len(got) >= PAGE and len(part) > 1:
                    half = len(part) // 2
                    waiting += [part[:half], part[half:]]
                else:
                    rows += got
        return rows

    def _ids(self, stream: str, name: str) -> list[int]:
        """List the ids that this read brought of a stream."""
        read = self._shelf.cursor().read
        return [
            int(row[name])
            for page in self._shelf.pages()
            if page.stream == stream and page.read == read
            for row in page.rows
            if str(row.get(name) or "").isdigit()
        ]

    def _batch(self, commands: Mapping[str, Command]) -> Batch:
        """Run a batch until each of its commands has passed, or one is refused."""

        def ask() -> Batch:
            batch = self._client.batch(commands)
            for key, trouble in batch.troubles.items():
                raise refused(commands[key][0], trouble)
            return batch

        return self._patience.asking(ask, again=PASSING)

    def _ask(self, method: str, params: Mapping[str, Any]) -> Any:
        return self._patience.asking(
            lambda: self._client.call(method, params), again=PASSING
        )


def rows_of(batch: Batch, key: str, wrapper: str, method: str) -> list[dict[str, Any]]:
    """Give the rows of one command's answer.

    Raises
    ------
    Refused
        There is no answer, or it is no list of rows.
    """
    rows = batch.results.get(key)
    if wrapper:
        rows = rows.get(wrapper) if isinstance(rows, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
        raise refused(method, Trouble(Kind.FAILURE, "NO_ROWS"))
    return rows
