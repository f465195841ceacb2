"""What is heard is looked at, and predicted once for each thing that is new."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.crm.hearing.town import Town, emptied, ingested, listener_of

from crm.hearing.fresh import forget_seen
from crm.hearing.inbox import Inbox
from crm.writeback.outbox import Outbox, Terms
from leads.journal import Journal


def town_of(leads: int) -> Town:
    """Found a town of so many leads."""
    town = Town()
    for number in range(1, leads + 1):
        town.change(str(number), number)
    return town


def said_of(journal: Journal, lead_id: str) -> list[float]:
    """List what was said of a lead, the first first."""
    entries = journal.history(lead_id, limit=200)
    return [round(one.prediction.probability * 1000) for one in reversed(entries)]


def test_a_new_lead_is_predicted_and_offered(journal: Journal) -> None:
    """A hint of a lead nobody knew leads to a prediction and a row in the outbox."""
    town = town_of(2)
    listener = listener_of(journal, town, ingested(town))
    town.change("3", 700)
    listener.inbox.note(["lead:3"])

    assert emptied(listener) == 1
    assert said_of(journal, "3") == [700]
    outbox = Outbox(journal, "acme", Terms(late_by=timedelta(seconds=1)))
    assert [claim.entity for claim in outbox.claim(10)] == ["lead:3"]
    assert listener.inbox.state().waiting == 0


def test_hints_without_news_start_nothing(journal: Journal) -> None:
    """Doubled hints, and those of our own writing, lead to no second prediction."""
    town = town_of(1)
    listener = listener_of(journal, town, ingested(town))
    town.change("2", 300)
    listener.inbox.note(["lead:2"])
    emptied(listener)
    for _ in range(3):
        town.touch("2")
        listener.inbox.note(["lead:2"])
        emptied(listener)

    assert said_of(journal, "2") == [300]


def test_the_echo_on_a_lead_scored_elsewhere_starts_nothing(journal: Journal) -> None:
    """A lead that the daily run predicted is not predicted for our write of that."""
    town = town_of(1)
    known = ingested(town)
    listener = listener_of(journal, town, known)
    made, inputs = listener.seer.predicted(
        [known.lead("1")], listener.seer.now(), known.tables
    )
    journal.record(made, made_at=listener.seer.now(), inputs=inputs, channel="score")
    town.touch("1")
    listener.inbox.note(["lead:1"])

    assert emptied(listener) == 0


def test_a_change_back_and_forth_is_two(journal: Journal) -> None:
    """A lead that changes and changes back is predicted each time."""
    town = town_of(1)
    listener = listener_of(journal, town, ingested(town))
    for size in (300, 900, 300):
        town.change("2", size)
        listener.inbox.note(["lead:2"])
        emptied(listener)

    assert said_of(journal, "2") == [300, 900, 300]


def test_a_hint_during_a_look_is_looked_at_again(journal: Journal) -> None:
    """A change that comes after the look, and its hint before the end, is not lost."""
    town = town_of(1)
    listener = listener_of(journal, town, ingested(town))
    town.change("2", 300)
    listener.inbox.note(["lead:2"])
    look = town.look

    def interrupted(*asked: object) -> object:
        seen = look(*asked)  # type: ignore[arg-type]  # passed on as it came
        if town.looks == 1:
            town.change("2", 800)
            listener.inbox.note(["lead:2"])
        return seen

    town.look = interrupted  # type: ignore[method-assign,assignment]  # for this test
    emptied(listener)

    assert said_of(journal, "2") == [300, 800]


def test_a_deleted_lead_is_closed(journal: Journal) -> None:
    """Nothing is written of a lead that is gone, and its row is closed."""
    town = town_of(2)
    listener = listener_of(journal, town, ingested(town))
    town.delete("2")
    listener.inbox.note(["lead:2", "lead:77"])

    assert emptied(listener) == 0
    assert listener.inbox.state().waiting == 0
    assert said_of(journal, "2") == []


def test_what_hangs_on_a_lead_leads_to_it(journal: Journal) -> None:
    """A hint of a deal becomes one of its lead; one of nobody's is closed."""
    town = town_of(1)
    listener = listener_of(journal, town, ingested(town))
    town.change("2", 300)
    listener.inbox.note(["deal:2", "activity:5"])

    assert emptied(listener) == 1
    assert said_of(journal, "2") == [300]


def test_whoever_was_overtaken_changes_nothing(journal: Journal) -> None:
    """A listener whose lease ended records nothing: another has done the work."""
    town = town_of(1)
    known = ingested(town)
    slow, quick = (listener_of(journal, town, known) for _ in range(2))
    slow.inbox = Inbox(journal, "acme", lease=timedelta(0))
    town.change("2", 300)
    slow.inbox.note(["lead:2"])
    predicted = slow.seer.predicted

    def slept(*asked: object) -> object:
        emptied(quick)
        return predicted(*asked)  # type: ignore[arg-type]  # passed on as it came

    slow.seer.predicted = slept  # type: ignore[method-assign,assignment]  # for this test
    slow.round()

    assert said_of(journal, "2") == [300]


def test_what_was_seen_stays_until_the_next_ingest(journal: Journal) -> None:
    """A lead is known as it was seen last, until what is ingested is newer."""
    town = town_of(1)
    listener = listener_of(journal, town, ingested(town))
    town.change("1", 900)
    listener.inbox.note(["lead:1"])
    emptied(listener)

    held = listener.fresh.lead("1", since=0)
    assert held is not None
    lead, seen_at = held
    assert lead.as_of(seen_at).fields["size"] == 900
    assert lead.as_of(seen_at - 1).fields["size"] == 1
    assert listener.fresh.lead("1", since=seen_at) is None
    assert listener.fresh.tidy(seen_at) == 1


def test_the_poll_finds_what_no_hook_told(journal: Journal) -> None:
    """What changed unheard is found once, and asked for again without more looks."""
    town = town_of(3)
    known = ingested(town)
    listener = listener_of(journal, town, known)
    listener.terms = replace(listener.terms, every=timedelta(0))
    emptied_first = listener.ask() + emptied(listener)
    town.change("9", 400)
    looks = town.looks

    assert emptied_first
    assert listener.ask() == 1
    emptied(listener)
    assert said_of(journal, "9") == [400]
    assert listener.ask() == 0
    assert town.looks == looks + 1


def test_two_share_the_turns_of_asking(journal: Journal) -> None:
    """Of several listeners one asks; the others wait for the next turn."""
    town = town_of(1)
    known = ingested(town)
    one, other = (listener_of(journal, town, known) for _ in range(2))

    assert one.ask() + other.ask() == 1
    assert one.watch.age() is not None


def test_a_change_dated_ahead_hides_nothing(journal: Journal) -> None:
    """A lead with a time of change in the future does not move the watermark there."""
    town = town_of(1)
    listener = listener_of(journal, town, ingested(town))
    listener.terms = replace(listener.terms, every=timedelta(0))
    town.change("2", 100)
    town.changed_at["2"] += 10**15
    listener.ask()
    town.change("3", 200)
    emptied(listener)

    listener.ask()
    emptied(listener)
    assert said_of(journal, "3") == [200]


def test_what_was_seen_of_a_lead_can_be_forgotten(journal: Journal) -> None:
    """Erasing a lead leaves neither its look nor its hint, and others alone."""
    town = town_of(1)
    listener = listener_of(journal, town, ingested(town))
    for lead in ("2", "3"):
        town.change(lead, 300)
        listener.inbox.note([f"lead:{lead}"])
    emptied(listener)

    assert forget_seen(journal, ["2"]) == 2
    assert listener.fresh.lead("2", since=0) is None
    assert listener.fresh.lead("3", since=0) is not None
