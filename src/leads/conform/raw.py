"""A table as a source gave it: our column names already, nothing else certain.

It is separate from ``conform`` because it is what the doors of ``crm`` hand over: they
know files, encodings and databases, and nothing of types, money or time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from leads.errors import Fault

SAMPLES = 3
LONGEST_SAMPLE = 30


@dataclass(frozen=True)
class RawTable:
    """Columns under our names, and how a person would find a row in the source.

    Parameters
    ----------
    frame
        (n, m) the columns under our names, of whatever type they came.
    where
        What a person calls the source: a file name, or a table of a database.
    rows
        (n,) the number a person sees beside each row.
    names
        Our name of a column to the source's, where they differ.
    typed
        Whether the source itself tells text from numbers (Parquet, a database), or is
        text all through (CSV).
    left_out
        Columns that the configuration excludes and that were there.
    """

    frame: pl.DataFrame
    where: str
    rows: pl.Series
    names: Mapping[str, str] = field(default_factory=dict)
    typed: bool = True
    left_out: frozenset[str] = frozenset()

    @classmethod
    def of(cls, frame: pl.DataFrame, where: str, *, typed: bool = True) -> RawTable:
        """Take a frame whose rows a person would count from 1.

        Examples
        --------
        >>> RawTable.of(pl.DataFrame({"lead_id": ["a", "b"]}), "leads").rows.to_list()
        [1, 2]
        """
        rows = pl.int_range(1, frame.height + 1, dtype=pl.UInt32, eager=True)
        return cls(frame, where, rows, typed=typed)

    def named(self, column: str) -> str:
        """Give the source's own name of one of our columns."""
        return self.names.get(column, column)

    def fault(
        self, column: str | None, what: str, remedy: str, *, at: pl.Series | None = None
    ) -> Fault:
        """Make a fault of the rows where ``at``, an (n,) mask, is true."""
        return Fault(
            where=self.where,
            what=what,
            remedy=remedy,
            column=None if column is None else self.named(column),
            rows=() if at is None else self.rows.filter(at).sort().to_list(),
        )

    def samples(self, column: str, at: pl.Series) -> str:
        """Quote a few different values of a column where the mask is true."""
        values = self.frame[column].filter(at).unique(maintain_order=True)
        quoted = [repr(v)[:LONGEST_SAMPLE] for v in values.head(SAMPLES).to_list()]
        return ", ".join(quoted) + (", ..." if len(values) > SAMPLES else "")


def count_of(number: int, noun: str) -> str:
    """Say a number of things, with the plural where it belongs.

    Examples
    --------
    >>> count_of(1, "row"), count_of(12_000, "row")
    ('1 row', '12,000 rows')
    """
    return f"{number:,} {noun}{'s' * (number != 1)}"
