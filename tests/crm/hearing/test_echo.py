"""What our own writing comes back as costs a glance, and hides nobody's change."""

from __future__ import annotations

from datetime import timedelta

from tests.crm.hearing.town import Town, emptied, ingested, listener_of

from crm.hearing.listener import Listener
from leads.journal import Journal


def predicted_town(journal: Journal) -> tuple[Town, Listener]:
    """Found a town whose three leads were ingested and predicted."""
    town = Town()
    for number in (1, 2, 3):
        town.change(str(number), number)
    known = ingested(town)
    listener = listener_of(journal, town, known)
    seer = listener.seer
    made, inputs = seer.predicted(
        [known.lead(key) for key in town.sizes], seer.now(), known.tables
    )
    journal.record(made, made_at=seer.now(), inputs=inputs, channel="score")
    return town, listener


def test_our_own_writing_costs_a_glance(journal: Journal) -> None:
    """Cards that we wrote after ingest are glanced at together, and none looked at."""
    town, listener = predicted_town(journal)
    for key in town.sizes:
        town.touch(key)
    listener.inbox.note([f"lead:{key}" for key in town.sizes], whole=False)

    assert emptied(listener) == 0
    assert (town.glances, town.looks) == (1, 0)
    assert listener.inbox.state().waiting == 0
    assert listener.inbox.unseen({"lead:1": str(town.changed_at["1"])}) == []


def test_a_change_under_ours_is_looked_at(journal: Journal) -> None:
    """A person's change is found although we wrote on the card after it."""
    town, listener = predicted_town(journal)
    town.change("2", 900)
    town.touch("2")
    listener.inbox.note(["lead:1", "lead:2"], whole=False)

    assert emptied(listener) == 1
    assert town.looks == 1
    assert len(journal.history("2", limit=9)) == 2


def test_the_likeness_of_the_last_look_counts(journal: Journal) -> None:
    """After a look at a change, our writing of that costs a glance again."""
    town, listener = predicted_town(journal)
    town.change("2", 900)
    listener.inbox.note(["lead:2"], whole=False)
    emptied(listener)
    town.touch("2")
    listener.inbox.note(["lead:2"], whole=False)

    assert emptied(listener) == 0
    assert town.looks == 1


def test_a_change_back_to_what_was_ingested_is_looked_at(journal: Journal) -> None:
    """A card that says again what it said at ingest has changed since the last look."""
    town, listener = predicted_town(journal)
    for size in (900, 2):
        town.change("2", size)
        listener.inbox.note(["lead:2"], whole=False)
        assert emptied(listener) == 1


def test_what_hangs_on_a_card_is_looked_at(journal: Journal) -> None:
    """A hint of more than the card leads to a look, whatever came before and after."""
    town, listener = predicted_town(journal)
    listener.inbox.note(["lead:1"], whole=False)
    listener.inbox.note(["lead:1"], whole=True)
    listener.inbox.note(["lead:1"], whole=False)
    emptied(listener)
    looks = town.looks
    listener.inbox.note(["lead:1"], whole=False)
    emptied(listener)

    assert (looks, town.looks) == (1, 1)


def test_a_lead_that_was_never_predicted_is_looked_at(journal: Journal) -> None:
    """A card as it was ingested is no echo if nothing was ever said of its lead."""
    town = Town()
    town.change("1", 1)
    listener = listener_of(journal, town, ingested(town))
    listener.inbox.note(["lead:1"], whole=False)
    emptied(listener)

    assert town.looks == 1


def test_the_poll_takes_our_writing_for_an_echo(journal: Journal) -> None:
    """What the poll finds written by us costs a glance, and a new lead a look."""
    town, listener = predicted_town(journal)
    for key in list(town.sizes):
        town.touch(key)
    town.change("9", 400)
    listener.terms = type(listener.terms)(every=timedelta(0))
    listener.ask()

    assert emptied(listener) == 1
    assert (town.glances, town.looks) == (1, 1)
