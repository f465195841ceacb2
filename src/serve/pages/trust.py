"""What the page of proof shows of a model: facts only, and the verdict in one place.

The words "came true" may never be kinder than the numbers, so what counts as agreement
is decided here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from leads.decision import Tier
from model.features.catalog import Words
from model.leaks.findings import NOT_INSPECTED, Inspection
from model.proof.anatomy import Anatomy
from model.proof.record import (
    Bar,
    Bin,
    Capacity,
    Gain,
    Measure,
    SliceProof,
    TierProof,
    Worth,
)
from model.survey.datacard import DataCard
from serve.pages.evidence import Evidence, Model

FEWEST: Final = 20
"""Below so many cases no verdict is given."""

HEADLINE: Final = 0.2
"""The best part of the leads whose gain is put into a sentence."""

GAIN_ROWS: Final = (0.05, 0.1, 0.2, 0.3, 0.5)

Verdict = Literal["agrees", "high", "low", "unsure"]
Growing = Literal["helps", "unclear", "level"]


@dataclass(frozen=True, slots=True)
class TierVerdict:
    """What was said and what happened in a tier, and what to think of it."""

    proof: TierProof
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class SliceVerdict:
    """What was said and what happened in a slice, and what to think of it."""

    proof: SliceProof
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class LatestMonth:
    """What came of the hot leads of the newest month whose outcomes are known."""

    month: str
    hot: TierVerdict


@dataclass(frozen=True, slots=True)
class GainRow:
    """What calling the best part finds, and how many times better than chance."""

    called: float
    found: float
    lift: float


@dataclass(frozen=True, slots=True)
class Trust:
    """Everything the page of proof shows.

    ``growing`` is whether more leads helped the last time, ``record`` the address of
    the version in the registry, where one has an address.
    """

    model: Model
    count: int
    base_rate: float
    tiers: tuple[TierVerdict, ...]
    reliability: tuple[Bin, ...]
    gains: tuple[Gain, ...]
    gain_rows: tuple[GainRow, ...]
    headline: GainRow | None
    histogram: tuple[Bar, ...]
    measures: tuple[Measure, ...]
    card: DataCard | None
    leaks: Inspection = NOT_INSPECTED
    capacity: tuple[Capacity, ...] = ()
    missing: Words | None = None
    worths: tuple[Worth, ...] = ()
    latest: LatestMonth | None = None
    slices: tuple[SliceVerdict, ...] = ()
    anatomy: Anatomy | None = None
    growing: Growing | None = None
    record: str | None = None


def weigh(evidence: Evidence, latest: LatestMonth | None = None) -> Trust:
    """Gather what is shown of a model's proof, and of the data if a card was kept."""
    proof, order = evidence.proof, list(Tier)
    tiers = sorted(proof.tiers, key=lambda item: order.index(item.tier))
    return Trust(
        model=evidence.model,
        count=proof.count,
        base_rate=evidence.usual,
        tiers=tuple(TierVerdict(item, verdict_of(item)) for item in tiers),
        reliability=proof.reliability,
        gains=proof.gains,
        gain_rows=tuple(
            row for part in GAIN_ROWS if (row := _gain_at(proof.gains, part))
        ),
        headline=_gain_at(proof.gains, HEADLINE),
        histogram=proof.histogram,
        measures=proof.measures,
        card=evidence.card,
        leaks=evidence.leaks,
        capacity=proof.capacity,
        missing=evidence.missing,
        worths=proof.ablation,
        latest=latest,
        slices=tuple(SliceVerdict(one, verdict_of_slice(one)) for one in proof.slices),
        anatomy=proof.anatomy,
        growing=growing_of(proof.anatomy),
        record=evidence.record,
    )


def verdict_of(tier: TierProof) -> Verdict:
    """Judge whether what was said of a tier came true.

    Examples
    --------
    >>> hot = TierProof(Tier.HOT, 412, 115, 0.31, 0.28, low=0.24, high=0.32)
    >>> verdict_of(hot)
    'agrees'
    """
    return verdict_between(tier.said, tier.low, tier.high, count=tier.count)


def verdict_of_slice(proof: SliceProof) -> Verdict:
    """Judge a slice by its leads: many snapshots of few leads prove little."""
    return verdict_between(proof.said, proof.low, proof.high, count=proof.leads)


LEVEL: Final = 0.01
"""Part of the log-loss below which a doubling of the data changed next to nothing."""


def growing_of(anatomy: Anatomy | None) -> Growing | None:
    """Judge whether more data would help by what the last doubling did.

    It helped beyond noise; or it did not, and the whole interval lies below what
    anybody would notice; or nobody can tell.
    """
    if anatomy is None or anatomy.growth is None:
        return None
    growth = anatomy.growth
    if growth.low > 0:
        return "helps"
    noticed = LEVEL * growth.steps[-1].logloss
    return "level" if growth.high < noticed else "unclear"


def verdict_between(
    said: float | None, low: float | None, high: float | None, *, count: int
) -> Verdict:
    """Judge what was said by the range of what happened in ``count`` cases."""
    if count < FEWEST or said is None or low is None or high is None:
        return "unsure"
    if said > high:
        return "high"
    return "low" if said < low else "agrees"


def _gain_at(gains: tuple[Gain, ...], part: float) -> GainRow | None:
    """Read the curve at a part of the leads, straight between its points."""
    points = [Gain(0.0, 0.0), *gains]
    for left, right in pairwise(points):
        if left.called < part <= right.called:
            way = (part - left.called) / (right.called - left.called)
            found = left.found + way * (right.found - left.found)
            return GainRow(part, found, found / part)
    return None
