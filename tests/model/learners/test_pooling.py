from __future__ import annotations

from pathlib import Path

import lightgbm
import numpy as np
import pytest
from tests.model.invented import flat_settings
from tests.model.learners.pipelines import three_pipelines

from model.bundle.check import verify_in_child
from model.learners.boosting import Matrix
from model.learners.forest import Only, merged, only_for
from model.learners.pooling import Seen, deserving, grow_own
from model.learning import learn
from model.metrics import row_losses

RNG = np.random.default_rng(5)


def seen(*, odd: bool, part: float = 0.15) -> Seen:
    """Let a whole model that knows no pipelines have said its word of every row."""
    task = three_pipelines(odd=odd, part=part)
    values = task.catalog.encode(task.table)
    whole = 0.7 * (values[:, 0] - 2.0) - 1.0
    rows = np.arange(len(whole))
    matrix = Matrix(values, task.labels, task.catalog.text_columns)
    return Seen(matrix, values.shape[1] - 1, rows, whole, rows % 3, rows)


def test_only_the_odd_pipeline_has_a_model_of_its_own() -> None:
    """Where visits speak against leads of partners, they alone get their own trees."""
    found = deserving(seen(odd=True), seed=7)

    assert [own.code for own in found] == [2]
    assert found[0].gain > 0.1


def test_pipelines_of_one_kind_share_one_model() -> None:
    """Where every pipeline follows the whole, none has a model of its own."""
    assert deserving(seen(odd=False), seed=7) == ()


def test_a_pipeline_with_few_leads_borrows() -> None:
    """With fewer than fifty leads of an outcome, even an odd pipeline has to wait."""
    few = seen(odd=True, part=0.02)

    assert (few.matrix.values[:, few.pipeline] == 2).sum() > 60
    assert deserving(few, seed=7) == ()


def test_own_trees_help_on_rows_they_never_saw() -> None:
    """The correction lowers the odd pipeline's loss out of fold, others stay put."""
    rows = seen(odd=True)
    own = deserving(rows, seed=7)[0]

    partners = rows.matrix.values[:, rows.pipeline] == 2
    before = row_losses(rows.log_odds, rows.labels)
    after = row_losses(rows.log_odds + own.log_odds, rows.labels)
    assert after[partners].mean() < before[partners].mean() - 0.1
    assert not own.log_odds[~partners].any()


def test_no_row_is_corrected_by_its_own_outcome() -> None:
    """Turning a fold's outcomes leaves what own trees add to this fold as it was."""
    from model.learners.pooling import _crossed

    mine = seen(odd=True).of(2)
    turned = mine.matrix.labels.copy()
    turned[mine.rows[mine.folds == 0]] = 1 - turned[mine.rows[mine.folds == 0]]
    matrix = Matrix(mine.matrix.values, turned, mine.matrix.categorical)
    other = Seen(
        matrix, mine.pipeline, mine.rows, mine.log_odds, mine.folds, mine.leads
    )

    honest, second = _crossed(mine, (25,), 7)[0], _crossed(other, (25,), 7)[0]
    first = mine.folds == 0
    assert np.array_equal(honest[first], second[first])
    assert not np.array_equal(honest[~first], second[~first])


def test_own_trees_speak_of_their_pipeline_alone() -> None:
    """Grown on all its rows, they give every other pipeline nought, and no unknown."""
    rows = seen(odd=True)
    text = grow_own(rows, deserving(rows, seed=7)[0], seed=7)
    booster = lightgbm.Booster(model_str=text)
    values = rows.matrix.values[:300].copy()
    values[::3, rows.pipeline] = np.nan

    given = booster.predict(values, raw_score=True)
    partners = values[:, rows.pipeline] == 2
    assert not given[~partners].any()
    assert np.abs(given[partners]).min() > 0


@pytest.mark.parametrize("least", [5, 5_000])
@pytest.mark.parametrize("code", [1, 31, 32, 40])
def test_hung_trees_say_what_they_said(least: int, code: int) -> None:
    """Trees with splits or none, hung under any code, explain exactly and add up."""
    values = np.column_stack(
        [RNG.normal(size=900), RNG.integers(0, 3, 900), RNG.integers(1, 45, 900)]
    ).astype(float)
    values[::7, 0] = np.nan
    labels = (np.nan_to_num(values[:, 0]) + (values[:, 1] == 2) > 0.4).astype(float)
    parameters = {
        "objective": "binary", "num_leaves": 5, "min_data_in_leaf": least,
        "min_data_per_group": 5, "num_threads": 1, "verbosity": -1,
    }  # fmt: skip
    data = lightgbm.Dataset(values, labels, categorical_feature=[1, 2])
    plain = lightgbm.train(parameters, data, 4)
    text = plain.model_to_string()
    hung = lightgbm.Booster(model_str=only_for(text, Only(2, code, 800)))
    both = lightgbm.Booster(
        model_str=merged([text, only_for(text, Only(2, code, 800))], [1.0, 2.0])
    )

    said = plain.predict(values, raw_score=True)
    chosen = np.where(values[:, 2] == code, said, 0.0)
    assert np.array_equal(hung.predict(values, raw_score=True), chosen)
    shares = hung.predict(values, pred_contrib=True)
    assert np.allclose(np.sum(shares, axis=1), chosen, atol=1e-12)
    total = both.predict(values, raw_score=True)
    assert np.allclose(total, said + 2.0 * chosen, atol=1e-12)


def test_an_own_model_travels_in_the_bundle(tmp_path: Path) -> None:
    """A bundle with own trees opens in a child, explains exactly, and is on record."""
    task = three_pipelines(odd=True)
    with pytest.MonkeyPatch.context() as patch:
        # The regression alone knows no interplay, so partners need trees of their own.
        patch.setattr(
            "model.learners.ladder._weights", lambda *_: np.array([1.0, 0.0, 0.0])
        )
        made = learn(task, flat_settings(tmp_path), workdir=tmp_path)

    verify_in_child(made.bundle.path)
    chosen = made.bundle.manifest.settings["chosen"]
    assert chosen["own_models"]["partners"]["gain"] > 0.1
    total = made.bundle.base + made.bundle.contributions(made.table).sum(axis=1)
    assert np.allclose(total, made.log_odds, rtol=0, atol=1e-9)
    partners = task.table.texts[task.test, -1] == "partners"
    visits = made.table.numbers[partners, 0]
    assert np.corrcoef(visits, made.log_odds[partners])[0, 1] < -0.5
