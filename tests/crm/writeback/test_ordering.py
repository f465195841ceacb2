from __future__ import annotations

from tests.crm.writeback.cardstore import CardStore, opened
from tests.crm.writeback.crew import TERMS, Crew, drain
from tests.crm.writeback.saying import record, said

from crm.port import Move
from crm.writeback.ordering import Order, order
from leads.decision import Tier
from leads.journal import Journal

AWAY = Move("NEW", "JUNK")
BACK = Move("JUNK", "NEW")


def ordered(journal: Journal, *leads: str, move: Move = AWAY) -> None:
    """Order cards to move, with a word about it."""
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
