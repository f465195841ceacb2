"""The arithmetic of a change: a road with stops, and what each stretch moved.

A road begins at what was said before and ends at what is said now, both as they are
stored. Each stop between them is a log-odds somebody could have been told: by another
model, of other data, at another moment. The order of the stops is fixed (corrections,
model, time, data), so the stretches add up exactly and mean one thing.

Points of probability are given out along the straight way in log-odds from start to
end: a move weighs as much as its log-odds, times the mean slope of the logistic curve
on that way (its Aumann-Shapley value). No order is needed for it, and it adds up too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal

from leads.decision import Prediction, probability_of
from model.bundle.whole import Bundle
from model.features.catalog import FeatureTable
from model.reasons.explanation import shares

Cause = Literal["rewritten", "model", "time", "data"]

NEAR: Final = 1e-4
"""Log-odds so near that the slope between them is taken in their middle."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Log-odds of a lead somewhere on the road, and what they are made of.

    ``log_odds`` is ``base`` plus all ``shares``, by business field; ``shares`` are
    empty where nobody asked for reasons.
    """

    log_odds: float
    base: float
    shares: Mapping[str, float]

    @classmethod
    def said(cls, prediction: Prediction) -> Stop:
        """Stop at what the journal keeps."""
        return cls(prediction.log_odds, prediction.base, prediction.shares)

    @classmethod
    def at(cls, bundle: Bundle, table: FeatureTable) -> Stop:
        """Stop at what a bundle says of one row of features."""
        fields, summed = shares(bundle, bundle.contributions(table))
        return cls(
            float(bundle.log_odds(table)[0]),
            bundle.base,
            dict(zip(fields, summed[0].tolist(), strict=True)),
        )


@dataclass(frozen=True, slots=True)
class Part:
    """What one cause moved; several causes where they cannot be told apart.

    ``log_odds`` is ``base`` (how far the common start moved, which only a model can do)
    plus ``fields``; both are None where one end was said without reasons. ``points``
    are of probability, between -1 and 1.
    """

    causes: tuple[Cause, ...]
    log_odds: float
    points: float
    base: float | None = None
    fields: Mapping[str, float] | None = None
    field_points: Mapping[str, float] = field(default_factory=dict)


def mean_slope(start: float, end: float) -> float:
    """Give the mean slope of the logistic curve between two log-odds.

    Examples
    --------
    >>> mean_slope(0.0, 0.0)
    0.25
    >>> 2.0 * mean_slope(-1.0, 1.0) == probability_of(1.0) - probability_of(-1.0)
    True
    """
    if abs(end - start) > NEAR:
        return (probability_of(end) - probability_of(start)) / (end - start)
    half = math.cosh(min(abs(start + end) / 4, 350.0))
    return 0.25 / half / half


def split(
    stops: Sequence[Stop], causes: Sequence[tuple[Cause, ...]]
) -> tuple[Part, ...]:
    """Say what each stretch of a road moved.

    Parameters
    ----------
    stops
        n + 1 of them, from what was said before to what is said now.
    causes
        What lies behind each of the n stretches.
    """
    slope = mean_slope(stops[0].log_odds, stops[-1].log_odds)
    return tuple(
        _part(why, start, end, slope)
        for why, (start, end) in zip(causes, pairwise(stops), strict=True)
    )


def _part(why: tuple[Cause, ...], start: Stop, end: Stop, slope: float) -> Part:
    moved = end.log_odds - start.log_odds
    if not (start.shares and end.shares):
        return Part(why, moved, moved * slope)
    fields = {
        name: end.shares.get(name, 0.0) - start.shares.get(name, 0.0)
        for name in dict.fromkeys([*end.shares, *start.shares])
    }
    points = {name: share * slope for name, share in fields.items()}
    base = end.base - start.base
    return Part(why, moved, moved * slope, base, fields, points)
