from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl
import pytest
from tests.strategies import random_tables
from typer.testing import CliRunner

from leads.settings import Settings, read_settings
from model.survey.datacard import DataCard
from pipelines.__main__ import app
from pipelines.snapshot import FILE, snapshot_leads


@pytest.fixture
def company(tmp_path: Path) -> Settings:
    """Export a company of forty leads and say where."""
    tables = random_tables(1, leads=40)
    for name in ("leads", "events", "stages", "payments", "field_changes"):
        tables[name].write_parquet(tmp_path / f"{name}.parquet")
    return read_settings(_write(tmp_path))


def digests(folder: Path) -> dict[str, str]:
    """Hash every file of a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_snapshots_and_card_are_kept_and_doing_it_again_changes_nothing(
    company: Settings,
) -> None:
    """The stage is safe to repeat: the same files, byte for byte, and none besides."""
    folder = company.store.folder
    made = snapshot_leads(company)
    first = digests(folder)

    snapshot_leads(company)

    assert digests(folder) == first
    assert pl.read_parquet(folder / FILE).equals(made.snapshots)
    assert DataCard.load(folder) == made.card
    assert made.card.leads == 40


def test_the_verb_prints_the_data_card(company: Settings, tmp_path: Path) -> None:
    """Leads, maturity, fields, snapshots, and what was left out and why."""
    config = _write(tmp_path)

    done = CliRunner().invoke(app, ["snapshot", "--config", str(config)])

    assert done.exit_code == 0
    for words in (
        "Data of company", "How fast leads convert", "Days to conversion",
        "Card fields", "Funnels", "stage_change", "lead was closed",
    ):  # fmt: skip
        assert words in done.stdout


def test_a_source_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Exit code 2, naming what is missing, and nothing is kept."""
    config = _write(tmp_path)

    done = CliRunner().invoke(app, ["snapshot", "--config", str(config)])

    assert done.exit_code == 2
    assert "no file of leads" in done.stderr
    assert not (tmp_path / "store" / FILE).exists()


def _write(folder: Path) -> Path:
    path = folder / "company.toml"
    path.write_text(
        '[source]\nkind = "files"\nfolder = "."\n[store]\nfolder = "store"\n'
        '[funnel]\nwon = ["won"]\nlost = ["lost"]\n'
    )
    return path
