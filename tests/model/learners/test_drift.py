from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.model.invented import flat_settings, invented_task

from model.features.catalog import Numbers
from model.learners.boosting import Fold, Matrix, Recipe, Style, grow, judge
from model.learners.drift import Drift, measure_drift, newest_shift
from model.learners.ground import Ground
from model.learners.ladder import Ladder, climb
from model.learners.regression import Design, judge_linear
from model.metrics import probabilities

ROWS = 4_000
ORDER = np.arange(ROWS)
FORWARD: list[Fold] = [(ORDER[:k], ORDER[k : k + 800]) for k in range(800, ROWS, 800)]


def world(*, turned: bool) -> tuple[Matrix, Numbers]:
    """Make rows in order of time: what one number says may turn around halfway."""
    rng = np.random.default_rng(7)
    values = rng.normal(size=(ROWS, 2))
    sign = np.where((ORDER > ROWS // 2) & turned, -1.0, 1.0)
    chance = probabilities(1.5 * sign * values[:, 0] - 0.5)
    return Matrix(values, (rng.random(ROWS) < chance).astype(float), ()), chance


def measured(matrix: Matrix) -> Drift:
    """Measure the drift of the newest fold."""
    names = [f"n{place}" for place in range(matrix.values.shape[1])]
    return measure_drift(matrix, names, ORDER, FORWARD[-1])


def climbed(matrix: Matrix) -> Ladder:
    """Climb a ladder of two numbers, forward in time."""
    model = flat_settings(Path()).model
    ground = Ground(matrix, ("a", "b"), ORDER, FORWARD, forward=True)
    return climb(ground, model, lambda _: None)


def test_a_steady_world_does_not_drift() -> None:
    """Of rows that are all alike neither the rate nor a feature has moved."""
    matrix, _ = world(turned=False)

    assert not measured(matrix).found


def test_a_moved_feature_is_named() -> None:
    """The feature whose newest values lie elsewhere comes first, by how far it went."""
    matrix, _ = world(turned=False)
    matrix.values[FORWARD[-1][1], 1] += 1.0
    found = measured(matrix)

    assert found.found
    assert next(iter(found.features)) == "n1"
    assert found.features["n1"] == pytest.approx(0.38, abs=0.05)


def test_moved_shares_of_a_text_and_of_the_unknown_are_drift() -> None:
    """Levels that come to be used more, or values no longer known, have moved."""
    newest = FORWARD[-1][1]
    texts = np.ones((ROWS, 2))
    texts[newest[:400], 0] = 2.0
    texts[newest[:200], 1] = np.nan
    labels = (ORDER % 2).astype(float)
    found = measured(Matrix(texts, labels, (0,)))

    assert found.features == pytest.approx({"n0": 0.5, "n1": 0.25})


def test_few_leads_differ_by_chance() -> None:
    """Many rare levels, and few leads seen often, differ without any drift."""
    rng = np.random.default_rng(5)
    leads = ORDER // 10
    texts = rng.integers(0, 60, ROWS // 10)[leads].astype(float)
    numbers = rng.normal(size=ROWS // 10)[leads]
    labels = (ORDER % 2).astype(float)
    matrix = Matrix(np.column_stack([texts, numbers]), labels, (0,))

    found = measure_drift(matrix, ["text", "number"], leads, FORWARD[-1])

    assert found.features == {}


def test_a_moved_rate_is_measured_in_whole_leads() -> None:
    """A rate that doubled is many standard errors off; leads seen often are few."""
    labels = np.where(FORWARD[-1][1][0] <= ORDER, ORDER % 2, ORDER % 4 == 0)
    matrix = Matrix(np.zeros((ROWS, 1)), labels.astype(float), ())
    few = measure_drift(matrix, ["n"], ORDER % 40, FORWARD[-1])

    assert measured(matrix).rate > 10
    assert few.rate < measured(matrix).rate / 3


def test_an_intercept_follows_only_what_lasts() -> None:
    """A surprise that the next slice does not share moves nothing."""
    rng = np.random.default_rng(3)
    folds = np.repeat(np.arange(5), 800)
    low = np.full(ROWS, -2.0)
    rates = np.where(folds % 2 == 0, 0.05, 0.25)
    swinging = (rng.random(ROWS) < rates).astype(float)
    shift, added = newest_shift(low, swinging, folds=folds, leads=ORDER)

    assert shift == 0.0
    assert not added.any()


def test_no_slice_is_shifted_by_its_own_outcomes() -> None:
    """What is added to a slice is what the one before it taught."""
    rng = np.random.default_rng(3)
    folds = np.repeat(np.arange(5), 800)
    often = (rng.random(ROWS) < 0.3).astype(float)
    turned = np.where(folds == 4, 1.0 - often, often)
    _, one = newest_shift(np.full(ROWS, -2.0), often, folds=folds, leads=ORDER)
    _, two = newest_shift(np.full(ROWS, -2.0), turned, folds=folds, leads=ORDER)

    assert one[folds == 4].any()
    assert np.array_equal(one, two)


def test_a_steady_world_weighs_all_rows_the_same() -> None:
    """Where nothing drifts, no learner has a half-life and the intercept stays."""
    matrix, _ = world(turned=False)
    ladder = climbed(matrix)

    assert ladder.drift is not None
    assert ladder.half_lives == {}
    assert ladder.shift == 0.0


def test_half_lives_are_not_tried_where_nothing_moved() -> None:
    """Newer rows count for more only where drift was found, whatever would help."""
    matrix, _ = world(turned=True)
    _, steady = judge_linear(Design(matrix), FORWARD, forward=True, threads=1)
    _, moved = judge_linear(
        Design(matrix), FORWARD, forward=True, threads=1, leads=ORDER
    )

    assert steady.half_life is None
    assert moved.half_life is not None


def test_a_turned_world_is_followed() -> None:
    """Where a feature came to mean the opposite, newer rows count for more."""
    matrix, _ = world(turned=True)
    matrix.values[FORWARD[-1][1], 1] += 1.0  # so that drift is found
    ladder = climbed(matrix)

    assert "linear" in ladder.half_lives
    prices = ladder.linear.lines["a"].prices if ladder.linear.lines else (0.0, 0.0)
    assert ladder.rungs["linear"].weight == 0.0 or prices[0] > prices[-1]


def test_trees_learn_most_from_the_newest_rows() -> None:
    """With a half-life, trees predict by the newer rule, without one by neither."""
    matrix, _ = world(turned=True)
    model = flat_settings(Path()).model
    even = judge(matrix, FORWARD, model, Recipe(Style.FREE), forward=True)
    recent = judge(matrix, FORWARD, model, Recipe(Style.FREE, 0.1), forward=True)

    newest = even.folds == len(FORWARD) - 1
    x = matrix.values[even.rows[newest], 0]
    agree = [np.corrcoef(x, said.log_odds[newest])[0, 1] for said in (even, recent)]
    assert agree[1] < -0.8
    assert agree[1] < agree[0]
    assert grow(matrix, model, 5, Recipe(Style.FREE)) != grow(
        matrix, model, 5, Recipe(Style.FREE, 0.1)
    )


def test_undated_leads_do_not_drift() -> None:
    """Folds that do not go forward in time say nothing of drift."""
    task = replace(invented_task(), forward=False)
    ground = Ground(
        task.matrix, task.catalog.names, task.training_leads, task.folds, forward=False
    )
    ladder = climb(ground, flat_settings(Path()).model, lambda _: None)

    assert ladder.drift is None
    assert ladder.shift == 0.0
