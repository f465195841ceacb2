"""The leak gate on the small company, with one leak planted at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.model.invented_history import (
    company_settings,
    invented_history,
)

from leads.errors import LeakRefused
from leads.history import History
from leads.settings import Settings
from leads.tables import FieldType
from model.examples.snapshots import take
from model.examples.split import split
from model.features.batch import build
from model.features.catalog import Words
from model.features.discovery import discover
from model.leaks.findings import Finding, Inspection
from model.leaks.gate import inspect, refuse_certain, without
from model.leaks.scene import Scene
from model.learning import Trained
from model.training import leads_of, moments_at, train

COUNT = 2_400


@pytest.fixture(scope="session")
def company() -> History:
    """Invent the company without any leak."""
    return invented_history(leads=COUNT)


@pytest.fixture(scope="session")
def paid(company: History) -> np.ndarray:
    """Say of each lead whether it ever paid."""
    payers = company.tables.payments["lead_id"].implode()
    return company.tables.leads["lead_id"].is_in(payers).to_numpy()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Make the settings of the company."""
    return company_settings(tmp_path)


def with_field(
    history: History, name: str, values: Sequence[object], kind: FieldType
) -> History:
    """Add a card field without history."""
    tables = history.tables
    leads = tables.leads.with_columns(pl.Series(name, values))
    if kind is FieldType.TIME:
        leads = leads.with_columns(pl.col(name).dt.replace_time_zone("UTC"))
    fields: Mapping[str, FieldType] = {**tables.fields, name: kind}
    return History(replace(tables, leads=leads, fields=fields))


def looked_at(history: History, settings: Settings) -> Inspection:
    """Let the gate inspect the training snapshots."""
    return inspect(scene_of(history, settings))


def scene_of(history: History, settings: Settings) -> Scene:
    """Set the scene as training does."""
    snapshots = take(history, settings)
    rows = split(snapshots, settings).train
    moments = moments_at(snapshots, rows)
    catalog = discover(history, moments, settings)
    chosen = snapshots[rows]
    labels = chosen["label"].cast(pl.Float64).to_numpy()
    table = build(catalog, history, moments)
    return Scene(catalog, history, settings, moments, table, labels, leads_of(chosen))


def named(inspection: Inspection, field: str) -> dict[str, str]:
    """Take the codes raised against a field, with their severities."""
    return {f.code: f.severity for f in inspection.findings if f.field == field}


def test_nothing_is_found_where_nothing_leaks(
    company: History, settings: Settings
) -> None:
    """An honest company raises no suspicion, and what was probed is said."""
    found = looked_at(company, settings)

    assert found.findings == ()
    assert {"LK01", "LK04", "LK05"} <= set(found.probed)


def test_a_copy_of_the_outcome_is_certain(
    company: History, paid: np.ndarray, settings: Settings
) -> None:
    """A field filled in by who knows the outcome stops the run."""
    score = np.where(paid, 90.0, 10.0) + np.arange(COUNT) % 7
    leaky = with_field(company, "score", score.tolist(), FieldType.NUMBER)

    found = looked_at(leaky, settings)

    assert found.certain == ("score",)
    raised = named(found, "score")
    assert raised["LK01"] == raised["LK02"] == "certain"


def test_who_needs_nothing_may_never_buy(
    company: History, paid: np.ndarray, settings: Settings
) -> None:
    """That nobody converts who has the thing already is honest, and stays in."""
    has = (~paid & (np.arange(COUNT) % 2 == 0)).tolist()
    honest = with_field(company, "insured", has, FieldType.FLAG)

    assert looked_at(honest, settings).findings == ()


def test_filled_only_for_payers_is_found(
    company: History, paid: np.ndarray, settings: Settings
) -> None:
    """A contract number that only buyers have is found by its emptiness."""
    number = [f"N{i % 5}" if p and i % 3 else None for i, p in enumerate(paid)]
    leaky = with_field(company, "contract", number, FieldType.TEXT)

    assert "LK03" in named(looked_at(leaky, settings), "contract")


def test_what_no_open_lead_has_is_found(company: History, settings: Settings) -> None:
    """A field that is filled for all old leads and for no fresh one is set aside."""
    values = [str(i % 3) if i < 0.6 * COUNT else None for i in range(COUNT)]
    leaky = with_field(company, "survey", values, FieldType.TEXT)

    found = looked_at(leaky, settings)

    assert named(found, "survey") == {"LK04": "suspected"}
    assert found.set_aside == ("survey",)


def test_an_event_that_is_dated_back_is_found(
    company: History, paid: np.ndarray, settings: Settings
) -> None:
    """Scans filed after the payment but dated before it stop the run."""
    tables = company.tables
    buyers = tables.leads.filter(pl.Series(paid))
    scans = buyers.select(
        "lead_id", at=pl.col("created_at"), recorded_at=pl.col("created_at")
    ).with_columns(
        kind=pl.lit("scan"),
        value=pl.lit(None, pl.Float64),
        properties=pl.lit(None, pl.String),
    )
    events = pl.concat([tables.events, scans.select(tables.events.columns)])
    leaky = History(replace(tables, events=events.sort("lead_id", "at", "recorded_at")))

    assert named(looked_at(leaky, settings), "scan") == {"LK05": "certain"}


def test_a_stamp_later_than_the_moment_is_found(
    company: History, paid: np.ndarray, settings: Settings
) -> None:
    """A card's last change tells when the lead went on; a planned call does not."""
    created = company.tables.leads["created_at"].dt.replace_time_zone(None)
    after = [timedelta(days=int(6 if p else i % 3)) for i, p in enumerate(paid)]
    stamp = [at + days for at, days in zip(created, after, strict=True)]
    plans = [at + timedelta(days=30 + i % 40) for i, at in enumerate(created)]
    leaky = with_field(company, "touched", stamp, FieldType.TIME)
    leaky = with_field(leaky, "call_on", plans, FieldType.TIME)

    found = looked_at(leaky, settings)

    assert named(found, "touched")["LK06"] == "certain"
    assert not named(found, "call_on")


def test_fields_that_leak_together_are_found(
    company: History, paid: np.ndarray, settings: Settings
) -> None:
    """Counts over the whole life of a lead, each right for some of the leads."""
    leaky, part = company, np.arange(COUNT) % 4
    for place in range(4):
        told = np.where(part == place, np.where(paid, 2.0, 1.0), 0.0)
        name = f"whole_{place}"
        leaky = with_field(leaky, name, told.tolist(), FieldType.NUMBER)

    found = looked_at(leaky, settings)

    told_of = {f.field for f in found.findings}
    assert told_of == {f"whole_{place}" for place in range(4)}


def test_a_field_named_after_the_close_is_set_aside(
    company: History, paid: np.ndarray, settings: Settings
) -> None:
    """Days to close tell a little, and cannot be known before the close."""
    rng = np.random.default_rng(1)
    days = (rng.poisson(40, COUNT) - 6 * paid).astype(float)
    leaky = with_field(company, "days_to_close", days.tolist(), FieldType.NUMBER)
    foretold = with_field(company, "expected_close", days.tolist(), FieldType.NUMBER)

    assert looked_at(leaky, settings).set_aside == ("days_to_close",)
    assert looked_at(foretold, settings).findings == ()


def test_emptiness_until_the_first_change_is_found(
    company: History, settings: Settings
) -> None:
    """A field with history but without its beginning tells that it will change."""
    tables = company.tables
    changed = tables.leads.gather_every(3)
    changes = changed.select(
        "lead_id",
        at=pl.col("created_at") + timedelta(days=9),
        recorded_at=pl.col("created_at") + timedelta(days=9),
        field=pl.lit("budget"),
        value=pl.lit("7.0"),
    )
    begun = changes.with_columns(
        changed["created_at"].alias("at"), changed["created_at"].alias("recorded_at")
    )
    ordered = pl.concat([changes, begun]).sort("lead_id", "at")
    lost = History(replace(tables, field_changes=changes))
    kept = History(replace(tables, field_changes=ordered))

    assert named(looked_at(lost, settings), "budget") == {"LK03": "suspected"}
    assert looked_at(kept, settings).findings == ()


def test_a_certain_leak_stops_training_and_says_the_way_out(
    company: History, paid: np.ndarray, settings: Settings, tmp_path: Path
) -> None:
    """The refusal has exit code 3 and names field, evidence and remedy."""
    leaky = with_field(company, "won_flag", paid.tolist(), FieldType.FLAG)

    with pytest.raises(LeakRefused) as refusal:
        train(leaky, settings, workdir=tmp_path)

    assert refusal.value.exit_code == 3
    for word in ("won_flag", "AUC", "exclude", "trust"):
        assert word in str(refusal.value)


@pytest.fixture(scope="session")
def suspicious(company: History) -> History:
    """Make the company with a field that is suspected, not certain."""
    values = [str(i % 3) if i < 0.6 * COUNT else None for i in range(COUNT)]
    return with_field(company, "survey", values, FieldType.TEXT)


@pytest.fixture(scope="session")
def careful(suspicious: History, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train with the gate's verdict; not to be changed."""
    folder = tmp_path_factory.mktemp("careful")
    return train(suspicious, company_settings(folder), workdir=folder)


def test_a_suspected_field_is_set_aside_on_record(careful: Trained) -> None:
    """The model never sees it; the bundle says which and why."""
    bundle = careful.bundle
    kept = Inspection.from_facts(bundle.manifest.leaks)

    assert "survey" not in {f.field for f in bundle.catalog.features}
    assert kept.set_aside == ("survey",)
    assert any("survey" in note for note in bundle.catalog.notes)


def test_without_a_field_the_rest_is_as_if_it_had_never_been(
    company: History, careful: Trained, tmp_path: Path
) -> None:
    """Setting aside leaves the same features and predictions as no such field."""
    plain = train(company, company_settings(tmp_path), workdir=tmp_path)

    assert careful.bundle.catalog.names == plain.bundle.catalog.names
    assert np.array_equal(careful.log_odds, plain.log_odds)


def test_a_person_overrules_on_record(suspicious: History, tmp_path: Path) -> None:
    """A trusted field is learned from; the finding and the trust are kept."""
    settings = company_settings(tmp_path, trust=("survey",))
    trained = train(suspicious, settings, workdir=tmp_path)
    kept = Inspection.from_facts(trained.bundle.manifest.leaks)

    assert "survey" in {f.field for f in trained.bundle.catalog.features}
    assert kept.trusted == ("survey",)
    assert [f.trusted for f in kept.findings] == [True]
    assert kept.set_aside == ()


def test_trust_lets_a_certain_leak_pass() -> None:
    """What a person vouches for stops nothing."""
    leak = Finding("LK01", "score", "certain", Words("", ""))

    refuse_certain(Inspection(findings=(replace(leak, trusted=True),)))
    with pytest.raises(LeakRefused, match="score"):
        refuse_certain(Inspection(findings=(leak,)))


def test_nothing_left_is_refused(company: History, settings: Settings) -> None:
    """A model of no features is no model."""
    scene = scene_of(company, settings)
    fields = {feature.field for feature in scene.catalog.features}

    with pytest.raises(LeakRefused, match="Nothing is left"):
        without(scene.catalog, scene.table, fields)


def test_an_inspection_survives_the_manifest() -> None:
    """Facts written as JSON are read back the same."""
    words = Words("evidence", "улика")
    made = Inspection(("LK01",), (Finding("LK01", "a", "certain", words),), ("b",))

    assert Inspection.from_facts(made.to_facts()) == made
    assert Inspection.from_facts({}) == Inspection()
