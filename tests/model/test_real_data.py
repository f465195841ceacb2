"""Learning on public flat tables: near the best known marks, and noise is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crm.export import open_source
from leads.history import History
from leads.settings import Settings
from model.learning import Trained
from model.promotion.trial import trial
from model.training import train


def flat(real_data: Path, name: str, folder: Path) -> tuple[History, Settings]:
    """Open a set's flat table without the columns that are known to leak."""
    described = json.loads((real_data / name / "table.json").read_text())
    settings = Settings.model_validate(
        {
            "source": {
                "kind": "table",
                "path": str(real_data / name / "table.parquet"),
                "outcome": "y",
                "exclude": described["leak"],
                "holdout": {"column": "split", "value": "test"},
            },
            "conversion": {"kind": "outcome"},
            "store": {"folder": str(folder / "store")},
        }
    )
    return History(open_source(settings).read()), settings


def learned(real_data: Path, name: str, folder: Path) -> Trained:
    """Learn with nothing but the defaults."""
    history, settings = flat(real_data, name, folder)
    return train(history, settings, workdir=folder)


@pytest.mark.parametrize(
    ("name", "best_known", "auc"),
    [("bpi2012", 0.5637, 0.6934), ("online_retail", 0.5925, 0.7440)],
)
def test_defaults_come_near_the_best_known_marks(
    real_data: Path, tmp_path: Path, name: str, best_known: float, auc: float
) -> None:
    """Log-loss within 2 % and ROC-AUC within 0.01 of stacked ensembles, same split."""
    found = learned(real_data, name, tmp_path).metrics

    assert found["logloss"].value < best_known * 1.02
    assert found["auc"].value > auc - 0.01


def test_noise_that_looks_like_a_crm_is_refused(
    real_data: Path, tmp_path: Path
) -> None:
    """Won and lost of this set are noise: the honest answer is not to promote."""
    history, settings = flat(real_data, "maven_crm", tmp_path)
    made = train(history, settings, workdir=tmp_path)

    verdict = trial(history, settings, challenger=made.bundle, champion=None)

    assert not verdict.passed
    assert made.metrics["auc"].value == pytest.approx(0.5, abs=0.04)
