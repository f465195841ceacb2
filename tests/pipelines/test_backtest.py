from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.model.invented_history import invented_history
from tests.pipelines.small import CONFIG, exported
from typer.testing import CliRunner, Result

from leads.settings import read_settings
from model.backtest.outcomes import read_backtest
from pipelines.__main__ import app


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the small company as files, and a configuration."""
    folder = tmp_path_factory.mktemp("company")
    exported(invented_history().tables, folder / "export")
    (folder / "company.toml").write_text(CONFIG)
    return folder / "company.toml"


def run(config: Path, *words: str) -> Result:
    """Run the verb as from the command line."""
    return CliRunner().invoke(app, ["backtest", "-c", str(config), *words])


def test_the_verb_prints_months_and_keeps_them(config: Path) -> None:
    """Said and happened are printed with intervals, what was skipped is said."""
    first = run(config, "--months", "2")

    assert first.exit_code == 0, first.output
    for part in ("2025-05", "together", "95 % interval", "log-loss", "skipped"):
        assert part in first.stdout
    assert "reused   0 of 2 months" in first.stdout
    kept = read_backtest(read_settings(config).store.folder)
    assert kept is not None
    assert kept.digest in first.stdout

    again = run(config, "--months", "2")
    assert "reused   2 of 2 months" in again.stdout
    assert kept.digest in again.stdout


def test_a_table_without_time_ends_with_the_gates_exit_code(tmp_path: Path) -> None:
    """Leads without moments cannot be back-tested, and the way out is named."""
    table = pl.DataFrame({"budget": [1.0, 2.0], "won": [True, False]})
    table.write_csv(tmp_path / "flat.csv")
    (tmp_path / "flat.toml").write_text(
        '[source]\nkind = "table"\npath = "flat.csv"\noutcome = "won"\n'
    )

    done = run(tmp_path / "flat.toml")

    assert done.exit_code == 3
    assert "have no times" in done.stderr
