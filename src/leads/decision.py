"""What is said about a lead: prediction, reason, outlook, tier.

Frozen, and the same everywhere: the journal stores these, the API answers them, the
pages draw them, and nobody derives a second form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Tier(StrEnum):
    """How urgent a lead is; the borders are learned once per model."""

    HOT = "hot"
    WARM = "warm"
    COLD = "cold"
    NO_DATA = "not enough data"


@dataclass(frozen=True, slots=True)
class Reason:
    """One business field's share of a prediction, in words, with a counted rate.

    ``share`` is in log-odds: positive speaks for conversion; ``points`` is the same in
    probability (``mean_slope``). ``count`` and ``rate`` say of how many past leads with
    a like value which part converted; ``text`` holds the whole sentence by language
    ("en", "ru"). Only what is ``advisable`` may be made advice of: a reason is not
    where too few leads had a like value, or where these speak the other way.
    """

    field: str
    share: float
    value: str | None
    count: int | None
    rate: float | None
    text: Mapping[str, str]
    points: float | None = None
    advisable: bool = True


@dataclass(frozen=True, slots=True)
class Outlook:
    """How sure a probability is, when the lead may convert, and for how much.

    ``low`` to ``high`` is the 90 % interval of the probability. ``curve`` gives the
    chance to have converted by so many days, in ascending order of days; it never
    falls and is the probability itself at the horizon. ``expected_days`` is how long a
    conversion takes if it comes within the curve's last step. ``expected_minor`` is the
    probability times the amount expected of a conversion within the horizon, in the
    smallest unit of ``currency``. What the model does not know is None, an unknown
    curve empty.
    """

    low: float
    high: float
    curve: Mapping[int, float]
    expected_days: float | None = None
    expected_minor: int | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was said about one lead at one moment, by which bundle.

    ``log_odds`` is calibrated and equals ``base`` plus the sum of ``shares`` (every
    business field, not only the ``reasons`` worth showing); ``probability`` is its
    logistic transform. ``shares`` and ``reasons`` are empty and ``outlook`` is None if
    no reasons were asked for; ``outlook`` also if it was made before there were any.
    """

    lead_id: str
    as_of: datetime
    horizon_days: int
    probability: float
    log_odds: float
    base: float
    tier: Tier
    shares: Mapping[str, float]
    reasons: tuple[Reason, ...]
    model_version: str
    bundle_digest: str
    outlook: Outlook | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """A tier that a person set for a lead, beside the machine's and never instead.

    It stands from ``made_at`` until ``until`` (None: until it is withdrawn). No reason
    of the machine's is a reason for it. ``by`` is an id, not a name.
    """

    lead_id: str
    tier: Tier
    by: str
    made_at: datetime
    until: datetime | None = None


NEAR: Final = 1e-4
"""Log-odds this near are as good as equal: the slope is that at their middle."""


def mean_slope(log_odds: float, base: float) -> float:
    """Say how many points of probability one unit of log-odds is worth on this way.

    The way is the straight one from ``base`` to ``log_odds``. A share times this slope
    is its Aumann-Shapley value of the probability: it depends on no order of the
    shares, and all of them add up to probability less base rate.

    Examples
    --------
    >>> mean_slope(0.0, 0.0)
    0.25
    >>> shares = (2.0, -0.5)
    >>> added = sum(share * mean_slope(0.5, -1.0) for share in shares)
    >>> abs(added - (probability_of(0.5) - probability_of(-1.0))) < 1e-15
    True
    """
    way = log_odds - base
    if abs(way) < NEAR:
        middle = probability_of((log_odds + base) / 2)
        return middle * (1.0 - middle)
    return (probability_of(log_odds) - probability_of(base)) / way


def probability_of(log_odds: float) -> float:
    """Turn log-odds into a probability without overflow.

    Examples
    --------
    >>> probability_of(0.0), probability_of(-800.0), probability_of(800.0)
    (0.5, 0.0, 1.0)
    """
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-min(log_odds, 700.0)))
    odds = math.exp(max(log_odds, -745.2))
    return odds / (1.0 + odds)
