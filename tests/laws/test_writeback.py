from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from crm.port import Card, Move, OurField, Value
from crm.writeback.plan import Decision, MoveRule, Plan, Policy, Shown, is_same, plan
from leads.decision import Tier

OURS: list[OurField] = [name for name in OurField if name is not OurField.VERSION]
MOMENT = datetime(2026, 3, 1, tzinfo=UTC)
STAGES = st.sampled_from(["NEW", "IN_PROCESS", None])


def values(name: OurField) -> st.SearchStrategy[Value]:
    """Draw from few values, so that equal ones are common."""
    if name is OurField.AS_OF:
        return st.sampled_from([None, MOMENT, MOMENT + timedelta(days=1)])
    if name in {OurField.PROBABILITY, OurField.EXPECTED_MONEY}:
        return st.sampled_from([None, 0, 3, 40, 100])
    return st.sampled_from([None, *map(str, Tier)])


def fields(*, whole: bool) -> st.SearchStrategy[dict[OurField, Value]]:
    """Draw values of our fields, of all or of some."""
    drawn: dict[OurField, st.SearchStrategy[Value]] = {n: values(n) for n in OURS}
    return (
        st.fixed_dictionaries(drawn)
        if whole
        else st.fixed_dictionaries({}, optional=drawn)
    )


def on_card(ours: dict[OurField, Value]) -> st.SearchStrategy[dict[OurField, Value]]:
    """Let people change some of our fields."""
    return fields(whole=False).map(lambda by_hand: dict.fromkeys(OURS) | ours | by_hand)


Scene = tuple[Decision, Card, Shown, Policy]


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Draw a decision, a card that people touched, and what we had on it."""
    ours = draw(fields(whole=False))
    shown = Shown(
        version=draw(st.sampled_from([0, 2])),
        fields=ours,
        sent={1: draw(fields(whole=False))},
    )
    version = draw(st.sampled_from([None, 1, 2, 5]))
    base = shown.at(version)
    there = draw(on_card(dict(base)))
    card = Card("lead:1", {**there, OurField.VERSION: version}, stage=draw(STAGES))
    rule = MoveRule(Tier.HOT, Move("NEW", "IN_PROCESS"), "Move.", draw(st.booleans()))
    decision = Decision("lead:1", draw(fields(whole=False)), draw(STAGES))
    return decision, card, shown, Policy(moves=(rule,))


def applied(card: Card, made: Plan) -> Card:
    """Write a plan on a card."""
    if made.change is None:
        return card
    return Card(card.entity, {**card.fields, **made.change.fields}, stage=card.stage)


@given(scenes())
def test_what_a_person_wrote_is_never_touched(scene: Scene) -> None:
    """A value that is there and is not what we had there is in no change."""
    decision, card, shown, policy = scene
    made = plan(decision, card, shown, version=6, policy=policy)

    base = shown.at(card.fields[OurField.VERSION])
    for name in OURS:
        there = card.fields[name]
        if there is not None and not is_same(there, base.get(name)):
            assert name in made.overridden
            assert made.change is None or name not in made.change.fields


@given(scenes())
def test_a_plan_is_carried_out_once(scene: Scene) -> None:
    """After its own write there is nothing left to write."""
    decision, card, shown, policy = scene
    first = plan(decision, card, shown, version=6, policy=policy)
    if first.change is None:
        return
    moves = frozenset({first.change.move} - {None})
    after = Shown(6, first.fields, moves=moves)  # type: ignore[arg-type]  # no None left

    second = plan(decision, applied(card, first), after, version=7, policy=policy)

    assert second.change is None
    assert second.overridden == first.overridden


@given(scenes())
def test_a_change_holds_only_what_differs(scene: Scene) -> None:
    """Nothing is written that the card shows already, nothing that was not decided."""
    decision, card, shown, policy = scene
    made = plan(decision, card, shown, version=6, policy=policy)

    if made.change is not None:
        for name, value in made.change.fields.items():
            assert not is_same(value, card.fields[name])
            assert name in {*decision.fields, OurField.ACTION, OurField.VERSION}


@given(scenes())
def test_what_is_remembered_is_what_the_card_shows(scene: Scene) -> None:
    """The base of the next plan is the card itself, less what people hold."""
    decision, card, shown, policy = scene
    made = plan(decision, card, shown, version=6, policy=policy)

    after = applied(card, made)
    for name, value in made.fields.items():
        assert is_same(value, after.fields[name])
        assert name not in made.overridden
