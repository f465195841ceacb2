"""A journal whose disk is full says so, keeps nothing, and goes on when it can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog

from leads.decision import Prediction, Tier
from leads.errors import Unavailable, Unwritable
from leads.journal import Journal
from leads.logs import configure_logs

NOW = datetime(2026, 6, 2, tzinfo=UTC)
SAID = Prediction(
    "L", NOW, 30, 0.5, 0.0, -1.0, Tier.WARM, {}, (), "1", "d" * 64
)  # fmt: skip
FULL = {
    "sqlite": "PRAGMA max_page_count = 1",
    "postgresql": "DO $$ BEGIN RAISE 'no space' USING ERRCODE = '53100'; END $$",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    """Open an empty journal of either kind."""
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    with closing(Journal(url)) as opened:
        opened.upgrade()
        yield opened


def fill(connection: sa.Connection, _: object) -> None:
    """Have the database say that its disk is full, as it does when it is."""
    dialect = connection.dialect.name
    connection.exec_driver_sql(FULL[dialect])
    if dialect == "sqlite":  # one page more than there may be
        connection.exec_driver_sql("CREATE TABLE more AS SELECT zeroblob(1000000)")


def test_no_space_is_told_from_no_answer_and_keeps_nothing(journal: Journal) -> None:
    """What goes in with predictions finds no space: then they are not kept either."""
    with pytest.raises(Unwritable, match="full or read-only"):
        journal.record([SAID], made_at=NOW, channel="api", also=fill)

    assert journal.latest("L") is None
    journal.record([SAID], made_at=NOW, channel="api")
    assert journal.latest("L") == SAID


def test_a_journal_with_room_says_so_and_holds_nothing_of_it(journal: Journal) -> None:
    """Asking writes, again and again, and leaves nothing behind."""
    assert [journal.has_room() for _ in range(3)] == [True] * 3
    assert journal.latest("L") is None


def test_another_failure_of_a_database_is_not_taken_for_a_full_disk(
    journal: Journal,
) -> None:
    """Nobody knows what was kept by a database that does not answer."""
    with pytest.raises(Unavailable) as refused, journal.writing() as connection:
        connection.exec_driver_sql("SELECT * FROM absent")

    assert not isinstance(refused.value, Unwritable)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_log_that_cannot_be_written_costs_no_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A line for a full disk is lost; who said it goes on."""
    with Path("/dev/full").open("wb", buffering=0) as full:
        stream = TextIOWrapper(full, write_through=True)
        with pytest.raises(OSError, match="No space"):
            stream.write("a line\n")
        monkeypatch.setattr("sys.stderr", stream)
        configure_logs(for_people=False)

        structlog.get_logger().error("no_space")
        stream.detach()
