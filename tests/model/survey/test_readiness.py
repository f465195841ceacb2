from __future__ import annotations

import numpy as np
import pytest

from model.survey.readiness import Readiness


@pytest.mark.parametrize("short", [(49, 50), (50, 49), (900, 0)])
def test_both_outcomes_must_reach_the_minimum(short: tuple[int, int]) -> None:
    """A model needs conversions and leads without one alike."""
    assert Readiness(50, 50, minimum=50).enough
    assert not Readiness(*short, minimum=50).enough


def test_a_lead_with_both_outcomes_counts_for_both() -> None:
    """Leads are counted by outcome, whatever the number of their rows."""
    labels, leads = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0, 0, 0, 1])

    assert Readiness.of(labels, leads, minimum=50) == Readiness(1, 2, 50)


def test_what_is_missing_is_said_in_both_languages() -> None:
    """Only what is short is named, with the progress and what is left."""
    words = Readiness(37, 412, 50).words

    assert words.en.startswith("Not enough data: 37 of 50 conversions (13 to go).")
    assert words.ru.startswith("Мало данных: конверсий 37 из 50 (ещё 13).")
    assert "412" not in words.en + words.ru


def test_a_rate_that_no_lead_has_shown_is_owned_up_to() -> None:
    """Where one outcome was never seen, the words say where the rate comes from."""
    words = Readiness(0, 60, 50).words

    assert "guess: one of ten" in words.en
    assert "догадки: один из десяти" in words.ru
    assert "guess" not in Readiness(1, 60, 50).words.en


def test_enough_is_said_with_the_counts() -> None:
    """Nothing is to go where both outcomes have reached the minimum."""
    words = Readiness(1_412, 9_000, 50).words

    assert words.en.startswith("Enough data: 1,412 conversions")
    assert words.ru.startswith("Данных хватает")
