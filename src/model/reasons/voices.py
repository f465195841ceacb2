"""Which business fields may be named as reasons: those whose counts tell something.

A reason shows a count: of so many leads with a like value so many converted. A model
also leans on fields that tell nothing of a lead by themselves, by chance or because
they set another right (calls say nothing, but all activity less the calls says more).
Such shares are true of the model and stay in every sum; a sentence about them would be
a fable.

So the counts of each field are held against the usual rate among leads of like age:
whoever is open after a month converts less and has been called more, and calls are not
to blame. In each bin of each column the excess of conversions is divided by its
standard error, clustered by lead (Liang and Zeger 1986). The greatest is corrected for
all bins of the field (Bonferroni), then for all fields (Holm 1979): of dozens of fields
that tell nothing, some would look as if they did. It looks at no names and trains
nothing. A field that tells something only together with
another is mute, too: its sentence would show the usual rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from scipy.stats import norm

from model.bundle.reference import Reference
from model.features.catalog import Catalog, Numbers
from model.metrics import Codes
from model.reasons.explanation import columns_of

LUCK: Final = 0.05
"""So often at most any field at all that tells nothing is taken for one that does."""

LEAST_EXPECTED: Final = 5.0
"""Conversions, and as many failures, that a bin must lead one to expect (Cochran)."""

AGES: Final = 100
"""Groups of leads of like age, at most.

Twenty were too coarse: whoever was called long ago is among the oldest of a group.
"""

LEAST_OF_AGE: Final = 100
"""Rows that a group of like age holds: of fewer, each would be its own yardstick."""


def mute_fields(
    catalog: Catalog,
    reference: Reference,
    values: Numbers,
    *,
    labels: Numbers,
    leads: Codes,
) -> tuple[str, ...]:
    """List the fields that no sentence should name, in the catalog's order.

    Parameters
    ----------
    catalog, reference
        What the columns are, and the bins that are counted in them.
    values, labels, leads
        The training rows: (n, p) encoded features, (n,) outcomes as 0.0 or 1.0, and the
        number of each row's lead.

    Returns
    -------
    tuple
        None if nothing would be left to speak. A field of which no bin is large enough
        to be judged may speak: its sentences show how few they are.
    """
    kinds = [feature.kind for feature in catalog.features]
    age = values[:, kinds.index("lead_age")] if "lead_age" in kinds else None
    everyone = np.full(len(labels), labels.mean())
    usual = everyone if age is None else rate_by_age(age, labels)
    chances: dict[str, float] = {}
    for field, columns in columns_of(catalog).items():
        of_age = any(kinds[column] == "lead_age" for column in columns)
        excesses = [
            excess_of(
                reference.spreads[catalog.names[column]].places(values[:, column]),
                everyone if of_age else usual,
                labels=labels,
                leads=leads,
            )
            for column in columns
        ]
        chance = chance_of(np.concatenate(excesses))
        if chance is not None:
            chances[field] = chance
    mute = by_luck(chances)
    return () if len(mute) == len(columns_of(catalog)) else mute


def excess_of(bins: Codes, usual: Numbers, *, labels: Numbers, leads: Codes) -> Numbers:
    """Give the excess of conversions in each bin large enough, in standard errors.

    ``usual`` is the (n,) rate among rows that are like each in age. All rows count
    alike, not all leads: a lead that converts early has fewer rows, and one vote for
    each lead would weigh conversions more than the usual rate does.

    Examples
    --------
    >>> bins, usual = np.repeat([0, 1], 20), np.full(40, 0.5)
    >>> labels = np.r_[np.ones(20), np.tile([0.0, 1.0], 10)]
    >>> excess_of(bins, usual, labels=labels, leads=np.arange(40)).round(1).tolist()
    [4.5, 0.0]
    """
    size = int(leads.max()) + 1
    off = labels - usual
    pairs, place = np.unique(bins.astype(np.int64) * size + leads, return_inverse=True)
    by_lead = np.bincount(place, weights=off)
    clustered = np.bincount(pairs // size, weights=np.square(by_lead))
    # Where nobody converted by luck alone, what was seen varies less than it could.
    alone = np.bincount(bins, weights=usual * (1.0 - usual))
    due = np.bincount(bins, weights=usual)
    judged = np.minimum(due, np.bincount(bins) - due) >= LEAST_EXPECTED
    error = np.sqrt(np.maximum(clustered, alone))
    return np.asarray(np.bincount(bins, weights=off)[judged] / error[judged])


def chance_of(excesses: Numbers) -> float | None:
    """Say how likely luck alone brings the greatest of so many excesses, at most.

    None if there are none to judge by.

    Examples
    --------
    >>> [round(chance_of(np.array(e)), 2) for e in ([2.5], [2.5, 0.0, -1.0])]
    [0.01, 0.04]
    """
    if len(excesses) == 0:
        return None
    chance = 2.0 * norm.sf(np.abs(excesses).max())
    return min(float(chance) * len(excesses), 1.0)


def by_luck(chances: Mapping[str, float]) -> tuple[str, ...]:
    """Name the fields of which luck may be all there is, in their order (Holm 1979).

    Examples
    --------
    >>> by_luck({"calls": 0.06, "visits": 1e-9, "city": 0.02})
    ('calls',)
    >>> by_luck({"calls": 0.04, "visits": 1e-9, "city": 0.03})
    ('calls', 'city')
    """
    ranked = sorted(chances, key=lambda field: chances[field])
    for place, field in enumerate(ranked):
        if chances[field] > LUCK / (len(ranked) - place):
            lucky = set(ranked[place:])
            return tuple(field for field in chances if field in lucky)
    return ()


def rate_by_age(age: Numbers, labels: Numbers) -> Numbers:
    """Give each of n rows the rate of conversions among the rows of like age.

    Examples
    --------
    >>> rates = rate_by_age(np.repeat([1.0, 2.0], 100), np.repeat([0.0, 1.0], 100))
    >>> rates[0], rates[-1]
    (np.float64(0.0), np.float64(1.0))
    """
    groups = max(1, min(AGES, len(age) // LEAST_OF_AGE))
    edges = np.unique(np.nanquantile(age, np.linspace(0, 1, groups + 1)[1:-1]))
    group = np.searchsorted(edges, age)
    rate = np.bincount(group, weights=labels) / np.maximum(np.bincount(group), 1)
    return np.asarray(rate[group])
