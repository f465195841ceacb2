from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from leads.conform.instants import on_clock, parse_times, to_instants

MOSCOW, BERLIN = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    """Make an instant of a time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-01", "2026-02-28T21:00"),
        ("2026-03-01 10:00", "2026-03-01T07:00"),
        ("2026-03-01T10:00:30.25", "2026-03-01T07:00:30.250"),
        ("2026-03-01 10:00:30,123456789", "2026-03-01T07:00:30.123456"),
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00"),
        ("2026-03-01 10:00:00 UTC", "2026-03-01T10:00"),
        ("2026-03-01T10:00:00-0530", "2026-03-01T15:30"),
        ("2026-03-01T10:00:00+05", "2026-03-01T05:00"),
        ("01.03.2026", "2026-02-28T21:00"),
        ("1.3.2026 9:05", "2026-03-01T06:05"),
        ("01.03.2026, 09:05:07", "2026-03-01T06:05:07"),
        ("  2026-03-01 10:00  ", "2026-03-01T07:00"),
    ],
)
def test_every_usual_way_of_writing_a_time_is_read(text: str, utc: str) -> None:
    """A time without an offset is on the company's clock, one with it is not."""
    parsed = parse_times(pl.Series([text]), MOSCOW)

    assert parsed.values.to_list() == [at(utc)]
    assert not parsed.bad.any()


@pytest.mark.parametrize(
    "text", ["soon", "2026-02-30", "2026-13-01", "03/04/2026", "2026-03-01 25:00", "7"]
)
def test_what_is_no_time_is_bad(text: str) -> None:
    """A text that could be read in two ways, or in none, is never guessed."""
    parsed = parse_times(pl.Series([text, "2026-03-01"]), MOSCOW)

    assert parsed.bad.to_list() == [True, False]


def test_naive_and_aware_times_do_not_mix() -> None:
    """The rows in the minority are named, with the zones found."""
    texts = pl.Series(["2026-03-01 10:00", "2026-03-01 11:00", "2026-03-01T10:00Z"])

    parsed = parse_times(texts, MOSCOW)

    assert parsed.mixed.to_list() == [False, False, True]
    assert parsed.zones == ("none", "Z")


def test_two_offsets_do_not_mix() -> None:
    """Offsets that no clock of the company explains are different time zones."""
    texts = pl.Series(["2026-03-01T10:00+03:00"] * 2 + ["2026-03-01T10:00+05:00"])

    parsed = parse_times(texts, MOSCOW)

    assert parsed.mixed.to_list() == [False, False, True]
    assert parsed.zones == ("+03:00", "+05:00")


def test_summer_and_winter_offsets_of_the_companys_clock_are_one_zone() -> None:
    """An export from Berlin holds +01:00 and +02:00, and nothing is mixed in it."""
    texts = pl.Series(["2026-01-01T10:00+01:00", "2026-07-01T10:00+02:00"])

    parsed = parse_times(texts, BERLIN)

    assert not parsed.mixed.any()
    assert parsed.values.to_list() == [at("2026-01-01T09:00"), at("2026-07-01T08:00")]


@pytest.mark.parametrize(
    ("zone", "reading", "utc"),
    [
        ("Europe/Berlin", "2024-10-27T02:30", "2024-10-27T00:30"),  # came twice
        ("Europe/Berlin", "2024-03-31T02:30", "2024-03-31T01:30"),  # never came
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T22:00"),  # a day was skipped
    ],
)
def test_clock_changes_do_not_stop_anything(zone: str, reading: str, utc: str) -> None:
    """The earlier of two readings counts; one that was skipped is moved on."""
    local = pl.Series([datetime.fromisoformat(reading), None])

    instants = on_clock(local, ZoneInfo(zone))

    assert instants.to_list() == [at(utc), None]


def test_datetimes_come_in_any_unit_and_zone() -> None:
    """Nanoseconds are cut to microseconds and other zones brought to UTC."""
    values = pl.Series([datetime.fromisoformat("2026-03-01T10:00")])

    naive = to_instants(values.cast(pl.Datetime("ns")), MOSCOW)
    aware = to_instants(values.dt.replace_time_zone("Asia/Tokyo"), MOSCOW)

    assert naive.to_list() == [at("2026-03-01T07:00")]
    assert aware.to_list() == [at("2026-03-01T01:00")]
