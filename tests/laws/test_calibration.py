"""What every calibration curve keeps, whatever it was fitted to."""

from __future__ import annotations

from functools import cache, partial
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from model.features.catalog import Numbers
from model.learners.calibration import FARTHEST, IDENTITY, Calibrator, Kind
from model.learners.recalibration import FITS, Sample
from model.metrics import probabilities

SPREADS = (0.1, 1.5, 12.0)
LAWFUL = settings(max_examples=60, deadline=None)
RAW = arrays.arrays(
    np.float64, st.integers(2, 30), elements=st.floats(-40.0, 40.0, width=32)
)
SHARES = arrays.arrays(
    np.float64, st.tuples(st.integers(1, 5), st.integers(1, 6)),
    elements=st.floats(-4.0, 4.0),
)  # fmt: skip


@cache
def fitted(kind: Kind, number: int) -> Calibrator:
    """Fit a curve to outcomes drawn from a model good, bad or absurd."""
    rng = np.random.default_rng(number)
    rows, spread, slope = (120, 600, 3_000)[number % 3], rng.choice(SPREADS), number - 5
    raw = rng.normal(-1.0, spread, rows)
    chance = np.clip(probabilities(0.4 * slope * raw), 0.01, 0.8)
    labels = (rng.random(rows) < chance).astype(float)
    return FITS[kind](Sample.of(raw, labels)) or IDENTITY


def calibrators(kind: Kind) -> st.SearchStrategy[Calibrator]:
    """Draw one of a dozen fitted curves of a kind."""
    return st.integers(0, 11).map(partial(fitted, kind))


def test_every_kind_is_under_these_laws() -> None:
    """A kind that is added later cannot escape."""
    assert set(FITS) == set(get_args(Kind))
    assert len(FITS) == 6


@pytest.mark.parametrize("kind", FITS)
def test_the_laws_meet_curves_of_their_kind(kind: Kind) -> None:
    """Of the dozen curves at least half are not the identity for want of rows."""
    assert sum(fitted(kind, number).kind == kind for number in range(12)) >= 6


@pytest.mark.parametrize("kind", FITS)
@LAWFUL
@given(data=st.data(), raw=RAW)
def test_the_order_of_leads_never_turns_around(
    kind: Kind, data: st.DataObject, raw: Numbers
) -> None:
    """Whoever had the greater raw log-odds has no smaller chance."""
    found = data.draw(calibrators(kind))

    assert (np.diff(found.apply(np.sort(raw))) >= -1e-12).all()


@pytest.mark.parametrize("kind", FITS)
@LAWFUL
@given(data=st.data(), raw=st.floats(-1e300, 1e300))
def test_nothing_is_certain(kind: Kind, data: st.DataObject, raw: float) -> None:
    """No chance is 0 or 1, however far the raw log-odds go."""
    found = data.draw(calibrators(kind))

    chance = probabilities(found.apply(np.array([raw])))[0]
    assert 0.0 < chance < 1.0
    assert found.limit <= FARTHEST


@pytest.mark.parametrize("kind", FITS)
@LAWFUL
@given(data=st.data(), shares=SHARES, base=st.floats(-5.0, 5.0))
def test_shares_add_up_through_the_curve(
    kind: Kind, data: st.DataObject, shares: Numbers, base: float
) -> None:
    """Scaled shares and the calibrated base are the calibrated log-odds, to 1e-9."""
    found = data.draw(calibrators(kind))
    raw = shares.sum(axis=1) + base

    given = shares * found.scales(raw, base)[:, None]

    total = found.apply(np.array([base]))[0] + given.sum(axis=1)
    assert np.allclose(total, found.apply(raw), rtol=0, atol=1e-9)
    assert (given * shares >= -1e-12).all()


@pytest.mark.parametrize("kind", FITS)
@LAWFUL
@given(data=st.data(), gap=st.floats(-1e-9, 1e-9), base=st.floats(-3.0, 3.0))
def test_shares_that_cancel_still_add_up(
    kind: Kind, data: st.DataObject, gap: float, base: float
) -> None:
    """On a path of next to no length each share has the slope of the point."""
    found = data.draw(calibrators(kind))
    shares = np.array([2.0, -2.0 + gap])
    raw = np.array([base + shares.sum()])

    scale = found.scales(raw, base)

    total = found.apply(np.array([base])) + (shares * scale).sum()
    assert np.allclose(total, found.apply(raw), rtol=0, atol=1e-9)
    assert 0.0 <= scale[0] <= 500.0


@pytest.mark.parametrize("kind", FITS)
@LAWFUL
@given(data=st.data(), raw=RAW)
def test_a_curve_round_trips_bit_for_bit(
    kind: Kind, data: st.DataObject, raw: Numbers
) -> None:
    """Written as JSON and read again it says the same bits."""
    found = data.draw(calibrators(kind))

    again = Calibrator.from_json(found.to_json())

    assert again == found
    assert np.array_equal(again.apply(raw), found.apply(raw))


@LAWFUL
@given(shares=SHARES, base=st.floats(-2.0, 2.0))
def test_shares_are_aumann_shapley_values(shares: Numbers, base: float) -> None:
    """Each is its raw share times the mean derivative on the straight path."""
    curve = Calibrator("beta", (0.5, 1.4, -0.3), limit=1e3)
    raw = shares.sum(axis=1) + base

    given = shares * curve.scales(raw, base)[:, None]

    parts = (np.arange(400) + 0.5) / 400
    path = base + parts[:, None] * (raw - base)
    chance = probabilities(path)
    mean = (0.5 * (1.0 - chance) + 1.4 * chance).mean(axis=0)
    assert np.allclose(given, shares * mean[:, None], atol=2e-3)
