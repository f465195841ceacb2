"""Fields that leak together: each may look harmless, all of them know the outcome.

A small booster is fitted on half of the leads and judged on the other half. Where it is
better than any honest model of leads could be, the field it leans on most is taken
away, and so on, until what is left is plausible.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import lightgbm
import numpy as np

from model.leaks.probes import Mask, auc
from model.learners.boosting import Matrix

IMPLAUSIBLE: Final = 0.95
"""No honest model of leads ranks that well."""
PLAUSIBLE: Final = 0.88
"""Where leaks were proved, what is left must fall below this to be believed."""
MOST_PEELED: Final = 40
KIN: Final = 3
"""Fields of one name that must leak before the others of that name are suspected."""
PARAMETERS: Final = {
    "objective": "binary", "num_leaves": 7, "learning_rate": 0.2, "max_bin": 63,
    "min_data_in_leaf": 20, "cat_smooth": 20.0, "num_threads": 1, "verbosity": -1,
    "deterministic": True, "force_row_wise": True, "seed": 1,
}  # fmt: skip
ROUNDS: Final = 30


@dataclass(frozen=True)
class Bench:
    """What collusion is looked for in: rows, the half to fit on, fields by column."""

    matrix: Matrix
    fit: Mask
    fields: tuple[str, ...]

    def only(self, fields: Collection[str]) -> Bench:
        """Keep the columns of some fields."""
        kept = [i for i, name in enumerate(self.fields) if name in fields]
        text = set(self.matrix.categorical)
        matrix = Matrix(
            self.matrix.values[:, kept],
            self.matrix.labels,
            tuple(place for place, column in enumerate(kept) if column in text),
        )
        return Bench(matrix, self.fit, tuple(self.fields[i] for i in kept))

    def judged(self) -> tuple[float, Mapping[str, float]]:
        """Return the AUC on the unseen half, and how much each field was leant on."""
        labels = self.matrix.labels
        if not self.fields:
            return 0.5, {}
        known = self.matrix.rows(np.flatnonzero(self.fit))
        booster = lightgbm.train(PARAMETERS, known.dataset(PARAMETERS), ROUNDS)
        scores = booster.predict(self.matrix.values[~self.fit])
        gains: dict[str, float] = defaultdict(float)
        for name, gain in zip(
            self.fields, booster.feature_importance("gain"), strict=True
        ):
            gains[name] += float(gain)
        return auc(np.asarray(scores), labels[~self.fit]), gains


@dataclass(frozen=True, slots=True)
class Collusion:
    """Fields that had to go, and the AUC on unseen leads before and after."""

    fields: tuple[str, ...]
    before: float
    after: float


def peel(bench: Bench) -> Collusion:
    """Take away the fields that tell most until the rest is plausible.

    Nothing is taken unless all fields together are implausibly good. Where several of
    one name were taken, all of that name go; an honest field that was taken among them
    is given back if the rest stays plausible with it.
    """
    before, gains = bench.judged()
    after, left, peeled = before, list(dict.fromkeys(bench.fields)), list[str]()
    if before < IMPLAUSIBLE:
        return Collusion((), before, before)
    while after >= PLAUSIBLE and left and len(peeled) < MOST_PEELED:
        most = max(left, key=lambda name: gains.get(name, 0.0))
        left.remove(most)
        peeled.append(most)
        after, gains = bench.only(left).judged()
    named = [*dict.fromkeys(bench.fields)]
    clan = {name for family in _clans(named, peeled).values() for name in family}
    left = [name for name in left if name not in clan]
    for name in reversed([name for name in peeled if name not in clan]):
        if bench.only([*left, name]).judged()[0] < PLAUSIBLE:
            left.append(name)
    guilty = tuple(name for name in named if name not in left)
    return Collusion(guilty, before, bench.only(left).judged()[0])


def kin(fields: Sequence[str], leaking: Collection[str]) -> Mapping[str, str]:
    """Find fields named like leaking ones, and the opening of the name they share.

    An opening is suspected if at least ``KIN`` fields with it leak, and these are a
    third of all that have it.

    Examples
    --------
    >>> fields = ["end_a", "end_b", "end_c", "end_d", "start_a", "start_b"]
    >>> dict(kin(fields, {"end_a", "end_b", "end_c"}))
    {'end_d': 'end_'}
    """
    return {
        name: opening
        for opening, members in _clans(fields, leaking).items()
        for name in members
        if name not in leaking
    }


def _clans(fields: Sequence[str], leaking: Collection[str]) -> dict[str, list[str]]:
    """Gather the fields of each suspected opening, short openings first."""
    families: dict[str, list[str]] = defaultdict(list)
    for name in fields:
        for opening in _openings(name):
            families[opening].append(name)
    return {
        opening: families[opening]
        for opening in sorted(families, key=len)
        if (guilty := len(set(families[opening]) & set(leaking))) >= KIN
        and 3 * guilty >= len(families[opening])
    }


def _openings(name: str) -> list[str]:
    ends = [match.end() for match in re.finditer(r"[_.\s/-]+", name)]
    return [name[:end] for end in ends if end < len(name)]
