"""Pages of lists: 50 rows, ``next`` only if more follow, ``start: -1`` counts nothing.

``total`` comes always, as the contracts say, but is 0 under ``start: -1``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
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
    """Filter, sort, cut and show rows; ``wrapper`` names the key that holds them."""
    test = condition(params.get("filter"), known, context.portal.profile)
    found = in_order([row for row in rows if test(row)], params.get("order"), known)
    cut, after, total = page(found, start_of(params))
    shown = [show(row) for row in cut]
    return Result({wrapper: shown} if wrapper else shown, after, total)
