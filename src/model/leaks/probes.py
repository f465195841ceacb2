"""Questions to one column: whether it knows what nobody could have known.

Every probe that fits something fits it on one half of the training leads and judges it
on the other, never in-sample. Columns come as small integer codes (``binned``), so that
a number, a text, a flag and a time are asked alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import beta, rankdata

from model.features.catalog import Numbers
from model.metrics import Codes

Mask = npt.NDArray[np.bool_]

EMPTY: Final = 0
"""The code of a value that is not known."""
RARE: Final = 1
"""The code of levels that the fitting half hardly knows."""

BINS: Final = 20
OWN_BIN: Final = 0.02
"""A number that makes up this part of the known values is a level of its own."""
FEWEST_IN_LEVEL: Final = 10
PRIOR: Final = 5.0
"""Rows of the usual rate that are added to each level's own."""

NEVER: Final = 0.05
"""Almost never: at most this part of the usual rate, with 95 % confidence."""
ALWAYS: Final = 0.95
"""Almost always: at least this rate, with 95 % confidence."""
ABSENT: Final = 0.1
"""Fresh leads have it at most this many times as often as past ones."""
FEWEST_EXPECTED: Final = 20.0
"""Conversions that the usual rate would give where a rule says there are none."""
FEWEST_ALWAYS: Final = 30
USUAL_BELOW: Final = 0.85
"""Where nearly all convert anyway, "always" says nothing."""

EXPORTED_IN: Final = 2 * 86_400_000_000
FEWEST_PLANS: Final = 3
SLIPS: Final = 0.0005
"""The part of dates that may lie in the future by a slip of the pen."""


def halves(leads: Codes, seed: int) -> Mask:
    """Mark (n,) the rows of every second lead, drawn at random: the half to fit on."""
    order = np.random.default_rng(seed).permutation(int(leads.max()) + 1)
    return np.asarray(order[leads] % 2 == 0)


def rows_of(rows: npt.NDArray[Any], most: int) -> Codes:
    """Choose at most so many rows, spread evenly."""
    step = max(1, -(-len(rows) // most))
    return np.arange(0, len(rows), step, dtype=np.intp)


def binned(values: pl.Series, fit: Mask) -> Codes:
    """Give each value a code: ``EMPTY``, ``RARE``, then levels or bins.

    Levels, and the borders between bins, are learned where ``fit``. Numbers that come
    often (as 0 does) are levels of their own.
    """
    if values.dtype.is_numeric() or values.dtype.is_temporal():
        return _bins(values.cast(pl.Float64).to_numpy(), fit)
    texts = values.cast(pl.String)
    known = texts.filter(pl.Series(fit)).drop_nulls().value_counts()
    counted = known.filter(pl.col("count") >= FEWEST_IN_LEVEL)
    levels = sorted(counted[values.name])
    codes = {level: code for code, level in enumerate(levels, RARE + 1)}
    found = [EMPTY if t is None else codes.get(t, RARE) for t in texts]
    return np.asarray(found, dtype=np.intp)


def _bins(values: Numbers, fit: Mask) -> Codes:
    empty = ~np.isfinite(values)
    codes = np.full(len(values), EMPTY, dtype=np.intp)
    known = values[fit & ~empty]
    if len(known) == 0:
        return codes
    there, counts = np.unique(known, return_counts=True)
    own = there[counts >= max(OWN_BIN * len(known), FEWEST_IN_LEVEL)]
    others = known[~np.isin(known, own)]
    borders = (
        np.unique(np.quantile(others, np.linspace(0, 1, BINS + 1)[1:-1]))
        if len(others) >= 2 * BINS
        else np.empty(0)
    )
    place = RARE + 1 + len(own) + np.searchsorted(borders, values, side="right")
    if len(own):
        at = np.minimum(np.searchsorted(own, values), len(own) - 1)
        place = np.where(own[at] == values, RARE + 1 + at, place)
    return np.where(empty, EMPTY, place).astype(np.intp)


def auc(scores: Numbers, labels: Numbers) -> float:
    """Measure the part of pairs of unlike outcomes that scores rank right.

    Examples
    --------
    >>> auc(np.array([0.1, 0.5, 0.5, 0.9]), np.array([0.0, 0.0, 1.0, 1.0]))
    0.875
    """
    won = labels > 0
    hits, misses = np.count_nonzero(won), np.count_nonzero(~won)
    if not (hits and misses):
        return 0.5
    ranks = rankdata(scores)[won].sum()
    return float((ranks - hits * (hits + 1) / 2) / (hits * misses))


def alone(codes: Codes, labels: Numbers, fit: Mask) -> float:
    """Say how well a column alone ranks outcomes: AUC on the half it was not fitted on.

    Each code counts as the rate it had in the other half, drawn to the usual one.
    """
    usual = float(labels[fit].mean())
    size = int(codes.max()) + 1
    count = np.bincount(codes[fit], minlength=size)
    total = np.bincount(codes[fit], weights=labels[fit], minlength=size)
    rates = (total + PRIOR * usual) / (count + PRIOR)
    return auc(rates[codes[~fit]], labels[~fit])


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows where (almost) nobody or everybody converts, counted on the judged half.

    ``cover`` is the part that the rule foretells of all rows with that outcome.
    """

    converts: bool
    count: int
    rate: float
    usual: float
    cover: float


def rules(codes: Codes, labels: Numbers, fit: Mask) -> tuple[Rule, ...]:
    """Find codes that almost always or almost never convert, and see if they do.

    Chosen on the fitting half, judged together on the other one. That nobody converts
    of whom a field is empty is no rule: who left no telephone number cannot be called.
    """
    count, rates = _rates(codes, labels, fit)
    never = _never(codes, labels, fit)
    always = (count >= FEWEST_IN_LEVEL) & (rates >= ALWAYS)
    judged, became = codes[~fit], labels[~fit]
    found = (
        _confirmed(never[judged], became, converts=False),
        _confirmed(always[judged], became, converts=True),
    )
    return tuple(rule for rule in found if rule)


def ruled_out(codes: Codes, labels: Numbers, fit: Mask) -> Mask:
    """Mark (n,) the rows whose code almost never converts in the fitting half."""
    return np.asarray(_never(codes, labels, fit)[codes])


def _never(codes: Codes, labels: Numbers, fit: Mask) -> Mask:
    count, rates = _rates(codes, labels, fit)
    never = np.asarray((count > 0) & (rates <= NEVER * labels[fit].mean()))
    never[EMPTY] = False
    return never


def _rates(codes: Codes, labels: Numbers, fit: Mask) -> tuple[Codes, Numbers]:
    size = int(codes.max()) + 1
    count = np.bincount(codes[fit], minlength=size)
    total = np.bincount(codes[fit], weights=labels[fit], minlength=size)
    return count, total / np.maximum(count, 1)


def fill_rules(filled: Mask, labels: Numbers, fit: Mask) -> tuple[Rule, ...]:
    """Find out whether being filled, or being empty, decides the outcome."""
    found = rules(np.where(filled, RARE + 1, EMPTY).astype(np.intp), labels, fit)
    return found if 0 < filled[~fit].mean() < 1 else ()


def _confirmed(where: Mask, labels: Numbers, *, converts: bool) -> Rule | None:
    count, usual = int(where.sum()), float(labels.mean())
    if not count or not 0 < usual < 1:
        return None
    hits = float(labels[where].sum())
    if converts:
        sure = (
            count >= FEWEST_ALWAYS
            and usual < USUAL_BELOW
            and _lower(hits, count) >= ALWAYS
        )
        cover = hits / labels.sum()
    else:
        upper = 1.0 - _lower(count - hits, count)
        sure = count * usual >= FEWEST_EXPECTED and upper <= NEVER * usual
        cover = (count - hits) / (1.0 - labels).sum()
    return Rule(converts, count, hits / count, usual, float(cover)) if sure else None


def _lower(hits: float, count: int) -> float:
    """Bound a rate from below with 95 % confidence (Clopper and Pearson 1934)."""
    return float(beta.ppf(0.05, hits, count - hits + 1)) if hits else 0.0


@dataclass(frozen=True, slots=True)
class Fill:
    """How often something is there in past snapshots and in leads open today."""

    past: float
    fresh: float
    past_count: int
    fresh_count: int

    @property
    def absent(self) -> bool:
        """Whether fresh leads (almost) never have what past ones did."""
        expected = self.past * self.fresh_count
        return (
            self.past_count >= FEWEST_ALWAYS
            and expected >= FEWEST_EXPECTED
            and self.fresh <= ABSENT * self.past
        )


def compare_fill(past: Mask, fresh: Mask) -> Fill:
    """Compare how often something is there in past snapshots and in fresh leads."""
    return Fill(
        past=float(past.mean()) if len(past) else 0.0,
        fresh=float(fresh.mean()) if len(fresh) else 0.0,
        past_count=int(past.sum()),
        fresh_count=len(fresh),
    )


def unheard_of(past: Codes, fresh: Codes, *, levels: Iterable[int]) -> float:
    """Say which part of past rows has a level that no fresh lead has, (0 to 1)."""
    told = set(levels) - set(np.unique(fresh).tolist())
    return float(np.isin(past, sorted(told)).mean()) if told else 0.0


def are_plans(values: npt.NDArray[np.int64], cut_off: int) -> bool:
    """Say whether dates (n,) lie in the future for some leads, as plans do.

    The next call or a trial's end comes after the end of the data for some of the
    newest leads; a stamp of what has happened never does, but for the days an export
    takes and for slips.
    """
    beyond = int((values > cut_off + EXPORTED_IN).sum())
    return beyond >= max(FEWEST_PLANS, SLIPS * len(values))


def later_than_seen(
    values: npt.NDArray[np.int64], moments: npt.NDArray[np.int64]
) -> float:
    """Say which part of dates (n,) is later than the moments (n,) they are seen at."""
    return float((values > moments).mean()) if len(values) else 0.0
