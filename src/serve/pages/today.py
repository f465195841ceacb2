"""Whom to call today: of the open leads the best, as many as a day has room for.

A tier says what a lead is worth and means the same every day; how many can be called
is a matter of the day. So the day's list is cut from the ranking anew each time, and no
lead's tier depends on how many others are hot today. Hot leads come first, warm ones
fill what is left of the day, cold ones never do. Inside a tier whoever was called this
week already stands below those who were not; tiers never mix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from leads.decision import Override, Tier
from leads.settings import Settings

WORKDAYS: Final = 5
"""Days on which a week's calls are made."""

CALLED: Final = (Tier.HOT.value, Tier.WARM.value)


@dataclass(frozen=True, slots=True)
class Room:
    """How many leads can be called in a day.

    ``whole`` is of the company, None where nobody said; ``pipelines`` have room of
    their own. Where there is no number, every hot lead is to be called and no other.
    """

    whole: int | None = None
    pipelines: Mapping[str, int] = field(default_factory=dict)

    @property
    def calls(self) -> int | None:
        """All calls of a day; None if nobody said."""
        return sum(self.pipelines.values()) if self.pipelines else self.whole

    @classmethod
    def of(cls, settings: Settings) -> Room:
        """Read it from the configuration: calls per day, or a fifth of a week's.

        Examples
        --------
        >>> source = {"kind": "files", "folder": "export"}
        >>> tiers = {"hot_per_week": 12}
        >>> Room.of(Settings.model_validate({"source": source, "tiers": tiers})).calls
        3
        """
        asked, week = settings.daily.calls, settings.tiers.hot_per_week
        if asked is not None or week is None:
            return cls(asked)
        if isinstance(week, int):
            return cls(_day_of(week))
        return cls(None, {name: _day_of(count) for name, count in week.items()})


def _day_of(week: int) -> int:
    return -(-week // WORKDAYS)


def call_today(
    ranked: pl.DataFrame, overrides: Mapping[str, Override], room: Room
) -> pl.DataFrame:
    """Choose the leads of today's list.

    Parameters
    ----------
    ranked
        ``lead_id``, ``tier``, ``pipeline``, ``closed`` and ``called_at`` (null if it
        was not this week) of predicted leads, whom to call first on top.
    overrides
        Tiers that people set; they count in place of the model's.

    Returns
    -------
    DataFrame
        The same columns and ``called_as``, the tier that counts; in calling order.
    """
    worth = standing_tiers(ranked, overrides).filter(pl.col("called_as").is_in(CALLED))
    ordered = _in_order(worth)
    is_hot = pl.col("called_as") == Tier.HOT.value
    inside = is_hot
    if room.pipelines:
        own = list(room.pipelines.items())
        names, counts = zip(*own, strict=True)
        limit = pl.col("pipeline").replace_strict(
            list(names), list(counts), default=None, return_dtype=pl.Int64
        )
        place = pl.int_range(pl.len()).over("pipeline")
        inside = pl.when(limit.is_null()).then(is_hot).otherwise(place < limit)
    elif room.whole is not None:
        return ordered.head(room.whole)
    return ordered.filter(inside)


def standing_tiers(
    ranked: pl.DataFrame, overrides: Mapping[str, Override]
) -> pl.DataFrame:
    """Keep the open leads, with the tier that counts: a person's, or else the model's.

    It is added as ``called_as``.
    """
    return _standing(ranked.filter(~pl.col("closed")), overrides)


def in_calling_order(
    ranked: pl.DataFrame, overrides: Mapping[str, Override]
) -> pl.DataFrame:
    """Sort by the tier that counts, then who was not called this week, then as ranked.

    ``called_as``, the tier that counts, is added.
    """
    return _in_order(_standing(ranked, overrides))


def _in_order(standing: pl.DataFrame) -> pl.DataFrame:
    rank = pl.col("called_as").cast(pl.Enum([tier.value for tier in Tier]))
    called = pl.col("called_at").is_not_null()
    return standing.sort(rank, called, maintain_order=True)


def _standing(ranked: pl.DataFrame, overrides: Mapping[str, Override]) -> pl.DataFrame:
    said = {lead_id: one.tier.value for lead_id, one in overrides.items()}
    if not said:
        return ranked.with_columns(called_as=pl.col("tier"))
    told = pl.col("lead_id").replace_strict(
        list(said), list(said.values()), default=None, return_dtype=pl.String
    )
    return ranked.with_columns(called_as=pl.coalesce(told, "tier"))
