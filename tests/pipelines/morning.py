"""A morning as a process that can be killed; its argument is the configuration.

The verb itself but for its lease, which is so short that tests need not wait a minute.
"""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from leads.journal import Journal
from leads.mornings import newest_due
from leads.runs import Runs
from leads.settings import read_settings
from pipelines.daily import work

LEASE = timedelta(seconds=2)


def main(config: Path) -> None:
    """Do what is left of today's run, if it is free."""
    settings, now = read_settings(config), datetime.now(UTC)
    day = newest_due(now, settings.daily.at, settings.company.zone)
    with closing(Journal(settings.store.database)) as journal:
        journal.upgrade()
        runs = Runs(journal, lease=LEASE)
        run = runs.claim(day)
        if run is not None:
            work(settings, runs, run, now=now)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
