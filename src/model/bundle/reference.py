"""What the training leads looked like: how many had a like value, how many converted.

The counted rates behind reasons come from here, and later the yardstick for drift. Rows
are counted by lead: a lead with several snapshots of a like value counts once, and its
snapshots share its one vote, so that "of 412 such leads" means leads.
"""

from __future__ import annotations

import bisect
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from model.features.catalog import Catalog, Numbers
from model.metrics import Codes

MOST_BINS: Final = 10


@dataclass(frozen=True, slots=True)
class Spread:
    """One feature's bins: leads and conversions in each, the last for "not known".

    A number belongs to the first bin whose edge it does not exceed. Texts have no
    edges: their bin is the catalog's code, 0 for rare and unseen levels. ``low`` and
    ``high`` are the least and the greatest number seen; None for texts, and in a
    bundle that was written without.

    Examples
    --------
    >>> visits = Spread(edges=(0.0, 2.0), leads=(50, 30, 20, 0), won=(5.0, 6.0, 9.0, 0))
    >>> visits.like(1.0), visits.like(7.0), visits.like(float("nan"))
    ((30, 0.2), (20, 0.45), (0, None))
    """

    edges: tuple[float, ...] | None
    leads: tuple[int, ...]
    won: tuple[float, ...]
    low: float | None = None
    high: float | None = None

    def like(self, value: float) -> tuple[int, float | None]:
        """Count the leads with a like encoded value, and say which part converted."""
        place = self._bin_of(value)
        count = self.leads[place]
        return count, self.won[place] / count if count else None

    def places(self, column: Numbers) -> Codes:
        """Say to which bin each of n encoded values belongs."""
        last = len(self.leads) - 1
        known = ~np.isnan(column)
        if self.edges is None:
            return np.where(known, column, last).astype(np.intp)
        places = np.searchsorted(np.array(self.edges), column)
        return np.where(known, places, last).astype(np.intp)

    def _bin_of(self, value: float) -> int:
        if math.isnan(value):
            return len(self.leads) - 1
        if self.edges is None:
            return int(value)
        return bisect.bisect_left(self.edges, value)


@dataclass(frozen=True, slots=True)
class Reference:
    """The spread of every feature over the training leads, and the usual rate.

    ``mute`` are business fields that no sentence names (``model.reasons.voices``); none
    in a bundle that was written without.
    """

    rate: float
    spreads: Mapping[str, Spread]
    mute: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Write as JSON, the same text for the same reference."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Reference:
        """Read what ``to_json`` wrote."""
        raw = json.loads(text)
        return cls(
            rate=raw["rate"],
            spreads={name: _spread_of(item) for name, item in raw["spreads"].items()},
            mute=tuple(raw.get("mute", ())),
        )


def _spread_of(raw: Mapping[str, Any]) -> Spread:
    edges = raw["edges"]
    return Spread(
        edges=None if edges is None else tuple(edges),
        leads=tuple(int(count) for count in raw["leads"]),
        won=tuple(raw["won"]),
        low=raw.get("low"),
        high=raw.get("high"),
    )


def learn_reference(
    catalog: Catalog, values: Numbers, labels: Numbers, leads: Codes
) -> Reference:
    """Count the training rows of an encoded matrix.

    Parameters
    ----------
    catalog
        Names the columns and the levels of texts.
    values, labels
        (n, p) encoded features and (n,) outcomes as 0.0 or 1.0.
    leads
        (n,) the number of each row's lead, from 0 without gaps.
    """
    everyone = _count(np.zeros(len(labels), dtype=np.intp), 1, labels, leads)
    spreads = {}
    for feature, column in zip(catalog.features, values.T, strict=True):
        known = ~np.isnan(column)
        edges = None if feature.is_text else _edges(column[known])
        if edges is None:
            size = len(catalog.levels[feature.name]) + 1
            bins = np.where(known, column, size).astype(np.intp)
        else:
            size = len(edges) + 1
            bins = np.where(known, np.searchsorted(edges, column), size)
        counted, won = _count(bins, size + 1, labels, leads)
        low, high = _range(column[known]) if edges is not None else (None, None)
        spreads[feature.name] = Spread(edges, counted, won, low, high)
    return Reference(rate=everyone[1][0] / everyone[0][0], spreads=spreads)


def _edges(known: Numbers) -> tuple[float, ...]:
    """Give each value its own bin where there are few, else about equal bins."""
    distinct = np.unique(known)
    if len(distinct) > MOST_BINS:
        steps = np.linspace(0, 1, MOST_BINS + 1)[1:-1]
        distinct = np.unique(np.quantile(known, steps, method="inverted_cdf"))
    else:
        distinct = distinct[:-1]
    return tuple(distinct.tolist())


def _range(known: Numbers) -> tuple[float | None, float | None]:
    return (float(known.min()), float(known.max())) if len(known) else (None, None)


def _count(
    bins: Codes, size: int, labels: Numbers, leads: Codes
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Count leads and conversions per bin; a lead's rows in a bin share one vote."""
    pairs = bins.astype(np.int64) * (int(leads.max()) + 1) + leads
    _, place, many = np.unique(pairs, return_inverse=True, return_counts=True)
    votes = 1.0 / many[place]
    counted = np.bincount(bins, weights=votes, minlength=size)
    won = np.bincount(bins, weights=votes * labels, minlength=size)
    return (
        tuple(round(count) for count in counted.tolist()),
        tuple(round(rate, 9) for rate in won.tolist()),
    )
