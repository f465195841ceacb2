from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from model.leaks.collusion import IMPLAUSIBLE, PLAUSIBLE, Bench, kin, peel
from model.leaks.probes import alone, binned, halves
from model.learners.boosting import Matrix

N = 3_000
PARTS = tuple(f"end_{letter}" for letter in "abcdefgh")


@pytest.fixture
def bench() -> Bench:
    """Make an honest field and eight that know the outcome only together.

    Each of the eight is right for a part of the leads and noise for the others.
    """
    rng = np.random.default_rng(2)
    honest = rng.normal(size=N)
    labels = (rng.random(N) < 1 / (1 + np.exp(1.0 - honest))).astype(float)
    part = rng.integers(0, len(PARTS), N)
    parts = [
        np.where(part == place, 2 * labels - 1, 0.0) for place in range(len(PARTS))
    ]
    values = np.column_stack([honest, *parts, rng.normal(size=N)])
    matrix = Matrix(values, labels, ())
    return Bench(matrix, halves(np.arange(N), seed=1), ("honest", *PARTS, "noise"))


def test_fields_that_leak_together_are_peeled_off(bench: Bench) -> None:
    """Each alone ranks poorly, together perfectly; the honest field stays."""
    values, labels = bench.matrix.values, bench.matrix.labels
    ranks = [
        alone(binned(pl.Series("v", values[:, j]), bench.fit), labels, bench.fit)
        for j in range(1, 1 + len(PARTS))
    ]

    found = peel(bench)

    assert max(ranks) < 0.75
    assert found.before > 0.98
    assert found.after < 0.9
    assert set(found.fields) <= set(PARTS)
    assert len(found.fields) >= 3


def test_honest_fields_are_left_alone(bench: Bench) -> None:
    """Where all fields together are plausible nothing is taken."""
    found = peel(bench.only(["honest", "end_a", "noise"]))

    assert found.fields == ()
    assert found.before == found.after


def test_a_very_good_honest_field_is_left_alone(bench: Bench) -> None:
    """Better than one would believe after a leak is not yet implausible by itself."""
    blurred = bench.matrix.labels + np.random.default_rng(4).normal(scale=0.5, size=N)
    values = np.column_stack([blurred, bench.matrix.values[:, -1]])
    matrix = Matrix(values, bench.matrix.labels, ())

    found = peel(Bench(matrix, bench.fit, ("honest", "noise")))

    assert PLAUSIBLE < found.before < IMPLAUSIBLE
    assert found.fields == ()


def test_what_was_only_in_the_way_is_given_back(bench: Bench) -> None:
    """A strong honest field is not taken for the company it keeps."""
    labels = bench.matrix.labels
    blurred = labels + np.random.default_rng(4).normal(scale=0.7, size=N)
    values = bench.matrix.values.copy()
    values[:, 0] = blurred

    found = peel(replace(bench, matrix=replace(bench.matrix, values=values)))

    assert "honest" not in found.fields


def test_kin_share_the_opening_of_their_names() -> None:
    """Three leaking fields of one name cast suspicion on the fourth, two do not."""
    fields = ["end_a", "end_b", "end_c", "end_d", "start_a", "start_b", "end"]

    assert dict(kin(fields, {"end_a", "end_b", "end_c"})) == {"end_d": "end_"}
    assert not kin(fields, {"end_a", "end_b", "start_a"})


def test_a_large_family_is_not_condemned_for_a_few() -> None:
    """Where most fields of a name are sound, the few that leak stand alone."""
    fields = [f"crm_{number}" for number in range(12)]

    assert not kin(fields, set(fields[:3]))
