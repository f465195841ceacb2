from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.model.invented import flat_settings
from tests.model.learners.pipelines import three_pipelines

from model.features.catalog import Numbers
from model.learners.rates import learn_rates
from model.learning import learn
from model.metrics import log_odds_of, probabilities


def counted(pipelines: dict[float, tuple[int, int]]) -> tuple[Numbers, Numbers]:
    """Make rows of pipelines with so many leads, of which so many convert."""
    column = np.concatenate([np.full(n, code) for code, (n, _) in pipelines.items()])
    labels = np.concatenate([np.arange(n) < won for n, won in pipelines.values()])
    return column, labels.astype(float)


def test_a_small_pipeline_is_drawn_to_the_whole() -> None:
    """Ten of ten wins are not certainty; the same share of more leads says more."""
    column, labels = counted({1.0: (1_000, 100), 2.0: (1_000, 300), 3.0: (10, 10)})
    few = learn_rates(column, labels, np.arange(len(labels)))
    column, labels = counted({1.0: (1_000, 100), 2.0: (1_000, 300), 3.0: (200, 200)})
    many = learn_rates(column, labels, np.arange(len(labels)))

    chances = [probabilities(np.array([r.pipelines[3.0]]))[0] for r in (few, many)]
    assert few.whole < few.pipelines[3.0]
    assert 0.25 < chances[0] < 0.95 < chances[1] < 1.0


def test_snapshots_of_one_lead_count_once() -> None:
    """Seen ten times over, the same leads are drawn to the whole just as strongly."""
    column, labels = counted({1.0: (100, 10), 2.0: (100, 30), 3.0: (10, 8)})
    leads = np.arange(len(labels))
    once = learn_rates(column, labels, leads)
    often = learn_rates(np.tile(column, 10), np.tile(labels, 10), np.tile(leads, 10))

    assert often.pipelines == pytest.approx(once.pipelines)


def test_an_unseen_pipeline_has_the_rate_of_all() -> None:
    """A code that no training row has, and one not known, borrow the whole."""
    column, labels = counted({1.0: (1_000, 100), 2.0: (1_000, 300)})
    rates = learn_rates(column, labels, np.arange(len(labels)))
    prices = rates.scorecard(("pipeline",), 0, column)

    asked = np.array([[1.0], [2.0], [0.0], [np.nan]])
    told = prices.log_odds(asked)
    assert rates.whole == log_odds_of(0.2)
    assert np.allclose(told, rates.log_odds(asked[:, 0]))
    assert told[0] < told[2] < told[1]
    assert told[3] == pytest.approx(told[2])
    assert np.allclose(prices.contributions(column[:, None]).mean(), 0.0)


def test_where_nothing_else_helps_pipelines_keep_their_rates(tmp_path: Path) -> None:
    """Of noise in pipelines of 10 and 40 % remain these rates, as the price of one."""
    task = three_pipelines(noise=True)
    made = learn(task, flat_settings(tmp_path), workdir=tmp_path)

    assert made.bundle.manifest.ladder["base rate"]["weight"] == 1.0
    assert made.bundle.booster is None
    column = task.table.texts[task.test, -1]
    for name, low, high in (("calls", 0.05, 0.15), ("shops", 0.33, 0.47)):
        chances = np.unique(probabilities(made.log_odds[column == name]))
        assert len(chances) == 1
        assert low < chances[0] < high
    shares = made.bundle.contributions(made.table)
    assert np.count_nonzero(np.abs(shares).max(axis=0)) == 1
    assert np.allclose(made.bundle.base + shares.sum(axis=1), made.log_odds)
