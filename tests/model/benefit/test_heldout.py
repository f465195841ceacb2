from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from model.benefit.heldout import Heldout, compare_arms


def trial(rng: np.random.Generator, *, base: float, effect: float) -> Heldout:
    """Draw a tenth of leads to be called, and let the call change their chance."""
    called = rng.random(1_500) < 0.1
    paid = rng.random(1_500) < base + effect * called
    arms = np.where(called, "random", "held").tolist()
    return compare_arms(pl.DataFrame({"arm": arms, "label": paid.tolist()}))


@pytest.mark.parametrize("effect", [0.0, 0.06])
def test_the_interval_holds_the_truth_as_often_as_it_says(effect: float) -> None:
    """Of four hundred trials the 95 % interval misses about one in twenty."""
    rng = np.random.default_rng(3)
    found = [trial(rng, base=0.04, effect=effect) for _ in range(400)]

    held = np.mean([one.low <= effect <= one.high for one in found])  # type: ignore[operator]  # arms are large

    assert 0.925 <= held <= 0.985


def test_a_call_that_does_nothing_is_rarely_said_to_help() -> None:
    """No effect gives an interval over nought, but for about one trial in forty."""
    rng = np.random.default_rng(4)
    found = [trial(rng, base=0.04, effect=0.0) for _ in range(400)]

    helped = np.mean([one.low > 0 for one in found])  # type: ignore[operator]  # as above

    assert helped <= 0.045


def test_a_call_that_helps_much_is_found() -> None:
    """Twelve points more are found nearly always, and about as large as they are."""
    rng = np.random.default_rng(5)
    found = [trial(rng, base=0.04, effect=0.12) for _ in range(100)]

    assert np.mean([one.low > 0 for one in found]) > 0.9  # type: ignore[operator]  # as above
    differences = [one.difference for one in found if one.difference is not None]
    assert np.mean(differences) == pytest.approx(0.12, abs=0.01)
