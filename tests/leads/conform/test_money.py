from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.conform.money import (
    CURRENCIES,
    DECIMALS,
    decimals_of,
    minor_of_float,
    minor_of_text,
)


@given(
    minor=st.integers(-(10**13), 10**13), code=st.sampled_from(["EUR", "JPY", "KWD"])
)
def test_money_is_exact_however_it_is_written(minor: int, code: str) -> None:
    """Minor units survive the way through decimals, text and floats unchanged."""
    decimals = decimals_of(pl.Series([code]))
    places = int(decimals.item())
    amount = Decimal(minor).scaleb(-places)

    as_text = minor_of_text(pl.Series([f"{amount:f}"]), decimals)
    as_float = minor_of_float(pl.Series([float(amount)]), decimals)

    assert as_text.item() == as_float.item() == minor


@pytest.mark.parametrize("text", ["1.005", "abc", "", "1e3", "nan", "1.2.3", "-"])
def test_amounts_that_are_not_whole_minor_units_are_refused(text: str) -> None:
    """An amount is never rounded in silence."""
    made = minor_of_text(pl.Series([text]), pl.Series([2]))

    assert made.item() is None


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), 1e300, 0.005])
def test_floats_that_are_no_amount_are_refused(amount: float) -> None:
    """Not finite, not exact, and not whole are all null, and nothing overflows."""
    made = minor_of_float(pl.Series([amount]), pl.Series([2]))

    assert made.item() is None


def test_every_odd_number_of_decimals_belongs_to_a_known_currency() -> None:
    """The table of decimals names only currencies of ISO 4217."""
    assert DECIMALS.keys() <= CURRENCIES
