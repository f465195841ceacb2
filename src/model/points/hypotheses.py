"""The hypothesis check: how converting and lost leads differ, trait by trait.

Each lead counts once, so leads are independent of one another, and at the age at which
converting ones are mostly seen: who converts is looked at no longer, so at their own
middle the lost leads would be older, and quieter, for that reason alone. A number is
compared by ranks: in what part of pairs the converting lead has more than the lost one
(Mann and Whitney; interval by DeLong's variance). A name is compared by how often it
occurs (Newcombe's interval), the one that differs most. What is called a difference is
beyond luck after Holm's correction for all traits that were looked at.
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
AGE: Final = "lead_age"
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
    traits = traits_of(catalog)
    age = next((one.values(matrix) for one in traits if one.fact == AGE), None)
    rows = rows_of_age(leads, labels, age)
    chosen, won = matrix[rows], labels[rows] > 0
    apart = {chosen[:, one.column].tobytes(): one for one in reversed(traits)}
    made = [_compared(one, chosen, won) for one in apart.values() if one.fact != AGE]
    return corrected([one for one in made if one is not None])


def rows_of_age(leads: Codes, labels: Numbers, age: Numbers | None) -> Codes:
    """Give the row of each lead that is nearest to one age; the middle one if undated.

    The age is the median at the middle rows of converting leads.

    Examples
    --------
    >>> leads, won = np.array([0, 0, 0, 1, 1, 1]), np.array([1.0, 1, 1, 0, 0, 0])
    >>> rows_of_age(leads, won, np.array([0.0, 1, 3, 0, 1, 30])).tolist()
    [1, 4]
    """
    middle = middle_rows(leads)
    winning = middle[labels[middle] > 0]
    if age is None or not len(winning):
        return middle
    away = np.abs(age - np.nanmedian(age[winning]))
    order = np.lexsort((away, leads))
    _, first = np.unique(leads[order], return_index=True)
    return np.asarray(order[first], dtype=np.intp)


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
    typical = float(np.median(good)), float(np.median(bad))
    if trait.flag or typical[0] == typical[1]:
        typical = float(good.mean()), float(bad.mean())
    return _told(trait, "more", None, (*typical, effect, low, high), p=p, known=m + n)


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
