from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import expit, logit
from tests.model.invented import flat_settings, invented_task

from model.features.catalog import FeatureTable
from model.learning import Trained, learn


def truth_of(table: FeatureTable) -> np.ndarray:
    """Give the true log-odds of the invented task."""
    visits, budget = table.numbers[:, 0], table.numbers[:, 3]
    with np.errstate(invalid="ignore"):
        money = np.nan_to_num(np.log(budget), nan=10.0) - 10.0
    in_kazan = table.texts[:, 0] == "Казань"
    return np.asarray(-1.3 + 0.5 * (visits - 2) + 0.6 * money + 0.8 * in_kazan)


@dataclass(frozen=True)
class Said:
    """What models of so many leads said of others, and the truth of them."""

    low: np.ndarray
    high: np.ndarray
    truth: np.ndarray

    @property
    def reach(self) -> float:
        """The usual width of an interval, in log-odds."""
        return float(np.median(logit(self.high) - logit(self.low)))


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Said]:
    """Learn from few and from many leads, twice each."""
    found = {}
    for rows in (600, 3_000):
        parts = []
        for seed in (1, 4):
            folder = tmp_path_factory.mktemp("interval")
            task = invented_task(rows, seed=seed)
            bundle = learn(task, flat_settings(folder), workdir=folder).bundle
            table = task.table.rows(task.test)
            outlooks = bundle.outlooks(table, bundle.log_odds(table).tolist())
            truth = expit(truth_of(table))
            bounds = [(o.low, o.high) for o in outlooks if o is not None]
            parts.append(np.column_stack([bounds, truth]))
        found[rows] = Said(*np.concatenate(parts).T)
    return found


@pytest.mark.parametrize("rows", [600, 3_000])
def test_nine_of_ten_intervals_hold_the_truth(said: dict[int, Said], rows: int) -> None:
    """Where the truth follows from what is seen, 90 % means about 90 %."""
    made = said[rows]

    covered = (made.low <= made.truth) & (made.truth <= made.high)

    assert 0.85 <= covered.mean() <= 0.98
    assert 0.02 < (made.high - made.low).mean() < 0.35


def test_more_data_make_narrower_intervals(said: dict[int, Said]) -> None:
    """Five times the leads make intervals clearly narrower."""
    assert said[3_000].reach < 0.85 * said[600].reach


def test_a_flat_table_has_an_interval_and_nothing_else(trained: Trained) -> None:
    """Where nobody knows when, there is no curve, and no money."""
    [outlook] = trained.bundle.outlooks(trained.table.rows(slice(0, 1)), [0.3])

    assert outlook is not None
    assert 0.0 < outlook.low < outlook.high < 1.0
    assert outlook.curve == {}
    assert (outlook.expected_days, outlook.expected_minor) == (None, None)
