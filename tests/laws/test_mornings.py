"""One run per local date, whatever the clocks of the world do (T19)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from leads.mornings import DAY, moment_of, newest_due

ZONES = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
NOONS = st.integers(0, 50 * 365 * 24 * 60).map(
    lambda minutes: datetime(1990, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))
SAMOA = ZoneInfo("Pacific/Apia")
LEFT_OUT = date(2011, 12, 30)


def dates_run(begin: datetime, at: time, zone: ZoneInfo, *, hours: int) -> list[date]:
    """Let a scheduler look every 20 minutes, and list the dates it would begin."""
    looks = (begin + timedelta(minutes=20 * look) for look in range(hours * 3))
    due = [newest_due(now, at, zone) for now in looks]
    return [day for place, day in enumerate(due) if place == 0 or due[place - 1] != day]


@settings(max_examples=500, deadline=None)
@given(begin=NOONS, at=TIMES, zone=ZONES)
@example(datetime(2011, 12, 27, tzinfo=UTC), time(7), SAMOA)
@example(datetime(2024, 2, 27, tzinfo=UTC), time(7), ZoneInfo("Europe/Moscow"))
@example(datetime(2025, 12, 29, tzinfo=UTC), time(0), ZoneInfo("Europe/Moscow"))
@example(datetime(2026, 3, 27, tzinfo=UTC), time(2, 30), ZoneInfo("Europe/Berlin"))
@example(datetime(2026, 10, 23, tzinfo=UTC), time(2, 30), ZoneInfo("Europe/Berlin"))
def test_every_local_date_is_run_once(
    begin: datetime, at: time, zone: ZoneInfo
) -> None:
    """Dates begin in order, none twice; only one that a zone left out is missing."""
    found = dates_run(begin, at, zone, hours=100)

    assert found == sorted(set(found))
    whole = [found[0] + place * DAY for place in range((found[-1] - found[0]).days + 1)]
    assert {day for day in whole if day not in found} <= _left_out(whole, zone)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(begin=NOONS, at=TIMES, zone=ZONES)
def test_every_local_date_of_ten_thousand_is_run_once(
    begin: datetime, at: time, zone: ZoneInfo
) -> None:
    """T19 in full: the same law over ten thousand moments, hours and zones."""
    found = dates_run(begin, at, zone, hours=100)

    whole = [found[0] + place * DAY for place in range((found[-1] - found[0]).days + 1)]
    assert found == sorted(set(found))
    assert {day for day in whole if day not in found} <= _left_out(whole, zone)


def _left_out(days: list[date], zone: ZoneInfo) -> set[date]:
    """Find dates that no clock of the zone ever showed."""
    noons = {day: datetime.combine(day, time(12), tzinfo=zone) for day in days}
    return {
        day
        for day, noon in noons.items()
        if noon.astimezone(UTC).astimezone(zone).date() != day
    }


def test_an_island_that_left_a_date_out_has_no_run_of_it() -> None:
    """Samoa went from the 29th to the 31st of December 2011."""
    found = dates_run(datetime(2011, 12, 28, tzinfo=UTC), time(7), SAMOA, hours=120)

    assert LEFT_OUT not in found
    assert {LEFT_OUT - DAY, LEFT_OUT + DAY} <= set(found)


@settings(max_examples=500, deadline=None)
@given(now=NOONS, at=TIMES, zone=ZONES)
def test_what_is_due_has_begun_and_what_follows_has_not(
    now: datetime, at: time, zone: ZoneInfo
) -> None:
    """The newest due date's moment is past, that of the date after the next is not."""
    day = newest_due(now, at, zone)

    assert moment_of(day, at, zone) <= now
    assert moment_of(day + 2 * DAY, at, zone) > now
