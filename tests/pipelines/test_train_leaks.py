"""``train`` refuses a certain leak, and never keeps silent about a suspected one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from model.features.catalog import Words
from model.leaks.findings import Finding, Inspection
from pipelines.__main__ import app
from pipelines.train import show_leaks

WORDS = Words("filled for [40 %] of past leads", "заполнено у 40 %")
CONFIG = """
[source]
kind = "table"
path = "leads.csv"
outcome = "won"
"""


def test_a_certain_leak_ends_train_with_exit_code_3(tmp_path: Path) -> None:
    """The words name the field, what was measured, and the ways out."""
    rng = np.random.default_rng(1)
    won = rng.random(600) < 0.3
    frame = {"won": won, "age": rng.normal(40, 9, 600), "deal_sum": won * 9}
    pl.DataFrame(frame).write_csv(tmp_path / "leads.csv")
    config = tmp_path / "acme.toml"
    config.write_text(CONFIG)

    ended = CliRunner().invoke(app, ["train", "--config", str(config)])

    assert ended.exit_code == 3
    for word in ("LeakRefused", "deal_sum", "AUC 1.000", "exclude", "[model] trust"):
        assert word in ended.stderr


def test_what_is_set_aside_and_what_is_trusted_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each field is named with its evidence, and how to overrule."""
    found = (
        Finding("LK04", "survey", "suspected", WORDS),
        Finding("LK01", "score", "certain", WORDS, trusted=True),
    )
    show_leaks(Inspection(("LK01", "LK04"), found, ("score",)))

    said = capsys.readouterr().out
    for word in ("survey", "set aside", "score", "trusted", "LK04", "[40", "trust"):
        assert word in said


def test_nothing_found_is_said_too(capsys: pytest.CaptureFixture[str]) -> None:
    """Silence would not tell whether anybody looked."""
    show_leaks(Inspection(("LK01", "LK02")))

    assert "nothing found (LK01, LK02)" in capsys.readouterr().out
