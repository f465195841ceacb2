"""Who comes back: the person behind a lead had paid before, as another lead."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import polars as pl

from leads.history import History
from leads.marks import is_office
from leads.persons import known_persons


class Returning:
    """Looks up whether the person behind a lead had paid before, as another lead.

    Nothing is worked out before it is asked for the first time.

    Parameters
    ----------
    history
        The ingested leads.
    folder
        The store, whose table of persons says who stands behind each.
    """

    def __init__(self, history: History, folder: Path) -> None:
        self._history = history
        self._folder = folder

    def __call__(self, lead_id: str, moment: int) -> bool:
        """Say whether another lead of the same person had paid by a moment.

        Raises
        ------
        Unavailable
            The table of persons is damaged.
        """
        return self._since.get(lead_id, moment + 1) <= moment

    @cached_property
    def _since(self) -> Mapping[str, int]:
        """From when on each lead's person had paid elsewhere, in microseconds."""
        payments = self._history.coded("payments").filter(pl.col("amount_minor") > 0)
        marks = self._marks()
        if payments.is_empty() or marks.is_empty():
            return {}
        paid = payments.group_by("lead_id").agg(
            since=pl.max_horizontal("at", "recorded_at").min()
        )
        payers = marks.join(paid, on="lead_id").rename({"lead_id": "payer"})
        found = (
            marks.join(payers, on="mark")
            .filter(pl.col("lead_id") != pl.col("payer"))
            .group_by("lead_id")
            .agg(pl.col("since").min())
        )
        return dict(found.select("lead_id", "since").iter_rows())

    def _marks(self) -> pl.DataFrame:
        """List phones and personal mails: ``lead_id``, ``mark``."""
        persons = known_persons(self._folder)
        if persons is None:
            return pl.DataFrame(schema={"lead_id": pl.String, "mark": pl.String})
        marks = pl.concat_list("phones", "mails").alias("mark")
        each = persons.select("lead_id", marks).explode("mark").drop_nulls("mark")
        shared = [mark for mark in each["mark"].unique() if is_office(mark)]
        return each.filter(~pl.col("mark").is_in(shared)).unique()
