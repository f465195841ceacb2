"""Pages of lists: 50 rows, ``next`` only if more follow, ``start: -1`` counts nothing.

``total`` comes always, as the contracts say, but is 0 under ``start: -1``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, Final

from crm.testing.bitrix24.filters import Known, condition, in_order
from crm.testing.bitrix24.portal import Context, Params, Result
from crm.testing.bitrix24.state import Record

PAGE: Final = 50
NO_COUNT: Final = -1


def start_of(params: Params) -> int:
    """Read ``start``; what is no number counts as 0, as in PHP."""
    text = str(params.get("start") or 0)
    return int(text) if text.lstrip("-").isdigit() else 0


def floor_of(params: Params) -> float:
    """Read the id that a cursor stands at; below all ids if there is none."""
    wanted = params.get("filter")
    last = wanted.get(">ID", wanted.get(">id")) if isinstance(wanted, Mapping) else None
    text = str(last or "")
    return float(text) if text.isdigit() else float("-inf")


def _by_id(order: Any, known: Known) -> bool:
    if not isinstance(order, Mapping) or len(order) != 1:
        return False
    ((name, direction),) = order.items()
    field = known.get(name)
    return field is not None and (field.name, str(direction).upper()) == ("id", "ASC")


def page(rows: list[Any], start: int) -> tuple[list[Any], int | None, int]:
    """Cut the page that begins at ``start``: rows, next, total.

    Examples
    --------
    >>> rows = list(range(120))
    >>> [(len(got), after, total) for got, after, total in
    ...     (page(rows, start) for start in (0, 50, 100, -1))]
    [(50, 50, 120), (50, 100, 120), (20, None, 120), (50, None, 0)]
    """
    if start == NO_COUNT:
        return rows[:PAGE], None, 0
    begin = max(0, start)
    after = begin + PAGE
    return rows[begin:after], after if after < len(rows) else None, len(rows)


def listed(
    rows: Iterable[Record],
    known: Known,
    params: Params,
    context: Context,
    *,
    wrapper: str = "",
    show: Callable[[Record], Any] = dict,
) -> Result:
    """Filter, sort, cut and show rows; ``wrapper`` names the key that holds them.

    Rows must come by growing id: a cursor then stops at its 50th row, which makes
    100,000 leads readable.
    """
    test = condition(params.get("filter"), known, context.portal.profile)
    start, order = start_of(params), params.get("order")
    if start == NO_COUNT and _by_id(order, known):
        floor = floor_of(params)
        ahead = (row for row in rows if row["id"] > floor and test(row))
        found = list(islice(ahead, PAGE))
    else:
        found = in_order([row for row in rows if test(row)], order, known)
    cut, after, total = page(found, start)
    shown = [show(row) for row in cut]
    return Result({wrapper: shown} if wrapper else shown, after, total)
