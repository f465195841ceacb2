"""What holds of every playbook and every lead."""

from __future__ import annotations

from html import escape
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.playbook.charts import TEXT, WORLD, event, known, lead, prediction, stage

from leads.decision import Tier
from playbook.condition import All, AnyOf, Ask, Condition, Not, holds
from playbook.decide import decide
from playbook.difference import differ
from playbook.drawing import to_svg
from playbook.facts import Asked, Facts
from playbook.file import parse_playbook
from playbook.mermaid import to_mermaid
from playbook.plan import Branch, Plan, Playbook
from playbook.reach import boxes_of, unreachable
from playbook.telling import Telling

QUIET, TIER, STAGE = Asked("quiet"), Asked("tier"), Asked("stage")
NAMES = {TIER: ("hot", "warm", "cold", "no_data"), STAGE: ("New", "Offer", "Won")}
COMPARED = ("is", "at_least", "at_most", "more_than", "less_than")

number_tests = st.builds(
    Ask, st.just(QUIET), st.sampled_from(COMPARED), st.integers(0, 3).map(float)
)
name_tests = st.sampled_from([TIER, STAGE]).flatmap(
    lambda fact: st.builds(
        Ask,
        st.just(fact),
        st.sampled_from(["is", "not"]),
        st.frozensets(st.sampled_from(NAMES[fact]), min_size=1),
    )
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    number_tests | name_tests,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(All, st.lists(inner, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple))
    ),
    max_leaves=5,
)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    """Draw what is known of a lead: the tier always, the rest perhaps."""
    return {
        TIER: draw(st.sampled_from(NAMES[TIER])),
        STAGE: draw(st.none() | st.sampled_from(NAMES[STAGE])),
        QUIET: draw(st.none() | st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0, 4.0])),
    }


@st.composite
def playbooks(draw: st.DrawFn) -> Playbook:
    """Draw a chart of up to two levels, every plan at the end of one branch."""
    plans: dict[str, Plan] = {}

    def ended(number: str, when: Condition | None) -> Branch:
        name = f"p{number}"
        plans[name] = Plan(name, {"en": f"Segment <{number}>"}, ({"en": "Do"},))
        return Branch(number, when, plan=name)

    def level(above: str, depth: int) -> tuple[Branch, ...]:
        made: list[Branch] = []
        for place in range(1, draw(st.integers(0, 3)) + 1):
            number, when = f"{above}{place}", draw(conditions)
            if depth and draw(st.booleans()):
                inner = level(f"{number}.", depth - 1)
                made.append(Branch(number, when, branches=inner))
            else:
                made.append(ended(number, when))
        return (*made, ended(f"{above}{len(made) + 1}", None))

    branches = level("", 1)
    return Playbook({"en": "Drawn"}, branches, plans)


def ends(branches: tuple[Branch, ...], of: Facts) -> list[str]:
    """List every plan whose conditions all hold while no earlier one's do."""
    found, free = [], True
    for branch in branches:
        takes = branch.when is None or holds(branch.when, of) is True
        if free and takes:
            found += [branch.plan] if branch.plan else ends(branch.branches, of)
        free = free and not takes
    return found


@given(playbooks(), facts())
def test_every_lead_comes_to_exactly_one_plan(book: Playbook, of: Facts) -> None:
    """Whatever is known or not, one plan and no other is a lead's."""
    plan, path = decide(book, of)

    assert [plan.name] == ends(book.branches, of)
    assert path[-1].branch == plan.name.removeprefix("p")
    assert path[-1].answer == "yes"


@given(playbooks(), facts())
def test_no_lead_comes_to_a_branch_that_was_called_unreachable(
    book: Playbook, of: Facts
) -> None:
    """A proof that nobody can get somewhere is never contradicted."""
    _, path = decide(book, of)

    taken = {step.branch for step in path if step.answer == "yes"}
    assert taken.isdisjoint(branch.number for branch in unreachable(book))


@given(conditions, facts())
def test_boxes_hold_what_the_condition_holds(condition: Condition, of: Facts) -> None:
    """Spreading a condition into boxes neither adds nor loses a lead."""
    boxes = boxes_of(condition)
    if boxes is None:
        return

    def inside(box: Any) -> bool:
        for fact, domain in box.items():
            got = of.get(fact)
            if got is None:
                return False
            one = type(domain)(got, got) if fact == QUIET else type(domain)(
                frozenset({got})
            )  # fmt: skip
            if not one.within(domain):
                return False
        return True

    assert any(map(inside, boxes)) is (holds(condition, of) is True)


@given(conditions, facts())
def test_what_becomes_known_never_overturns_a_certain_answer(
    condition: Condition, of: Facts
) -> None:
    """A yes or no said without some facts stays whatever these turn out to be."""
    less: Facts = {TIER: of[TIER]}
    before = holds(condition, less)

    assert before is None or holds(condition, of) is before


@settings(max_examples=40)
@given(playbooks())
def test_a_drawing_names_every_plan_once(book: Playbook) -> None:
    """In either form of drawing each segment stands exactly once."""
    telling = Telling.of(book, WORLD, "en")
    drawn = {to_svg(telling, width=304), to_svg(telling, width=760)}
    mermaid = to_mermaid(telling)

    for plan in book.plans.values():
        segment = plan.segment["en"]
        assert all(svg.count(f"→ {escape(segment)}<") == 1 for svg in drawn)
        written = segment.replace("<", "#lt;").replace(">", "#gt;")
        assert mermaid.count(f'"{written}"') == 1


ONE, AGAIN = parse_playbook(TEXT, WORLD), parse_playbook(TEXT, WORLD)
leads_known = st.builds(
    lambda tier, chance, visits, days: known(
        prediction("L1", tier, chance=chance),
        lead(
            events=tuple(event(day, "setup") for day in visits),
            stages=(stage(days, "New"),),
        ),
        usual=3.0,
    ),
    st.sampled_from(Tier),
    st.floats(0, 1),
    st.lists(st.floats(0, 9), max_size=3),
    st.floats(0, 9),
)


@given(st.lists(leads_known, max_size=5))
def test_a_playbook_does_not_differ_from_itself(leads: list[Any]) -> None:
    """Read twice, it moves nobody and changes no plan."""
    assert differ(ONE, AGAIN, leads).empty
