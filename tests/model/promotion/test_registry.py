from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.model.invented_history import company_settings, invented_history

from leads.errors import NoModel, OtherFormat, PromotionRefused, Unavailable
from leads.history import History
from leads.settings import Settings
from model.bundle import check
from model.bundle.whole import Bundle
from model.learning import Trained
from model.promotion import champion, registry
from model.promotion.evaluation import Verdict
from model.promotion.registry import promote, register, roll_back
from model.promotion.trial import trial
from model.training import train

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Shelf:
    """Three models registered in one database: a poor one, a good one and its twin."""

    database: Path
    poor: Trained
    good: Trained
    twin: Trained


@pytest.fixture(scope="session")
def history() -> History:
    """Invent a company large enough to tell a poor model from a good one."""
    return invented_history(leads=2_400)


@pytest.fixture(scope="session")
def shelf(history: History, tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Train and register once: MLflow's database alone takes seconds to make."""
    folder = tmp_path_factory.mktemp("shelf")
    settings = company_settings(folder)
    Path(folder / "mlruns").mkdir()
    unlike: dict[str, dict[str, object]] = {
        "poor": {"exclude": ["owner", "source"]}, "good": {}, "twin": {"seed": 8},
    }  # fmt: skip
    made = {}
    for name, model in unlike.items():
        asked = company_settings(folder, **model)
        made[name] = train(history, asked, workdir=folder / name)
        register(made[name], settings)
    return Shelf(folder / "mlruns" / "mlflow.db", **made)


@pytest.fixture
def settings(tmp_path: Path, shelf: Shelf) -> Settings:
    """Make settings with a copy of the shelf's registry and an empty store."""
    (tmp_path / "mlruns").mkdir()
    shutil.copy(shelf.database, tmp_path / "mlruns" / "mlflow.db")
    return company_settings(tmp_path)


@pytest.fixture(autouse=True)
def _no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check bundles in this process: the child has tests of its own, and is slow."""
    for module in (check, registry):
        monkeypatch.setattr(
            module,
            "verify_in_child",
            lambda path: Bundle.open(path).check_golden_rows(),
        )


def rows_of(settings: Settings, query: str) -> list[tuple[Any, Any]]:
    """Ask MLflow's database itself."""
    path = settings.store.tracking.removeprefix("sqlite:///")
    with sqlite3.connect(path) as database:
        return database.execute(query).fetchall()


def aliases_of(settings: Settings) -> list[tuple[str, int]]:
    """Ask MLflow's database which version bears which alias."""
    found = rows_of(settings, "select alias, version from registered_model_aliases")
    return sorted(found)


def test_a_training_is_remembered_whole(shelf: Shelf, settings: Settings) -> None:
    """Parameters, metrics with intervals, digests and pictures are in the run."""
    good = shelf.good
    tags = "select run_uuid from tags where key = 'bundle_digest' and value = "
    run = f"where run_uuid in ({tags} '{good.bundle.digest}')"

    metrics = dict(rows_of(settings, f"select key, value from metrics {run}"))
    for name, measured in good.metrics.items():
        assert metrics[name] == pytest.approx(measured.value)
        assert metrics[f"{name}_low"] == pytest.approx(measured.low)
        assert metrics[f"{name}_high"] == pytest.approx(measured.high)
    params = dict(rows_of(settings, f"select key, value from params {run}"))
    assert params["model.learning_rate"] == "0.1"
    assert params["conversion.horizon_days"] == "14"
    found = dict(rows_of(settings, f"select key, value from tags {run}"))
    assert found["data_digest"] == good.bundle.manifest.data_digest
    assert found["catalog_digest"] == good.bundle.catalog.digest
    assert found["git_dirty"] == (good.bundle.manifest.git_dirty or "no")
    assert {"python", "package.lightgbm", "threads"} <= set(found)
    assert any(name.startswith("worth_") for name in metrics)


def test_artifacts_lie_beside_the_database(shelf: Shelf) -> None:
    """Pictures and bundles are under the folder of the database, and no pickle."""
    folder = shelf.database.parent / "artifacts"

    assert len(list(folder.rglob("pictures/*.png"))) == 3 * 5
    for language in ("en", "ru"):
        assert len(list(folder.rglob(f"card.{language}.html"))) == 3
    assert len(list(folder.rglob("settings.json"))) == 3
    kept = {Bundle.open(m.parent).digest for m in folder.rglob("manifest.json")}
    made = (shelf.poor, shelf.good, shelf.twin)
    assert kept == {trained.bundle.digest for trained in made}
    assert not list(folder.rglob("*.pkl"))


def test_registering_again_is_the_same_version(
    shelf: Shelf, settings: Settings
) -> None:
    """A bundle that is registered already gets no second version and no second run."""
    assert register(shelf.good, settings) == "2"
    assert register(shelf.poor, settings) == "1"

    assert rows_of(settings, "select count(*), 0 from runs") == [(3, 0)]
    assert ("challenger", 1) in aliases_of(settings)


def test_without_training_there_is_nothing_to_promote(
    history: History, settings: Settings
) -> None:
    """A company without a challenger is told to train first."""
    model = settings.model.model_copy(update={"name": "another"})

    with pytest.raises(NoModel, match="No challenger of 'another'"):
        promote(settings.model_copy(update={"model": model}), history, now=NOW)


def test_the_pyfunc_model_predicts_as_the_bundle(
    shelf: Shelf, history: History, settings: Settings
) -> None:
    """``models:/<name>@champion`` predicts a DataFrame, to 1e-12 as the bundle does."""
    import mlflow

    register(shelf.good, settings)
    promote(settings, history, now=NOW)
    mlflow.set_tracking_uri(settings.store.tracking)
    loaded = mlflow.pyfunc.load_model("models:/leadcast@champion")
    catalog, table = shelf.good.bundle.catalog, shelf.good.table
    names, count = catalog.names, table.numbers.shape[1]
    frame = pd.DataFrame(table.numbers, columns=list(names[:count]))
    for place, name in enumerate(names[count:]):
        frame[name] = table.texts[:, place]

    answer = loaded.predict(frame)

    expected = shelf.good.log_odds
    assert np.allclose(answer["log_odds"], expected, rtol=0, atol=1e-12)
    assert set(answer["tier"]) <= {"hot", "warm", "cold"}


def test_a_first_promotion_sets_pointer_and_alias(
    shelf: Shelf, history: History, settings: Settings
) -> None:
    """The store's pointer and MLflow's alias name the same version."""
    register(shelf.good, settings)

    done = promote(settings, history, now=NOW)

    assert (done.version, done.changed) == ("2", True)
    assert champion.read(settings.store.folder).digest == shelf.good.bundle.digest
    assert aliases_of(settings) == [("challenger", 2), ("champion", 2)]


def test_a_champion_of_another_version_does_not_stand_in_the_way(
    shelf: Shelf, history: History, settings: Settings, tmp_path: Path
) -> None:
    """What an upgrade cannot read stays out of the trial of a challenger."""
    old = tmp_path / "old"
    shutil.copytree(shelf.poor.bundle.path, old)
    manifest = json.loads((old / "manifest.json").read_text(encoding="utf-8"))
    (old / "manifest.json").write_text(json.dumps(manifest | {"format": 1, "new": 0}))
    digest = hashlib.sha256((old / "manifest.json").read_bytes()).hexdigest()
    kept = settings.store.folder / "bundles" / digest
    shutil.copytree(old, kept)
    term = {"version": "1", "digest": digest, "promoted_at": NOW.isoformat()}
    pointer = {"terms": [term], "undone": []}
    (settings.store.folder / champion.POINTER).write_text(json.dumps(pointer))
    with pytest.raises(OtherFormat, match=r"format 1.*Train and promote"):
        Bundle.open(kept, digest=digest)

    register(shelf.good, settings)
    done = promote(settings, history, now=NOW)

    assert done.changed
    assert champion.read(settings.store.folder).digest == shelf.good.bundle.digest


def test_promoting_the_champion_again_is_nothing_to_do(
    shelf: Shelf, history: History, settings: Settings
) -> None:
    """A repeat changes nothing and is no failure."""
    register(shelf.good, settings)
    promote(settings, history, now=NOW)

    again = promote(settings, history, now=NOW)

    assert not again.changed
    assert "serves already" in again.words


def test_an_equal_challenger_is_refused_and_the_champion_stays(
    shelf: Shelf, history: History, settings: Settings
) -> None:
    """A model of another seed cannot be told from the champion: refused, in numbers."""
    register(shelf.good, settings)
    promote(settings, history, now=NOW)
    register(shelf.twin, settings)

    with pytest.raises(PromotionRefused, match=r"Version 3 was not promoted.*log-loss"):
        promote(settings, history, now=NOW)
    assert champion.read(settings.store.folder).version == "2"
    assert ("champion", 2) in aliases_of(settings)


def better_after_poor(shelf: Shelf, history: History, settings: Settings) -> None:
    """Let the poor model serve, then the good one in its place."""
    # So poor that it would not pass the gate: it is put there by hand.
    poor = shelf.poor.bundle.path
    champion.set_champion(settings.store.folder, poor, "1", NOW)
    register(shelf.good, settings)
    assert promote(settings, history, now=NOW).version == "2"


def test_a_better_challenger_serves_and_can_be_rolled_back(
    shelf: Shelf, history: History, settings: Settings
) -> None:
    """A far better model replaces a poor one; a rollback brings the poor one back."""
    better_after_poor(shelf, history, settings)
    assert champion.read(settings.store.folder).version == "2"

    back = roll_back(settings, now=NOW)

    assert back.version == champion.read(settings.store.folder).version == "1"
    assert ("champion", 1) in aliases_of(settings)


def test_a_rollback_takes_effect_while_mlflow_is_down(
    shelf: Shelf, history: History, settings: Settings, tmp_path: Path
) -> None:
    """The pointer is swapped before the registry is asked, and the words say so."""
    better_after_poor(shelf, history, settings)
    (tmp_path / "file").touch()
    nowhere = f"sqlite:///{tmp_path / 'file' / 'mlflow.db'}"
    down = settings.store.model_copy(update={"tracking": nowhere})

    with pytest.raises(Unavailable, match=r"Version 1 serves again\. MLflow was not"):
        roll_back(settings.model_copy(update={"store": down}), now=NOW)
    assert champion.read(settings.store.folder).version == "1"


@pytest.mark.parametrize("step", ["_log_bundle", "set_model_version_tag"])
def test_a_crash_while_registering_doubles_nothing(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Wherever registering dies, a repeat ends with one run and one version."""
    (tmp_path / "mlruns").mkdir()
    shutil.copy(shelf.database, tmp_path / "mlruns" / "mlflow.db")
    model = company_settings(tmp_path).model.model_copy(update={"name": "crashed"})
    settings = company_settings(tmp_path).model_copy(update={"model": model})
    from mlflow import MlflowClient

    owner: Any = registry if step == "_log_bundle" else MlflowClient
    with monkeypatch.context() as dying:
        dying.setattr(owner, step, dies)
        with pytest.raises(ConnectionError):
            register(shelf.good, settings)

    assert register(shelf.good, settings) == "1"
    assert register(shelf.good, settings) == "1"
    versions = "select count(*), 0 from model_versions where name = 'crashed'"
    assert rows_of(settings, versions) == [(1, 0)]
    runs = (
        "select count(*), 0 from runs r join experiments e using (experiment_id)"
        " where e.name like '%/crashed'"
    )
    assert rows_of(settings, runs) == [(1, 0)]


def dies(*_: object, **__: object) -> None:
    """Stand for a machine that goes away."""
    raise ConnectionError


def losing_to_points(bundle: Bundle, folder: Path) -> Bundle:
    """Copy a bundle whose training found points to be better."""
    shutil.copytree(bundle.path, folder)
    proof = bundle.read_proof()
    assert proof.rival is not None
    met = replace(proof.rival.in_loss, gain=0.02, low=0.01, high=0.03)
    lost = replace(proof, rival=replace(proof.rival, against=(met,)))
    (folder / "proof.json").write_text(lost.to_json(), encoding="utf-8")
    return replace(bundle, path=folder)


def test_points_are_asked_of_first_and_later_models(
    shelf: Shelf, history: History, settings: Settings, tmp_path: Path
) -> None:
    """Who lost to points is refused whatever serves, who beat them is not."""
    worse = losing_to_points(shelf.good.bundle, tmp_path / "worse")
    poor, good = shelf.poor.bundle, shelf.good.bundle

    verdicts = {
        (name, against is None): trial(
            history, settings, challenger=asked, champion=against
        )
        for name, asked in (("worse", worse), ("good", good))
        for against in (None, poor)
    }

    assert {at: one.passed for at, one in verdicts.items()} == {
        ("worse", True): False, ("worse", False): False,
        ("good", True): True, ("good", False): True,
    }  # fmt: skip
    for verdict in verdicts.values():
        assert [one.name for one in verdict.gates][-1] == "scorecard"
    assert "Refused for scorecard" in verdicts["worse", True].words


def test_too_few_data_are_not_asked_for_more_than_points(
    shelf: Shelf, history: History, settings: Settings, tmp_path: Path
) -> None:
    """The usual rate serves where nothing better does: points are then the answer."""
    worse = losing_to_points(shelf.good.bundle, tmp_path / "worse")
    thin = replace(worse, manifest=replace(worse.manifest, enough=False))

    assert trial(history, settings, challenger=thin, champion=None).passed


def test_age_alone_publishes_nothing(
    shelf: Shelf, history: History, settings: Settings
) -> None:
    """A champion five years old stays, if its challenger is no better."""
    register(shelf.good, settings)
    promote(settings, history, now=NOW - timedelta(days=5 * 365))
    register(shelf.twin, settings)

    with pytest.raises(PromotionRefused, match="was not promoted"):
        promote(settings, history, now=NOW)
    assert champion.read(settings.store.folder).version == "2"


def test_a_verdict_is_told_and_kept_whichever_way_it_goes(
    shelf: Shelf, history: History, settings: Settings
) -> None:
    """Every gate is a tag of the version, and the whole verdict lies with its run."""
    told: list[Verdict] = []
    register(shelf.good, settings)
    promote(settings, history, now=NOW, tell=told.append)
    register(shelf.twin, settings)
    with pytest.raises(PromotionRefused):
        promote(settings, history, now=NOW, tell=told.append)
    query = "select key, value from model_version_tags where version = "

    assert [verdict.passed for verdict in told] == [True, False]
    kept = dict(rows_of(settings, f"{query} 2"))
    assert (kept["verdict"], kept["gate_log-loss"]) == ("passed", "passed")
    refused = dict(rows_of(settings, f"{query} 3"))
    assert (refused["verdict"], refused["why"]) == ("failed", told[1].words)
    assert {f"gate_{gate.name}" for gate in told[1].gates} <= set(refused)
    assert "gate_tiers" in refused
    folder = shelf.database.parent / "artifacts"
    verdicts = [path.read_text() for path in folder.rglob("promotion/verdict.json")]
    assert told[1].to_json() in verdicts
