from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from model.bundle.whole import Bundle
from model.learning import Trained
from model.outlook.single import SingleRow, What


@pytest.mark.parametrize("what", ["raw_score", "pred_contrib"])
def test_one_row_gets_the_bits_that_a_table_gets(trained: Trained, what: What) -> None:
    """LightGBM's lane for single rows is the wrapper's answer, bit for bit."""
    booster = trained.bundle.booster
    assert booster is not None
    matrix = trained.bundle.catalog.encode(trained.table)
    single = SingleRow(booster, what)
    asked: dict[str, bool] = {what: True}
    expected = booster.predict(matrix, num_threads=1, **asked)

    got = np.concatenate([single.predict(row[None, :]) for row in matrix])

    assert got.tobytes() == np.asarray(expected).tobytes()


def test_threads_do_not_mix_up_their_rows(trained: Trained) -> None:
    """Each of many threads at once gets the answer to its own row."""
    booster = trained.bundle.booster
    assert booster is not None
    matrix = trained.bundle.catalog.encode(trained.table)
    single = SingleRow(booster, "pred_contrib")
    expected = [single.predict(row[None, :]).tobytes() for row in matrix]

    with ThreadPoolExecutor(8) as pool:
        rows = [matrix[i % len(matrix)] for i in range(2_000)]
        got = list(pool.map(lambda row: single.predict(row[None, :]).tobytes(), rows))

    assert got == [expected[i % len(matrix)] for i in range(2_000)]


def test_lanes_end_with_their_bundle(trained: Trained, path: Path) -> None:
    """Bundles that come and go, as in hot swaps, leave the others unharmed."""
    one = trained.table.rows(slice(0, 1))
    expected = trained.bundle.log_odds(one)

    for _ in range(20):
        assert Bundle.open(path).log_odds(one) == expected
        gc.collect()


@pytest.fixture
def path(trained: Trained) -> Path:
    """Give the folder of the bundle."""
    return trained.bundle.path
