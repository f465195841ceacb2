"""The ledger of requests and applied writes."""

from datetime import timedelta

from crm.testing.clock import START
from crm.testing.ledger import Ledger


def write(ledger: Ledger, version: int, *, seconds_late: float = 0) -> None:
    """Enter one update of lead 5 to a version."""
    request = ledger.asked(START, "update", credential="hook", params={})
    ledger.applied(
        request,
        START + timedelta(seconds=seconds_late),
        ("lead", "5", "update"),
        before={"version": 0, "name": "A"},
        after={"version": version, "name": "A"},
    )


def test_only_what_changed_is_entered() -> None:
    """A write keeps the fields that changed, with the values before and after."""
    ledger = Ledger()

    write(ledger, 3)

    assert ledger.writes[0].before == {"version": 0}
    assert ledger.writes[0].after == {"version": 3}


def test_an_older_version_after_a_newer_one_is_found() -> None:
    """A late write of an old version is named, however often newer ones follow."""
    ledger = Ledger()

    for version in (1, 3, 2, 4):
        write(ledger, version)

    assert [w.after["version"] for w in ledger.went_back("lead", "version")] == [2]


def test_what_was_written_twice_is_counted() -> None:
    """The same mark twice is a doubled write; different marks are not."""
    ledger = Ledger()

    for version in (1, 2, 2):
        write(ledger, version)

    doubled = ledger.doubled("lead", lambda w: w.after["version"], action="update")
    assert doubled == {2: 2}


def test_late_writes_are_told_from_prompt_ones() -> None:
    """Lateness is the time between the asking and the applying."""
    ledger = Ledger()

    write(ledger, 1)
    write(ledger, 2, seconds_late=3)

    assert [w.after["version"] for w in ledger.late()] == [2]
