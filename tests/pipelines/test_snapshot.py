from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl
import pytest
from tests.strategies import random_tables
from typer.testing import CliRunner

from leads.settings import Settings, read_settings
from leads.store import save
from model.datacard import DataCard
from pipelines.__main__ import app
from pipelines.snapshot import FILE, snapshot_leads


@pytest.fixture
def company(tmp_path: Path) -> Settings:
    """Ingest a company of forty leads."""
    settings = read_settings(_write(tmp_path))
    save(random_tables(1, leads=40), tmp_path, origin=settings.origin)
    return settings


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


def test_without_ingested_tables_the_source_is_taken_in_first(tmp_path: Path) -> None:
    """Nothing was ingested and the source has no leads: exit code 2 says so."""
    config = _write(tmp_path)

    done = CliRunner().invoke(app, ["snapshot", "--config", str(config)])

    assert done.exit_code == 2
    assert "leads" in done.stderr


def _write(folder: Path) -> Path:
    path = folder / "company.toml"
    path.write_text(
        '[source]\nkind = "files"\nfolder = "."\n[store]\nfolder = "."\n'
        '[funnel]\nwon = ["won"]\nlost = ["lost"]\n'
    )
    return path
