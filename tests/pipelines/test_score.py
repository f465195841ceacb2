from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.serve.company import invented_tables, promoted, settings_in

from leads import store
from leads.decision import Prediction, Tier
from leads.errors import BadInput, NoModel, Unavailable
from leads.history import History
from leads.journal import Journal
from leads.settings import Settings
from model.examples.snapshots import open_leads
from model.promotion import champion
from model.training import train
from pipelines.ingest import take_in
from pipelines.score import score_file, score_open
from serve.bulk import Model, leads_of_file, open_leads_of, predicted
from serve.results import write_results

NOW = datetime(2026, 6, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Ingest a company and promote its model."""
    folder = tmp_path_factory.mktemp("company")
    made = settings_in(folder)
    promoted(invented_tables(), made, folder / "work")
    return made


@pytest.fixture
def apart(settings: Settings, tmp_path: Path) -> Settings:
    """Give a test a journal of its own."""
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    section = settings.store.model_copy(update={"database": url})
    return settings.model_copy(update={"store": section})


def entries(settings: Settings) -> int:
    """Count what is in the journal."""
    path = settings.store.database.removeprefix("sqlite:///")
    with sqlite3.connect(path) as journal:
        count = journal.execute("SELECT count(*) FROM predictions").fetchone()[0]
    assert isinstance(count, int)
    return count


def test_every_open_lead_is_predicted_and_recorded(
    apart: Settings, tmp_path: Path
) -> None:
    """What is in the file is what is in the journal, one row per open lead."""
    done = score_open(apart, tmp_path / "open.parquet", as_of=None, now=NOW)
    rows = pl.read_parquet(tmp_path / "open.parquet")
    expected = open_leads(History(store.load(apart.store.folder)), apart)
    journal = Journal(apart.store.database)
    kept = journal.entries([entry for _, entry, _, _ in journal.ranking()]).values()
    journal.close()

    assert rows["lead_id"].to_list() == expected["lead_id"].to_list()
    assert done.tiers.total() == len(rows) == len(kept) == entries(apart)
    recorded = {one.prediction.lead_id: one.prediction for one in kept}
    for row in rows.iter_rows(named=True):
        said = recorded[row["lead_id"]]
        assert (row["probability"], row["tier"]) == (said.probability, said.tier.value)
        assert [r["field"] for r in json.loads(row["reasons"])] == [
            reason.field for reason in said.reasons
        ]


def test_a_repeated_run_doubles_nothing(apart: Settings) -> None:
    """The same leads at the same moment by the same bundle are recorded once."""
    first = score_open(apart, None, as_of=None, now=NOW)
    count = entries(apart)
    second = score_open(apart, None, as_of=None, now=NOW)

    assert entries(apart) == count == first.tiers.total()
    assert second.tiers == first.tiers


def test_a_run_after_a_crash_adds_what_is_missing(apart: Settings) -> None:
    """Of a run that died half-way the other half is added, and nothing twice."""
    work = open_leads_of(apart, as_of=None, now=NOW)
    model = Model.of(apart)
    ((predictions, inputs),) = predicted(work, model, reasons=True)
    half = len(predictions) // 2
    journal = Journal(apart.store.database)
    journal.upgrade()
    journal.record(
        predictions[:half], made_at=NOW, inputs=inputs[:half], channel="score"
    )
    journal.close()
    score_open(apart, None, as_of=None, now=NOW)

    assert entries(apart) == len(predictions)


def test_another_moment_is_another_prediction(apart: Settings) -> None:
    """An earlier --as-of sees fewer leads and is recorded beside the others."""
    score_open(apart, None, as_of=None, now=NOW)
    before = entries(apart)
    early = datetime(2026, 3, 1, tzinfo=UTC)
    done = score_open(apart, None, as_of=early, now=NOW)

    assert entries(apart) == before + done.tiers.total()
    assert 0 < done.tiers.total() < before


@pytest.fixture
def leads_file(settings: Settings, tmp_path: Path) -> Path:
    """Write the ingested leads as a file, in an order of its own."""
    leads = store.load(settings.store.folder).leads.drop("recorded_at")
    path = tmp_path / "leads.parquet"
    leads.sample(fraction=1.0, shuffle=True, seed=3).write_parquet(path)
    return path


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_file_of_leads_is_answered_in_its_order(
    settings: Settings, leads_file: Path, tmp_path: Path, ending: str
) -> None:
    """Results stand in the order of the input, whatever it is, in both forms."""
    results = tmp_path / f"results.{ending}"
    score_file(settings, leads_file, results, as_of=None, now=NOW)
    rows = pl.read_parquet(results) if ending == "parquet" else pl.read_csv(results)

    assert rows.columns == [
        "lead_id", "probability", "low", "high", "expected_days", "expected_minor",
        "currency", "tier", "reasons", "as_of", "model_version",
    ]  # fmt: skip
    assert rows["lead_id"].to_list() == pl.read_parquet(leads_file)["lead_id"].to_list()
    assert set(rows["tier"]) <= {tier.value for tier in Tier}
    assert all(json.loads(text) for text in rows["reasons"])


def test_a_file_of_ingested_leads_gets_what_the_ingested_leads_get(
    apart: Settings, leads_file: Path, tmp_path: Path
) -> None:
    """Events, stages and payments of a lead in a file are those ingested for it."""
    score_open(apart, tmp_path / "open.parquet", as_of=None, now=NOW)
    score_file(apart, leads_file, tmp_path / "file.parquet", as_of=None, now=NOW)
    columns = ("lead_id", "probability", "reasons", "as_of")
    opened = pl.read_parquet(tmp_path / "open.parquet").select(columns)
    in_file = pl.read_parquet(tmp_path / "file.parquet").select(columns)

    assert (
        in_file.join(opened.select("lead_id"), on="lead_id", how="semi")
        .sort("lead_id")
        .equals(opened.sort("lead_id"))
    )


def test_results_are_whole_or_not_there(tmp_path: Path) -> None:
    """A run that fails leaves the earlier file as it was, and no half one beside it."""
    path = tmp_path / "results.csv"
    path.write_text("earlier")

    def fail() -> Iterator[list[Prediction]]:
        yield []
        raise Unavailable("Gone.", remedy="Wait.")

    with pytest.raises(Unavailable):
        list(write_results(path, fail()))

    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_ending_is_refused_before_any_work(
    settings: Settings, leads_file: Path, tmp_path: Path
) -> None:
    """Results are Parquet or CSV, and --input needs an --output."""
    with pytest.raises(BadInput, match="parquet"):
        score_file(settings, leads_file, tmp_path / "r.xlsx", as_of=None, now=NOW)
    with pytest.raises(BadInput, match="--output"):
        score_file(settings, leads_file, None, as_of=None, now=NOW)


def test_leads_that_did_not_exist_yet_are_named(
    settings: Settings, leads_file: Path, tmp_path: Path
) -> None:
    """A moment before a lead's creation is a fault of its row, not a silent guess."""
    early = datetime(2026, 2, 1, tzinfo=UTC)

    with pytest.raises(BadInput, match="did not exist yet"):
        leads_of_file(leads_file, settings, as_of=early, now=NOW)


def test_without_a_model_or_data_the_verb_says_what_to_do(tmp_path: Path) -> None:
    """Nothing promoted is NoModel, which is exit code 4."""
    with pytest.raises(NoModel) as refused:
        score_open(settings_in(tmp_path), None, as_of=None, now=NOW)

    assert refused.value.exit_code == 4


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Ingest a flat table without times and promote its model."""
    folder = tmp_path_factory.mktemp("flat")
    rng = np.random.default_rng(1)
    size, city = rng.normal(size=600), rng.choice(["a", "b", "c"], 600)
    won = rng.random(600) < 1 / (1 + np.exp(1 - 2 * size - (city == "a")))
    table = pl.DataFrame({"size": size, "city": city, "won": won})
    table.write_csv(folder / "flat.csv")
    made = Settings.model_validate(
        {
            "source": {
                "kind": "table", "path": str(folder / "flat.csv"), "outcome": "won",
            },
            "conversion": {"kind": "outcome"},
            "model": {"rounds": 40, "learning_rate": 0.1, "folds": 3, "threads": 1},
            "store": {
                "folder": str(folder / "store"),
                "database": f"sqlite:///{folder / 'journal.db'}",
                "tracking": f"sqlite:///{folder / 'mlflow.db'}",
            },
        }
    )  # fmt: skip
    take_in(made)
    history = History(store.load(made.store.folder))
    bundle = train(history, made, workdir=folder / "work").bundle
    champion.set_champion(made.store.folder, bundle.path, "1", NOW)
    return made


@pytest.mark.parametrize("with_outcome", [True, False])
def test_a_flat_table_is_answered_by_row_number(
    flat: Settings, tmp_path: Path, *, with_outcome: bool
) -> None:
    """Rows without an id are numbered from 0; the outcome column changes nothing."""
    table = pl.read_csv(flat.source.path).tail(50)  # type: ignore[union-attr]  # a table
    new = tmp_path / "new.csv"
    (table if with_outcome else table.drop("won")).write_csv(new)
    score_file(flat, new, tmp_path / "results.parquet", as_of=None, now=NOW)
    rows = pl.read_parquet(tmp_path / "results.parquet")
    bundle = Model.of(flat).bundle
    columns = {
        "size": table["size"].to_list(), "city": table["city"].to_list(),
    }  # fmt: skip
    features = {f.name: columns[str(f.of)] for f in bundle.catalog.features}
    log_odds = bundle.log_odds(bundle.catalog.table_of(features))

    assert rows["lead_id"].to_list() == [str(number) for number in range(50)]
    assert set(rows["as_of"]) == {NOW}
    assert np.allclose(rows["probability"], 1 / (1 + np.exp(-log_odds)), atol=1e-12)
