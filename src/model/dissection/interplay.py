"""Which pairs of fields say something together that neither says by itself.

A field's values are swapped for those of another lead, then the other field's, then
both. The mixed difference of the four answers in log-odds is nought wherever the two
only add up, whatever else the row holds; its mean over donors is the effect of the pair
(the interaction of a functional decomposition, Friedman and Popescu 2008; pairs of more
than two are in it). It costs some thousand predictions; exact interaction values of
trees cost the square of their depth and refuse categorical splits.

Trees find pairs in noise too. So the effect is taken out of what was said of rows that
the model never saw: only where that costs log-loss beyond noise (Holm's correction over
all pairs so tried) is a pair worth knowing. Which pairs are tried is decided without
looking at outcomes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import norm

from model.dissection.sample import Sample
from model.features.catalog import Numbers, Words
from model.metrics import Codes, Measured, mean_difference, probabilities, row_losses
from model.proof.anatomy import Cell, Pair
from model.proof.record import DIGITS

SCREENED: Final = 240
"""Rows of the first look at every pair."""

TRIED: Final = 5
"""Pairs that are tried on all rows of the sample."""

DONORS: Final = 3
RISK: Final = 0.05
"""Chance of naming any pair that is none."""

LEAST_SIZE: Final = 0.01
"""Log-odds below which a pair changes nothing that anybody could see."""

LEAST_CELL: Final = 10

Effects = Mapping[tuple[str, str], Numbers]


def interplay(
    sample: Sample, fields: Sequence[str], *, seed: int
) -> tuple[int, tuple[Pair, ...]]:
    """Find the pairs among some fields that are worth knowing.

    Returns
    -------
    tuple
        How many pairs were tried on all rows, and those beyond noise, the most
        telling first. A model without trees only adds up, so it has none.
    """
    if sample.bundle.booster is None or len(fields) < 2:
        return 0, ()
    every = list(itertools.combinations(fields, 2))
    rng = np.random.default_rng(seed)
    few = rng.permutation(len(sample.labels))[:SCREENED]
    first = effects(sample, every, np.sort(few), rng=rng)
    sizes = {pair: float(np.abs(found).mean()) for pair, found in first.items()}
    worth = [p for p in every if sizes[p] >= LEAST_SIZE]
    chosen = sorted(worth, key=lambda pair: -sizes[pair])[:TRIED]
    rows = np.arange(len(sample.labels))
    found = effects(sample, chosen, rows, rng=rng)
    judged = {pair: _cost(sample, found[pair], seed=seed) for pair in chosen}
    kept = [_pair(sample, p, found[p], judged[p]) for p in _beyond_noise(judged)]
    return len(chosen), tuple(sorted(kept, key=lambda pair: -pair.gain))


def effects(
    sample: Sample,
    pairs: Sequence[tuple[str, str]],
    rows: Codes,
    *,
    rng: np.random.Generator,
) -> Effects:
    """Give each pair's effect on some rows, (n,) in raw log-odds.

    Donors are drawn once for all pairs, so that a field is swapped once.
    """
    swap = _Swap(sample, rows, [rng.permutation(len(rows)) for _ in range(DONORS)])
    plain = sample.bundle.raw(sample.matrix[rows])
    single = {name: swap.mean((name,)) for name in dict.fromkeys(sum(pairs, ()))}
    return {
        (one, other): plain - single[one] - single[other] + swap.mean((one, other))
        for one, other in pairs
    }


@dataclass(frozen=True)
class _Swap:
    """Rows whose values are swapped for those of donors among them."""

    sample: Sample
    rows: Codes
    donors: Sequence[Codes]

    def mean(self, fields: Sequence[str]) -> Numbers:
        """Predict with the fields' values of each donor; give the mean, (n,)."""
        columns = [c for name in fields for c in self.sample.columns[name]]
        plain = self.sample.matrix[self.rows]
        swapped = np.tile(plain, (len(self.donors), 1))
        swapped[:, columns] = np.concatenate(
            [plain[d][:, columns] for d in self.donors]
        )
        said = self.sample.bundle.raw(swapped)
        return np.asarray(said.reshape(len(self.donors), -1).mean(axis=0))


def _cost(sample: Sample, effect: Numbers, *, seed: int) -> Measured:
    """Measure how much the log-loss grows once an effect is taken out."""
    bundle = sample.bundle
    without = bundle.calibrator.apply(bundle.raw(sample.matrix) - effect)
    grown = row_losses(without, sample.labels)
    grown -= row_losses(sample.log_odds, sample.labels)
    return mean_difference(grown, sample.leads, seed=seed)


def _beyond_noise(
    judged: Mapping[tuple[str, str], Measured],
) -> Iterator[tuple[str, str]]:
    """Go down from the surest pair until one could be noise (Holm 1979)."""
    width = 2 * norm.ppf(0.975)

    def surety(measured: Measured) -> float:
        error = (measured.high - measured.low) / width
        return measured.value / error if error > 0 else 0.0

    ranked = sorted(judged, key=lambda pair: -surety(judged[pair]))
    for place, pair in enumerate(ranked):
        if surety(judged[pair]) < norm.ppf(1 - RISK / (len(ranked) - place)):
            return
        yield pair


def _pair(
    sample: Sample, fields: tuple[str, str], effect: Numbers, cost: Measured
) -> Pair:
    places = [sample.heaviest(field) for field in fields]
    features = sample.bundle.catalog.features
    gain, low, high = (round(x, DIGITS) for x in (cost.value, cost.low, cost.high))
    return Pair(
        fields=fields,
        words=(features[places[0]].words, features[places[1]].words),
        size=round(float(np.abs(effect).mean()), DIGITS),
        gain=gain,
        low=low,
        high=high,
        cells=tuple(_cells(sample, places, effect)),
    )


def _cells(sample: Sample, places: Sequence[int], effect: Numbers) -> Iterator[Cell]:
    chances = probabilities(sample.log_odds)
    one, other = (_parts(sample, column) for column in places)
    for (first, mine), (second, its) in itertools.product(one, other):
        chosen = np.intersect1d(mine, its)
        if len(chosen) < LEAST_CELL:
            continue
        yield Cell(
            first=first,
            second=second,
            count=len(chosen),
            together=round(float(effect[chosen].mean()), DIGITS),
            said=round(float(chances[chosen].mean()), DIGITS),
            happened=round(float(sample.labels[chosen].mean()), DIGITS),
        )


def _parts(sample: Sample, column: int) -> list[tuple[Words, Codes]]:
    """Part rows by a column: low and high, or the three main levels, and unknown."""
    values = sample.matrix[:, column]
    known = values[~np.isnan(values)]
    absent = np.flatnonzero(np.isnan(values))
    parts: list[tuple[Words, Codes]] = []
    if len(known) and sample.bundle.catalog.features[column].is_text:
        codes, counts = np.unique(known, return_counts=True)
        for code in codes[np.argsort(-counts, kind="stable")][:3]:
            chosen = np.flatnonzero(values == code)
            parts.append((sample.say(column, float(code)), chosen))
    elif len(known):
        border = _border(known)
        said = sample.say(column, border)
        low = np.flatnonzero(values <= border)
        high = np.flatnonzero(values > border)
        if len(high):
            parts.append((Words(f"up to {said.en}", f"до {said.ru}"), low))
            parts.append((Words(f"above {said.en}", f"больше {said.ru}"), high))
        else:
            parts.append((said, low))
    if len(absent):
        parts.append((sample.say(column, float("nan")), absent))
    return parts


def _border(known: Numbers) -> float:
    """Take the median, or the value below where half and more are at the top."""
    middle = float(np.quantile(known, 0.5, method="inverted_cdf"))
    if middle < known.max():
        return middle
    below = known[known < middle]
    return float(below.max()) if len(below) else middle
