from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from playbook.hours import Hours, Within

MOSCOW = Hours("Europe/Moscow", country="RU")
BERLIN = Hours("Europe/Berlin", days=("mon", "tue", "wed", "thu", "fri", "sun"))


@pytest.mark.parametrize(
    ("hours", "given", "within", "due"),
    [
        (MOSCOW, "2026-03-10T10:00", Within(2, "hours"), "2026-03-10T12:00"),
        (MOSCOW, "2026-03-10T07:00", Within(2, "hours"), "2026-03-10T11:00"),
        (MOSCOW, "2026-03-10T17:00", Within(1, "hours"), "2026-03-10T18:00"),
        (MOSCOW, "2026-03-10T17:30", Within(10, "hours"), "2026-03-12T09:30"),
        # 8 March is a Sunday: Monday the 9th is free instead
        (MOSCOW, "2026-03-06T17:00", Within(2, "hours"), "2026-03-10T10:00"),
        (MOSCOW, "2026-03-06T17:00", Within(0, "days"), "2026-03-06T18:00"),
        (MOSCOW, "2026-03-06T18:00", Within(0, "days"), "2026-03-10T18:00"),
        (MOSCOW, "2026-03-06T17:00", Within(1, "days"), "2026-03-10T18:00"),
        # New Year's week in Russia
        (MOSCOW, "2025-12-31T12:00", Within(0, "days"), "2026-01-12T18:00"),
        # a Saturday that the country works in return for a free day
        (MOSCOW, "2024-04-26T17:30", Within(1, "hours"), "2024-04-27T09:30"),
        # clocks go forward between Sunday's opening and its close: still nine hours
        (BERLIN, "2026-03-29T01:00", Within(9, "hours"), "2026-03-29T18:00"),
    ],
)  # fmt: skip
def test_a_deadline_is_counted_in_business_hours_of_the_companys_zone(
    hours: Hours, given: str, within: Within, due: str
) -> None:
    """Nights, weekends, holidays and moved days are skipped, as on a wall calendar."""
    zone = ZoneInfo(hours.zone)
    moment = datetime.fromisoformat(given).replace(tzinfo=zone)

    found = hours.due(moment, within).astimezone(zone)

    assert found.strftime("%Y-%m-%dT%H:%M") == due
