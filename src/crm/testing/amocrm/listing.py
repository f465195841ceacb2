"""Lists: paging without a total, ``filter``, ``order``, and 204 for nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from crm.testing.amocrm.desk import Asked, Desk, hal, nothing
from crm.testing.amocrm.problems import problem
from crm.testing.brackets import encode
from crm.testing.wire import Answer

USUAL: Final = 50
MOST: Final = 250
KEPT: Final = 8

Row = TypeVar("Row")
Read = Callable[[Row, str], Any]


def listed(
    desk: Desk,
    asked: Asked,
    *,
    name: str,
    rows: Callable[[], list[Row]],
    shown: Callable[[Row], dict[str, Any]],
    most: int = MOST,
) -> Answer:
    """Answer one page of a list, under ``_embedded[name]``.

    ``rows`` filters and sorts everything; it is called again only when the account
    has changed, so a reader of many pages sees rows move as it would in real life.
    """
    page, limit = number(asked, "page", 1), number(asked, "limit", USUAL)
    if limit > most:
        raise problem(422, f"The limit is at most {most}")
    every = _kept(desk, asked, rows)
    begin = (page - 1) * limit
    part = every[begin : begin + limit]
    if not part:
        return nothing()
    links = {"self": {"href": _href(asked, page, limit)}}
    if begin + limit < len(every):
        links["next"] = {"href": _href(asked, page + 1, limit)}
    body = {
        "_page": page,
        "_links": links,
        "_embedded": {name: [shown(row) for row in part]},
    }
    return hal(body)


def number(asked: Asked, name: str, usual: int) -> int:
    """Read a positive number of the query; 422 for anything else."""
    value = str(asked.query.get(name, usual))
    if not value.isdecimal() or int(value) < 1:
        raise problem(422, f"{name} must be a positive number")
    return int(value)


class Filter:
    """The ``filter`` of a query, read name by name.

    A name that nobody read is refused with 400: what amoCRM does with one is not
    documented, and a filter that is silently ignored would hide a mistake.
    """

    def __init__(self, asked: Asked) -> None:
        given = asked.query.get("filter", {})
        self._left = dict(given) if isinstance(given, Mapping) else {"": given}

    def one_of(self, name: str) -> set[str] | None:
        """Read a value or a list of values, as text."""
        value = self._left.pop(name, None)
        if value is None:
            return None
        if isinstance(value, Mapping):
            return {str(each) for each in value.values()}
        return set(map(str, value)) if isinstance(value, list) else {str(value)}

    def between(self, name: str) -> tuple[float, float] | None:
        """Read ``from`` and ``to``, both inclusive; one number is an exact match."""
        value = self._left.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            value = {"from": value, "to": value}
        try:
            low = float(value.get("from", "-inf"))
            return low, float(value.get("to", "inf"))
        except (TypeError, ValueError):
            raise problem(400, f"filter[{name}] must hold numbers") from None

    def pairs(self, name: str) -> list[dict[str, str]] | None:
        """Read a list of maps."""
        value = self._left.pop(name, None)
        if value is None:
            return None
        entries = list(value.values()) if isinstance(value, Mapping) else value
        if not isinstance(entries, list) or not all(
            isinstance(each, Mapping) for each in entries
        ):
            raise problem(400, f"filter[{name}] must be a list of maps")
        return [dict(each) for each in entries]

    def tree(self, name: str) -> dict[str, set[str]]:
        """Read a map of lists."""
        value = self._left.pop(name, None) or {}
        if isinstance(value, list):  # brackets 0, 1, 2 look like a list
            value = dict(enumerate(value))
        return {
            str(key): set(map(str, each if isinstance(each, list) else [each]))
            for key, each in value.items()
        }

    def done(self) -> None:
        """Refuse what nobody read."""
        if self._left:
            raise problem(400, f"Unknown filters: {sorted(self._left)}")


def ordered(
    asked: Asked, rows: list[Row], read: Read[Row], known: Sequence[str]
) -> list[Row]:
    """Sort by ``order[name]=asc|desc``, then by id; by id alone without one."""
    order = asked.query.get("order", {})
    if not isinstance(order, Mapping):
        raise problem(400, "order must name a field")
    rows = sorted(rows, key=lambda row: read(row, "id"))
    for name, way in reversed(list(order.items())):
        if name not in known or way not in ("asc", "desc"):
            raise problem(400, f"order[{name}] is not known")
        rows.sort(key=lambda row: read(row, name) or 0, reverse=way == "desc")
    return rows


def within(value: float | None, stretch: tuple[float, float] | None) -> bool:
    """Say whether a value lies in a stretch; without a stretch all do."""
    if stretch is None:
        return True
    return value is not None and stretch[0] <= value <= stretch[1]


def among(value: Any, wanted: set[str] | None) -> bool:
    """Say whether a value is one of those wanted; without any all are."""
    return wanted is None or str(value) in wanted


def _kept(desk: Desk, asked: Asked, rows: Callable[[], list[Row]]) -> list[Row]:
    apart = {k: v for k, v in asked.query.items() if k not in ("page", "limit")}
    key = asked.path + json.dumps(apart, sort_keys=True)
    version = desk.account.version + len(desk.events.entries)
    kept = desk.cache.get(key)
    if kept is None or kept[0] != version:
        if len(desk.cache) >= KEPT:
            desk.cache.clear()
        kept = desk.cache[key] = (version, rows())
    return kept[1]


def _href(asked: Asked, page: int, limit: int) -> str:
    rest = {k: v for k, v in asked.query.items() if k not in ("page", "limit")}
    tail = encode(rest).decode()
    own = urlencode({"page": page, "limit": limit})
    return f"{asked.site}{asked.path}?{own}" + (f"&{tail}" if tail else "")
