from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from model.bundle.whole import Bundle
from model.promotion import champion
from pipelines.__main__ import app

CONFIG = """
[source]
kind = "table"
path = "{name}.csv"
outcome = "won"
[model]
name = "{name}"
rounds = 60
learning_rate = 0.1
[store]
folder = "{name}"
database = "sqlite:///{name}.db"
tracking = "sqlite:///mlruns/mlflow.db"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder whose companies share one MLflow database: it takes seconds."""
    return tmp_path_factory.mktemp("companies")


def company(folder: Path, name: str, *, leads: int, strength: float) -> Path:
    """Write a flat table of leads whose budget decides, and a configuration."""
    rng = np.random.default_rng(3)
    budget = rng.normal(0, 1, leads)
    won = rng.random(leads) < 1 / (1 + np.exp(1.0 - strength * budget))
    table = {"budget": budget, "size": rng.normal(0, 1, leads), "won": won}
    pl.DataFrame(table).write_csv(folder / f"{name}.csv")
    path = folder / f"{name}.toml"
    path.write_text(CONFIG.format(name=name))
    return path


def run(*words: str | Path) -> Result:
    """Run a verb as from the command line."""
    verb, config, *rest = map(str, words)
    return CliRunner().invoke(app, [verb, "--config", config, *rest])


@pytest.fixture(scope="module")
def trained(folder: Path) -> tuple[Path, Result]:
    """Train once on a company that nothing was ingested of."""
    config = company(folder, "good", leads=900, strength=2.0)
    return config, run("train", config)


def test_train_ingests_first_and_prints_the_proof(
    trained: tuple[Path, Result],
) -> None:
    """From a bare file to a registered challenger in one command, with intervals."""
    config, done = trained

    assert done.exit_code == 0
    for part in ("logloss", "base_logloss", "95 % interval", "version  1 (challenger)"):
        assert part in done.stdout
    bundle = Bundle.open(config.parent / "good" / "training" / "bundle")
    assert bundle.digest in done.stdout


def test_promote_says_what_was_compared_and_is_safe_to_repeat(
    trained: tuple[Path, Result],
) -> None:
    """The first promotion gives the numbers, the second has nothing to do."""
    config, _ = trained
    first, second = run("promote", config), run("promote", config)

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "better than knowing nothing: log-loss" in " ".join(first.stdout.split())
    assert "Gates of promotion" in first.stdout
    assert "ROC-AUC" in first.stdout
    assert "nothing to do" in second.stdout
    assert champion.read(config.parent / "good").version == "1"


def test_a_rollback_of_the_first_champion_is_refused(
    trained: tuple[Path, Result],
) -> None:
    """With nothing to go back to the exit code is that of a gate, and it is said."""
    config, _ = trained
    run("promote", config)

    done = run("promote", config, "--rollback")

    assert done.exit_code == 3
    assert "nothing to go back to" in done.stderr


def test_noise_is_trained_but_not_promoted(folder: Path) -> None:
    """A model of leads that convert at random never serves."""
    config = company(folder, "noise", leads=900, strength=0.0)

    assert run("train", config).exit_code == 0
    done = run("promote", config)

    assert done.exit_code == 3
    assert "not proved better than knowing nothing" in " ".join(done.stderr.split())
    assert not (folder / "noise" / "champion.json").exists()


def test_too_little_data_says_the_usual_rate_and_serves(folder: Path) -> None:
    """A handful of leads gives no model: what is missing is told, and may serve."""
    config = company(folder, "tiny", leads=60, strength=2.0)

    done, shown = run("train", config), run("snapshot", config)
    promoted = run("promote", config)

    for told in (done, shown):
        assert re.search(r"Not enough data: \d+ of 50 conversions", told.stdout)
    assert "proof    none" in done.stdout
    assert "Measured on test snapshots" not in done.stdout
    assert promoted.exit_code == 0
    assert "Nothing was proved" in " ".join(promoted.stdout.split())


def test_promote_without_ingest_says_what_to_do(folder: Path) -> None:
    """Before anything was ingested there is nothing to compare: exit code 4."""
    config = company(folder, "empty", leads=60, strength=2.0)

    assert run("promote", config).exit_code == 4
