"""After a ping the CRM tells of no further event for a while; none is left behind."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.crm.hearing.town import Town, ingested, listener_of

from crm.hearing import listener as listening
from crm.hearing.ear import Keep
from crm.hearing.listener import Listener
from leads.journal import Journal

QUIET = 0.05


class Queueing(Town):
    """A town that keeps a queue of events, too."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: list[str] = []

    def drain(self, process: str, keep: Keep) -> int:
        """Hand out all events, and forget them."""
        del process
        found, self.queue = self.queue, []
        keep(found)
        return len(found)


@pytest.fixture
def listener(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Listener:
    """Listen to a town whose pings are rare, asking it once a day by itself."""
    monkeypatch.setattr(listening, "QUIET_SECONDS", QUIET)
    town = Queueing()
    town.change("1", 1)
    made = listener_of(journal, town, ingested(town))
    made.terms = replace(made.terms, every=timedelta(days=1), has_queue=True)
    made = Listener(
        made.inbox, town, fresh=made.fresh, seer=made.seer, terms=made.terms
    )
    made.ask()
    return made


def test_what_comes_in_the_quiet_after_a_ping_is_asked_for(listener: Listener) -> None:
    """Events without a ping are found though the ping itself brought nothing."""
    town = listener.ear
    assert isinstance(town, Queueing)
    listener.wake(queue=True)
    assert listener.ask() == 0
    town.queue.append("lead:1")

    assert listener.ask() == 0
    time.sleep(2 * QUIET)
    assert listener.ask() == 1


def test_without_a_ping_nothing_is_asked_again(listener: Listener) -> None:
    """The quiet ends: the queue is asked once more, and then by the clock."""
    town = listener.ear
    assert isinstance(town, Queueing)
    listener.wake(queue=True)
    listener.ask()
    time.sleep(2 * QUIET)
    listener.ask()
    town.queue.append("lead:1")
    time.sleep(2 * QUIET)

    assert listener.ask() == 0
