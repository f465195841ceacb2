"""Text and clock times become instants: microseconds in UTC.

A naive time is read on the company's clock. Where that clock was set back, the same
reading came twice and the earlier is taken; where it was set forward, the reading never
came and is moved on by the hour that was skipped. Neither is a fault: exports of real
companies hold both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from leads.tables import INSTANT

RUSSIAN_DAY: Final = r"^(\d{1,2})\.(\d{1,2})\.(\d{4})"
OFFSET: Final = r"\d{1,2}:\d{2}.*?\s?(Z|z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})$"
SHAPE: Final = r"^\s*(?:\d{4}-\d{2}-\d{2}|\d{1,2}\.\d{1,2}\.\d{4})(?:[T ,]|\s*$)"
TIME: Final = "%Y-%m-%d %H:%M:%S%.f"
SKIPPED: Final = ("1h", "1d")
"""What to add to a reading that the clock skipped; some islands once lost a day."""


@dataclass(frozen=True)
class ParsedTimes:
    """Instants read from text, and which rows could not be read.

    ``mixed`` marks the rows that follow another time zone than the rest, ``zones``
    names the zones found; both are empty if the column is of one piece.
    """

    values: pl.Series
    bad: pl.Series
    mixed: pl.Series
    zones: tuple[str, ...] = ()


def on_clock(times: pl.Series, zone: ZoneInfo) -> pl.Series:
    """Read naive times on the clock of a zone.

    Examples
    --------
    >>> from datetime import datetime
    >>> twice = pl.Series([datetime.fromisoformat("2024-10-27T02:30")])
    >>> skipped = pl.Series([datetime.fromisoformat("2024-03-31T02:30")])
    >>> str(on_clock(twice, ZoneInfo("Europe/Berlin"))[0])
    '2024-10-27 00:30:00+00:00'
    >>> str(on_clock(skipped, ZoneInfo("Europe/Berlin"))[0])
    '2024-03-31 01:30:00+00:00'
    """
    local = times.cast(pl.Datetime("us"))
    read = _localised(local, zone)
    for step in SKIPPED:
        if read.null_count() == local.null_count():
            break
        moved = _localised(local.dt.offset_by(step), zone)
        read = read.zip_with(read.is_not_null(), moved)
    return read


def _localised(local: pl.Series, zone: ZoneInfo) -> pl.Series:
    return local.dt.replace_time_zone(
        zone.key, ambiguous="earliest", non_existent="null"
    ).dt.convert_time_zone("UTC")


def looks_like_times(texts: pl.Series) -> bool:
    """Whether every text begins like a calendar day (a quick test before parsing)."""
    return bool(texts.drop_nulls().str.contains(SHAPE).all())


def parse_times(texts: pl.Series, zone: ZoneInfo) -> ParsedTimes:
    """Read ISO 8601 or Russian times; a day alone is its midnight.

    Offsets may differ within a column only where they are the ones that the company's
    own clock had at those moments: summer and winter time.

    Examples
    --------
    >>> texts = pl.Series(["2026-03-01T10:00:00+03:00", "01.03.2026 10:00", "soon"])
    >>> parsed = parse_times(texts, ZoneInfo("Europe/Moscow"))
    >>> [str(value) for value in parsed.values]
    ['2026-03-01 07:00:00+00:00', '2026-03-01 07:00:00+00:00', 'None']
    >>> parsed.bad.to_list(), parsed.zones
    ([False, False, True], ('none', '+03:00'))
    """
    text = texts.str.strip_chars()
    offset = text.str.extract(OFFSET, 1)
    local = _local_times(text, offset)
    bad = text.is_not_null() & local.is_null()
    aware = offset.is_not_null() & local.is_not_null()
    naive = offset.is_null() & local.is_not_null()
    if not aware.any():
        return ParsedTimes(on_clock(local, zone), bad, _never(text))
    by_offset = (local - _durations(offset)).dt.replace_time_zone("UTC")
    by_clock = on_clock(local, zone)
    values = by_offset.zip_with(aware, by_clock)
    written = offset.filter(aware).unique().sort().to_list()
    if naive.any():
        fewer = aware if aware.sum() <= naive.sum() else naive
        return ParsedTimes(values, bad, fewer, ("none", *written))
    own = values.dt.convert_time_zone(zone.key).dt.replace_time_zone(None) == local
    if _durations(offset).drop_nulls().n_unique() == 1 or own.filter(aware).all():
        return ParsedTimes(values, bad, _never(text))
    usual = offset.filter(aware).value_counts(sort=True)[offset.name][0]
    return ParsedTimes(values, bad, aware & (offset != usual), tuple(written))


def _local_times(text: pl.Series, offset: pl.Series) -> pl.Series:
    """Read what a clock showed, without its offset; null where it cannot be read."""
    column = pl.col("text")
    bare = (
        pl.when(pl.col("offset").is_null())
        .then(column)
        .otherwise(column.str.strip_suffix(pl.col("offset")).str.strip_chars_end())
        .str.replace(RUSSIAN_DAY, "$3-$2-$1")
        .str.replace(r"^(\S{8,10})[Tt,]+\s*", "$1 ")
        .str.replace(r"^(\d{4}-\d{1,2}-\d{1,2})\s*$", "$1 00:00")
        .str.replace(r"^(\S+\s+\d{1,2}:\d{2})$", "$1:00")
        .str.replace(r"(:\d{2}),(\d+)$", "$1.$2")
    )
    frame = pl.DataFrame({"text": text, "offset": offset})
    parsed = bare.str.to_datetime(TIME, strict=False, time_unit="us")
    return frame.select(parsed).to_series()


def _durations(offset: pl.Series) -> pl.Series:
    """How far the offsets lie from UTC; zero for ``Z``, null where there is none."""
    text = pl.col("offset").str.replace_all(":", "")
    minutes = (
        text.str.slice(1, 2).cast(pl.Int64, strict=False) * 60
        + text.str.slice(3, 2).cast(pl.Int64, strict=False).fill_null(0)
    ).fill_null(0)
    signed = pl.when(text.str.starts_with("-")).then(-minutes).otherwise(minutes)
    known = pl.when(text.is_not_null()).then(pl.duration(minutes=signed))
    return (
        pl.DataFrame({"offset": offset})
        .select(known)
        .to_series()
        .cast(pl.Duration("us"))
    )


def _never(like: pl.Series) -> pl.Series:
    return pl.repeat(value=False, n=len(like), dtype=pl.Boolean, eager=True)


def to_instants(values: pl.Series, zone: ZoneInfo) -> pl.Series:
    """Bring dates and datetimes to UTC; a naive one is on the company's clock."""
    dtype = values.dtype
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return values.dt.convert_time_zone("UTC").cast(INSTANT)
    return on_clock(values, zone)
