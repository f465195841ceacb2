"""What there is to go by: of how many open leads it is known who they are.

A dump without phones, addresses and tax numbers has no doubles that anybody could find,
which is not the same as no doubles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from leads.persons import MARKS, SAID

COLUMNS: Final[Mapping[str, str]] = {**MARKS, **{name: name for name in SAID}}


@dataclass(frozen=True, slots=True)
class Known:
    """Of ``open`` leads: how many carry each mark, and how many are ``blind``.

    ``marks`` goes by ``phone``, ``email``, ``inn``, ``name`` and ``company``. A blind
    lead carries nothing by which it could be told from others or found among them.
    """

    open: int
    blind: int
    marks: Mapping[str, int]

    @property
    def unread(self) -> tuple[str, ...]:
        """Marks that no open lead carries."""
        return tuple(name for name, count in self.marks.items() if not count)

    @property
    def is_nothing(self) -> bool:
        """Whether no lead at all can be compared."""
        return self.open == self.blind


def known_of(still: pl.DataFrame) -> Known:
    """Count what is known of open leads.

    Parameters
    ----------
    still
        A row for each, with the marks of ``leads.persons.PERSONS``; null is nothing.
    """
    rows = still.select(*COLUMNS.values()).to_dicts()
    return Known(
        open=len(rows),
        blind=sum(map(is_blind, rows)),
        marks={
            name: sum(bool(row[column]) for row in rows)
            for name, column in COLUMNS.items()
        },
    )


def is_blind(lead: Mapping[str, Any]) -> bool:
    """Whether nothing tells a lead from others: a name alone is no mark."""
    own = any(lead[column] for column in MARKS.values())
    return not own and not lead["company"]
