"""The leads as a dump: one row each, with the marks of who it is and what came of it.

Through the one door to time: what cards said at the moment, who had paid by then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import polars as pl

from leads.history import History
from leads.marks import company_of, folded
from leads.persons import IDS, MARKS
from leads.settings import Settings
from model.examples.snapshots import open_leads

WHO: Final = (*MARKS.values(), *IDS)


def dump_of(
    history: History, persons: pl.DataFrame, settings: Settings, now: int
) -> pl.DataFrame:
    """Lay out every lead that was known at a moment.

    Parameters
    ----------
    persons
        Who stands behind leads, as ``leads.persons.PERSONS``.
    now
        In microseconds.

    Returns
    -------
    DataFrame
        Sorted by (``created_at`` i64, ``lead_id``): ``pipeline``, ``owner``,
        ``source``, ``stage`` (null: none), ``is_open``, ``has_paid``, ``events`` u32;
        ``phones``, ``mails``, ``inns`` (lists), ``contact_id`` and ``company_id``,
        ``name`` and ``company`` folded (empty: not known), ``label`` as the card has
        them.
    """
    known = history.until(now)
    asked = known.leads.select("lead", "lead_id", moment=pl.lit(now)).with_row_index(
        "row"
    )
    cards = known.cards(asked).select(
        "row", "created_at", "pipeline", "owner", "source"
    )
    stages = known.latest("stages", asked).select("row", "stage")
    paid = (
        known.coded("payments").group_by("lead").agg(sum=pl.col("amount_minor").sum())
    )
    events = known.coded("events").group_by("lead").agg(events=pl.len())
    is_open = open_leads(known, settings)["lead_id"]
    who = persons.with_columns(**_folded(persons))
    return (
        asked.join(cards, on="row")
        .join(who, on="lead_id", how="left")
        .join(stages, on="row")
        .join(paid, on="lead", how="left")
        .join(events, on="lead", how="left")
        .with_columns(
            pl.col(*MARKS.values()).fill_null([]),
            pl.col("name", "company", "label", *IDS).fill_null(""),
            is_open=pl.col("lead_id").is_in(is_open.implode()),
            has_paid=pl.col("sum").fill_null(0) > 0,
            events=pl.col("events").fill_null(0),
        )
        .select(
            "lead_id", "created_at", "pipeline", "owner", "source", "stage", "is_open",
            "has_paid", "events", *WHO, "name", "company", "label",
        )
        .sort("created_at", "lead_id")
    )  # fmt: skip


def _folded(persons: pl.DataFrame) -> dict[str, pl.Series]:
    """Write names in one spelling; the ``label`` is as the card has them."""
    name, company = persons["name"], persons["company"]
    return {
        "name": _each(name, folded),
        "company": _each(company, company_of),
        "label": (name + " / " + company).str.strip_chars(" /"),
    }


def _each(texts: pl.Series, fold: Callable[[str], str]) -> pl.Series:
    """Fold each text once, however many leads say the same."""
    known = {text: fold(text) for text in texts.unique()}
    return pl.Series([known[text] for text in texts], dtype=pl.String())
