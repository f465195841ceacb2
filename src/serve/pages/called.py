"""Who was called this week already: below those of the tier who were not.

A call that nobody took, or one after which nothing moved, leaves the chance as it was,
so the same leads would stand on top every morning while others wait for a first call.
Weeks begin on Monday by the company's clock, and with them all begins anew.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import polars as pl

from leads.history import History
from leads.lead import EPOCH
from leads.settings import Settings

How = Literal["call", "no_answer", "task"]
"""A call; one of no length, so nobody took it; a task that was done."""

SCHEMA: Final = {
    "lead_id": pl.String(), "called_at": pl.Int64(), "called_how": pl.String(),
}  # fmt: skip


def called_this_week(history: History, settings: Settings) -> pl.DataFrame:
    """Find the leads that were called, or whose task was done, in the data's last week.

    Returns
    -------
    DataFrame
        ``SCHEMA``, one row per lead: when it was last (microseconds), and how. Kinds of
        events are those of ``[audit] called`` and ``task_done``.
    """
    audit, zone = settings.audit, settings.company.zone
    begins = week_of(EPOCH + timedelta(microseconds=history.cut_off), zone)
    since = (begins - EPOCH) // timedelta(microseconds=1)
    kind = pl.col("kind").cast(pl.String())
    is_task = kind.is_in(list(audit.task_done))
    made = history.coded("events").filter(
        pl.col("at").is_between(since, history.cut_off),
        pl.col("recorded_at") <= history.cut_off,
        kind.is_in(list(audit.called)) | is_task,
    )
    how = (
        pl.when(is_task)
        .then(pl.lit("task"))
        .when(pl.col("value") == 0)
        .then(pl.lit("no_answer"))
        .otherwise(pl.lit("call"))
    )
    last = made.sort("at", "order").group_by("lead_id", maintain_order=True).last()
    found = last.with_columns(called_how=how).rename({"at": "called_at"})
    return found.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def week_of(moment: datetime, zone: ZoneInfo) -> datetime:
    """Give the instant at which the week of a moment began, in UTC.

    Examples
    --------
    >>> sunday = datetime(2026, 11, 22, 20, 59, tzinfo=UTC)
    >>> week_of(sunday, ZoneInfo("Europe/Moscow")).isoformat()
    '2026-11-15T21:00:00+00:00'
    """
    day = moment.astimezone(zone).date()
    monday = day - timedelta(days=day.weekday())
    return datetime.combine(monday, time(), tzinfo=zone).astimezone(UTC)
