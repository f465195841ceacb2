"""A call waits once, its tokens locked, and they go with the answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet, MultiFernet

from crm.calls import CALLS, Calls
from crm.sealing import Seal
from leads.journal import Journal

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECRET = {"event": "ev3nt", "access": "acc3ss"}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Open an empty journal."""
    with closing(Journal(f"sqlite:///{tmp_path / 'journal.db'}")) as opened:
        opened.upgrade()
        yield opened


def seal() -> Seal:
    """Make a key of its own."""
    return Seal(MultiFernet([Fernet(Fernet.generate_key())]))


def kept(journal: Journal) -> str:
    """Give all that the database holds of calls."""
    with journal.reading() as connection:
        return str(connection.execute(sa.select(CALLS)).all())


def test_tokens_lie_locked_and_go_with_the_answer(journal: Journal) -> None:
    """They are never in the open, and not at all once the call is over."""
    calls = Calls(journal, "acme", seal=seal())
    assert calls.keep("ev3nt", "lead:7", waits=HOUR, secret=SECRET)
    waiting = kept(journal)
    (taken,) = calls.take()
    calls.end(taken.mark, "answered")

    assert dict(taken.secret) == SECRET
    assert "acc3ss" not in waiting
    assert "ev3nt" not in waiting
    assert "fernet:" in waiting
    assert "fernet:" not in kept(journal)


def test_a_repeat_is_the_call_that_is_there(journal: Journal) -> None:
    """However often the CRM calls with one token, it is one row."""
    calls = Calls(journal, "acme", seal=seal())
    first = [calls.keep("t", "lead:7", waits=HOUR, secret=SECRET) for _ in range(3)]

    assert first == [True, False, False]
    assert len(calls.take()) == 1


def test_a_call_that_no_key_opens_holds_up_no_other(journal: Journal) -> None:
    """Who changed the key loses what waited, and nothing more."""
    Calls(journal, "acme", seal=seal()).keep("old", "lead:1", waits=HOUR, secret=SECRET)
    calls = Calls(journal, "acme", seal=seal())
    calls.keep("new", "lead:2", waits=HOUR, secret=SECRET)

    assert [one.entity for one in calls.take()] == ["lead:2"]
    assert "locked" in kept(journal)


def test_calls_that_are_long_over_are_forgotten_by_the_next(journal: Journal) -> None:
    """The table holds days of calls, not years; what is just over is still known."""
    calls = Calls(journal, "acme", seal=seal())
    calls.keep("old", "lead:1", waits=-3 * DAY)
    calls.keep("over", "lead:2", waits=-DAY)
    other = Calls(journal, "other", seal=seal())
    other.keep("old", "lead:3", waits=-3 * DAY)

    calls.keep("new", "lead:4", waits=HOUR)

    with journal.reading() as connection:
        entities = set(connection.execute(sa.select(CALLS.c.entity)).scalars())
    assert entities == {"lead:2", "lead:3", "lead:4"}
