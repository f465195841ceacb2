from __future__ import annotations

from dataclasses import replace

import pytest
from tests.crm.writeback.saying import decide, said

from crm.port import Card, Fields, Move, OurField, Value
from crm.writeback.plan import (
    Decision,
    MoveRule,
    Plan,
    Policy,
    Shown,
    decision_of,
    plan,
)
from leads.decision import Tier

HOT = decide(said("7", Tier.HOT, 0.6))
EMPTY: dict[OurField, Value] = dict.fromkeys(OurField)
MOVE = Move("NEW", "IN_PROCESS")


def card(**fields: Value) -> Card:
    """Make the card of lead 7."""
    named = {OurField(name): value for name, value in fields.items()}
    return Card("lead:7", EMPTY | named, stage="NEW")


def written(decision: Decision, version: int = 1) -> Fields:
    """Say what a card shows after a decision was written."""
    return {**decision.fields, OurField.VERSION: version}


def planned(
    decision: Decision, now: Card, shown: Shown, policy: Policy | None = None
) -> Plan:
    """Plan the second version."""
    return plan(decision, now, shown, version=2, policy=policy or Policy())


def on_card(fields: Fields) -> Card:
    """Make a card that shows these."""
    return Card("lead:7", EMPTY | dict(fields), stage="NEW")


def test_an_empty_card_is_filled() -> None:
    """A card without a word of ours gets all of them and the version."""
    made = planned(HOT, card(), Shown())

    assert made.change is not None
    assert made.change.fields == written(HOT, 2)
    assert made.overridden == frozenset()


def test_nothing_is_written_that_nobody_would_notice() -> None:
    """Another model's same tier and a shift below the step leave a card alone."""
    shown = Shown(1, written(HOT))
    close = decide(replace(said("7", Tier.HOT, 0.64, day=3), model_version="4"))

    assert planned(close, on_card(shown.fields), shown).change is None


@pytest.mark.parametrize(
    ("tier", "chance"),
    [(Tier.HOT, 0.65), (Tier.HOT, 0.55), (Tier.WARM, 0.6), (Tier.NO_DATA, 0.6)],
)
def test_rises_and_falls_are_written(tier: Tier, chance: float) -> None:
    """A step of five points either way, a lower tier, a lead grown unknown: shown."""
    shown = Shown(1, written(HOT))

    made = planned(decide(said("7", tier, chance)), on_card(shown.fields), shown)

    assert made.change is not None
    assert OurField.REASONS not in made.change.fields
    assert made.change.fields[OurField.VERSION] == 2


def test_a_persons_value_is_kept_and_reported() -> None:
    """A tier that is not the one we wrote stays; the rest is written around it."""
    shown = Shown(1, written(HOT))
    now = on_card({**shown.fields, OurField.TIER: "cold"})

    made = planned(decide(said("7", Tier.WARM, 0.2)), now, shown)

    assert made.overridden == {OurField.TIER}
    assert made.change is not None
    assert OurField.TIER not in made.change.fields
    assert OurField.TIER not in made.fields


def test_an_emptied_field_is_ours_again() -> None:
    """Who empties a field gives it back, also one that was taken over before."""
    taken: dict[OurField, Value] = {
        n: v for n, v in written(HOT).items() if n is not OurField.TIER
    }
    shown = Shown(1, taken)

    made = planned(HOT, on_card({**taken, OurField.TIER: None}), shown)

    assert made.change is not None
    assert made.change.fields[OurField.TIER] == "hot"
    assert made.overridden == frozenset()


def test_a_restored_card_is_repaired_and_a_persons_value_on_it_is_not() -> None:
    """A card of yesterday shows our old words: those are ours, and only those."""
    old = written(decide(said("7", Tier.COLD, 0.05)), 1)
    shown = Shown(2, written(HOT, 2), sent={1: old})
    restored = on_card({**old, OurField.REASONS: "asked me to call in May"})

    made = plan(HOT, restored, shown, version=3, policy=Policy())

    assert made.change is not None
    assert made.change.fields[OurField.TIER] == "hot"
    assert made.overridden == {OurField.REASONS}


def test_values_of_a_version_never_sent_are_nobodys_to_change() -> None:
    """A card that outlived our database is left to people until it is emptied."""
    made = planned(HOT, on_card(written(decide(said("7", Tier.COLD)), 9)), Shown())

    assert made.change is None
    assert made.overridden == set(HOT.fields)


RULE = MoveRule(Tier.HOT, MOVE, "Move it on.", is_on=True)


def test_a_move_is_made_only_where_it_is_switched_on() -> None:
    """The same rule suggests in the action field or moves, as a person has set it."""
    hot = replace(HOT, stage="NEW")
    off = Policy(moves=(replace(RULE, is_on=False),))

    moved = planned(hot, card(), Shown(), Policy(moves=(RULE,)))
    told = planned(hot, card(), Shown(), off)

    assert moved.change is not None
    assert moved.change.move == MOVE
    assert told.change is not None
    assert (told.change.move, told.suggested) == (None, MOVE)
    assert told.change.fields[OurField.ACTION] == "Move it on."


def test_a_card_that_somebody_moved_stays_where_it_is() -> None:
    """The stage at the prediction must be the stage now, and no move is made twice."""
    policy = Policy(moves=(RULE,))
    elsewhere = replace(HOT, stage="PROCESSED")
    again = Shown(moves=frozenset({MOVE}))
    by_hand = card(tier="cold")

    for decision, now, shown in (
        (elsewhere, card(), Shown()),
        (replace(HOT, stage="NEW"), card(), again),
        (replace(HOT, stage="NEW"), by_hand, Shown()),
        (HOT, card(), Shown()),
    ):
        made = planned(decision, now, shown, policy)
        assert made.change is not None
        assert made.change.move is None


def test_an_unknown_lead_shows_no_chance() -> None:
    """Not enough data empties the chance instead of showing the base rate."""
    fields = decide(said("7", Tier.NO_DATA, 0.2)).fields

    assert fields[OurField.TIER] == "not enough data"
    assert fields[OurField.PROBABILITY] is None


def test_texts_fit_the_card() -> None:
    """However long the reasons are, a card gets at most 500 characters of them."""
    long = replace(said("7").reasons[0], text={"en": "visit " * 400})
    made = replace(said("7"), reasons=(long, long))

    decision = decision_of(made, entity="lead:7", language="en")

    reasons = decision.fields[OurField.REASONS]
    assert isinstance(reasons, str)
    assert 400 < len(reasons) <= 500
