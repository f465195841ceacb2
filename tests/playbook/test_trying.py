from __future__ import annotations

import pytest
from tests.playbook.charts import TEXT, WORLD, event, known, lead, prediction

from leads.decision import Tier
from playbook.difference import differ
from playbook.facts import Asked, Facts
from playbook.file import parse_playbook
from playbook.trying import Case, try_out

BOOK = parse_playbook(TEXT, WORLD)
HOT: Facts = {Asked("tier"): "hot", Asked("stage_age_ratio"): 1.0}
COLD: Facts = {Asked("tier"): "cold", Asked("usage"): "idle"}


def test_past_leads_count_once_in_a_plan_at_their_first_moment() -> None:
    """Two looks at one lead are no two leads, and the first one is judged."""
    cases = [
        Case("A", HOT, 0.6, converted=False),
        Case("A", HOT, 0.9, converted=True),
        Case("B", HOT, 0.4, converted=True),
        Case("A", COLD, 0.1, converted=True),
        Case("C", COLD, 0.1),
    ]

    done = try_out(BOOK, cases)

    leaves = {leaf.plan: leaf for leaf in done.leaves}
    hot = leaves["hot"]
    assert (hot.leads, hot.converted, hot.rate, hot.said) == (2, 1, 0.5, 0.5)
    # Wilson's interval of one in two, from tables
    assert (hot.low, hot.high) == pytest.approx((0.0945, 0.9055), abs=1e-4)
    assert (leaves["others"].leads, leaves["others"].open_leads) == (1, 1)
    assert (done.past, done.open_leads) == (2, 1)
    assert (done.fallen_past, done.fallen_open) == (1, 1)
    assert done.idle == ("stuck", "large", "curious")


def test_branches_that_ask_what_is_not_known_are_named() -> None:
    """A question that data cannot answer shows before it goes live."""
    done = try_out(BOOK, [Case("A", {Asked("tier"): "hot"}, 0.5), Case("B", HOT, 0.5)])

    assert [(b.branch, b.unknown, b.asked) for b in done.blind] == [("1.1", 1, 2)]


def test_a_dead_leaf_is_told_apart_from_an_idle_one() -> None:
    """Out of reach by logic is one thing, nobody came another."""
    book = parse_playbook(
        TEXT.replace("{stage_age_ratio: {more_than: 2}}", "{tier: cold}"), WORLD
    )

    done = try_out(book, [])

    assert done.dead == ("1.1",)
    assert done.idle == ("hot", "large", "curious", "others")


def test_a_difference_names_the_leads_that_move_and_the_plans_that_change() -> None:
    """Who moves from where to where is known before the file is live."""
    new = TEXT.replace("tier: hot", "tier: [hot, warm]").replace("[Letters]", "[Wait]")
    leads = [
        known(prediction("A", Tier.WARM), lead("A"), usual=9.0),
        known(prediction("B", Tier.HOT), lead("B"), usual=9.0),
        known(prediction("C", Tier.COLD), lead("C", events=(event(1, "setup"),))),
        known(prediction("D", Tier.WARM, chance=0.5), lead("D"), usual=1.0),
    ]

    found = differ(BOOK, parse_playbook(new, WORLD), leads)

    assert [one.lead_id for one in found.moved] == ["D", "A"]
    assert found.ways == (("others", "hot", 1), ("others", "stuck", 1))
    assert (found.leads, found.reworded) == (4, ("others",))
    assert (found.added, found.removed) == ((), ())
