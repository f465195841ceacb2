"""From shares of columns to shares of what a person would name.

Every window of visits, their recency and their trend are one business field, "visits":
the model sees many columns, a salesperson sees one reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from leads.decision import mean_slope, probability_of
from leads.errors import FalseSum
from model.bundle.whole import Bundle
from model.features.catalog import Catalog, Numbers

MOST_OFF: Final = 1e-9
"""What rounding may cost a sum, in points; in log-odds, relative to their size."""


def fields_of(catalog: Catalog) -> tuple[str, ...]:
    """List the business fields in the order in which the catalog first names them."""
    return tuple(dict.fromkeys(feature.field for feature in catalog.features))


def shares(bundle: Bundle, contributions: Numbers) -> tuple[tuple[str, ...], Numbers]:
    """Add up contributions by business field.

    Parameters
    ----------
    bundle
        The model that gave them.
    contributions
        (n, p) in log-odds, in the catalog's order.

    Returns
    -------
    tuple
        The f fields, and their (n, f) shares, which add up to log-odds less the base.
    """
    fields, places = _grouped(bundle.catalog)
    summed = np.zeros((len(fields), len(contributions)))
    for place, column in zip(places.tolist(), contributions.T, strict=True):
        summed[place] += column
    return fields, summed.T


def points(summed: Numbers, log_odds: Numbers, base: float) -> Numbers:
    """Turn (n, f) shares of n predictions into points of probability.

    A share's points are its Aumann-Shapley value (``leads.decision.mean_slope``): they
    depend on no order and add up to probability less base rate.

    Raises
    ------
    FalseSum
        They do not, or the shares do not add up to log-odds less base.
    """
    said = log_odds.tolist()
    slopes = np.array([mean_slope(odds, base) for odds in said])
    moved = np.asarray(summed * slopes[:, None])
    due = np.array([probability_of(odds) for odds in said]) - probability_of(base)
    off = np.abs(moved.sum(axis=1) - due)
    astray = np.abs(summed.sum(axis=1) - (log_odds - base)) / (1.0 + np.abs(log_odds))
    # Written so that NaN, which compares false, is refused too.
    if not (np.all(off <= MOST_OFF) and np.all(astray <= MOST_OFF)):
        worst = float(np.max(np.maximum(off, astray)))
        raise FalseSum(
            f"Reasons do not add up to the probability: they are {worst:.3g} off.",
            remedy="Nothing was said or stored; prove the bundle, or roll it back.",
        )
    return moved


@lru_cache(maxsize=16)
def _grouped(catalog: Catalog) -> tuple[tuple[str, ...], npt.NDArray[np.intp]]:
    """List the fields, and say to which of them each column belongs."""
    fields = fields_of(catalog)
    place = {field: i for i, field in enumerate(fields)}
    return fields, np.array([place[f.field] for f in catalog.features], dtype=np.intp)


@lru_cache(maxsize=16)
def columns_of(catalog: Catalog) -> Mapping[str, tuple[int, ...]]:
    """List the columns of each business field."""
    fields, places = _grouped(catalog)
    return {
        field: tuple(np.flatnonzero(places == i).tolist())
        for i, field in enumerate(fields)
    }
