"""How fast learning and explaining are, beside the bare libraries.

In one run, on the same rows and trees: a proved and calibrated bundle against one bare
LightGBM training of the same rounds, and against the cross-validation it needs anyway;
explained rows per second against ``shap.TreeExplainer``; one explained lead against
``mlflow.pyfunc``, which does not explain.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from tests.model.invented import flat_settings, invented_task

from model.bundle.whole import Bundle
from model.features.catalog import Catalog, Feature, FeatureTable, Words
from model.learners.boosting import Recipe, Style, grow, parameters_of
from model.learning import Task, Trained, learn
from model.reasons.sentences import Explained, explained

ROWS, FEATURES, TREES, LEAVES, EXPLAINED = 40_000, 34, 300, 31, 1_000


def numbered_feature(place: int) -> Feature:
    """Make a plain number feature."""
    words = Words(f"Number {place}", f"Число {place}")
    return Feature(f"n{place}", "card_number", f"f{place // 3}", words, of=f"n{place}")


@pytest.fixture(scope="module")
def task() -> Task:
    """Invent numbers of which some matter, a fifth of them unknown."""
    rng = np.random.default_rng(7)
    values = rng.normal(size=(ROWS, FEATURES))
    log_odds = values[:, 0] + values[:, 1] * values[:, 2] + 0.5 * values[:, 3] - 1.0
    labels = (rng.random(ROWS) < 1 / (1 + np.exp(-log_odds))).astype(float)
    values[rng.random(values.shape) < 0.2] = np.nan
    texts = np.empty((ROWS, 0), dtype=object)
    fold = np.arange(ROWS * 7 // 10) % 5
    return replace(
        invented_task(10),
        catalog=Catalog(tuple(numbered_feature(i) for i in range(FEATURES))),
        table=FeatureTable(values, texts),
        labels=labels,
        leads=np.arange(ROWS),
        train=np.arange(len(fold)),
        test=np.arange(len(fold), ROWS),
        folds=tuple(
            (np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(5)
        ),
    )


@pytest.fixture(scope="module")
def trained(task: Task, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Learn once, to know the rounds."""
    folder = tmp_path_factory.mktemp("bench")
    settings = flat_settings(folder, learning_rate=0.1, rounds=300)
    return learn(task, settings, workdir=folder)


@pytest.fixture(scope="module")
def bundle(task: Task, trained: Trained) -> Bundle:
    """Grow exactly 300 trees of 31 leaves in the trained bundle's place."""
    settings = flat_settings(Path(), learning_rate=0.02, leaves=LEAVES)
    text = grow(task.matrix, settings.model, TREES, Recipe(Style.FREE))
    return replace(trained.bundle, booster=lightgbm.Booster(model_str=text))


@pytest.mark.benchmark(group="training 28,000 rows of 34 features")
def test_training(
    benchmark: BenchmarkFixture, task: Task, tmp_path: Path, trained: Trained
) -> None:
    """Five folds, calibration, tiers, counts, proof with intervals, written to disk."""
    settings = flat_settings(tmp_path, learning_rate=0.1, rounds=300)
    made = benchmark.pedantic(  # type: ignore[no-untyped-call]
        learn, (task, settings), {"workdir": tmp_path}, rounds=2, iterations=1
    )
    assert made.bundle.digest == trained.bundle.digest


@pytest.mark.benchmark(group="training 28,000 rows of 34 features")
def test_bare_lightgbm(
    benchmark: BenchmarkFixture, task: Task, trained: Trained
) -> None:
    """One bare training of the same rounds: nothing held out, nothing proved."""
    settings = flat_settings(Path(), learning_rate=0.1)
    rounds = trained.bundle.manifest.rounds

    def train() -> lightgbm.Booster:
        parameters = parameters_of(settings.model, len(task.train), Style.FREE)
        return lightgbm.train(parameters, task.matrix.dataset(parameters), rounds)

    made = benchmark.pedantic(train, rounds=2, iterations=1)  # type: ignore[no-untyped-call]
    assert made.num_trees() == rounds


@pytest.mark.benchmark(group="training 28,000 rows of 34 features")
def test_bare_lightgbm_with_cross_validation(
    benchmark: BenchmarkFixture, task: Task
) -> None:
    """What a careful person runs: ``lightgbm.cv`` for the rounds, then one training."""
    settings = flat_settings(Path(), learning_rate=0.1)

    def train() -> lightgbm.Booster:
        parameters = parameters_of(settings.model, len(task.train), Style.FREE)
        stop: list[Any] = [lightgbm.early_stopping(60, verbose=False)]
        curve: dict[str, Any] = lightgbm.cv(
            parameters, task.matrix.dataset(parameters), 300,
            folds=iter(task.folds), callbacks=stop,
        )  # fmt: skip
        rounds = len(curve["valid binary_logloss-mean"])
        return lightgbm.train(parameters, task.matrix.dataset(parameters), rounds)

    made = benchmark.pedantic(train, rounds=2, iterations=1)  # type: ignore[no-untyped-call]
    assert made.num_trees() > 10


@pytest.mark.benchmark(group="1,000 rows explained, 300 trees of 31 leaves")
def test_explained_rows(
    benchmark: BenchmarkFixture, task: Task, bundle: Bundle
) -> None:
    """Contributions of a thousand leads from the bundle, features encoded too."""
    table = task.table.rows(slice(0, EXPLAINED))
    given = benchmark.pedantic(bundle.contributions, (table,), rounds=5, iterations=1)  # type: ignore[no-untyped-call]
    total = bundle.base + given.sum(axis=1)
    assert np.allclose(total, bundle.log_odds(table), atol=1e-9)


@pytest.mark.benchmark(group="1,000 rows explained, 300 trees of 31 leaves")
def test_shap_tree_explainer(
    benchmark: BenchmarkFixture, task: Task, bundle: Bundle
) -> None:
    """The same leads by ``shap.TreeExplainer``, made beforehand."""
    import shap

    table = task.table.rows(slice(0, EXPLAINED))
    matrix = bundle.catalog.encode(table)
    explainer = shap.TreeExplainer(bundle.booster)
    values = benchmark.pedantic(  # type: ignore[no-untyped-call]
        explainer.shap_values, (matrix,), rounds=5, iterations=1
    )
    raw = values + bundle.linear.contributions(matrix)
    moved = bundle.log_odds(table) - bundle.base
    expected = raw * (moved / raw.sum(axis=1))[:, None]
    assert np.allclose(bundle.contributions(table), expected, atol=1e-9)


@pytest.mark.benchmark(group="one lead, 300 trees of 31 leaves")
def test_one_lead_explained_in_words(
    benchmark: BenchmarkFixture, task: Task, bundle: Bundle
) -> None:
    """Log-odds, contributions and reasons in both languages."""
    table = task.table.rows(slice(0, 1))

    def explain() -> list[Explained]:
        odds = bundle.log_odds(table)
        return explained(bundle, table, bundle.contributions(table), odds)

    assert benchmark(explain)


@pytest.mark.benchmark(group="one lead, 300 trees of 31 leaves")
def test_one_lead_by_pyfunc(
    benchmark: BenchmarkFixture, task: Task, bundle: Bundle, tmp_path: Path
) -> None:
    """The prediction alone, by ``mlflow.pyfunc`` over the bare booster."""
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    columns = [f"n{place}" for place in range(FEATURES)]
    frame = pd.DataFrame(task.table.numbers[:1], columns=columns)
    signature = mlflow.models.infer_signature(frame, np.zeros(1))
    kept: Any = bundle.booster
    mlflow.lightgbm.save_model(
        kept, tmp_path / "m", signature=signature, pip_requirements=["lightgbm"]
    )
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "m"))
    answer = benchmark(loaded.predict, frame)
    assert 0 < answer[0] < 1
