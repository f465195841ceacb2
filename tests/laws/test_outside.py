"""No sentence contradicts itself: who lies outside a range is written outside it."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from model.card.words import held as held_on_card
from model.proof.record import Bin
from pipelines.console import shares
from serve.pages.wording import LANGUAGES, MINUS, SPACE, Wording

CHANCES = st.integers(0, 20_000).map(lambda n: n / 20_000)
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def read(text: str) -> float:
    """Read a share back; "less than" lies below its number, "more than" above."""
    plain = text.replace(SPACE, "").replace(",", ".")
    value = float(NUMBER.findall(plain)[0])
    return value - 1e-9 if "<" in plain else value + 1e-9 if ">" in plain else value


@given(CHANCES, CHANCES, CHANCES)
@example(0.064, 0.029, 0.058)
@example(0.04, 0.0005, 0.0396)
@example(0.0004, 0.0008, 0.01)
def test_a_chance_outside_its_range_is_written_outside_everywhere(
    said: float, one: float, other: float
) -> None:
    """On pages in both languages, on the model's card, and in the terminal."""
    low, high = sorted((one, other))
    middle = (low + high) / 2
    written: list[tuple[str, ...]] = [
        Wording(language, ZoneInfo("UTC")).held(said, middle, low=low, high=high)
        for language in LANGUAGES
    ]
    proof = Bin(said, middle, low, high, 100)
    written += [tuple(words.ru for words in held_on_card(proof))]
    written += [shares(said, middle, low=low, high=high)]

    for told, happened, span in written:
        ends = [read(end) for end in re.split(r" to |–", span)]
        assert not (said > high and read(told) <= ends[1]), (told, span)
        assert not (said < low and read(told) >= ends[0]), (told, span)
        assert ends[0] <= read(happened) <= ends[1]


@pytest.mark.parametrize("low", [0.00002, -0.0008])
def test_a_gain_that_is_sure_is_written_on_its_side_of_nothing(low: float) -> None:
    """An interval above zero does not begin at zero; others keep four digits."""
    said = Wording("en", ZoneInfo("UTC")).gained(0.0004, low=low, high=0.001, digits=4)

    assert (float(said[1].replace(MINUS, "-")) > 0) == (low > 0)
    assert len(said[0]) == (8 if low > 0 else 7)
