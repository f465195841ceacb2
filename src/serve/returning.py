"""Who comes back: leads of a person who had paid under another lead.

The same mail address or phone number makes the same person; addresses that many people
read, and numbers that a form is filled with, make nobody. Only what was paid by a
moment counts at that moment, so past leads are judged as they were known then.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Final

import polars as pl

from leads.history import History
from leads.settings import Clean
from model.cleaning.marks import COUNTED, OFFICE, TAIL

DIGITS: Final = 10
"""Last digits of a phone that tell whose it is, however its country is written."""

ALIKE: Final = tuple(digit * TAIL for digit in "0123456789")


class Returning:
    """Looks up whether the person behind a lead had paid before, as another lead.

    Nothing is worked out before it is asked for the first time.

    Parameters
    ----------
    history
        The ingested leads.
    clean
        Which card fields hold phones and mails.
    """

    def __init__(self, history: History, clean: Clean) -> None:
        self._history = history
        self._clean = clean

    def __call__(self, lead_id: str, moment: int) -> bool:
        """Say whether another lead of the same person had paid by a moment."""
        return self._since.get(lead_id, moment + 1) <= moment

    @cached_property
    def _since(self) -> Mapping[str, int]:
        """From when on each lead's person had paid elsewhere, in microseconds."""
        payments = self._history.coded("payments").filter(pl.col("amount_minor") > 0)
        marks = self._marks()
        if payments.is_empty() or marks.is_empty():
            return {}
        paid = payments.group_by("lead").agg(
            since=pl.max_horizontal("at", "recorded_at").min()
        )
        payers = marks.join(paid, on="lead").rename({"lead": "payer"})
        found = (
            marks.join(payers, on="mark")
            .filter(pl.col("lead") != pl.col("payer"))
            .group_by("lead_id")
            .agg(pl.col("since").min())
        )
        return dict(found.select("lead_id", "since").iter_rows())

    def _marks(self) -> pl.DataFrame:
        """List what tells who each lead is: ``lead``, ``lead_id``, ``mark``."""
        leads = self._history.leads
        there = {name.casefold(): name for name in leads.columns}
        digits = pl.col("raw").str.replace_all(r"\D", "").str.tail(DIGITS)
        box = pl.col("raw").str.strip_chars().str.to_lowercase()
        none = {"lead": pl.UInt32, "lead_id": pl.String, "mark": pl.String}
        found = [pl.DataFrame(schema=none)]
        for names, mark in ((self._clean.phone, digits), (self._clean.email, box)):
            for name in names:
                if there.get(name.casefold()) is None:
                    continue
                raw = pl.col(there[name.casefold()]).cast(pl.String)
                one = leads.select("lead", "lead_id", raw=raw).drop_nulls("raw")
                found.append(one.select("lead", "lead_id", mark=mark))
        return pl.concat(found).filter(_is_somebodys(pl.col("mark"))).unique()


def _is_somebodys(mark: pl.Expr) -> pl.Expr:
    """Tell what can be one person's from what a form is filled with."""
    is_mail = mark.str.contains("@", literal=True)
    is_office = mark.str.split("@").list.first().is_in(sorted(OFFICE))
    is_whole = mark.str.len_chars() == DIGITS
    is_filler = mark.is_in(COUNTED) | mark.str.tail(TAIL).is_in(ALIKE)
    return (is_mail & ~is_office) | (~is_mail & is_whole & ~is_filler)
