"""One lead gets one answer, on whatever road it comes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as at_most
from hypothesis import strategies as st
from tests.serve.company import (
    DAYS,
    START,
    invented_tables,
    promoted,
    sent_of,
    settings_in,
)

from leads.history import History, microseconds
from leads.settings import Settings
from leads.tables import Tables
from model.bundle.predictor import Predictor
from model.features.batch import build
from pipelines.score import score_file
from serve.app import create_app
from serve.bulk import Model
from serve.scoring import predict

NEAR = 1e-12
NOW = datetime(2026, 6, 1, tzinfo=UTC)


class Roads:
    """A company whose leads can be predicted on every road there is."""

    def __init__(self, settings: Settings, tables: Tables, client: TestClient) -> None:
        self.settings = settings
        self.tables = tables
        self.history = History(tables)
        self.model = Model.of(settings)
        self.client = client

    def moment_of(self, share: float) -> datetime:
        """Choose a moment between the start and the cut-off, by whole seconds."""
        return START + timedelta(seconds=round(share * DAYS * 86_400))

    def known(self, when: datetime) -> list[str]:
        """List the leads that existed at a moment."""
        leads = self.tables.leads.filter(pl.col("created_at") <= when)
        return leads["lead_id"].to_list()

    def direct(self, ids: list[str], when: datetime) -> list[float]:
        """Predict with the bundle itself, from engine features."""
        moments = pl.DataFrame(
            {"lead_id": ids, "moment": [microseconds(when)] * len(ids)}
        )
        table = build(self.model.bundle.catalog, self.history, moments)
        said = predict(
            self.model.bundle, table, ids, [when] * len(ids), version="", reasons=False
        )
        return [one.log_odds for one in said]

    def one_by_one(self, ids: list[str], when: datetime) -> list[dict[str, Any]]:
        """Predict over HTTP, each lead sent whole."""
        bodies = [sent_of(self.history, i) | {"as_of": when.isoformat()} for i in ids]
        return [self.client.post("/v1/predict", json=body).json() for body in bodies]

    def by_id(self, ids: list[str], when: datetime) -> list[dict[str, Any]]:
        """Predict over HTTP, each lead by its id."""
        return [
            self.client.post(
                "/v1/predict", json={"lead_id": i, "as_of": when.isoformat()}
            ).json()
            for i in ids
        ]

    def in_a_batch(self, ids: list[str], when: datetime) -> list[dict[str, Any]]:
        """Predict over HTTP, all leads in one request."""
        leads = [{"lead_id": i, "as_of": when.isoformat()} for i in ids]
        said = self.client.post("/v1/predict/batch", json={"leads": leads}).json()
        return [item["prediction"] for item in said["items"]]

    def pyfunc(self, ids: list[str], when: datetime) -> list[float]:
        """Predict a frame of features, as MLflow's pyfunc does."""
        catalog = self.model.bundle.catalog
        moments = pl.DataFrame(
            {"lead_id": ids, "moment": [microseconds(when)] * len(ids)}
        )
        table = build(catalog, self.history, moments)
        width = len(catalog.number_features)
        columns: dict[str, Any] = {
            name: table.numbers[:, j] for j, name in enumerate(catalog.names[:width])
        }
        for j, name in enumerate(catalog.names[width:]):
            columns[name] = table.texts[:, j]
        frame = pd.DataFrame(columns).iloc[:, ::-1]  # by name, so any order will do
        said = Predictor(self.model.bundle).predict(frame)["log_odds"]
        return [float(value) for value in said]


@pytest.fixture(scope="module")
def roads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roads]:
    """Make a company, promote its model, and serve it.

    Tiers are cut plainly: with hysteresis they depend on what was said before.
    """
    folder = tmp_path_factory.mktemp("roads")
    settings, tables = settings_in(folder), invented_tables()
    plain = settings.tiers.model_copy(update={"hysteresis": 0.0})
    settings = settings.model_copy(update={"tiers": plain})
    promoted(tables, settings, folder / "work")
    with TestClient(create_app(settings)) as client:
        yield Roads(settings, tables, client)


@given(share=st.floats(0.05, 1.0), data=st.data())
@at_most(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_every_road_gives_one_answer(
    roads: Roads, share: float, data: st.DataObject
) -> None:
    """HTTP whole, HTTP by id, HTTP batch, the engine and pyfunc agree to 1e-12."""
    when = roads.moment_of(share)
    known = roads.known(when)
    ids = data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=4))
    expected = roads.direct(ids, when)

    assert np.allclose(roads.pyfunc(ids, when), expected, rtol=0, atol=NEAR)
    for road in (roads.one_by_one, roads.by_id, roads.in_a_batch):
        said = road(ids, when)
        got = [answer["log_odds"] for answer in said]
        assert np.allclose(got, expected, rtol=0, atol=NEAR), road.__name__
        assert said == roads.one_by_one(ids, when), road.__name__


def test_a_file_goes_the_same_road(roads: Roads, tmp_path: Path) -> None:
    """The verb score answers a file of leads as HTTP answers each of them."""
    leads = roads.tables.leads.drop("recorded_at").sample(60, seed=4, shuffle=True)
    leads.write_parquet(tmp_path / "leads.parquet")
    results = tmp_path / "results.parquet"
    score_file(roads.settings, tmp_path / "leads.parquet", results, as_of=None, now=NOW)
    rows = pl.read_parquet(results)
    said = roads.in_a_batch(rows["lead_id"].to_list(), roads.tables.cut_off)

    got = [answer["probability"] for answer in said]
    assert np.allclose(rows["probability"], got, rtol=0, atol=NEAR)
    assert rows["tier"].to_list() == [answer["tier"] for answer in said]


def test_reasons_and_base_add_up_to_the_log_odds(roads: Roads) -> None:
    """What the journal keeps of shares sums, with the base, to what was said."""
    cut_off = roads.tables.cut_off
    ids = roads.known(cut_off)
    moments = pl.DataFrame(
        {"lead_id": ids, "moment": [microseconds(cut_off)] * len(ids)}
    )
    table = build(roads.model.bundle.catalog, roads.history, moments)

    said = predict(roads.model.bundle, table, ids, [cut_off] * len(ids), version="1")

    for one in said:
        assert one.base + sum(one.shares.values()) == pytest.approx(
            one.log_odds, abs=1e-9
        )
