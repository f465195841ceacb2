from __future__ import annotations

import lightgbm
import numpy as np
import pytest
from tests.model.invented import invented_task

from leads.settings import Model
from model.features.catalog import Numbers
from model.learners.boosting import Matrix, Recipe, Style, grow, judge, parameters_of
from model.learning import Task

FREE = Recipe(Style.FREE)
QUICK = Model(learning_rate=0.1, rounds=60)


def test_no_row_is_predicted_by_trees_that_saw_it(task: Task) -> None:
    """Out-of-fold log-odds do not change when the judged rows' outcomes do."""
    folds = task.folds[:1]
    judged = folds[0][1]
    turned = task.matrix.labels.copy()
    turned[judged] = 1 - turned[judged]
    honest = judge(task.matrix, folds, QUICK, FREE, forward=False)
    other = judge(
        Matrix(task.matrix.values, turned, task.matrix.categorical),
        folds,
        QUICK,
        FREE,
        forward=False,
    )
    rounds = min(honest.rounds, other.rounds)

    assert honest.rows.tolist() == judged.tolist()
    first = parameters_of(QUICK, len(folds[0][0]), Style.FREE)
    fitted = task.matrix.rows(folds[0][0])
    alone = lightgbm.train(first, fitted.dataset(first), rounds)
    expected = alone.predict(task.matrix.values[judged], raw_score=True)
    shorter = honest if honest.rounds == rounds else other
    assert np.array_equal(shorter.log_odds, expected)


@pytest.mark.parametrize("threads", [2, 4])
def test_threads_change_nothing(task: Task, threads: int) -> None:
    """Folds grown side by side give the same log-odds as one after another."""
    alone = judge(task.matrix, task.folds, QUICK, FREE, forward=False)
    beside = judge(
        task.matrix,
        task.folds,
        QUICK.model_copy(update={"threads": threads}),
        FREE,
        forward=False,
    )

    assert alone.rounds == beside.rounds
    assert np.array_equal(alone.log_odds, beside.log_odds)


def test_native_threads_change_nothing(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The final trees are the same text, whether LightGBM runs one thread or two."""
    monkeypatch.setattr("model.learners.boosting.MANY_ROWS", 0)
    one = grow(task.matrix, QUICK.model_copy(update={"threads": 1}), 20, FREE)
    two = grow(task.matrix, QUICK.model_copy(update={"threads": 2}), 20, FREE)

    assert one == two


def test_forward_folds_stop_on_the_newest_slice(task: Task) -> None:
    """Of folds that go forward in time the last alone says how many rounds to grow."""
    newest = judge(task.matrix, task.folds[-1:], QUICK, FREE, forward=True)
    every = judge(task.matrix, task.folds, QUICK, FREE, forward=True)

    assert every.rounds == newest.rounds


def test_noise_is_hardly_grown() -> None:
    """Where nothing can be learned, growing stops early and predictions stay near."""
    task = invented_task(noise=True)
    unseen = judge(task.matrix, task.folds, QUICK, FREE, forward=False)

    assert unseen.rounds <= 10
    assert np.ptp(unseen.log_odds) < 1.0


def test_levels_of_text_are_not_taken_for_quantities() -> None:
    """A level in the middle of its neighbours can be told apart by a single split."""
    codes: Numbers = np.repeat(np.arange(1.0, 8.0), 3_000)[:, None]
    labels = (codes[:, 0] == 4).astype(float)
    text = grow(
        Matrix(codes, labels, (0,)), Model(learning_rate=1.0, leaves=2), 1, FREE
    )

    booster = lightgbm.Booster(model_str=text)
    raw = booster.predict(np.arange(1.0, 8.0)[:, None], raw_score=True)
    assert int(np.argmax(raw)) == 3
    assert len(np.unique(np.delete(raw, 3))) == 1
