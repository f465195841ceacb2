from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.model.invented import flat_settings, invented_task
from tests.model.learners.pipelines import three_pipelines

from model.bundle.check import verify_in_child
from model.bundle.whole import Bundle
from model.learners.ground import Ground
from model.learners.ladder import Ladder, climb
from model.learning import Task, Trained, learn
from model.metrics import probabilities, row_losses
from model.reasons.explanation import shares


def ground_of(task: Task) -> Ground:
    """Take the training rows of a task."""
    return Ground(
        task.matrix, task.catalog.names, task.training_leads, task.folds, task.forward
    )


def climbed(task: Task) -> Ladder:
    """Climb a task's ladder quickly."""
    return climb(ground_of(task), flat_settings(Path()).model, lambda _: None)


def straight(rows: int = 1_500) -> Task:
    """Make a task where five evenly spread numbers matter, straight in log-odds."""
    task = invented_task(rows)
    rng = np.random.default_rng(1)
    numbers = task.table.numbers.copy()
    numbers[:] = rng.uniform(-2.0, 2.0, numbers.shape)
    won = rng.random(rows) < 1 / (1 + np.exp(-numbers.sum(axis=1)))
    table = replace(task.table, numbers=numbers)
    return replace(task, table=table, labels=won.astype(float))


def test_weights_add_up_to_one(task: Task) -> None:
    """Of all rungs, the constant too, the weights make a whole."""
    ladder = climbed(task)

    weights = [rung.weight for rung in ladder.rungs.values()]
    assert set(ladder.rungs) == {"linear", "restrained", "free", "base rate"}
    assert sum(weights) == pytest.approx(1.0)
    assert min(weights) >= 0.0


def test_the_blend_is_no_worse_than_its_best_rung(task: Task) -> None:
    """Out of fold the blend loses no more than the best learner, within 0.005."""
    ladder = climbed(task)

    labels = task.matrix.labels[np.concatenate([judged for _, judged in task.folds])]
    best = min(rung.logloss for rung in ladder.rungs.values())
    assert row_losses(ladder.log_odds, labels).mean() < best + 0.005


def test_a_straight_world_is_the_regressions() -> None:
    """Where a straight line tells all, the regression loses least and weighs most."""
    rungs = climbed(straight()).rungs

    assert min(rungs, key=lambda name: rungs[name].logloss) == "linear"
    assert rungs["linear"].weight >= max(rungs["free"].weight, 0.3)


@pytest.fixture(scope="module")
def constant(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Learn from noise."""
    folder = tmp_path_factory.mktemp("noise")
    task = invented_task(noise=True)
    return learn(task, flat_settings(folder), workdir=folder)


def test_of_noise_the_constant_remains(constant: Trained) -> None:
    """Where nothing can be learned every lead is given one and the same base rate."""
    manifest = constant.bundle.manifest

    assert manifest.ladder["base rate"]["weight"] == 1.0
    assert len(set(constant.log_odds)) == 1
    assert probabilities(constant.log_odds[:1]) == pytest.approx(
        manifest.base_rate, abs=0.005
    )


def test_of_noise_the_rate_of_each_pipeline_remains(tmp_path: Path) -> None:
    """In pipelines of 10 and 40 % and nothing else, a lead has its pipeline's rate."""
    task = three_pipelines(noise=True)
    made = learn(task, flat_settings(tmp_path), workdir=tmp_path)

    assert made.bundle.manifest.ladder["base rate"]["weight"] == 1.0
    assert made.bundle.booster is None
    column = task.table.texts[task.test, -1]
    for name, low, high in (("calls", 0.05, 0.15), ("shops", 0.33, 0.47)):
        chances = np.unique(probabilities(made.log_odds[column == name]))
        assert len(chances) == 1
        assert low < chances[0] < high
    prices = made.bundle.contributions(made.table)
    assert np.count_nonzero(np.abs(prices).max(axis=0)) == 1
    assert np.allclose(made.bundle.base + prices.sum(axis=1), made.log_odds)


def test_a_constant_is_a_whole_bundle(constant: Trained) -> None:
    """Without trees and prices a bundle opens, explains, and is proved in a child."""
    verify_in_child(constant.bundle.path)
    bundle = Bundle.open(constant.bundle.path)

    assert bundle.booster is None
    _, summed = shares(bundle, bundle.contributions(constant.table))
    assert not summed.any()
    assert {bundle.base} == set(constant.log_odds)


@pytest.mark.parametrize(
    ("weights", "trees"), [((1.0, 0.0, 0.0), False), ((0.0, 0.5, 0.5), True)]
)
def test_a_learner_without_weight_is_not_in_the_bundle(
    task: Task, tmp_path: Path, weights: tuple[float, ...], *, trees: bool
) -> None:
    """A bundle of the regression alone has no trees, one of trees alone no prices."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("model.learners.ladder._weights", lambda *_: np.array(weights))
        bundle = learn(task, flat_settings(tmp_path), workdir=tmp_path).bundle

    verify_in_child(bundle.path)
    assert (bundle.booster is not None) is trees
    assert bool(bundle.linear.lines) is not trees
    table = task.table.rows(task.test)
    total = bundle.base + bundle.contributions(table).sum(axis=1)
    assert np.allclose(total, bundle.log_odds(table), rtol=0, atol=1e-9)
