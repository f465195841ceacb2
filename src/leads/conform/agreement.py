"""How the tables must agree with the leads: the laws that no single table can break.

Every row belongs to a known lead, no lead is told in two ways, no money comes before
its lead or in two currencies. Each law is a function from tables to faults.
"""

from __future__ import annotations

import polars as pl

from leads.conform.raw import RawTable, count_of
from leads.errors import Fault


def once_each(
    raw: RawTable, frame: pl.DataFrame, *, doubled: bool
) -> tuple[pl.DataFrame, list[Fault]]:
    """Keep each lead once, in order of id; ids that tell two different things clash.

    Parameters
    ----------
    raw
        Where the rows came from, row by row with ``frame``.
    frame
        (n, m) canonical leads.
    doubled
        Whether an identical row is a second delivery, or a fault as well.
    """
    ids = frame["lead_id"]
    again = ids.is_duplicated() & ids.is_not_null()
    if not again.any():
        return frame.sort("lead_id"), []
    told = frame.filter(again)
    if doubled:
        told = told.unique(keep="first", maintain_order=True)
    clashing = told.filter(told["lead_id"].is_duplicated())["lead_id"].unique()
    firsts = told.unique("lead_id", keep="first", maintain_order=True)
    kept = pl.concat([frame.filter(~again), firsts]).sort("lead_id")
    if clashing.is_empty():
        return kept, []
    at = ids.is_in(clashing.implode())
    how = "with different content" if doubled else "more than once"
    also = "; what changed later belongs into field_changes" if doubled else ""
    what = f"{count_of(len(clashing), 'lead id')} {how} ({raw.samples('lead_id', at)})"
    return kept, [raw.fault("lead_id", what, f"Keep one row per lead{also}.", at=at)]


def orphans(raw: RawTable, frame: pl.DataFrame) -> list[Fault]:
    """Refuse rows of leads that are not in the table of leads.

    ``frame`` has ``place``, the lead's position, null where there is no such lead.
    """
    at = frame["place"].is_null() & frame["lead_id"].is_not_null()
    if not at.any():
        return []
    return [
        raw.fault(
            "lead_id",
            f"{count_of(int(at.sum()), 'row')} of unknown leads"
            f" ({raw.samples('lead_id', at)})",
            "Add those leads, or leave the rows out.",
            at=at,
        )
    ]


def early_payments(raw: RawTable, frame: pl.DataFrame) -> list[Fault]:
    """Refuse money that was received before its lead was there."""
    at = (frame["at"] < frame["created_at"]).fill_null(value=False)
    if not at.any():
        return []
    return [
        raw.fault(
            "at",
            f"{count_of(int(at.sum()), 'payment')} before the lead was created",
            "Mend the time of the payment or of the lead's creation.",
            at=at,
        )
    ]


def mixed_currencies(raw: RawTable, frame: pl.DataFrame) -> list[Fault]:
    """Refuse a lead that pays in two currencies: no rate to add them is known."""
    if frame["currency"].n_unique() < 2:
        return []
    kinds = pl.col("currency").n_unique().over("lead_id")
    at = frame.select((kinds > 1) & pl.col("lead_id").is_not_null()).to_series()
    if not at.any():
        return []
    leads = frame["lead_id"].filter(at).n_unique()
    return [
        raw.fault(
            "currency" if "currency" in raw.frame.columns else None,
            f"{count_of(leads, 'lead')} paying in more than one currency",
            "Convert each lead's payments into one currency.",
            at=at,
        )
    ]
