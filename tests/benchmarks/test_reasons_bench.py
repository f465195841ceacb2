"""How long it takes to explain, word and store everyone.

    python -m pytest -q -s -m long tests/benchmarks/test_reasons_bench.py

A model of 300 trees of 31 leaves; 10,000 leads are measured, and the time of 100,000,
which is ten times that, must be under five minutes.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import lightgbm
import numpy as np
import pytest
from tests.serve.company import invented_tables, learned, settings_in

from leads.history import History
from leads.journal import Journal
from model.bundle.whole import Bundle
from model.examples.snapshots import open_leads
from model.features.batch import build
from model.features.catalog import FeatureTable, Numbers
from serve.scoring import inputs_of, predict

ROWS = 10_000
WANTED = 100_000
MOST_SECONDS = 300.0
CHUNK = 8_192
NOW = datetime(2026, 6, 2, tzinfo=UTC)


def heavy(bundle: Bundle, table: FeatureTable, labels: Numbers) -> Bundle:
    """Put 300 full trees of 31 leaves into a bundle."""
    matrix = bundle.catalog.encode(table)
    parameters = {
        "objective": "binary", "num_leaves": 31, "min_data_in_leaf": 1,
        "learning_rate": 0.01, "verbosity": -1, "num_threads": 1,
        "min_gain_to_split": 0.0, "min_sum_hessian_in_leaf": 1e-9,
    }  # fmt: skip
    trees = lightgbm.train(parameters, lightgbm.Dataset(matrix, labels), 300)
    assert trees.num_trees() == 300
    return replace(bundle, booster=trees)


def measured(bundle: Bundle, table: FeatureTable, journal: Journal) -> dict[str, float]:
    """Explain, word and store all rows; seconds of each part.

    The contributions are computed once more on their own, to tell them apart.
    """
    spent = dict.fromkeys(("contributions", "all of predict", "inputs", "journal"), 0.0)
    for start in range(0, len(table), CHUNK):
        rows = table.rows(slice(start, start + CHUNK))
        ids = [f"L{start + i}" for i in range(len(rows))]
        marks = [time.perf_counter()]
        bundle.contributions(rows)
        marks.append(time.perf_counter())
        made = predict(bundle, rows, ids, [NOW] * len(rows), version="1")
        marks.append(time.perf_counter())
        inputs = inputs_of(bundle.catalog, rows)
        marks.append(time.perf_counter())
        journal.record(made, made_at=NOW, inputs=inputs, channel="score")
        marks.append(time.perf_counter())
        for part, (began, ended) in zip(spent, pairwise(marks), strict=True):
            spent[part] += ended - began
    return spent


@pytest.mark.long
def test_everyone_is_explained_worded_and_stored_in_five_minutes(
    tmp_path: Path,
) -> None:
    """Contributions, words and the journal of 100,000 leads take under 300 s."""
    settings, tables = settings_in(tmp_path), invented_tables()
    light = learned(tables, settings, tmp_path / "work")
    history = History(tables)
    moments = open_leads(history, settings)
    seen = build(light.catalog, history, moments)
    rng = np.random.default_rng(2)
    bundle = heavy(light, seen, rng.integers(0, 2, len(seen)).astype(float))
    table = seen.rows(rng.integers(0, len(seen), ROWS))
    journal = Journal(f"sqlite:///{tmp_path / 'many.db'}")
    journal.upgrade()

    spent = measured(bundle, table, journal)

    journal.close()
    seconds = (sum(spent.values()) - spent["contributions"]) * WANTED / ROWS
    for name, took in spent.items():
        print(f"{name:<16} {took * WANTED / ROWS:6.1f} s of {WANTED:,} leads")  # noqa: T201 - a benchmark tells
    print(f"{'together':<16} {seconds:6.1f} s, {len(bundle.catalog.features)} columns")  # noqa: T201 - as above
    assert seconds < MOST_SECONDS
