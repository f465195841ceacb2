"""Counting the proof: what was said of test rows against what happened.

Intervals of shares are Wilson's (1927), with each lead counted once however many of its
snapshots are in a group: snapshots of one lead are not independent, and a group in
which nobody converted still has a range.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from leads.decision import Tier
from model.features.catalog import Numbers
from model.metrics import Codes, Measured, probabilities
from model.proof.record import DIGITS, Bar, Bin, Gain, Measure, Proof, TierProof

Chosen = npt.NDArray[np.bool_] | npt.NDArray[np.intp]

GROUPS: Final = 10
"""Groups of like probability, each with as many cases as the next."""

GAIN_POINTS: Final = 50
BARS: Final = 20
Z: Final = 1.959964
"""Standard deviations either side that hold 95% of a normal distribution."""


@dataclass(frozen=True)
class Cases:
    """Test rows: outcomes as 0.0 or 1.0, what was said of each, and whose they are."""

    chances: Numbers
    labels: Numbers
    leads: Codes

    @classmethod
    def of(cls, log_odds: Numbers, labels: Numbers, leads: Codes) -> Cases:
        """Take test rows as the evaluation has them; all are (n,)."""
        return cls(probabilities(log_odds), labels, leads)

    def share(self, chosen: Chosen) -> tuple[float, float, float]:
        """Count the part of some cases that converted, with its interval."""
        leads = len(np.unique(self.leads[chosen]))
        return wilson(float(self.labels[chosen].mean()), leads)


def prove(
    cases: Cases,
    *,
    metrics: Mapping[str, Measured],
    tiers: Sequence[Tier],
    base_rate: float,
) -> Proof:
    """Count what was said against what happened, in every way the page shows.

    Parameters
    ----------
    cases
        Test rows, n > 0.
    metrics
        As ``model.metrics.measure`` gives them for the same rows.
    tiers
        Which tier each case was in.
    base_rate
        The training rate.
    """
    return Proof(
        count=len(cases.labels),
        base_rate=round(base_rate, DIGITS),
        measures=_measures(cases, metrics, base_rate),
        reliability=_reliability(cases),
        gains=_gains(cases),
        tiers=tuple(tier_proofs(cases, tiers)),
        histogram=_histogram(cases.chances),
    )


def wilson(rate: float, count: int) -> tuple[float, float, float]:
    """Give a share with Wilson's 95% interval.

    Examples
    --------
    >>> wilson(0.5, 100)
    (0.5, 0.403832, 0.596168)

    None of twenty is not proof of never.

    >>> wilson(0.0, 20)
    (0.0, 0.0, 0.161125)
    """
    weight = 1 + Z * Z / count
    middle = (rate + Z * Z / (2 * count)) / weight
    spread = rate * (1 - rate) / count + Z * Z / (4 * count * count)
    reach = Z * math.sqrt(spread) / weight
    low, high = max(0.0, middle - reach), min(1.0, middle + reach)
    return round(rate, DIGITS), round(low, DIGITS), round(high, DIGITS)


def _measures(
    cases: Cases, metrics: Mapping[str, Measured], base_rate: float
) -> tuple[Measure, ...]:
    rate = float(cases.labels.mean())
    base = {
        "logloss": metrics["base_logloss"].value if "base_logloss" in metrics else None,
        "auc": 0.5,
        "pr_auc": rate,
        "brier": float(np.mean((cases.labels - base_rate) ** 2)),
        "ece15": abs(base_rate - rate),
        "lift10": 1.0,
    }
    return tuple(
        Measure(
            name,
            round(measured.value, DIGITS),
            round(measured.low, DIGITS),
            round(measured.high, DIGITS),
            base=_rounded(base.get(name)),
        )
        for name, measured in metrics.items()
        if not name.startswith("base_")
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _reliability(cases: Cases) -> tuple[Bin, ...]:
    # Equal chances stay together, or the order of rows would tell groups apart.
    edges = np.quantile(cases.chances, np.linspace(0, 1, GROUPS + 1)[1:-1])
    group = np.searchsorted(np.unique(edges), cases.chances, side="left")
    return tuple(bin_of(cases, np.flatnonzero(group == g)) for g in np.unique(group))


def bin_of(cases: Cases, chosen: Chosen) -> Bin:
    """Count said against happened of some cases, at least one."""
    happened, low, high = cases.share(chosen)
    said = round(float(cases.chances[chosen].mean()), DIGITS)
    return Bin(said, happened, low, high, len(chosen))


def _gains(cases: Cases) -> tuple[Gain, ...]:
    """Count successes among the best, with ties called in no certain order."""
    values, group = np.unique(-cases.chances, return_inverse=True)
    sizes = np.bincount(group, minlength=len(values))
    won = np.bincount(group, weights=cases.labels, minlength=len(values))
    called = np.concatenate([[0.0], np.cumsum(sizes)]) / len(cases.labels)
    found = np.concatenate([[0.0], np.cumsum(won)]) / max(won.sum(), 1.0)
    parts = np.linspace(0, 1, GAIN_POINTS + 1)[1:]
    reached = np.interp(parts, called, found)
    return tuple(
        Gain(round(float(part), DIGITS), round(float(share), DIGITS))
        for part, share in zip(parts, reached, strict=True)
    )


def tier_proofs(cases: Cases, named: Sequence[Tier]) -> list[TierProof]:
    """Count said against happened in every tier, hot first.

    ``named`` is the tier that each of the n cases was in.
    """
    names = np.array(named)
    made = []
    for tier in (Tier.HOT, Tier.WARM, Tier.COLD):
        chosen = np.flatnonzero(names == tier.value)
        if not len(chosen):
            made.append(TierProof(tier, 0, 0, None, None, None, None))
            continue
        converted = int(cases.labels[chosen].sum())
        kept = bin_of(cases, chosen)
        made.append(
            TierProof(
                tier, kept.count, converted, kept.said, kept.happened, kept.low,
                kept.high,
            )
        )  # fmt: skip
    return made


def _histogram(chances: Numbers) -> tuple[Bar, ...]:
    counts, edges = np.histogram(chances, bins=BARS, range=(0.0, 1.0))
    rounded = [round(float(edge), DIGITS) for edge in edges]
    return tuple(
        Bar(low, high, int(count))
        for (low, high), count in zip(pairwise(rounded), counts, strict=True)
    )
