from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from model.bundle.whole import Bundle
from model.dissection.interplay import effects, interplay
from model.dissection.sample import Sample
from model.features.catalog import FeatureTable, Numbers
from model.learners.calibration import IDENTITY
from model.learning import Trained

FIELDS = ("visits", "budget", "phone")
ROWS = 1_200


@dataclass(frozen=True, eq=False)
class Formula(Bundle):
    """A bundle whose raw log-odds are a formula of its columns."""

    of: Callable[[Numbers], Numbers] = lambda matrix: matrix[:, 0]

    def raw(self, matrix: Numbers) -> Numbers:
        """Answer by the formula."""
        return self.of(matrix)


def sampled(
    trained: Trained,
    formula: Callable[[Numbers], Numbers],
    *,
    truth: Callable[[Numbers], Numbers] | None = None,
    seed: int = 5,
) -> Sample:
    """Let a model that says a formula meet leads whose outcomes follow a truth."""
    rng = np.random.default_rng(seed)
    bundle = trained.bundle
    known = {name: getattr(bundle, name) for name in Bundle.__dataclass_fields__}
    known |= {"calibrator": IDENTITY}
    numbers = rng.normal(size=(ROWS, 5))
    texts = np.full((ROWS, 2), None, dtype=object)
    table = FeatureTable(numbers, texts)
    matrix = bundle.catalog.encode(table)
    said = formula(matrix)
    chances = 1 / (1 + np.exp(-(truth or formula)(matrix)))
    return Sample(
        bundle=Formula(**known, of=formula),
        table=table,
        matrix=matrix,
        given=np.abs(matrix),
        log_odds=said,
        labels=(rng.random(ROWS) < chances).astype(float),
        leads=np.arange(ROWS),
    )


def additive(matrix: Numbers) -> Numbers:
    """Say a sum of three columns, none of them straight."""
    return np.asarray(np.sin(matrix[:, 0]) + matrix[:, 3] ** 2 - matrix[:, 4])


def joined(matrix: Numbers) -> Numbers:
    """Say that visits count only where the budget is high."""
    return np.asarray(additive(matrix) + 1.5 * matrix[:, 0] * (matrix[:, 3] > 0))


def test_a_sum_has_no_pairs(trained: Trained) -> None:
    """Whatever each field does by itself, what only adds up has no effect of a pair."""
    sample = sampled(trained, additive)
    rows = np.arange(200)

    found = effects(sample, [("visits", "budget")], rows, rng=np.random.default_rng(1))

    assert np.abs(found["visits", "budget"]).max() < 1e-12


def test_a_true_pair_is_named_and_no_other(trained: Trained) -> None:
    """Of three pairs, the one that the outcomes bear out is told, with its cost."""
    tried, pairs = interplay(sampled(trained, joined), FIELDS, seed=3)

    assert tried == 1
    assert [pair.fields for pair in pairs] == [("visits", "budget")]
    assert pairs[0].low > 0
    assert sum(cell.count for cell in pairs[0].cells) == ROWS


def test_a_pair_that_the_outcomes_deny_is_not_told(trained: Trained) -> None:
    """What the model only imagines is tried, and found to be noise."""
    sample = sampled(trained, joined, truth=additive)

    tried, pairs = interplay(sample, FIELDS, seed=3)

    assert tried == 1
    assert pairs == ()


def test_a_model_without_trees_is_not_asked(trained: Trained) -> None:
    """A scorecard is a sum; nothing is predicted to find that out."""
    sample = sampled(trained, joined)
    bare = replace(sample, bundle=replace(sample.bundle, booster=None))

    assert interplay(bare, FIELDS, seed=3) == (0, ())


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_seed_finds_the_same(trained: Trained, seed: int) -> None:
    """Nothing hangs on the hour: the bundle's digest covers what was found."""
    sample = sampled(trained, joined)

    assert interplay(sample, FIELDS, seed=seed) == interplay(sample, FIELDS, seed=seed)
