"""T20: no room for a new model. The old one serves, and the command says what to do.

Store and MLflow lie on a small file system, which is full when a model is trained, and
when it is promoted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from fastapi.testclient import TestClient
from tests.pipelines.test_no_space import disk, full
from tests.pipelines.test_train import company, run
from typer.testing import Result

from leads.settings import read_settings
from model.bundle.whole import Bundle
from model.promotion import champion
from serve.app import create_app

__all__ = ["disk"]

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LEAD = {"lead_id": "new", "fields": {"budget": 1.0, "size": 0.0}}


def command(verb: str, config: Path) -> Result:
    """Run a verb, and take back the terminal that it logged to."""
    done = run(verb, config)
    structlog.reset_defaults()
    return done


@pytest.mark.long
@pytest.mark.parametrize("left", [0, 300_000])
def test_a_model_that_finds_no_room_leaves_the_old_one_serving(
    disk: Path, left: int
) -> None:
    """Training and promoting end with 4 and a way out; with room both go on."""
    config = company(disk, "small", leads=900, strength=2.0)
    store = read_settings(config).store.folder
    # The base rate is calibrated as nothing else, and serves first.
    borne = "[promotion]\nmost_ece_loss = 1.0\n"
    text = config.read_text(encoding="utf-8") + borne
    poor = text.replace("[model]", '[model]\nexclude = ["budget"]')
    config.write_text(poor, encoding="utf-8")
    assert command("train", config).exit_code == 0
    # So poor that it would not pass the gate: it is put there by hand.
    before = champion.set_champion(store, store / "training" / "bundle", "1", NOW)
    config.write_text(text, encoding="utf-8")

    with TestClient(create_app(read_settings(config))) as client:
        with full(disk, left=left):
            trained = command("train", config)
            said = client.post("/v1/predict", json=LEAD)
        again = command("train", config)
        with full(disk, left=0):
            promoted = command("promote", config)
            told = client.post("/v1/predict", json=LEAD)
    held = champion.read(store)
    Bundle.open(held.path, digest=held.digest).check_golden_rows()
    at_last = command("promote", config)

    for refused in (trained, promoted):
        assert refused.exit_code == 4, refused.output
        words = " ".join(refused.output.split())
        assert "full or read-only" in words
        assert "Make room" in words
    assert {one.json()["model_version"] for one in (said, told)} == {"1"}
    assert held == before
    assert (again.exit_code, at_last.exit_code) == (0, 0)
    assert champion.read(store).version == "2"
