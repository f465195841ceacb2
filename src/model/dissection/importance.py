"""Which business fields move predictions, and what each gives by its value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from model.dissection.sample import Sample
from model.features.catalog import Numbers
from model.metrics import Codes, mean_difference
from model.proof.anatomy import Dependence, Spot, Weight
from model.proof.record import DIGITS
from model.reasons.explanation import shares

MOST_FIELDS: Final = 8
"""Fields whose dependence is drawn."""

MOST_SPOTS: Final = 10
"""Spots of a dependence: values where there are few, else groups of like size."""

BAND: Final = (10, 90)
"""Percentiles that hold eight of ten cases."""


def weigh(sample: Sample, *, seed: int) -> tuple[Weight, ...]:
    """Weigh every business field, the heaviest first."""
    fields, summed = shares(sample.bundle, sample.given)
    sizes = np.abs(summed)
    total = float(sizes.mean(axis=0).sum()) or 1.0
    found = []
    for field, column in zip(fields, sizes.T, strict=True):
        measured = mean_difference(column, sample.leads, seed=seed)
        value, low, high = (
            round(x, DIGITS) for x in (measured.value, measured.low, measured.high)
        )
        found.append(
            Weight(field, value, low, high, round(measured.value / total, DIGITS))
        )
    return tuple(sorted(found, key=lambda weight: (-weight.share, weight.field)))


def depend(sample: Sample, field: str) -> Dependence:
    """Say what a field's heaviest column gives, by its value.

    The band around a mean is not doubt: it is how differently the same value counts
    among cases that differ otherwise.
    """
    column = sample.heaviest(field)
    values, given = sample.matrix[:, column], sample.given[:, column]
    feature = sample.bundle.catalog.features[column]
    missing = np.isnan(values)
    parts = _levels(values) if feature.is_text else _groups(values)
    spots = [_spot(sample, column, values, given, part) for part in parts]
    if feature.is_text:
        spots.sort(key=lambda spot: -spot.share)
    absent = np.flatnonzero(missing)
    return Dependence(
        field=field,
        words=feature.words,
        rows=len(values),
        spots=tuple(spots),
        absent=_spot(sample, column, values, given, absent) if len(absent) else None,
    )


def _groups(values: Numbers) -> Iterator[Codes]:
    """Part known numbers by value where there are few, else by size."""
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return
    distinct = np.unique(values[known])
    if len(distinct) > MOST_SPOTS:
        steps = np.linspace(0, 1, MOST_SPOTS + 1)[1:-1]
        inner = np.quantile(values[known], steps, method="inverted_cdf")
        edges = np.unique(inner)
    else:
        edges = distinct[:-1]
    place = np.searchsorted(edges, values[known])
    for group in np.unique(place):
        yield known[place == group]


def _levels(values: Numbers) -> Iterator[Codes]:
    """Part known levels: the most frequent ones, and none for the rest."""
    known = values[~np.isnan(values)]
    codes, counts = np.unique(known, return_counts=True)
    for code in codes[np.argsort(-counts, kind="stable")][:MOST_SPOTS]:
        yield np.flatnonzero(values == code)


def _spot(
    sample: Sample, column: int, values: Numbers, given: Numbers, part: Codes
) -> Spot:
    is_text = sample.bundle.catalog.features[column].is_text
    mine, shown = given[part], values[part]
    middle = float(np.quantile(shown, 0.5, method="inverted_cdf"))
    low, high = np.percentile(mine, BAND)
    return Spot(
        words=sample.say(column, middle),
        count=len(part),
        share=round(float(mine.mean()), DIGITS),
        low=round(float(low), DIGITS),
        high=round(float(high), DIGITS),
        at=None if is_text or np.isnan(middle) else round(middle, DIGITS),
    )
