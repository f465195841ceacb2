"""One look of a scheduler as a process, by the clock of the machine.

Its arguments are the journal's URL, the hour and the zone; it prints the date that it
did the run of, or "-".
"""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from leads.journal import Journal
from leads.mornings import newest_due
from leads.runs import Runs


def main(url: str, at: str, zone: str) -> str:
    """Do today's run if it is due."""
    day = newest_due(datetime.now(UTC), time.fromisoformat(at), ZoneInfo(zone))
    with closing(Journal(url)) as journal:
        journal.upgrade()
        runs = Runs(journal)
        run = runs.claim(day) if runs.is_due(day) else None
        if run is None:
            return "-"
        runs.finish(run)
    return day.isoformat()


if __name__ == "__main__":
    sys.stdout.write(main(*sys.argv[1:]))
