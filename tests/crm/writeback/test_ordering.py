from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from tests.crm.writeback.cardstore import CardStore, Faults, opened
from tests.crm.writeback.crew import TERMS, Crew, drain
from tests.crm.writeback.saying import record, said

from crm.port import Move, Tie
from crm.writeback.ordering import Order, order
from crm.writeback.upkeep import Upkeep
from leads.decision import Tier
from leads.journal import Journal

AWAY = Move("NEW", "JUNK")
BACK = Move("JUNK", "NEW")
HERS = Tie((), ("contact:7",))
NOBODYS = Tie(HERS.after, HERS.before)


def ordered(journal: Journal, *leads: str, move: Move | Tie = AWAY) -> None:
    """Order cards to move or to belong to somebody, with a word about it."""
    order(
        journal, "acme",
        [Order(f"lead:{one}", one, move, f"to {move.after}", "clean") for one in leads],
    )  # fmt: skip


def standing(*leads: str) -> CardStore:
    """Open cards that stand in NEW."""
    store = CardStore(1)
    store.cards = {f"lead:{one}": {} for one in leads}
    store.stages = dict.fromkeys(store.cards, "NEW")
    return store


def wait_for(found: Callable[[], bool]) -> None:
    """Wait until something is so, for ten seconds at most."""
    end = time.monotonic() + 10
    while not found() and time.monotonic() < end:
        time.sleep(0.01)
    assert found()


def texts(store: CardStore) -> list[str]:
    """List what was written on cards."""
    return sorted(str(note["text"]) for note in store.notes)


def test_an_order_moves_the_card_and_says_why(journal: Journal) -> None:
    """Approved moves are made, have no daily limit, and are taken back as they came."""
    store = standing("1", "2")
    with opened(store) as address:
        worker = Crew(journal, address, terms=TERMS).worker()
        ordered(journal, "1", "2")
        drain(worker)

        assert set(store.stages.values()) == {"JUNK"}
        assert texts(store) == ["to JUNK", "to JUNK"]

        ordered(journal, "1", "2", move=BACK)
        drain(worker)

        assert set(store.stages.values()) == {"NEW"}
        assert texts(store) == ["to NEW", "to NEW"]


def test_a_card_that_somebody_moved_is_left_alone(journal: Journal) -> None:
    """An order counts only where the card still stands where it was approved."""
    store = standing("1")
    with opened(store) as address:
        ordered(journal, "1")
        store.stages["lead:1"] = "TALK"
        drain(Crew(journal, address).worker())

        assert store.stages["lead:1"] == "TALK"


def test_a_prediction_in_between_loses_no_order(journal: Journal) -> None:
    """What the model says next is shown, and the order is still carried out."""
    store = standing("1")
    with opened(store) as address:
        ordered(journal, "1")
        record(journal, [said("1", Tier.HOT)])
        drain(Crew(journal, address).worker())

        assert store.stages["lead:1"] == "JUNK"
        assert store.cards["lead:1"]["tier"] == "hot"
        assert texts(store) == ["to JUNK"]


def test_an_order_is_carried_out_once(journal: Journal) -> None:
    """Neither a repeat nor a later prediction moves a card that a person moved back."""
    store = standing("1")
    with opened(store) as address:
        worker = Crew(journal, address).worker()
        ordered(journal, "1")
        ordered(journal, "1")
        drain(worker)
        store.stages["lead:1"] = "NEW"
        record(journal, [said("1", Tier.HOT)])
        drain(worker)
        ordered(journal, "1")
        drain(worker)

        assert store.stages["lead:1"] == "NEW"


@pytest.mark.parametrize(
    "fault",
    [
        Faults(overrun=1.0), Faults(limited=1.0), Faults(lost_before=1.0),
        Faults(lost_after=1.0),
    ],
    ids=["overrun", "limited", "lost before", "lost after"],
)  # fmt: skip
@pytest.mark.parametrize("what", [AWAY, HERS])
def test_a_fault_loses_no_order(
    journal: Journal, fault: Faults, what: Move | Tie
) -> None:
    """What the CRM refused for now, or lost before or after, is done and said once."""
    store = standing("1")
    store.faults = fault
    with opened(store) as address:
        with Crew(journal, address).at_work(1):
            ordered(journal, "1", move=what)
            wait_for(lambda: store.count("/write") > 0)
            store.faults = Faults()
            wait_for(lambda: len(store.notes) > 0)

        stage, owners = ("JUNK", []) if what is AWAY else ("NEW", ["contact:7"])
        assert store.stages["lead:1"] == stage
        assert store.clients.get("lead:1", []) == owners
        assert len(store.notes) == 1
        assert not store.doubled()


def test_a_tie_is_made_and_taken_back(journal: Journal) -> None:
    """A card belongs to whom was approved, says why, and to nobody once undone."""
    store = standing("1")
    with opened(store) as address:
        worker = Crew(journal, address).worker()
        ordered(journal, "1", move=HERS)
        record(journal, [said("1", Tier.HOT)])
        drain(worker)
        assert store.clients == {"lead:1": ["contact:7"]}
        assert store.cards["lead:1"]["tier"] == "hot"

        ordered(journal, "1", move=NOBODYS)
        drain(worker)

        assert store.clients == {"lead:1": []}
        assert len(texts(store)) == 1


def test_a_tie_that_a_person_undid_stays_undone(journal: Journal) -> None:
    """Neither the daily sweep nor a later prediction ties a card again."""
    store = standing("1")
    with opened(store) as address:
        worker = Crew(journal, address).worker()
        ordered(journal, "1", move=HERS)
        drain(worker)
        store.clients["lead:1"] = []
        Upkeep(journal, "acme").sweep()
        drain(worker)
        record(journal, [said("1", Tier.HOT)])
        drain(worker)

        assert store.clients["lead:1"] == []
        assert [one.version for one in store.ledger] == [1, 2]


def test_nothing_is_said_of_an_order_that_people_overtook(journal: Journal) -> None:
    """A card that somebody tied otherwise stays so, and no comment claims the order."""
    store = standing("1", "2")
    with opened(store) as address:
        ordered(journal, "1", move=HERS)
        ordered(journal, "2")
        store.clients["lead:1"] = ["contact:9"]
        store.stages["lead:2"] = "TALK"
        record(journal, [said("1", Tier.HOT), said("2", Tier.HOT)])
        drain(Crew(journal, address).worker())

        assert store.clients["lead:1"] == ["contact:9"]
        assert store.stages["lead:2"] == "TALK"
        assert store.cards["lead:1"]["tier"] == "hot"
        assert texts(store) == []


def test_an_order_that_is_refused_for_good_says_what_it_wanted(
    journal: Journal,
) -> None:
    """The dead letter names it; taken back and replayed, the card is written again."""
    store = standing("1", "2")
    store.poison = {"lead:1"}
    with opened(store) as address:
        worker, upkeep = Crew(journal, address).worker(), Upkeep(journal, "acme")
        ordered(journal, "1", move=HERS)
        ordered(journal, "2")
        drain(worker)

        (letter,) = upkeep.dead()
        assert (letter.entity, letter.wanted) == ("lead:1", "tie to contact:7")
        assert letter.why
        store.poison = set()
        ordered(journal, "1", move=NOBODYS)
        assert upkeep.dead()[0].wanted == "untie from contact:7"
        record(journal, [said("1", Tier.HOT)])
        upkeep.replay()
        drain(worker)

        assert upkeep.dead() == []
        assert store.cards["lead:1"]["tier"] == "hot"
