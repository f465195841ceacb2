"""The leads as a dump: one row each, with the marks of who it is and what came of it.

Through the one door to time: what cards said at the moment, who had paid by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import polars as pl

from leads.history import History
from leads.settings import Clean, Settings
from model.cleaning.marks import company_of, folded, inns_of, mails_of, phones_of
from model.snapshots import open_leads

TEXTS: Final = pl.List(pl.String())
MARKS: Final = ("phones", "mails", "inns")


def dump_of(history: History, settings: Settings, now: int) -> pl.DataFrame:
    """Lay out every lead that was known at a moment.

    Parameters
    ----------
    now
        In microseconds.

    Returns
    -------
    DataFrame
        Sorted by (``created_at`` i64, ``lead_id``): ``pipeline``, ``owner``,
        ``source``, ``stage`` (null: none), ``is_open``, ``has_paid``, ``events`` u32;
        ``phones``, ``mails``, ``inns`` (lists), ``name`` and ``company`` folded
        (empty if not known), ``label`` as the card names it.
    """
    known = history.until(now)
    asked = known.leads.select("lead", "lead_id", moment=pl.lit(now)).with_row_index(
        "row"
    )
    cards = known.cards(asked)
    stages = known.latest("stages", asked).select("row", "stage")
    paid = (
        known.coded("payments").group_by("lead").agg(sum=pl.col("amount_minor").sum())
    )
    events = known.coded("events").group_by("lead").agg(events=pl.len())
    is_open = open_leads(known, settings)["lead_id"]
    return (
        asked.join(cards, on="row")
        .join(stages, on="row")
        .join(paid, on="lead", how="left")
        .join(events, on="lead", how="left")
        .with_columns(
            is_open=pl.col("lead_id").is_in(is_open.implode()),
            has_paid=pl.col("sum").fill_null(0) > 0,
            events=pl.col("events").fill_null(0),
            **_marks(cards, settings.clean),
        )
        .select(
            "lead_id", "created_at", "pipeline", "owner", "source", "stage", "is_open",
            "has_paid", "events", *MARKS, "name", "company", "label",
        )
        .sort("created_at", "lead_id")
    )  # fmt: skip


def known_fields(columns: Iterable[str], clean: Clean) -> dict[str, tuple[str, ...]]:
    """Say which columns of a card each mark is read from; none for a mark: unread."""
    there = {name.casefold(): name for name in columns}
    return {
        mark: tuple(there[n.casefold()] for n in wanted if n.casefold() in there)
        for mark, wanted in (
            ("phone", clean.phone), ("email", clean.email), ("inn", clean.inn),
            ("name", clean.name), ("company", clean.company),
        )
    }  # fmt: skip


def _marks(cards: pl.DataFrame, clean: Clean) -> dict[str, pl.Series]:
    fields = known_fields(cards.columns, clean)
    texts = {mark: _joined(cards, names) for mark, names in fields.items()}
    name, company = texts["name"], texts["company"]
    return {
        "phones": _read(texts["phone"], lambda t: phones_of(t, clean.region)),
        "mails": _read(texts["email"], mails_of),
        "inns": _read(texts["inn"], inns_of),
        "name": _folded(name, folded),
        "company": _folded(company, company_of),
        "label": (name + " / " + company).str.strip_chars(" /"),
    }


def _joined(cards: pl.DataFrame, names: tuple[str, ...]) -> pl.Series:
    """Put the columns of one mark together; numbers are written in digits again."""
    if not names:
        return pl.repeat("", len(cards), eager=True, dtype=pl.String())
    parts = [
        pl.col(name).cast(pl.Decimal(38, 0), strict=False).cast(pl.String())
        if cards.schema[name].is_numeric()
        else pl.col(name).cast(pl.String())
        for name in names
    ]
    return cards.select(
        pl.concat_str(*parts, separator="; ", ignore_nulls=True)
    ).to_series()


def _read(texts: pl.Series, read: Callable[[str], tuple[str, ...]]) -> pl.Series:
    """Read each text once, however many leads say the same."""
    known = {text: list(read(text)) for text in texts.unique()}
    return pl.Series([known[text] for text in texts], dtype=TEXTS)


def _folded(texts: pl.Series, fold: Callable[[str], str]) -> pl.Series:
    known = {text: fold(text) for text in texts.unique()}
    return pl.Series([known[text] for text in texts], dtype=pl.String())
