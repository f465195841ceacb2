"""Reads lists of amoCRM to their end, though cards move while they are read.

There is no total and no snapshot: a page is whatever stands at that place now, so a
card that is changed or deleted between two pages shifts the others, and plain paging
loses some. Two ways round it:

- **cards and notes** go by the time of their last change, always from the last one
  seen (``filter[updated_at][from]``): whatever changes meanwhile moves to the end, in
  front of the reader. Thousands changed within one second (an import) fill more pages
  than one; that second is read again until nothing new turns up.
- **the log** goes newest first inside a window that lies in the past: nothing in it
  can change, and if our clock is ahead, entries only turn up twice.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from crm.amocrm.client import Query
from leads.errors import Unavailable

MOST: Final = 250
MOST_EVENTS: Final = 100
MOST_PASSES: Final = 10

Row = dict[str, Any]
Ask = Callable[[str, Query], dict[str, Any] | None]
"""Reads an address; None if it is empty. It has asked again where that makes sense."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of the account: its address, its name in the answer, what narrows it."""

    path: str
    name: str
    query: Query


def by_change(
    ask: Ask, listing: Listing, *, since: int, limit: int = MOST
) -> Iterator[list[Row]]:
    """Read rows by their last change, from a second on; some of them twice.

    Parameters
    ----------
    since
        Seconds since 1970, inclusive.

    Raises
    ------
    Unavailable
        A page failed, or the account does not keep to the filter or the order.
    """
    at = since
    while True:
        asked = {
            **listing.query,
            "order[updated_at]": "asc",
            "filter[updated_at][from]": at,
            "limit": limit,
            "page": 1,
        }
        rows, more = _page(ask, listing, asked)
        _check_order(listing, rows, at)
        if rows:
            yield rows
        if not more:
            return
        last = _changed(rows[-1])
        if _changed(rows[0]) == last:
            yield from _second(ask, listing, last, limit=limit)
            last += 1
        at = last


def in_window(
    ask: Ask, listing: Listing, *, since: int, until: int, page: int = 1
) -> Iterator[tuple[list[Row], int]]:
    """Read entries made from ``since`` to ``until``; each page with its number."""
    while True:
        asked = {
            **listing.query,
            "filter[created_at][from]": since,
            "filter[created_at][to]": until,
            "limit": MOST_EVENTS,
            "page": page,
        }
        rows, more = _page(ask, listing, asked)
        if any(not since <= row["created_at"] <= until for row in rows):
            raise _disobeyed(listing)
        if rows:
            yield rows, page
        if not more:
            return
        page += 1


def every(ask: Ask, listing: Listing, *, limit: int = MOST) -> Iterator[list[Row]]:
    """Read a short list whole: pipelines, users, fields, invoices."""
    page, more = 1, True
    while more:
        asked = {**listing.query, "limit": limit, "page": page}
        rows, more = _page(ask, listing, asked)
        if rows:
            yield rows
        page += 1


def _second(ask: Ask, listing: Listing, at: int, *, limit: int) -> Iterator[list[Row]]:
    """Read all that last changed within one second, over more pages than one.

    A card that leaves the second shifts those behind it by a place, so the second is
    read until a pass finds none that is new.
    """
    seen: set[Any] = set()
    for _ in range(MOST_PASSES):
        before, page, more = len(seen), 1, True
        while more:
            asked = {
                **listing.query,
                "order[updated_at]": "asc",
                "filter[updated_at][from]": at,
                "filter[updated_at][to]": at,
                "limit": limit,
                "page": page,
            }
            rows, more = _page(ask, listing, asked)
            new = [row for row in rows if row["id"] not in seen]
            seen.update(row["id"] for row in new)
            if new:
                yield new
            page += 1
        if len(seen) == before:
            return
    raise Unavailable(
        f"{listing.path} of amoCRM changes faster than it can be read.",
        remedy="Wait until the import there has ended, and run it again.",
    )


def _page(ask: Ask, listing: Listing, asked: Query) -> tuple[list[Row], bool]:
    """Read one page; say whether another follows."""
    body = ask(listing.path, asked)
    if body is None:
        return [], False
    try:
        rows = body["_embedded"][listing.name]
    except (KeyError, TypeError):
        rows = None
    if not isinstance(rows, list):
        raise Unavailable(
            f"amoCRM's answer to {listing.path} holds no {listing.name}.",
            remedy="Nothing was taken from it; run it again.",
        )
    return rows, bool(rows) and "next" in (body.get("_links") or {})


def _check_order(listing: Listing, rows: list[Row], since: int) -> None:
    """Refuse rows that a filter or an order which is silently ignored would give."""
    times = [since, *(_changed(row) for row in rows)]
    if any(later < earlier for earlier, later in itertools.pairwise(times)):
        raise _disobeyed(listing)


def _changed(row: Row) -> int:
    return int(row.get("updated_at") or 0)


def _disobeyed(listing: Listing) -> Unavailable:
    return Unavailable(
        f"amoCRM did not keep to the filter or the order asked of {listing.path}.",
        remedy="Nothing can be read safely so; tell whoever maintains Leadcast.",
    )
