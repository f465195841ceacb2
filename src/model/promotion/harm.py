"""Where a challenger is worse: sources, pipelines, managers, months, kinds of customer.

A model better on the whole may be worse for one team, which then rightly stops to
believe it. Many slices are looked at, so each is judged with Holm's correction (Holm
1979): the risk of one false alarm among all of them is what the settings say. Standard
errors are of a ratio, clustered by lead (Cochran 1977, section 2.11): the snapshots of
one lead are not independent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from leads.settings import Promotion
from model.features.catalog import Numbers
from model.metrics import Codes

Labels = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice: how much worse the challenger is there, and how sure that is.

    ``loss`` is the mean difference in log-loss, above nought where the challenger is
    worse; ``chance`` is how likely so great a loss would be without any difference,
    once corrected for the number of slices.
    """

    name: str
    value: str
    rows: int
    loss: float
    chance: float

    def __str__(self) -> str:
        return (
            f"{self.name} {self.value!r}: log-loss {self.loss:+.3f} on {self.rows:,}"
            f" snapshots (p = {self.chance:.2g})"
        )


def sliced(
    differences: Numbers,
    leads: Codes,
    groups: Mapping[str, Labels],
    rules: Promotion,
) -> tuple[Slice, ...]:
    """Compare the models in every slice that is large enough, the worst one first.

    Parameters
    ----------
    differences
        (n,) log-loss of the challenger less the champion's.
    leads
        (n,) the number of each row's lead.
    groups
        What rows are sliced by, to the (n,) value of each row; None is no slice.
    rules
        From how many rows on a slice is judged.
    """
    found = list(_slices(differences, leads, groups, rules.slice_rows))
    corrected = holm([one.chance for one in found])
    judged = [
        replace(one, chance=chance)
        for one, chance in zip(found, corrected, strict=True)
    ]
    return tuple(sorted(judged, key=lambda one: (one.chance, -one.loss)))


def harmed(slices: Sequence[Slice], rules: Promotion) -> tuple[Slice, ...]:
    """Name the slices that are worse beyond the threshold and beyond noise."""
    return tuple(
        one
        for one in slices
        if one.loss > rules.most_slice_loss and one.chance < rules.slice_risk
    )


def holm(chances: Sequence[float]) -> list[float]:
    """Correct p-values for their number, each in its place.

    Examples
    --------
    >>> [round(chance, 3) for chance in holm([0.04, 0.01, 0.03])]
    [0.06, 0.03, 0.06]
    """
    count, worst = len(chances), 0.0
    corrected = [1.0] * count
    for rank, place in enumerate(np.argsort(chances, kind="stable").tolist()):
        worst = max(worst, min(1.0, (count - rank) * chances[place]))
        corrected[place] = worst
    return corrected


def _slices(
    differences: Numbers, leads: Codes, groups: Mapping[str, Labels], least: int
) -> Iterator[Slice]:
    for name, values in groups.items():
        for value in sorted({value for value in values if value is not None}):
            rows = np.flatnonzero(values == value)
            # A slice of everybody is what the other gates judge.
            if least <= len(rows) < len(values):
                loss, chance = _worse(differences[rows], leads[rows])
                yield Slice(name, str(value), len(rows), loss, chance)


def _worse(differences: Numbers, leads: Codes) -> tuple[float, float]:
    """Give the mean difference, and how likely one so great is by chance alone."""
    number = np.unique(leads, return_inverse=True)[1]
    count, mean = int(number.max()) + 1, float(differences.mean())
    if count < 2:
        return mean, 1.0
    strayed = np.bincount(number, weights=differences - mean)
    error = float(np.sqrt(np.square(strayed).sum() * count / (count - 1)))
    error /= len(differences)
    if error == 0.0:
        return mean, 0.0 if mean > 0 else 1.0
    return mean, 1.0 - NormalDist().cdf(mean / error)
