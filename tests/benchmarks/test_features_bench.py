"""How fast point-in-time features are, beside pandas and beside merely reading.

In one run: decoding the Parquet columns that are needed, our features (98 of them), and
what a careful person writes in pandas (merge, filter, group by; 60 features), which
must count the same. And one lead of 50 events through the twin.

The sizes are events; 10 million are run with ``-m long``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from leads.history import History
from leads.lead import Event, LeadHistory
from leads.tables import SCHEMAS, Tables, empty
from model.features.batch import build
from model.features.candidates import Found, candidates
from model.features.catalog import Catalog
from model.features.twin import build_one

DAY = 86_400_000_000
COLUMNS = ["lead_id", "at", "recorded_at", "kind", "value"]
KINDS = tuple(f"kind_{i}" for i in range(12))
CATALOG = Catalog(
    candidates(Found(event_kinds=KINDS, valued_kinds=frozenset(KINDS[:2]))),
    event_kinds=KINDS,
)
SIZES = [1_000_000, pytest.param(10_000_000, marks=pytest.mark.long)]


@lru_cache(maxsize=1)
def company(events: int) -> tuple[Path, Tables, pl.DataFrame]:
    """Invent events of 120 days in a life, 2 snapshots a lead, 50 events a snapshot."""
    random = np.random.default_rng(7)
    leads = events // 100
    ids = pl.select(
        ("lead-" + pl.int_range(leads).cast(pl.String()).str.zfill(7)).alias("lead_id")
    ).to_series()
    created = random.integers(0, 365, leads) * DAY + random.integers(0, DAY, leads)
    lead = np.sort(random.integers(0, leads, events))
    at = created[lead] + (random.beta(0.7, 2.0, events) * 120 * DAY).astype(np.int64)
    late = (random.random(events) < 0.02) * random.integers(0, 3 * DAY, events)
    kind = random.choice(12, events, p=[0.15] * 4 + [0.05] * 8)
    value = np.round(random.gamma(2.0, 50.0, events), 2)
    frame = pl.DataFrame(
        {
            "lead_id": ids[lead],
            "at": at,
            "recorded_at": at + late,
            "kind": pl.Series(KINDS)[kind],
            "value": pl.Series(value).set(pl.Series(kind > 1), None),
            "properties": pl.repeat(None, events, dtype=pl.String, eager=True),
        }
    ).select(pl.col(name).cast(dtype) for name, dtype in SCHEMAS["events"].items())
    frame = frame.sort("lead_id", "at", "recorded_at", "kind", "value")
    path = Path(mkdtemp(prefix="features-bench-")) / "events.parquet"
    frame.write_parquet(path)
    place = np.repeat(np.arange(leads), 2)
    moment = created[place] + np.tile([7, 60], leads) * DAY
    moments = pl.DataFrame({"lead_id": ids[place], "moment": moment}).sort(
        "moment", "lead_id"
    )
    return path, _tables(ids, created, frame), moments.with_row_index("row")


def _tables(
    ids: pl.Series, created: npt.NDArray[np.int64], events: pl.DataFrame
) -> Tables:
    leads = pl.DataFrame(
        {
            "lead_id": ids,
            "created_at": created,
            "recorded_at": created,
            **dict.fromkeys(("source", "pipeline", "owner"), "one"),
        }
    ).select(pl.col(name).cast(dtype) for name, dtype in SCHEMAS["leads"].items())
    return Tables(
        leads=leads,
        events=events,
        stages=empty("stages"),
        payments=empty("payments"),
        field_changes=empty("field_changes"),
        outcomes=empty("outcomes"),
        fields={},
        cut_off=datetime(1973, 1, 1, tzinfo=UTC),
    )


def in_pandas(events: pd.DataFrame, moments: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Count, add up and find the last per kind, as one would by hand."""
    seen = moments.merge(events, on="lead_id")
    visible = (seen["at"] <= seen["moment"]) & (seen["recorded_at"] <= seen["moment"])
    seen = seen[visible]
    age = seen["moment"] - seen["at"]
    made = {}
    for name, window in (("count", None), ("count_7d", 7), ("count_30d", 30)):
        part = seen if window is None else seen[age < window * DAY]
        made[name] = part.groupby(["row", "kind"]).size().unstack(fill_value=0)
    made["sum"] = seen.groupby(["row", "kind"])["value"].sum().unstack()
    made["last"] = seen.groupby(["row", "kind"])["at"].max().unstack()
    return made


@pytest.mark.parametrize("events", SIZES)
@pytest.mark.benchmark(group="features")
def test_decode(benchmark: BenchmarkFixture, events: int) -> None:
    """Read the columns that features need, and nothing else."""
    path, _, _ = company(events)

    frame = benchmark.pedantic(  # type: ignore[no-untyped-call]
        pl.read_parquet, args=[path], kwargs={"columns": COLUMNS}, rounds=5
    )

    assert len(frame) == events


@pytest.mark.parametrize("events", SIZES)
@pytest.mark.benchmark(group="features")
def test_ours(benchmark: BenchmarkFixture, events: int) -> None:
    """Build every feature of every snapshot, from the tables as they were loaded."""
    _, tables, moments = company(events)

    # A new history each time: its encoding of leads is part of the work.
    table = benchmark.pedantic(  # type: ignore[no-untyped-call]
        lambda: build(CATALOG, History(tables), moments), rounds=3, warmup_rounds=1
    )

    assert table.numbers.shape == (len(moments), len(CATALOG.number_features))


@pytest.mark.parametrize("events", SIZES)
@pytest.mark.benchmark(group="features")
def test_pandas(benchmark: BenchmarkFixture, events: int) -> None:
    """The reference: plain pandas, which counts the same."""
    _, tables, moments = company(events)
    frame = tables.events.select(COLUMNS).with_columns(
        pl.col("at", "recorded_at").cast(pl.Int64())
    )
    raw, asked = frame.to_pandas(), moments.to_pandas()

    made = benchmark.pedantic(  # type: ignore[no-untyped-call]
        in_pandas, args=[raw, asked], rounds=2
    )

    ours = build(CATALOG, History(tables), moments)
    columns = dict(zip(CATALOG.names, ours.numbers.T, strict=False))
    rows = np.arange(len(moments))
    compared = 0
    for kind in KINDS:
        for name in ("count", "count_7d", "count_30d"):
            theirs = made[name][kind].reindex(rows, fill_value=0).to_numpy()
            if f"{kind}.{name}" in columns:  # rare kinds have fewer features
                assert np.array_equal(columns[f"{kind}.{name}"], theirs)
                compared += 1
        age = moments["moment"].to_numpy() - made["last"][kind].reindex(rows).to_numpy()
        hours = columns[f"{kind}.recency_hours"]
        assert np.allclose(hours, age / 3.6e9, equal_nan=True)
    assert compared == 32


@pytest.mark.benchmark(group="one lead, 50 events")
def test_one_lead(benchmark: BenchmarkFixture) -> None:
    """Build every feature of one lead with 50 events, among them its history's cut."""
    random = np.random.default_rng(7)
    ages = np.sort(random.integers(0, 60 * DAY, 50)).tolist()
    happened = [Event(age, age, KINDS[age % 12], 1.5) for age in ages]
    lead = LeadHistory("a", 0, 0, "ads", None, None, {}, tuple(happened), (), (), ())

    table = benchmark(build_one, CATALOG, lead, 60 * DAY)

    count = CATALOG.names.index("activity.count")
    assert table.numbers[0, count] == 50
