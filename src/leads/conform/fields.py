"""Card fields: what type each holds, and its values brought to that type.

The type is fixed when a company's data are first taken in and travels with the tables;
values that come later must fit it. In Parquet and databases text is text unless all of
it is a time, a flag or a number with decimals; in CSV and XLSX text is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from leads.conform.instants import looks_like_times, parse_times, to_instants
from leads.conform.numerals import are_codes, plainly, style_of, tidy
from leads.tables import FIELD_DTYPES, FieldType

FLAG_WORDS: Final = {
    "true": True, "false": False, "1": True, "0": False, "yes": True, "no": False,
    "y": True, "n": False, "да": True, "нет": False, "t": True, "f": False,
}  # fmt: skip
WHOLE_FLOAT: Final = r"^(-?\d+)\.0$"
REMEDIES: Final = {
    FieldType.NUMBER: "Write numbers as 1234.5, or leave the cell empty.",
    FieldType.FLAG: "Write true or false, or leave the cell empty.",
    FieldType.TIME: "Write times as 2026-03-01T10:00:00, or leave the cell empty.",
    FieldType.TEXT: "Store text in this column.",
}


@dataclass(frozen=True)
class Read:
    """Values of one column in our type; ``bad`` rows did not fit and are null.

    ``mixed`` rows follow another time zone than the others.
    """

    values: pl.Series
    bad: pl.Series
    mixed: pl.Series | None = None
    zones: tuple[str, ...] = ()


def as_text(values: pl.Series) -> pl.Series:
    """Write any column as text, blank as null, whole floats without their ``.0``.

    Examples
    --------
    >>> as_text(pl.Series([17850.0, None, 2.5])).to_list()
    ['17850', None, '2.5']
    >>> as_text(pl.Series([" A-1 ", "  "])).to_list()
    ['A-1', None]
    """
    dtype = values.dtype
    if dtype == pl.Object:  # such as a UUID out of PostgreSQL
        found = [None if value is None else str(value) for value in values.to_list()]
        return pl.Series(values.name, found, dtype=pl.String)
    if isinstance(dtype, pl.Struct):
        return values.struct.json_encode()
    if isinstance(dtype, (pl.List, pl.Array)):
        return (
            values.to_frame("v").select(pl.struct("v")).to_series().struct.json_encode()
        )
    if isinstance(dtype, pl.Datetime):
        return values.dt.to_string("iso:strict")
    if dtype == pl.Binary:
        found = [None if v is None else _decoded(v) for v in values.to_list()]
        return pl.Series(values.name, found, dtype=pl.String)
    text = values.cast(pl.String)
    if dtype.is_float():
        text = text.set(values.is_nan().fill_null(value=False), None)
        return text.str.replace(WHOLE_FLOAT, "$1")
    if dtype == pl.String or dtype.base_type() in {pl.Categorical, pl.Enum}:
        text = text.str.strip_chars()
        return text.set(text == "", None)
    return text


def _decoded(value: bytes) -> str | None:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return None


def type_of(values: pl.Series, zone: ZoneInfo, *, typed: bool) -> FieldType | None:
    """Tell what a column holds; None if it holds nothing.

    Parameters
    ----------
    values
        (n,) of any type.
    zone
        The company's clock, on which naive times are read.
    typed
        Whether the source itself tells text from numbers.

    Examples
    --------
    >>> utc = ZoneInfo("UTC")
    >>> type_of(pl.Series(["12,5", "3,25"]), utc, typed=False).value
    'number'
    >>> type_of(pl.Series(["2", "1"]), utc, typed=True).value
    'text'
    """
    dtype = values.dtype
    if values.null_count() == len(values):
        return None
    if dtype == pl.Boolean:
        return FieldType.FLAG
    if dtype.is_numeric() or dtype == pl.Duration:
        empty = dtype.is_float() and values.drop_nulls().is_nan().all()
        return None if empty else FieldType.NUMBER
    if isinstance(dtype, pl.Datetime) or dtype == pl.Date:
        return FieldType.TIME
    texts = as_text(values).drop_nulls().unique()
    if texts.is_empty():
        return None
    if dtype == pl.String:
        return _type_of_text(texts, zone, typed=typed)
    return FieldType.TEXT


def _type_of_text(texts: pl.Series, zone: ZoneInfo, *, typed: bool) -> FieldType:
    if texts.str.to_lowercase().is_in(["true", "false"]).all():
        return FieldType.FLAG
    if looks_like_times(texts) and not parse_times(texts, zone).bad.any():
        return FieldType.TIME
    bare = tidy(texts)
    style = style_of(bare)
    if style is None or are_codes(bare) or plainly(bare, style).null_count():
        return FieldType.TEXT
    has_decimals = bare.str.contains(r"[.,]").any()
    return FieldType.TEXT if typed and not has_decimals else FieldType.NUMBER


def read_as(values: pl.Series, kind: FieldType, zone: ZoneInfo) -> Read:
    """Bring a column of any type to a field type.

    Examples
    --------
    >>> read = read_as(pl.Series(["12,5", "much"]), FieldType.NUMBER, ZoneInfo("UTC"))
    >>> read.values.to_list(), read.bad.to_list()
    ([12.5, None], [False, True])
    """
    if kind is FieldType.TEXT:
        text = as_text(values)
        return Read(
            text, _lost(values, text) if values.dtype == pl.Binary else _no(text)
        )
    if kind is FieldType.NUMBER:
        return read_numbers(values)
    if kind is FieldType.FLAG:
        return _read_flags(values)
    return read_times(values, zone)


def read_numbers(values: pl.Series) -> Read:
    """Read numbers; NaN is null, and an infinite one is bad."""
    dtype = values.dtype
    if dtype == pl.Duration:
        seconds = values.dt.total_microseconds().cast(pl.Float64) / 1e6
        return Read(seconds, _no(seconds))
    if dtype.is_numeric() or dtype in {pl.Boolean, pl.Null}:
        number = values.cast(pl.Float64)
        known = number.set(number.is_nan().fill_null(value=False), None)
        bad = known.is_infinite().fill_null(value=False)
        return Read(known.set(bad, None), bad)
    if dtype != pl.String and dtype.base_type() not in {pl.Categorical, pl.Enum}:
        return _none_fit(values, FieldType.NUMBER)
    text = tidy(as_text(values))
    style = style_of(text)
    if style is None:
        return _none_fit(text, FieldType.NUMBER)
    number = plainly(text, style).cast(pl.Float64, strict=False)
    number = number.set(number.is_infinite().fill_null(value=False), None)
    return Read(number, _lost(text, number))


def _read_flags(values: pl.Series) -> Read:
    if values.dtype == pl.Boolean:
        return Read(values, _no(values))
    text = as_text(values)
    flag = text.str.to_lowercase().replace_strict(
        FLAG_WORDS, default=None, return_dtype=pl.Boolean
    )
    return Read(flag, _lost(text, flag))


def read_times(values: pl.Series, zone: ZoneInfo) -> Read:
    """Read instants; a number is never one, since its epoch and unit are a guess."""
    dtype = values.dtype
    if isinstance(dtype, pl.Datetime) or dtype == pl.Date:
        instants = to_instants(values, zone)
        return Read(instants, _lost(values, instants))
    if dtype != pl.String and dtype.base_type() not in {pl.Categorical, pl.Enum}:
        return _none_fit(values, FieldType.TIME)
    parsed = parse_times(as_text(values), zone)
    return Read(parsed.values, parsed.bad, parsed.mixed, parsed.zones)


def _none_fit(values: pl.Series, kind: FieldType) -> Read:
    nothing = pl.repeat(None, len(values), dtype=FIELD_DTYPES[kind], eager=True)
    return Read(nothing.alias(values.name), values.is_not_null())


def _lost(before: pl.Series, after: pl.Series) -> pl.Series:
    return before.is_not_null() & after.is_null()


def _no(like: pl.Series) -> pl.Series:
    return pl.repeat(value=False, n=len(like), dtype=pl.Boolean, eager=True)
