from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.settings import Promotion
from model.promotion.harm import harmed, holm, sliced

RULES = Promotion()


def column(*values: str | None, times: int = 300) -> np.ndarray[tuple[int], np.dtype]:
    """Repeat each value so many times, as a column of groups."""
    return np.repeat(np.array(values, dtype=object), times)


def test_the_harmed_slice_is_named_and_no_other() -> None:
    """Of four sources the one where every lead is said worse is found."""
    rng = np.random.default_rng(1)
    differences = rng.normal(-0.05, 0.3, 1_200)
    differences[600:900] += 0.2
    groups = {"source": column("ads", "call", "mail", "web")}
    found = sliced(differences, np.arange(1_200), groups, RULES)

    assert len(found) == 4
    assert [(one.name, one.value) for one in harmed(found, RULES)] == [
        ("source", "mail")
    ]


def test_a_hundred_slices_of_noise_harm_nobody() -> None:
    """Corrected for their number, slices that differ by chance alone are not named."""
    alarms = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        values = np.array([f"m{i}" for i in range(100)], dtype=object)
        groups = {"manager": np.repeat(values, 200)}
        differences = rng.normal(0, 0.3, 20_000)
        found = sliced(differences, np.arange(20_000), groups, RULES)
        alarms += bool(harmed(found, RULES))

    assert alarms <= 3  # one in twenty is what the risk allows


def test_copies_of_few_leads_are_not_more_evidence() -> None:
    """A slice of twenty leads, copied twenty times, is as unsure as it was."""
    rng = np.random.default_rng(2)
    of_lead = rng.normal(0.03, 0.1, 40)
    differences, leads = np.repeat(of_lead, 20), np.repeat(np.arange(40), 20)
    groups = {"source": column("ads", "web", times=400)}
    found = sliced(differences, leads, groups, RULES)
    alone = sliced(differences, np.arange(800), groups, RULES)

    assert max(one.chance for one in found) > max(one.chance for one in alone)
    assert not harmed(found, RULES)


def test_small_slices_and_unknown_values_are_not_judged() -> None:
    """Fewer rows than asked for, no value, or everybody: nothing to judge."""
    values = np.array(["a"] * 199 + [None] * 300 + ["b"] * 300, dtype=object)
    everybody = np.array(["all"] * 799, dtype=object)
    groups = {"source": values, "pipeline": everybody}
    found = sliced(np.ones(799), np.arange(799), groups, RULES)

    assert [one.value for one in found] == ["b"]


@pytest.mark.parametrize("loss", [0.005, 0.02])
def test_a_sure_but_small_loss_is_borne(loss: float) -> None:
    """Harm below the threshold is no harm, however sure it is."""
    groups = {"source": column("ads", "web")}
    differences = np.where(groups["source"] == "ads", loss, -0.1)
    found = sliced(differences, np.arange(600), groups, RULES)

    assert bool(harmed(found, RULES)) == (loss > RULES.most_slice_loss)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_never_makes_anything_surer(chances: list[float]) -> None:
    """Corrected p-values are no smaller, keep their order, and stay below one."""
    corrected = holm(chances)

    assert all(a <= b <= 1 for a, b in zip(chances, corrected, strict=True))
    ranked = [b for _, b in sorted(zip(chances, corrected, strict=True))]
    assert ranked == sorted(ranked)
