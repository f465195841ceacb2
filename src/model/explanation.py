"""From shares of columns to shares of what a person would name.

Every window of visits, their recency and their trend are one business field, "visits":
the model sees many columns, a salesperson sees one reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from model.bundle import Bundle
from model.features.catalog import Catalog, Numbers


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
    np.add.at(summed, places, contributions.T)
    return fields, summed.T


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
