from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from leads.conform.fields import as_text, read_as, type_of
from leads.tables import FieldType

UTC = ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "2.5", ""], "number"),
        (["1 234,50", "7"], "number"),
        (["1,234.50", "1,000"], "number"),
        (["-3", "+4", "1e5"], "number"),
        (["1,234", "5,678"], "text"),  # a thousand, or one and a bit?
        (["007", "123"], "text"),
        (["79001234567", "79007654321"], "text"),
        (["+79001234567", "+4917612345678"], "text"),
        (["True", "FALSE", None], "flag"),
        (["yes", "no"], "text"),
        (["2026-01-01", "2026-01-02T10:00"], "time"),
        (["01.02.2026", "03.02.2026"], "time"),
        (["2026-01-01", "soon"], "text"),
        (["red", "3"], "text"),
        (["", None, "  "], None),
    ],
)
def test_text_of_a_csv_is_looked_at(values: list[str], kind: str | None) -> None:
    """A column is a number, a flag or a time only if every value of it is."""
    found = type_of(pl.Series(values, dtype=pl.String), UTC, typed=False)

    assert (found and found.value) == kind


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "2"], "text"),
        (["1,5", "2"], "number"),
        (["2026-01-01"], "time"),
        (["True"], "flag"),
    ],
)
def test_text_of_a_typed_source_stays_text_where_it_was_meant(
    values: list[str], kind: str
) -> None:
    """Codes that somebody stored as text in Parquet are levels, not numbers."""
    found = type_of(pl.Series(values), UTC, typed=True)

    assert found is not None
    assert found.value == kind


@pytest.mark.parametrize(
    ("values", "kind", "first"),
    [
        (pl.Series([1, None]), "number", 1.0),
        (pl.Series([Decimal("1.50")]), "number", 1.5),
        (pl.Series([timedelta(minutes=1)]), "number", 60.0),
        (pl.Series([True]), "flag", True),
        (pl.Series([date(2026, 1, 1)]), "time", datetime(2026, 1, 1, tzinfo=UTC)),
        (pl.Series([time(10)]), "text", "10:00:00"),
        (pl.Series(["a"], dtype=pl.Categorical), "text", "a"),
        (pl.Series(["7"], dtype=pl.Enum(["7"])), "text", "7"),
        (pl.Series([["a", "b"]]), "text", '{"v":["a","b"]}'),
        (pl.Series([{"a": 1}]), "text", '{"a":1}'),
    ],
)
def test_every_type_of_parquet_finds_a_field_type(
    values: pl.Series, kind: str, first: Any
) -> None:
    """No dtype stops a take-in; each becomes one of the four field types."""
    found = type_of(values, UTC, typed=True)
    assert found is not None

    read = read_as(values, found, UTC)

    assert found.value == kind
    assert read.values[0] == first
    assert not read.bad.any()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pl.Series(["ten"]), FieldType.NUMBER),
        (pl.Series([float("inf")]), FieldType.NUMBER),
        (pl.Series(["1e999"]), FieldType.NUMBER),
        (pl.Series([date(2026, 1, 1)]), FieldType.NUMBER),
        (pl.Series([1.5]), FieldType.FLAG),
        (pl.Series(["perhaps"]), FieldType.FLAG),
        (pl.Series([1_700_000_000]), FieldType.TIME),
        (pl.Series([b"\xff"]), FieldType.TEXT),
    ],
)
def test_values_that_do_not_fit_are_bad_and_null(
    values: pl.Series, kind: FieldType
) -> None:
    """Nothing is bent to a type: what does not fit is named."""
    read = read_as(values, kind, UTC)

    assert read.bad.to_list() == [True]
    assert read.values.to_list() == [None]


def test_ids_are_the_same_text_in_every_format() -> None:
    """An id that one file holds as a float and another as text is one id."""
    texts = [as_text(pl.Series(v)).item() for v in ([17850.0], [17850], [" 17850 "])]

    assert texts == ["17850"] * 3


def test_nan_is_no_value() -> None:
    """NaN is null everywhere, so that no two ways of saying nothing exist."""
    read = read_as(pl.Series([float("nan"), 1.0]), FieldType.NUMBER, UTC)

    assert read.values.to_list() == [None, 1.0]
    assert not read.bad.any()
