"""What every bundle keeps, whatever it was learned from."""

from __future__ import annotations

import ast
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.model.invented import flat_settings, invented_task

import model
from leads.errors import BadInput, DamagedBundle
from model.bundle import whole as bundle_module
from model.bundle.check import verify_in_child
from model.bundle.manifest import FILES, MANIFEST, sha256
from model.bundle.predictor import Predictor
from model.bundle.whole import Bundle
from model.features.catalog import FeatureTable
from model.learning import Trained, learn
from model.reasons.explanation import shares

NUMBER = st.one_of(
    st.just(float("nan")), st.floats(-1e6, 1e6), st.sampled_from([0.0, 1.0, 1e300])
)
TEXT = st.sampled_from([None, "Казань", "Москва", "Omsk", "ads", "web", "", "\x00"])
ROWS = st.lists(
    st.tuples(st.lists(NUMBER, min_size=5, max_size=5), TEXT, TEXT),
    min_size=1,
    max_size=12,
)
SERVING = (
    "bundle.check", "bundle.child", "bundle.manifest", "bundle.reference",
    "bundle.whole", "change.split", "features.catalog", "features.phrases",
    "learners.calibration", "learners.forest", "learners.linear", "metrics",
    "outlook.amount", "outlook.curve", "outlook.forecast", "outlook.single",
    "outlook.spread", "points.record", "promotion.champion", "proof.anatomy",
    "proof.record", "reasons.explanation", "reasons.sentences", "reasons.similar",
    "tiers.borders",
)  # fmt: skip
"""Modules that a service imports, of this part."""

FORBIDDEN = {"cloudpickle", "dill", "joblib", "marshal", "mlflow", "pickle", "shelve"}
LAWFUL = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Learn a bundle whose calibration is not the identity, to show its slope."""
    folder = tmp_path_factory.mktemp("laws")
    task = invented_task(1_200, seed=2)
    short = flat_settings(folder, learning_rate=0.05, rounds=8)
    found = learn(task, short, workdir=folder)
    assert found.bundle.calibrator.kind != "identity"
    return found


def table_of(rows: list[tuple[list[float], str | None, str | None]]) -> FeatureTable:
    """Make a feature table of drawn rows."""
    texts = np.empty((len(rows), 2), dtype=object)
    for place, (_, city, source) in enumerate(rows):
        texts[place] = [city, source]
    return FeatureTable(np.array([numbers for numbers, _, _ in rows]), texts)


def frame_of(bundle: Bundle, table: FeatureTable) -> pd.DataFrame:
    """Make the DataFrame that MLflow would pass on."""
    names, count = bundle.catalog.names, table.numbers.shape[1]
    columns: dict[str, Any] = {
        name: table.numbers[:, i] for i, name in enumerate(names[:count])
    }
    columns |= {name: table.texts[:, i] for i, name in enumerate(names[count:])}
    return pd.DataFrame(columns)


@LAWFUL
@given(rows=ROWS)
def test_reasons_and_base_add_up(
    trained: Trained, rows: list[tuple[list[float], str | None, str | None]]
) -> None:
    """Base plus all fields' shares is the log-odds, to 1e-9, for any values."""
    bundle, table = trained.bundle, table_of(rows)

    _, summed = shares(bundle, bundle.contributions(table))

    total = bundle.base + summed.sum(axis=1)
    assert np.allclose(total, bundle.log_odds(table), rtol=0, atol=1e-9)


def test_contributions_are_those_of_shap(trained: Trained) -> None:
    """Each is the trees' Shapley value and the scorecard's price, scaled alike."""
    import shap  # seconds to import, and only this test needs it

    bundle = trained.bundle
    explainer = shap.TreeExplainer(bundle.booster)
    matrix = bundle.catalog.encode(trained.table)
    oracle = np.asarray(explainer.shap_values(matrix))

    prices = bundle.linear.contributions(matrix)
    raw = oracle + prices
    moved = bundle.log_odds(trained.table) - bundle.base
    expected = raw * (moved / raw.sum(axis=1))[:, None]
    assert np.ptp(oracle) > 0.1
    assert np.ptp(prices) > 0.1
    found = bundle.contributions(trained.table)
    assert not np.allclose(found, raw)
    assert np.allclose(found, expected, rtol=0, atol=1e-9)


@LAWFUL
@given(rows=ROWS, seed=st.integers(0, 2**32 - 1))
def test_order_and_batch_size_change_nothing(
    trained: Trained,
    rows: list[tuple[list[float], str | None, str | None]],
    seed: int,
) -> None:
    """A lead is predicted the same alone, among others, and in any order."""
    bundle, table = trained.bundle, table_of(rows)
    order = np.random.default_rng(seed).permutation(len(rows))
    together, given = bundle.log_odds(table), bundle.contributions(table)

    shuffled = table.rows(order)
    assert np.allclose(bundle.log_odds(shuffled), together[order], rtol=0, atol=1e-12)
    for row in range(len(rows)):
        alone = table.rows(slice(row, row + 1))
        assert abs(bundle.log_odds(alone)[0] - together[row]) <= 1e-12
        assert np.allclose(bundle.contributions(alone)[0], given[row], atol=1e-12)


def test_many_threads_predict_as_one(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether all cores predict or a single one, the bits are the same."""
    alone = trained.bundle.log_odds(trained.table)
    given = trained.bundle.contributions(trained.table)
    monkeypatch.setattr(bundle_module, "MANY_ROWS", 0)

    assert np.array_equal(trained.bundle.log_odds(trained.table), alone)
    assert np.array_equal(trained.bundle.contributions(trained.table), given)


def test_a_lead_of_which_nothing_is_known_is_answered(trained: Trained) -> None:
    """All features missing is a question like any other."""
    nothing = FeatureTable(np.full((1, 5), np.nan), np.full((1, 2), None, dtype=object))

    assert np.isfinite(trained.bundle.log_odds(nothing)).all()
    assert np.isfinite(trained.bundle.contributions(nothing)).all()


@pytest.mark.parametrize("missing", range(7))
def test_any_missing_feature_is_answered(trained: Trained, missing: int) -> None:
    """Each feature can be unknown for every lead."""
    numbers, texts = trained.table.numbers.copy(), trained.table.texts.copy()
    if missing < 5:
        numbers[:, missing] = np.nan
    else:
        texts[:, missing - 5] = None

    answer = trained.bundle.log_odds(FeatureTable(numbers, texts))
    assert np.isfinite(answer).all()


def test_a_bundle_round_trips_bit_for_bit(trained: Trained, tmp_path: Path) -> None:
    """A copy in another folder has the same digest and predicts the same bits."""
    shutil.copytree(trained.bundle.path, tmp_path / "copy")

    copy = Bundle.open(tmp_path / "copy", digest=trained.bundle.digest)

    assert copy.digest == trained.bundle.digest
    assert np.array_equal(copy.log_odds(trained.table), trained.log_odds)
    assert copy.catalog == trained.bundle.catalog
    assert copy.reference == trained.bundle.reference
    assert copy.borders == trained.bundle.borders
    copy.check_golden_rows()


@LAWFUL
@given(rows=ROWS, order=st.permutations(range(7)))
def test_the_pyfunc_path_predicts_the_same(
    trained: Trained,
    rows: list[tuple[list[float], str | None, str | None]],
    order: list[int],
) -> None:
    """MLflow's way in gives the bundle's log-odds to 1e-12, columns in any order."""
    bundle, table = trained.bundle, table_of(rows)
    frame = frame_of(bundle, table).assign(unknown_column=1)

    answer = Predictor(bundle).predict(frame.iloc[:, [7, *order]])

    log_odds = bundle.log_odds(table)
    assert np.allclose(answer["log_odds"], log_odds, rtol=0, atol=1e-12)
    odds = np.log(answer["probability"]) - np.log1p(-answer["probability"])
    assert np.allclose(odds, log_odds, atol=1e-6)
    tiers = [bundle.borders.tier_of(chance) for chance in answer["probability"]]
    assert answer["tier"].tolist() == tiers


def test_the_pyfunc_path_refuses_missing_columns(trained: Trained) -> None:
    """Columns are taken by name, and all that are missing are named."""
    frame = frame_of(trained.bundle, trained.table).drop(columns=["city", "budget"])

    with pytest.raises(BadInput, match=r"(?s)'budget'.*'city'"):
        Predictor(trained.bundle).predict(frame)


def test_a_bundle_holds_text_alone(trained: Trained) -> None:
    """Known files, UTF-8, none of them pickle or code."""
    files = sorted(trained.bundle.path.iterdir())

    learned = ["outlook.json", "spread.txt"]  # a flat table has neither times nor money
    assert [file.name for file in files] == sorted([*FILES, *learned, MANIFEST])
    for file in files:
        text = file.read_bytes().decode()
        assert text.startswith("tree" if file.suffix == ".txt" else "{")


def parsed(name: str) -> ast.Module:
    """Parse a module of ``model``."""
    path = Path(model.__path__[0], *name.split(".")).with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.AST) -> Iterator[str]:
    """Name the top-level packages that a module imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("name", SERVING)
def test_the_serving_path_unpickles_nothing(name: str) -> None:
    """No module that a service imports knows pickle, joblib or MLflow."""
    tree = parsed(name)

    assert not FORBIDDEN & set(imported(tree))
    called = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    assert not {"eval", "exec", "__import__"} & called


def test_the_serving_path_imports_only_itself() -> None:
    """Whatever these modules import of ``model`` is on the list that is checked."""
    for name in SERVING:
        for node in ast.walk(parsed(name)):
            if isinstance(node, ast.ImportFrom) and node.module:
                package, _, inner = node.module.partition(".")
                if package == "model" and inner:
                    assert inner in SERVING


@settings(LAWFUL, max_examples=120)
@given(
    file=st.sampled_from([*FILES, "outlook.json", "spread.txt", MANIFEST]),
    place=st.floats(0, 1, exclude_max=True),
    flip=st.integers(1, 255),
)
def test_damage_is_refused_before_parsing(
    trained: Trained,
    tmp_path_factory: pytest.TempPathFactory,
    file: str,
    place: float,
    flip: int,
) -> None:
    """A single flipped bit in any file is refused, and LightGBM never sees it."""
    folder = tmp_path_factory.mktemp("damaged") / "bundle"
    shutil.copytree(trained.bundle.path, folder)
    content = bytearray((folder / file).read_bytes())
    content[int(place * len(content))] ^= flip
    (folder / file).write_bytes(content)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lightgbm.Booster", _never_parse)
        with pytest.raises(DamagedBundle, match="damaged"):
            Bundle.open(folder, digest=trained.bundle.digest)


def _never_parse(**_: object) -> None:
    raise AssertionError("a damaged booster was parsed")


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.999])
def test_a_truncated_booster_is_refused(
    trained: Trained, tmp_path: Path, keep: float
) -> None:
    """A copy that was cut short is refused by name."""
    folder = tmp_path / "bundle"
    shutil.copytree(trained.bundle.path, folder)
    content = (folder / "booster.txt").read_bytes()
    (folder / "booster.txt").write_bytes(content[: int(keep * len(content))])

    with pytest.raises(DamagedBundle, match=re.escape("booster.txt was changed")):
        Bundle.open(folder)


def test_all_faults_are_named_at_once(trained: Trained, tmp_path: Path) -> None:
    """A missing, a changed and a foreign file are told together."""
    folder = tmp_path / "bundle"
    shutil.copytree(trained.bundle.path, folder)
    (folder / "tiers.json").unlink()
    (folder / "catalog.json").write_text("{}")
    (folder / "extra.pkl").write_bytes(b"\x80")

    with pytest.raises(DamagedBundle) as refused:
        Bundle.open(folder)
    assert "tiers.json is missing" in str(refused.value)
    assert "catalog.json was changed" in str(refused.value)
    assert "extra.pkl does not belong there" in str(refused.value)


def test_a_child_passes_a_whole_bundle_and_refuses_a_damaged_one(
    trained: Trained, tmp_path: Path
) -> None:
    """The same folder passes until it is damaged; the refusal is told in words."""
    folder = tmp_path / "bundle"
    shutil.copytree(trained.bundle.path, folder)
    verify_in_child(folder)
    (folder / "booster.txt").write_text("tree\n")

    with pytest.raises(DamagedBundle, match=r"booster\.txt was changed"):
        verify_in_child(folder)


def test_a_child_that_dies_does_not_take_the_caller_along(
    trained: Trained, tmp_path: Path
) -> None:
    """A booster that was damaged before it was signed kills only the child."""
    folder = resigned(
        trained, tmp_path, lambda text: text.replace("leaf_value=", "leaf_value=00", 1)
    )

    with pytest.raises(DamagedBundle, match=r"trial process ended with -\d"):
        verify_in_child(folder)


def test_golden_rows_find_a_booster_that_predicts_otherwise(
    trained: Trained, tmp_path: Path
) -> None:
    """Trees that parse but predict another number are refused by the golden rows."""
    folder = resigned(
        trained,
        tmp_path,
        lambda text: re.sub(
            r"(leaf_value=-?0\.\d{6})(\d)", lambda m: m[1] + str(9 - int(m[2])), text
        ),
    )

    with pytest.raises(DamagedBundle, match="golden rows"):
        verify_in_child(folder)


def test_a_child_that_hangs_is_given_up(trained: Trained) -> None:
    """A child that does not end in time is a refusal, not a wait."""
    with pytest.raises(DamagedBundle, match=r"took over 0\.01 s"):
        verify_in_child(trained.bundle.path, seconds=0.01)


def resigned(trained: Trained, folder: Path, change: Callable[[str], str]) -> Path:
    """Change the booster and sign it, as a faulty trainer would."""
    copy = folder / "bundle"
    shutil.copytree(trained.bundle.path, copy)
    text = change((copy / "booster.txt").read_text())
    assert text != (copy / "booster.txt").read_text()
    (copy / "booster.txt").write_text(text)
    manifest = json.loads((copy / MANIFEST).read_text())
    manifest["files"]["booster.txt"] = sha256(text.encode())
    (copy / MANIFEST).write_text(json.dumps(manifest))
    return copy
