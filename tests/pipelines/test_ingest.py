from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from leads import store
from leads.errors import BadInput
from leads.settings import read_settings
from pipelines.__main__ import app
from pipelines.ingest import take_in

CONFIG = """
[company]
timezone = "Europe/Moscow"
[source]
kind = "files"
folder = "export"
[store]
folder = "store"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Write a configuration and an export of two leads beside it."""
    export = tmp_path / "export"
    export.mkdir()
    pl.DataFrame(
        {"lead_id": ["a", "b"], "created_at": ["2026-01-01"] * 2, "budget": ["1", "2"]}
    ).write_csv(export / "leads.csv")
    pl.DataFrame(
        {"lead_id": ["a", "a"], "at": ["2026-01-02"] * 2, "kind": ["visit"] * 2}
    ).write_csv(export / "events.csv")
    path = tmp_path / "company.toml"
    path.write_text(CONFIG)
    return path


def test_ingest_prints_what_it_took_in(config: Path) -> None:
    """Rows, rows delivered twice, fields, cut-off and digest are all on the screen."""
    done = CliRunner().invoke(app, ["ingest", "--config", str(config)])

    assert done.exit_code == 0
    digest = store.digest_of(config.parent / "store")
    for part in ("leads", "events", "budget", "number", "2026-01-01 21:00:00", digest):
        assert part in done.stdout


def test_ingest_is_safe_to_repeat(config: Path) -> None:
    """The second run finds the same digest and leaves one set of tables."""
    settings = read_settings(config)

    first, second = take_in(settings), take_in(settings)

    assert first == second
    assert first.rows["events"] == 1
    assert first.doubled == {"events": 1}
    assert len(list((config.parent / "store" / "tables").iterdir())) == 2


def test_a_refused_source_leaves_nothing_half_written(config: Path) -> None:
    """The faults come with exit code 2 and in words; what was stored stays current."""
    settings = read_settings(config)
    before = take_in(settings).digest
    events = config.parent / "export" / "events.csv"
    pl.DataFrame({"lead_id": ["x"], "at": ["soon"], "kind": ["k"]}).write_csv(events)

    with pytest.raises(BadInput):
        take_in(settings)
    refused = CliRunner().invoke(app, ["ingest", "--config", str(config)])

    assert refused.exit_code == 2
    assert "events.csv, column 'at', rows 2" in refused.stderr
    assert "events.csv, column 'lead_id', rows 2" in refused.stderr
    assert store.digest_of(settings.store.folder) == before
    assert len(list((config.parent / "store" / "tables").iterdir())) == 2
