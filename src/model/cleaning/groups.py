"""From pairs to persons: whom sure pairs join, unless somebody in it contradicts.

One false pair would chain two persons together with all their leads. So a group that
holds two different names or two different tax numbers is no group: none of its pairs
is sure any more, and a person looks at them.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from model.cleaning.pairs import likeness

MOST_NAMES: Final = 12
"""Different spellings of one name in a group, above which it is not one person."""


def persons(
    dump: pl.DataFrame, pairs: pl.DataFrame
) -> tuple[dict[int, int], pl.DataFrame]:
    """Join leads of one person.

    Parameters
    ----------
    dump
        As ``dump.dump_of`` gives it.
    pairs
        As ``pairs.judged`` gives them.

    Returns
    -------
    tuple
        The first row of its person by row, for rows with company; and the pairs, with
        those of contradicting groups turned into ``look``.
    """
    sure = pairs.filter(pl.col("relation") == "person")
    first = _joined(sure)
    groups: dict[int, list[int]] = {}
    for row, root in first.items():
        groups.setdefault(root, []).append(row)
    names, inns = dump["name"].to_list(), dump["inns"].to_list()
    broken = {
        root
        for root, rows in groups.items()
        if _contradicts([names[r] for r in rows], [set(inns[r]) for r in rows])
    }
    kept = {row: root for row, root in first.items() if root not in broken}
    doubted = pairs["one"].is_in([row for row in first if first[row] in broken])
    is_doubted = pl.Series(doubted) & (pairs["relation"] == "person")
    return kept, pairs.with_columns(
        relation=pl.when(is_doubted).then(pl.lit("look")).otherwise(pl.col("relation")),
        why=pl.when(is_doubted).then(pl.lit("contradicted")).otherwise(pl.col("why")),
        weight=pl.when(is_doubted).then(0.5).otherwise(pl.col("weight")),
    )


def _joined(sure: pl.DataFrame) -> dict[int, int]:
    """Union the pairs; each row by the smallest row it is joined with."""
    root: dict[int, int] = {}

    def top(row: int) -> int:
        while root.setdefault(row, row) != row:
            root[row] = row = root[root[row]]
        return row

    for one, two in sure.select("one", "two").iter_rows():
        low, high = sorted((top(one), top(two)))
        root[high] = low
    return {row: top(row) for row in list(root)}


def _contradicts(names: list[str], inns: list[set[str]]) -> bool:
    told = sorted({name for name in names if name})
    if len(told) > MOST_NAMES:
        return True
    if any(
        likeness(one, two) == "other"
        for place, one in enumerate(told)
        for two in told[place + 1 :]
    ):
        return True
    known = [inn for inn in inns if inn]
    return any(not (known[0] & inn) for inn in known[1:])
