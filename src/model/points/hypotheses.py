"""The hypothesis check: how converting and lost leads differ, trait by trait.

Each lead counts once, at the middle one of its training snapshots, so leads are
independent of one another. A number is compared by ranks: in what part of pairs the
converting lead has more than the lost one (Mann and Whitney; interval by DeLong's
variance). A name is compared by how often it occurs (Newcombe's interval), the one that
differs most. What is called a difference is beyond luck after Holm's correction for
all traits that were looked at.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2_contingency, norm, rankdata

from model.features.catalog import Catalog, Numbers
from model.metrics import Codes
from model.points.record import Hypothesis, Kind
from model.points.traits import Trait, traits_of

Z: Final = 1.959964
LEAST: Final = 10
"""Leads of either outcome without which nothing is compared."""

DIGITS: Final = 6


def check_hypotheses(
    catalog: Catalog, matrix: Numbers, *, labels: Numbers, leads: Codes
) -> tuple[Hypothesis, ...]:
    """Compare converting and lost leads in every trait, the surest first.

    Parameters
    ----------
    matrix, labels, leads
        (n, p) encoded training rows, (n,) outcomes and (n,) whose row each is.
    """
    rows = middle_rows(leads)
    chosen, won = matrix[rows], labels[rows] > 0
    made = [_compared(trait, chosen, won) for trait in traits_of(catalog)]
    return corrected([one for one in made if one is not None])


def middle_rows(leads: Codes) -> Codes:
    """Give the middle row of each lead.

    Examples
    --------
    >>> middle_rows(np.array([5, 8, 5, 5])).tolist()
    [2, 1]
    """
    order = np.argsort(leads, kind="stable")
    _, first, count = np.unique(leads[order], return_index=True, return_counts=True)
    return np.asarray(order[first + count // 2], dtype=np.intp)


def corrected(found: list[Hypothesis]) -> tuple[Hypothesis, ...]:
    """Correct the p-values by Holm's method, and order by them."""
    ranked = sorted(found, key=lambda one: (one.p, -abs(one.effect), one.trait))
    least, made = 0.0, []
    for place, one in enumerate(ranked):
        least = min(1.0, max(least, one.p * (len(ranked) - place)))
        made.append(replace(one, p=round(least, DIGITS)))
    return tuple(made)


def _compared(
    trait: Trait, matrix: Numbers, won: npt.NDArray[np.bool_]
) -> Hypothesis | None:
    values = trait.values(matrix)
    known = ~np.isnan(values)
    good, bad = values[known & won], values[known & ~won]
    if min(len(good), len(bad)) < LEAST or len(np.unique(values[known])) < 2:
        return None
    if trait.levels is None:
        return _more(trait, good, bad)
    return _share(trait, good, bad)


def _more(trait: Trait, good: Numbers, bad: Numbers) -> Hypothesis:
    ranks = rankdata(np.concatenate([good, bad]))
    own_good, own_bad = rankdata(good), rankdata(bad)
    m, n = len(good), len(bad)
    above = (ranks[:m] - own_good) / n  # part of the lost ones below each winner
    below = (ranks[m:] - own_bad) / m
    effect = float(above.mean())
    error = float(np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n))
    p = 2 * float(norm.sf(abs(effect - 0.5) / error)) if error > 0 else float(
        effect == 0.5
    )  # fmt: skip
    low, high = max(0.0, effect - Z * error), min(1.0, effect + Z * error)
    medians = float(np.median(good)), float(np.median(bad))
    if trait.flag:
        medians = float(good.mean()), float(bad.mean())
    return _told(trait, "more", None, (*medians, effect, low, high), p=p, known=m + n)


def _share(trait: Trait, good: Numbers, bad: Numbers) -> Hypothesis:
    assert trait.levels is not None, "asked for only of texts"
    size = len(trait.levels) + 1
    m, n = len(good), len(bad)
    wins = np.bincount(good.astype(np.intp), minlength=size)
    losses = np.bincount(bad.astype(np.intp), minlength=size)
    table = np.array([wins, losses])
    p = float(chi2_contingency(table[:, table.sum(axis=0) > 0]).pvalue)
    code = int(np.argmax(np.abs(wins / m - losses / n)))
    a, b = wins[code] / m, losses[code] / n
    (a_low, a_high), (b_low, b_high) = _wilson(a, m), _wilson(b, n)
    low = a - b - float(np.hypot(a - a_low, b_high - b))
    high = a - b + float(np.hypot(a_high - a, b - b_low))
    level = trait.levels[code - 1] if code else None
    return _told(trait, "share", level, (a, b, a - b, low, high), p=p, known=m + n)


def _wilson(rate: float, count: int) -> tuple[float, float]:
    weight = 1 + Z * Z / count
    middle = (rate + Z * Z / (2 * count)) / weight
    spread = rate * (1 - rate) / count + Z * Z / (4 * count * count)
    reach = Z * float(np.sqrt(spread)) / weight
    return middle - reach, middle + reach


def _told(
    trait: Trait,
    kind: Kind,
    level: str | None,
    figures: tuple[float, ...],
    *,
    p: float,
    known: int,
) -> Hypothesis:
    won, lost, effect, low, high = (round(float(x), DIGITS) for x in figures)
    return Hypothesis(
        trait.name, trait.field, trait.side, trait.words.en, trait.words.ru, kind,
        level, won, lost, effect, low, high, p, known,
    )  # fmt: skip
