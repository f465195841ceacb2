"""The forecast of today's open leads, by calendar month and pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from leads.decision import Outlook
from leads.lead import EPOCH
from model.distance.forecast import Doubt, Interval, expected_counts, expected_money
from model.distance.hindsight import ALL


@dataclass(frozen=True, slots=True)
class Cell:
    """What one month and pipeline will bring of the leads that are open now."""

    month: str
    pipeline: str
    leads: int
    deals: Interval
    money: Interval


def look_ahead(
    asked: pl.DataFrame, doubt: Doubt, *, ends: Mapping[str, float], seed: int
) -> tuple[Cell, ...]:
    """Forecast every month of the horizon and all of it (month ``*``).

    Parameters
    ----------
    asked
        ``pipeline``, ``amount``, ``chance`` and ``curve`` (a struct or a mapping of
        days to chances, as ``told_of`` gives it) of each open lead.
    ends
        Days from now at which each month ends, in order; the last is the horizon.
    """
    parts: list[tuple[str, pl.DataFrame]] = [(ALL, asked)]
    parts += [(str(name), part) for (name,), part in asked.group_by("pipeline")]
    return tuple(
        cell
        for name, part in sorted(parts, key=lambda item: item[0])
        for cell in _cells(name, part, doubt, ends, seed)
    )


def _cells(
    name: str,
    part: pl.DataFrame,
    doubt: Doubt,
    ends: Mapping[str, float],
    seed: int,
) -> Iterator[Cell]:
    amounts = np.asarray(part["amount"].fill_null(0.0).to_numpy(), dtype=np.float64)
    upto = np.zeros(len(part))
    spans = [(ALL, np.asarray(part["chance"].to_numpy(), dtype=np.float64))]
    for month, end in ends.items():
        by_then = np.array([_at(curve, end) for curve in part["curve"].to_list()])
        spans.append((month, np.maximum(by_then - upto, 0.0)))
        upto = by_then
    if len(ends) == 1:  # the month is the horizon, said already
        spans = spans[:1]
    for month, chances in spans:
        yield Cell(
            month,
            name,
            len(part),
            expected_counts(chances, doubt),
            expected_money(chances, amounts, doubt, seed=seed),
        )


def _at(curve: Sequence[Mapping[str, float]], day: float) -> float:
    days = [0.0, *(step["day"] for step in curve)]
    chances = [0.0, *(step["chance"] for step in curve)]
    return float(np.interp(day, days, chances))


def curve_of(
    outlook: Outlook | None, chance: float, horizon: int
) -> list[dict[str, float]]:
    """Give a lead's curve up to the horizon; a straight one where none is known."""
    curve = outlook.curve if outlook is not None else {}
    steps = {day: c for day, c in curve.items() if day < horizon} | {horizon: chance}
    return [{"day": float(day), "chance": value} for day, value in steps.items()]


def months_ahead(now: int, horizon_days: int, zone: ZoneInfo) -> dict[str, float]:
    """Say after how many days each calendar month of the horizon is over.

    What is left of a month on its last day goes with the next one.
    """
    begin = (EPOCH + timedelta(microseconds=now)).astimezone(zone)
    found: dict[str, float] = {}
    year, month = begin.year, begin.month
    while not found or list(found.values())[-1] < horizon_days:
        over = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
        days = (over - begin) / timedelta(days=1)
        if days >= min(1.0, horizon_days):
            found[f"{year}-{month:02}"] = min(days, float(horizon_days))
        year, month = over.year, over.month
    return found
