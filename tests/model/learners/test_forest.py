from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from leads.settings import Model
from model.learners.boosting import Recipe, Style, grow
from model.learners.forest import NO_TREES, merged
from model.learning import Task

QUICK = Model(learning_rate=0.1)


@pytest.fixture(scope="module")
def texts(task: Task) -> list[str]:
    """Grow a booster of each style."""
    return [grow(task.matrix, QUICK, 12, Recipe(style)) for style in Style]


@pytest.mark.parametrize("what", ["raw_score", "pred_contrib"])
def test_merged_trees_are_the_weighted_sum(
    task: Task, texts: list[str], what: str
) -> None:
    """Predictions and Shapley values are the boosters', weighed and added."""
    rows, weights = task.matrix.values, (0.3, 0.45)
    apart = [lightgbm.Booster(model_str=text) for text in texts]

    both = lightgbm.Booster(model_str=merged(texts, weights))

    expected = sum(
        weight * np.asarray(booster.predict(rows, **{what: True}))
        for booster, weight in zip(apart, weights, strict=True)
    )
    assert both.num_trees() == 24
    assert np.allclose(both.predict(rows, **{what: True}), expected, atol=1e-12)


def test_a_booster_without_weight_is_left_out(texts: list[str]) -> None:
    """With all the weight on one booster the text is that booster's, to the byte."""
    assert merged(texts, (0.0, 1.0)) == texts[1]


def test_without_weights_there_are_no_trees(texts: list[str]) -> None:
    """Nothing to blend is said so, and is no booster."""
    assert merged(texts, (0.0, 0.0)) == NO_TREES
