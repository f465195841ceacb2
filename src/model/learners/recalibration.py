"""How a calibration curve is fitted to rows unseen by the model, and which is taken.

Every kind is judged on folds that it was not fitted on: where folds go forward in time,
on those later than all it saw. Of those whose loss cannot be told from the best (one
standard error, whole leads being independent) the simplest is taken: a curve that bends
has to earn it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from model.features.catalog import Numbers
from model.learners.blend import standard_error
from model.learners.calibration import IDENTITY, Calibrator, Kind
from model.metrics import Codes, probabilities, row_losses

LEAST_SLOPE: Final = 1e-3
GREATEST_SLOPE: Final = 1e2
SLOPES: Final = (LEAST_SLOPE, GREATEST_SLOPE)

MOST_GROUPS: Final = 2_000
"""Rows of like log-odds are fitted together beyond so many different ones."""

MOST_KNOTS: Final = 20
LEAST_PER_KNOT: Final = 15
"""Rows of the rarer outcome that a knot needs on average."""

LEAST_KNOTS: Final = 3
LEAST_WAY: Final = 0.05
"""Log-odds between knots, so that no step is steep."""


@dataclass(frozen=True)
class Sample:
    """Rows in groups of like raw log-odds, rising: mean, part converted, and rows."""

    raw: Numbers
    rate: Numbers
    rows: Numbers

    @classmethod
    def of(cls, raw: Numbers, labels: Numbers, *, most: int = MOST_GROUPS) -> Sample:
        """Group (n,) rows into at most ``most`` groups, about equally large.

        Examples
        --------
        >>> Sample.of(np.array([2.0, 1.0, 1.0]), np.array([1.0, 0.0, 1.0])).rate
        array([0.5, 1. ])
        """
        values, place = np.unique(raw, return_inverse=True)
        rows: Numbers = np.bincount(place).astype(np.float64)
        won = np.bincount(place, weights=labels)
        ungrouped = cls(values, won / rows, rows)
        return ungrouped if len(values) <= most else ungrouped.grouped(most)

    def grouped(self, most: int) -> Sample:
        """Join neighbours into at most ``most`` groups, about equally large."""
        reached = np.cumsum(self.rows) - self.rows / 2.0
        place = (reached * most / self.rows.sum()).astype(np.intp)
        place = np.unique(place, return_inverse=True)[1]
        return self.joined(place)

    def joined(self, place: npt.NDArray[np.intp]) -> Sample:
        """Join neighbours that have the same place."""
        rows: Numbers = np.bincount(place, self.rows).astype(np.float64)
        raw = np.bincount(place, weights=self.rows * self.raw) / rows
        rate = np.bincount(place, weights=self.rows * self.rate) / rows
        return Sample(raw, rate, rows)

    @property
    def total(self) -> float:
        """How many rows there are."""
        return float(self.rows.sum())

    @property
    def won(self) -> float:
        """How many rows converted."""
        return float(np.sum(self.rows * self.rate))

    @property
    def knots(self) -> int:
        """How many knots the rarer outcome carries; 0 if too few to bend at all."""
        rarer = min(self.won, self.total - self.won)
        carried = int(min(MOST_KNOTS, rarer // LEAST_PER_KNOT, len(self.raw)))
        return carried if carried >= LEAST_KNOTS else 0

    @property
    def limit(self) -> float:
        """The surest log-odds: as if all rows had turned out alike (Laplace's rule)."""
        return float(np.log(self.total + 1.0))


def fit_identity(sample: Sample) -> Calibrator:
    """Leave log-odds as they are, within the sample's limit."""
    return replace(IDENTITY, limit=sample.limit)


def fit_temperature(sample: Sample) -> Calibrator:
    """Fit one slope: a model too sure, or not sure enough, everywhere alike."""
    (slope,) = _fitted(sample, sample.raw[:, None], (1.0,), (SLOPES,))
    return Calibrator("temperature", (slope, 0.0), limit=sample.limit)


def fit_sigmoid(sample: Sample) -> Calibrator:
    """Fit Platt's sigmoid; the order of leads never turns around.

    Examples
    --------
    >>> raw = np.repeat([-4.0, 4.0], 500)
    >>> labels = np.tile([0.0, 1.0, 1.0, 0.0, 1.0], 200)
    >>> fit_sigmoid(Sample.of(raw, 1.0 - labels * (raw < 0))).coefficients[0] > 0
    True
    """
    columns = np.column_stack([sample.raw, np.ones(len(sample.raw))])
    line = _fitted(sample, columns, (1.0, 0.0), (SLOPES, (None, None)))
    return Calibrator("sigmoid", line, limit=sample.limit)


def fit_beta(sample: Sample) -> Calibrator:
    """Fit a slope for either tail and an intercept (Kull et al. 2017)."""
    columns = np.column_stack(
        [
            -np.logaddexp(0.0, -sample.raw),
            np.logaddexp(0.0, sample.raw),
            np.ones(len(sample.raw)),
        ]
    )
    bounds = (SLOPES, SLOPES, (None, None))
    curve = _fitted(sample, columns, (1.0, 1.0, 0.0), bounds)
    return Calibrator("beta", curve, limit=sample.limit)


def fit_isotonic(sample: Sample) -> Calibrator | None:
    """Fit rates that never fall, from group to group; None of too few rows.

    Groups are equally large, each rate is drawn towards the sample's by two rows, and
    what the pooling of neighbours makes level becomes one knot in its middle, so that
    the curve rises throughout (centred isotonic regression, Oron and Flournoy 2017).
    """
    if not sample.knots:
        return None
    groups = sample.grouped(sample.knots)
    usual = sample.won / sample.total
    drawn = (groups.rate * groups.rows + 2.0 * usual) / (groups.rows + 2.0)
    return _stairs("isotonic", groups, _rising(drawn, groups.rows), sample)


def fit_venn_abers(sample: Sample) -> Calibrator | None:
    """Fit the inductive Venn-Abers predictor (Vovk and Petej 2014); None of too few.

    At each knot isotonic regression is fitted twice, as if one row more had been
    lost, and won, there; the two chances become ``p1 / (1 - p0 + p1)``, which is never
    0 or 1. Between knots the curve is straight.
    """
    if not sample.knots:
        return None
    groups = sample.grouped(sample.knots)
    merged = np.empty(len(groups.raw))
    for place, raw in enumerate(groups.raw):
        p0, p1 = (_with_one_more(sample, raw, label) for label in (0.0, 1.0))
        merged[place] = p1 / (1.0 - p0 + p1)
    return _stairs("venn_abers", groups, np.maximum.accumulate(merged), sample)


FITS: Final[Mapping[Kind, Callable[[Sample], Calibrator | None]]] = {
    "identity": fit_identity,
    "temperature": fit_temperature,
    "sigmoid": fit_sigmoid,
    "beta": fit_beta,
    "isotonic": fit_isotonic,
    "venn_abers": fit_venn_abers,
}
"""How each kind is fitted, the simplest first."""


def choose_calibrator(
    raw: Numbers, labels: Numbers, *, folds: Codes, leads: Codes, forward: bool
) -> Calibrator:
    """Choose the kind by folds it was not fitted on, and fit it to all rows.

    Parameters
    ----------
    raw, labels
        (n,) out-of-fold log-odds and outcomes as 0.0 or 1.0.
    folds, leads
        (n,) the fold in which each row was judged, and its lead.
    forward
        Whether folds go forward in time: then later ones judge earlier ones.
    """
    sample = Sample.of(raw, labels)
    turns = tuple(turns_of(folds, forward=forward))
    if not turns:
        return fit_identity(sample)
    judged = np.concatenate([out for _, out in turns])
    tried: dict[Kind, Numbers] = {}
    for kind, fit in FITS.items():
        made = [fit(Sample.of(raw[seen], labels[seen])) for seen, _ in turns]
        said = [
            curve.apply(raw[out])
            for curve, (_, out) in zip(made, turns, strict=True)
            if curve
        ]
        if len(said) == len(turns):
            tried[kind] = row_losses(np.concatenate(said), labels[judged])
    best = min(tried.values(), key=lambda losses: float(losses.mean()))
    for kind, losses in tried.items():
        worse = losses - best
        if worse.mean() <= standard_error(worse, leads[judged]):
            return FITS[kind](sample) or fit_identity(sample)
    raise AssertionError("the best cannot be told from itself")


def turns_of(folds: Codes, *, forward: bool) -> Iterator[tuple[Codes, Codes]]:
    """Yield the rows to fit on and the rows to judge, in turn."""
    names = np.unique(folds)
    if len(names) < 2:
        return
    for name in names[1:] if forward else names:
        seen = folds < name if forward else folds != name
        yield np.flatnonzero(seen), np.flatnonzero(folds == name)


def _fitted(
    sample: Sample,
    columns: Numbers,
    start: tuple[float, ...],
    bounds: tuple[tuple[float | None, float | None], ...],
) -> tuple[float, ...]:
    """Regress outcomes on (g, d) columns, towards Platt's targets."""
    from scipy.optimize import minimize  # only training fits; it takes long to import

    won, total = sample.won, sample.total
    high, low = (won + 1.0) / (won + 2.0), 1.0 / (total - won + 2.0)
    targets = sample.rate * high + (1.0 - sample.rate) * low
    weights = sample.rows / total

    def loss(at: Numbers) -> tuple[float, Numbers]:
        log_odds = np.einsum("gd,d->g", columns, at)
        miss = weights * (probabilities(log_odds) - targets)
        value = np.sum(weights * row_losses(log_odds, targets))
        return float(value), np.einsum("gd,g->d", columns, miss)

    found = minimize(loss, np.array(start), jac=True, bounds=bounds, tol=1e-12)
    return tuple(found.x.tolist())


def _rising(rates: Numbers, weights: Numbers) -> Numbers:
    from scipy.optimize import isotonic_regression

    return np.asarray(isotonic_regression(rates, weights=weights).x)


def _with_one_more(sample: Sample, raw: float, label: float) -> float:
    """Give the isotonic rate at a row that is added with a certain outcome."""
    place = int(np.searchsorted(sample.raw, raw))
    rates = np.insert(sample.rate, place, label)
    weights = np.insert(sample.rows, place, 1.0)
    return float(_rising(rates, weights)[place])


def _stairs(kind: Kind, groups: Sample, rates: Numbers, sample: Sample) -> Calibrator:
    """Turn rates that never fall into knots: level ones into one, none too close."""
    level = np.cumsum(np.append(False, np.diff(rates) > 0.0))
    steps = Sample(groups.raw, rates, groups.rows).joined(level)
    odds = np.maximum.accumulate(np.log(steps.rate) - np.log1p(-steps.rate))
    knots, values = [float(steps.raw[0])], [float(odds[0])]
    for raw, value in zip(steps.raw[1:].tolist(), odds[1:].tolist(), strict=True):
        if raw - knots[-1] >= LEAST_WAY:
            knots.append(raw)
            values.append(value)
    # Beyond the outer knots leads keep their order: the line goes on as the sigmoid.
    slope = fit_sigmoid(sample).coefficients[0]
    first, last = float(sample.raw[0]), float(sample.raw[-1])
    if knots[0] - first >= LEAST_WAY:
        values.insert(0, values[0] - slope * (knots[0] - first))
        knots.insert(0, first)
    if last - knots[-1] >= LEAST_WAY:
        values.append(values[-1] + slope * (last - knots[-1]))
        knots.append(last)
    return Calibrator(
        kind, knots=tuple(knots), values=tuple(values), limit=sample.limit
    )
