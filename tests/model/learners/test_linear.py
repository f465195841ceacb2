from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.features.catalog import Numbers
from model.learners.boosting import Matrix
from model.learners.linear import FEW_ROWS, Line, Linear
from model.learners.regression import Design, Penalty, fit_linear, judge_linear
from model.learning import Task

ANY_NUMBER = st.floats(allow_nan=True, allow_infinity=True)


@pytest.fixture(scope="module")
def design(task: Task) -> Design:
    """Learn the regression's columns of the invented task."""
    return Design(task.matrix)


@pytest.fixture(scope="module")
def scorecard(task: Task, design: Design) -> Linear:
    """Regress the invented task."""
    return fit_linear(design, task.catalog.names, Penalty(0.1))


def test_the_scorecard_is_the_regression(task: Task, design: Design) -> None:
    """Read off line by line, the log-odds are those that scikit-learn computes."""
    from sklearn.linear_model import LogisticRegression

    oracle = LogisticRegression(C=0.1, max_iter=1_000)
    oracle.fit(design.columns, task.matrix.labels)
    found = fit_linear(design, task.catalog.names, Penalty(0.1))

    expected = oracle.decision_function(design.columns)
    assert np.allclose(found.log_odds(task.matrix.values), expected, atol=1e-9)


def test_the_mean_price_is_nought(task: Task, scorecard: Linear) -> None:
    """Over the training rows every feature's prices add up to nothing."""
    prices = scorecard.contributions(task.matrix.values)

    assert np.ptp(prices, axis=0).max() > 0.5
    assert np.allclose(prices.mean(axis=0), 0.0, atol=1e-12)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(ANY_NUMBER, min_size=5, max_size=5), min_size=1, max_size=5))
def test_any_number_has_a_price(scorecard: Linear, numbers: list[list[float]]) -> None:
    """Infinite, huge and missing numbers are priced within what the line spans."""
    texts = np.zeros((len(numbers), 2))
    prices = scorecard.contributions(np.hstack([np.array(numbers), texts]))

    lines = list(scorecard.lines.values())
    low = [min(*line.prices, line.missing) for line in lines]
    high = [max(*line.prices, line.missing) for line in lines]
    assert (prices >= np.array(low) - 1e-12).all()
    assert (prices <= np.array(high) + 1e-12).all()


def test_one_and_many_have_the_same_price(task: Task, scorecard: Linear) -> None:
    """Looked up alone or among many, a row's prices are the same to the bit."""
    rows = task.matrix.values[: 3 * FEW_ROWS]
    together = scorecard.contributions(rows)

    alone = np.vstack([scorecard.contributions(row[None, :]) for row in rows])
    assert np.array_equal(alone, together)


def test_a_price_lies_on_the_line() -> None:
    """Between knots the price is between theirs, beyond them it stays."""
    line = Line(knots=(0.0, 1.0, 3.0), prices=(0.0, 1.0, -1.0), missing=5.0)
    at: Numbers = np.array([[-9.0], [0.5], [1.0], [2.0], [3.0], [9.0], [np.nan]])

    prices = Linear(0.0, {"a": line}).contributions(at).ravel()
    assert prices.tolist() == [0.0, 0.5, 1.0, 0.0, -1.0, -1.0, 5.0]


def test_a_scorecard_survives_its_text(task: Task, scorecard: Linear) -> None:
    """Written and read again, it gives the same bits."""
    again = Linear.from_json(scorecard.to_json())

    assert again == scorecard
    rows = task.matrix.values
    assert np.array_equal(again.log_odds(rows), scorecard.log_odds(rows))


def test_no_row_is_priced_by_its_own_outcome(task: Task) -> None:
    """Turning the outcomes of a judged slice leaves what it is given as it was."""
    folds = task.folds[:1]
    turned = task.matrix.labels.copy()
    turned[folds[0][1]] = 1 - turned[folds[0][1]]
    other = Design(Matrix(task.matrix.values, turned, (5, 6)))
    # One strength alone, since outcomes of judged rows do choose the strength.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("model.learners.regression.STRENGTHS", (0.1,))
        honest, _ = judge_linear(Design(task.matrix), folds, forward=False, threads=1)
        second, _ = judge_linear(other, folds, forward=False, threads=1)

    assert np.array_equal(honest.log_odds, second.log_odds)


@pytest.mark.parametrize("forward", [False, True])
def test_threads_change_no_regression(task: Task, *, forward: bool) -> None:
    """Folds fitted side by side give the bits of folds fitted one after another."""
    design = Design(task.matrix)

    one, first = judge_linear(design, task.folds, forward=forward, threads=1)
    two, second = judge_linear(design, task.folds, forward=forward, threads=2)
    assert first == second
    assert np.array_equal(one.log_odds, two.log_odds)


def test_newer_rows_count_for_more_where_the_world_turned() -> None:
    """Where the newest rows follow another rule, forward folds choose a half-life."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(4_000, 1))
    sign = np.where(np.arange(4_000) < 2_000, 1.0, -1.0)
    won = rng.random(4_000) < 1 / (1 + np.exp(-2 * sign * x[:, 0]))
    rows = np.arange(4_000)
    folds = [(rows[:k], rows[k : k + 500]) for k in (2_500, 3_000, 3_500)]
    _, turned = judge_linear(
        Design(Matrix(x, won.astype(float), ())),
        folds,
        forward=True,
        threads=1,
        leads=rows,
    )

    assert turned.half_life is not None
