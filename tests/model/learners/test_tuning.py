from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.model.invented import flat_settings, invented_task

from model.learners.boosting import OutOfFold, Recipe, Style, judge
from model.learners.ground import Ground
from model.learners.tuning import Tuned, tune
from model.learning import Task, learn
from model.metrics import row_losses

MODEL = flat_settings(Path(), rounds=20, threads=1).model


def ground_of(task: Task) -> Ground:
    """Take the training rows of a task."""
    return Ground(
        task.matrix, task.catalog.names, task.training_leads, task.folds, task.forward
    )


def tuned(task: Task, default: Recipe, *, trials: int = 3) -> tuple[OutOfFold, Tuned]:
    """Tune for a few trials, however long they take."""
    ground = ground_of(task)
    even = judge(task.matrix, task.folds, MODEL, default, forward=False)
    found = tune(ground, MODEL, even, seconds=600.0, say=lambda _: None, trials=trials)
    return even, found


def test_a_bad_default_is_bettered(task: Task) -> None:
    """Trees that may hardly split lose to what is found, on rows they never saw."""
    poor = Recipe(Style.FREE, changes={"leaf_share": 0.5, "lambda_l2": 1e4})
    even, found = tuned(task, poor, trials=5)

    labels = task.matrix.labels[even.rows]
    before = row_losses(even.log_odds, labels).mean()
    assert row_losses(found.unseen.log_odds, labels).mean() < before - 0.01
    assert found.unseen.recipe is not None
    assert found.unseen.recipe.changes != poor.changes
    assert found.trials == 5


def test_of_noise_the_default_stays() -> None:
    """Where nothing can be learned, nothing that was tried is kept."""
    even, found = tuned(invented_task(noise=True), Recipe(Style.FREE))

    assert found.unseen is even


def test_the_same_trials_find_the_same(task: Task) -> None:
    """Trials are drawn from the seed alone."""
    poor = Recipe(Style.FREE, changes={"leaf_share": 0.5})
    _, one = tuned(task, poor)
    _, two = tuned(task, poor)

    assert one.unseen.recipe == two.unseen.recipe
    assert np.array_equal(one.unseen.log_odds, two.unseen.log_odds)


def test_a_budget_that_is_spent_begins_no_trial(task: Task) -> None:
    """Without time left at most the trial that was begun is finished."""
    even = judge(task.matrix, task.folds, MODEL, Recipe(Style.FREE), forward=False)
    found = tune(ground_of(task), MODEL, even, seconds=0.0, say=lambda _: None)

    assert found.trials <= 1


@pytest.mark.parametrize("seconds", [0, 1])
def test_what_was_tuned_is_on_record(task: Task, tmp_path: Path, seconds: int) -> None:
    """The manifest holds the number of trials and what they changed."""
    told: list[str] = []
    settings = flat_settings(tmp_path, rounds=10, tune_seconds=seconds)
    made = learn(task, settings, workdir=tmp_path, progress=told.append)

    tuning = made.bundle.manifest.settings["chosen"]["tuning"]
    assert set(tuning) == ({"restrained", "free"} if seconds else set())
    assert all(each["trials"] >= 1 for each in tuning.values())
    assert any("trials" in line for line in told) is bool(seconds)
