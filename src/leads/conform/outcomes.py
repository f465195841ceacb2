"""Known outcomes of a flat table: two words that everybody reads alike."""

from __future__ import annotations

from typing import Final

import polars as pl

from leads.conform.fields import FLAG_WORDS, as_text
from leads.conform.raw import RawTable, count_of
from leads.errors import Fault

OUTCOME_WORDS: Final = {
    **FLAG_WORDS,
    "won": True, "lost": False, "paid": True, "unpaid": False,
    "converted": True, "not converted": False, "success": True, "failure": False,
    "выиграна": True, "проиграна": False, "выигран": True, "проигран": False,
    "оплачено": True, "не оплачено": False,
}  # fmt: skip
MOST_VALUES_SHOWN: Final = 8


def read_outcomes(raw: RawTable) -> tuple[pl.Series, list[Fault]]:
    """Read the column ``outcome``; null means the lead is still open.

    Examples
    --------
    >>> raw = RawTable.of(pl.DataFrame({"outcome": ["Won", None, "maybe"]}), "deals")
    >>> outcomes, faults = read_outcomes(raw)
    >>> outcomes.to_list()
    [True, None, None]
    >>> print(faults[0].what)
    1 outcome is not one of two well-known words; found 'Won', 'maybe'
    """
    values = raw.frame["outcome"]
    text = as_text(values)
    read = text.str.to_lowercase().replace_strict(
        OUTCOME_WORDS, default=None, return_dtype=pl.Boolean
    )
    bad = text.is_not_null() & read.is_null()
    if not bad.any():
        return read.alias("outcome"), []
    found = text.drop_nulls().unique().sort()
    shown = ", ".join(repr(value) for value in found.head(MOST_VALUES_SHOWN))
    more = ", ..." if len(found) > MOST_VALUES_SHOWN else ""
    many = int(bad.sum())
    fault = raw.fault(
        "outcome",
        f"{count_of(many, 'outcome')} {'is' if many == 1 else 'are'} not one of two"
        f" well-known words; found {shown}{more}",
        "Write true/false, 1/0, yes/no or won/lost, and leave open leads empty.",
        at=bad,
    )
    return read.alias("outcome"), [fault]
