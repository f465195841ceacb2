"""Leads near a border keep their tier where Leadcast knows it, and only there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient
from tests.serve.company import sent_of
from tests.serve.conftest import Company

from leads.decision import Prediction, Tier
from leads.journal import Journal
from leads.settings import Settings
from model.tiers.borders import Borders, Cut
from pipelines.score import score_file, score_open
from serve.app import create_app
from serve.standing import settled

NOW = datetime(2026, 6, 2, tzinfo=UTC)
BORDERS = Borders(0.5, 0.2, hysteresis=0.1, pipelines={"own": Cut(0.8, 0.2)})


def said(chance: float, tier: Tier, *, lead_id: str = "A", days: int = 0) -> Prediction:
    """Make a prediction as of some days from now."""
    return Prediction(
        lead_id=lead_id, as_of=NOW + timedelta(days=days), horizon_days=30,
        probability=chance, log_odds=0.0, base=0.0, tier=tier, shares={}, reasons=(),
        model_version="1", bundle_digest="d",
    )  # fmt: skip


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Keep a journal in which lead A is hot."""
    made = Journal(f"sqlite:///{tmp_path / 'journal.db'}")
    made.upgrade()
    before = [said(0.6, Tier.COLD), said(0.6, Tier.HOT)]
    made.record(before, made_at=NOW, channel="score")
    yield made
    made.close()


def tier_after(made: Prediction, journal: Journal, pipeline: str | None = None) -> Tier:
    """Settle one prediction."""
    return settled([made], [pipeline], BORDERS, journal)[0].tier


def test_the_latest_decision_counts(journal: Journal) -> None:
    """Of two entries the later one says what a lead is; strangers are absent."""
    assert journal.standing(["A", "B"]) == {"A": (Tier.HOT, NOW)}


def test_a_lead_a_little_below_the_border_stays_hot(journal: Journal) -> None:
    """Within the margin the tier is kept, past it the lead leaves."""
    assert tier_after(said(0.46, Tier.WARM, days=1), journal) is Tier.HOT
    assert tier_after(said(0.45, Tier.WARM, days=1), journal) is Tier.WARM


def test_a_pipeline_has_its_own_margin(journal: Journal) -> None:
    """Where the border of the lead's pipeline is far above, it leaves at once."""
    assert tier_after(said(0.46, Tier.WARM, days=1), journal, "own") is Tier.WARM
    assert tier_after(said(0.79, Tier.WARM, days=1), journal, "own") is Tier.HOT


def test_a_new_lead_is_cut_plainly(journal: Journal) -> None:
    """Of whom nothing was said before, nothing is kept."""
    assert tier_after(said(0.46, Tier.WARM, lead_id="B"), journal) is Tier.WARM


def test_a_look_back_ignores_what_came_later(journal: Journal) -> None:
    """Asked as of yesterday, today's decision does not count."""
    assert tier_after(said(0.46, Tier.WARM, days=-1), journal) is Tier.WARM


def test_not_enough_data_stays_so(journal: Journal) -> None:
    """A lead that the model declines to judge has no tier to keep."""
    assert tier_after(said(0.46, Tier.NO_DATA, days=1), journal) is Tier.NO_DATA


@pytest.fixture
def near(company: Company, tmp_path: Path) -> tuple[Settings, Prediction]:
    """Find a lead near a border, and record that it was beyond it until now."""
    settings = company.apart(tmp_path)
    score_open(settings, None, as_of=None, now=NOW)
    borders = company.first.borders
    journal = Journal(settings.store.database)
    entries = journal.entries([entry for _, entry, _, _ in journal.ranking()])
    for plain in (entry.prediction for entry in entries.values()):
        for tier in (Tier.HOT, Tier.WARM, Tier.COLD):
            kept = borders.tier_of(plain.probability, previous=tier)
            if kept is tier and tier is not plain.tier:
                earlier = replace(plain, tier=tier, as_of=plain.as_of - timedelta(1))
                journal.record([earlier], made_at=NOW, channel="score")
                journal.close()
                return settings, replace(plain, tier=tier)
    raise AssertionError("no open lead lies near a border; invent another company")


def test_every_road_follows_the_one_rule(
    company: Company, near: tuple[Settings, Prediction], tmp_path: Path
) -> None:
    """Score and requests by id keep the tier; whole leads and files are cut plainly."""
    settings, kept = near
    lead_id, plain = kept.lead_id, company.first.borders.tier_of(kept.probability)
    whole = {**sent_of(company.history, lead_id), "as_of": kept.as_of.isoformat()}
    lead = company.tables.leads.filter(pl.col("lead_id") == lead_id)
    lead.drop("recorded_at").write_parquet(tmp_path / "lead.parquet")
    score_file(
        settings, tmp_path / "lead.parquet", tmp_path / "said.parquet",
        as_of=None, now=NOW,
    )  # fmt: skip
    score_open(settings, tmp_path / "open.parquet", as_of=None, now=NOW)
    with TestClient(create_app(settings)) as client:
        by_id = client.post("/v1/predict", json={"lead_id": lead_id}).json()
        batch = {"leads": [whole, {"lead_id": lead_id}]}
        items = client.post("/v1/predict/batch", json=batch).json()["items"]
        alone = client.post("/v1/predict", json=whole).json()

    assert kept.tier is not plain
    opened = pl.read_parquet(tmp_path / "open.parquet")
    assert opened.filter(pl.col("lead_id") == lead_id)["tier"].item() == kept.tier
    assert pl.read_parquet(tmp_path / "said.parquet")["tier"].item() == plain
    assert (by_id["tier"], alone["tier"]) == (kept.tier, plain)
    assert [item["prediction"]["tier"] for item in items] == [plain, kept.tier]
