from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.features.catalog import Numbers
from model.learners.rates import rates, usual_rate
from model.metrics import probabilities

NAMES = ["visits", "pipeline"]


def chances(
    counts: dict[float, tuple[int, int]], asked: list[float], repeat: int = 1
) -> Numbers:
    """Count pipelines (won, leads) and give the chances of leads in those asked for."""
    code = np.repeat(list(counts), [n for _, n in counts.values()])
    won = [[1.0] * w + [0.0] * (n - w) for w, n in counts.values()]
    labels = np.concatenate(won)
    leads = np.repeat(np.arange(len(code)), repeat)
    values = np.column_stack([np.zeros(len(code)), code])
    table = rates(values[leads], labels[leads], leads, names=NAMES, pipeline="pipeline")
    rows = np.array([[7.0, place] for place in asked])
    return probabilities(table.log_odds(rows))


def test_one_win_of_one_is_no_certainty() -> None:
    """After one win of one lead the answer is under a fifth, not 91.67 %."""
    assert chances({1.0: (1, 1)}, [1.0, 2.0, np.nan]).max() < 0.2


@pytest.mark.parametrize(("won", "leads"), [(0, 30), (30, 30), (0, 1)])
def test_one_outcome_alone_is_answered(won: int, leads: int) -> None:
    """Where nobody, or everybody, converted, the prior keeps the answer off 0 and 1."""
    given = chances({1.0: (won, leads)}, [1.0])[0]

    assert 0.005 < given < 0.9
    assert given == pytest.approx(usual_rate(won, leads), abs=0.15)


def test_a_small_pipeline_borrows_from_the_whole() -> None:
    """Three wins of three beside many leads move the chance a little, and upwards."""
    small, large = chances({1.0: (3, 3), 2.0: (100, 1_000)}, [1.0, 2.0])

    assert 0.1 < small < 0.35
    assert large == pytest.approx(0.1, abs=0.01)


def test_large_pipelines_keep_their_own_rates() -> None:
    """Where there are many leads the counted rates are what is said."""
    given = chances({1.0: (100, 2_000), 2.0: (800, 2_000)}, [1.0, 2.0])

    assert given == pytest.approx([0.05, 0.40], abs=0.005)


def test_pipelines_that_do_not_differ_are_one() -> None:
    """Differences that chance explains are drawn together."""
    given = chances({float(i): (w, 40) for i, w in enumerate((3, 5, 4, 6))}, [0, 1, 3])

    assert np.ptp(given) < 0.02


def test_leads_are_counted_not_rows() -> None:
    """A lead seen five times has one vote."""
    once = chances({1.0: (4, 10), 2.0: (5, 100)}, [1.0, 2.0])
    often = chances({1.0: (4, 10), 2.0: (5, 100)}, [1.0, 2.0], repeat=5)

    assert often == pytest.approx(once, abs=1e-12)


@given(
    st.lists(
        st.integers(0, 50).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
        min_size=1,
        max_size=5,
    ).filter(lambda counts: sum(n for _, n in counts) > 0)
)
def test_a_rate_lies_between_its_own_and_the_usual(
    counts: list[tuple[int, int]],
) -> None:
    """Shrinkage goes from the counted rate towards the usual one, and not beyond."""
    given = chances(
        {float(i): pair for i, pair in enumerate(counts)}, [float(len(counts) + 5)]
    )
    own = chances(
        {float(i): pair for i, pair in enumerate(counts)},
        [float(i) for i in range(len(counts))],
    )
    usual = usual_rate(sum(w for w, _ in counts), sum(n for _, n in counts))

    assert 0.0 < given[0] < 1.0
    for (won, leads), chance in zip(counts, own, strict=True):
        if leads:
            low, high = sorted((won / leads, usual))
            assert low - 1e-9 <= chance <= high + 1e-9


def test_leads_without_pipelines_get_the_usual_rate() -> None:
    """Where no feature is the pipeline, one rate is said of all."""
    labels = np.array([1.0, 0.0, 0.0])
    table = rates(np.zeros((3, 1)), labels, np.arange(3), names=["a"], pipeline=None)

    given = probabilities(table.log_odds(np.array([[np.nan], [4.0]])))
    assert given == pytest.approx([usual_rate(1, 3)] * 2)


def test_prices_are_centred() -> None:
    """Shares start from the training leads' mean, so they add up over them to 0."""
    code = np.repeat([1.0, 2.0], [50, 150])
    labels = (np.arange(200) % 5 < code).astype(float)
    values = np.column_stack([np.zeros(200), code])
    table = rates(values, labels, np.arange(200), names=NAMES, pipeline="pipeline")

    assert table.contributions(values).sum() == pytest.approx(0.0, abs=1e-9)
