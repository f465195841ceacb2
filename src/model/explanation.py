"""From shares of columns to shares of what a person would name.

Every window of visits, their recency and their trend are one business field, "visits":
the model sees many columns, a salesperson sees one reason.
"""

from __future__ import annotations

import numpy as np

from model.bundle import Bundle
from model.catalog import Catalog, Numbers


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
    fields = fields_of(bundle.catalog)
    place = {field: i for i, field in enumerate(fields)}
    summed = np.zeros((len(contributions), len(fields)))
    for column, feature in enumerate(bundle.catalog.features):
        summed[:, place[feature.field]] += contributions[:, column]
    return fields, summed
