from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from tests.model.invented_history import company_settings, invented_history

from leads.history import History
from leads.settings import Settings
from model.learning import Trained
from model.proof.counting import Cases
from model.proof.record import Proof
from model.proof.slices import MOST, OTHERS, UNKNOWN, groups_of, slice_proofs
from model.training import Terms, train


def cases(rows: int) -> tuple[Cases, np.ndarray]:
    """Make rows of which every fourth converts, said to be at 25 %."""
    labels = (np.arange(rows) % 4 == 0).astype(float)
    log_odds = np.full(rows, np.log(1 / 3))
    return Cases.of(log_odds, labels, np.arange(rows)), log_odds


def test_each_slice_counts_its_own_rows() -> None:
    """Two sources of unlike outcomes have unlike rates, and together all rows."""
    judged, log_odds = cases(80)
    names = ["good" if label else "bad" for label in judged.labels]

    found = slice_proofs(judged, log_odds, {"source": names}, base_rate=0.25)

    assert [(s.name, s.count, s.converted, s.happened) for s in found] == [
        ("bad", 60, 0, 0.0),
        ("good", 20, 20, 1.0),
    ]
    assert found[1].low > 0.8
    assert all(s.said == 0.25 and abs(s.gain) < 1e-6 for s in found)


def test_a_lead_seen_often_counts_once_in_the_interval() -> None:
    """Ten snapshots of each lead give no narrower a range than one."""
    judged, log_odds = cases(80)
    often = replace(judged, leads=np.arange(80) // 10)
    groups = {"source": ["a"] * 40 + ["b"] * 40}

    once = slice_proofs(judged, log_odds, groups, base_rate=0.25)[0]
    few = slice_proofs(often, log_odds, groups, base_rate=0.25)[0]

    assert few.leads == 4
    assert few.high - few.low > once.high - once.low


def test_small_slices_stand_together_and_unknown_has_a_name() -> None:
    """Beyond a dozen the smallest are pooled; not known is a slice like any other."""
    judged, log_odds = cases(400)
    names = [None] * 100 + [f"s{i % 20:02}" for i in range(300)]

    found = slice_proofs(judged, log_odds, {"source": names}, base_rate=0.25)

    assert len(found) == MOST + 1
    assert (found[0].name, found[-1].name) == (UNKNOWN, OTHERS)
    assert sum(s.count for s in found) == 400


def test_months_follow_each_other_and_nothing_is_cut_by_one_name() -> None:
    """Months stand in their order; a pipeline that all share is no slice."""
    judged, log_odds = cases(60)
    groups = {"month": ["2026-02"] * 20 + ["2026-01"] * 40, "pipeline": ["x"] * 60}

    found = slice_proofs(judged, log_odds, groups, base_rate=0.25)

    assert [s.name for s in found] == ["2026-01", "2026-02"]


def test_managers_are_sliced_only_if_asked_for(tmp_path: Path) -> None:
    """By default no slice names a person."""
    history, settings = owned(invented_history(leads=30)), company_settings(tmp_path)
    moments = history.leads.select(
        "lead_id", moment=pl.lit(history.cut_off)
    ).with_row_index("row")

    assert "owner" not in groups_of(history, settings, moments)
    asked = company_settings(tmp_path, slices=("owner", "month"))
    assert set(groups_of(history, asked, moments)["owner"]) == {"M0", "M1", "M2"}


def test_training_keeps_slices_and_worths_in_its_proof(tmp_path: Path) -> None:
    """The proof in the bundle holds sources, months and the worth of groups."""
    settings = company_settings(tmp_path)
    made = train(invented_history(), settings, workdir=tmp_path)

    kept = Proof.from_json((made.bundle.path / "proof.json").read_text())

    assert {s.kind for s in kept.slices} == {"source", "month"}
    assert sum(s.count for s in kept.slices if s.kind == "source") == kept.count
    assert {worth.group for worth in kept.ablation} >= {"events", "origin", "time"}


def owned(history: History) -> History:
    """Give each lead one of three managers in turn."""
    leads = history.tables.leads
    names = pl.Series([f"M{i % 3}" for i in range(len(leads))], dtype=pl.String)
    return History(replace(history.tables, leads=leads.with_columns(owner=names)))


def test_the_manager_is_no_feature_and_teaches_nothing(tmp_path: Path) -> None:
    """Whoever owns the leads, every file that predicts stays the same to the byte."""
    settings = company_settings(tmp_path, rounds=15)
    nobody = invented_history()
    without = train(
        nobody, settings, workdir=tmp_path / "a", terms=Terms(ablated=False)
    )

    telling = telltale(nobody)
    made = train(telling, settings, workdir=tmp_path / "b", terms=Terms(ablated=False))

    assert not any("owner" in (f.field, f.of) for f in made.bundle.catalog.features)
    assert files(made) == files(without)
    asked = company_settings(tmp_path, rounds=15, exclude=())
    looking = train(
        telling, vouched(asked), workdir=tmp_path / "c", terms=Terms(ablated=False)
    )
    assert any(f.field == "owner" for f in looking.bundle.catalog.features)


def telltale(history: History) -> History:
    """Let one manager have just the leads that pay: a feature nobody could resist."""
    paid = history.tables.payments["lead_id"].unique().implode()
    best = pl.when(pl.col("lead_id").is_in(paid)).then(pl.lit("A")).otherwise(
        pl.lit("B")
    )  # fmt: skip
    leads = history.tables.leads.with_columns(owner=best)
    return History(replace(history.tables, leads=leads))


def vouched(settings: Settings) -> Settings:
    """Trust the manager, so that the leak gate lets it pass."""
    model = settings.model.model_copy(update={"trust": ("owner",)})
    return settings.model_copy(update={"model": model})


def files(made: Trained) -> dict[str, str]:
    """Digest of every file but the proof."""
    return {n: d for n, d in made.bundle.manifest.files.items() if n != "proof.json"}
