import json
import random
from datetime import timedelta
from pathlib import Path

import pytest
from tests.serve import example
from typer.testing import CliRunner

from leads import store
from leads.journal import Journal
from leads.settings import Settings, read_settings
from pipelines.__main__ import app
from pipelines.report import folder_of, report_leads, show_capacity

CONFIG = """
[company]
name = "Northern Bees"
[source]
kind = "files"
folder = "export"
[store]
folder = "store"
"""


def configured(folder: Path) -> Settings:
    """Write a configuration and read it."""
    (folder / "company.toml").write_text(CONFIG)
    return read_settings(folder / "company.toml")


def predicted(settings: Settings, ids: list[str]) -> None:
    """Ingest leads and predict them."""
    store.save(example.tables(ids), settings.store.folder)
    journal = Journal(settings.store.database)
    journal.upgrade()
    rng = random.Random(1)
    said = [example.prediction(lead_id, rng) for lead_id in ids]
    journal.record(said, made_at=example.NOW, channel="score")
    journal.close()


def test_verb_writes_the_pages_and_says_where(tmp_path: Path) -> None:
    """The verb writes list, leads and proof, each with its JSON, and prints them."""
    settings = configured(tmp_path)
    predicted(settings, example.lead_ids(8))

    arguments = ["report", "-c", str(tmp_path / "company.toml"), "--pages", "3"]
    done = CliRunner().invoke(app, arguments)

    assert done.exit_code == 0, done.output
    assert "7 of 7" in done.output
    folder = folder_of(settings)
    names = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert {"leads.html", "leads.json", "model.html", "model.json"} < names
    assert len(names) == 2 * 11 + 1 + 2 * 3


def test_report_before_anything_says_what_to_do(tmp_path: Path) -> None:
    """With nothing ingested or trained, the pages say so and how to begin."""
    settings = configured(tmp_path)

    done = report_leads(settings, now=example.NOW)

    assert (done.listed, done.total, done.pages) == (0, 0, 0)
    assert "Nothing has been predicted yet" in done.listing.read_text()
    assert "Train and promote one" in done.proof.read_text()


def facts_in(folder: Path) -> dict[Path, bytes]:
    """Read the facts of all pages but the digest."""
    twins = folder.rglob("*.json")
    return {path: path.read_bytes() for path in twins if path.stem != "digest"}


def test_doing_it_again_changes_only_the_date(tmp_path: Path) -> None:
    """Same facts, byte for byte, but for the digest, which is of a day."""
    settings = configured(tmp_path)
    predicted(settings, example.lead_ids(5))
    report_leads(settings, now=example.NOW)
    facts = facts_in(folder_of(settings))

    report_leads(settings, now=example.NOW + timedelta(days=1))

    assert facts_in(folder_of(settings)) == facts
    assert len(json.loads(facts[folder_of(settings) / "leads.json"])["rows"]) == 4


def test_unknown_configuration_is_refused(tmp_path: Path) -> None:
    """Without a configuration nothing is written, and the exit code is 2."""
    done = CliRunner().invoke(app, ["report", "-c", str(tmp_path / "none.toml")])

    assert done.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_other_capacities_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """What more or fewer calls would gain or lose stands in the output as well."""
    show_capacity(example.proof().capacity)

    printed = capsys.readouterr().out
    assert "20 (now)" in printed
    assert "60, only 41.3" in printed
    assert "53.0%" in printed
