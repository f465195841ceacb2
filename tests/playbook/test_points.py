from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.playbook.charts import TEXT, WORLD, event, known, lead, prediction

from leads.decision import Tier
from leads.errors import BadConfig
from playbook.decide import plan_of
from playbook.file import parse_playbook
from playbook.known import facts_of, points_of, tier_of
from playbook.points import Score
from playbook.pointsfile import parse_points

POINTS = """\
points:
  fit:
    borders: [30, 20, 10]
    groups:
      company:
        most: 25
        items:
          - {when: {card.size: {at_least: 10}}, points: 20}
          - {when: {card.city: Omsk}, points: 10}
          - {when: {card.vip: true}, points: 50}
  engagement:
    borders: [10, 5, 0]
    groups:
      site:
        items:
          - {event: visit, points: 8, half_life: 2d, within: 5d, most: 10}
          - {event: "no", points: -6}
"""
BOOK = TEXT.replace("branches:\n", POINTS + "branches:\n", 1).replace(
    "- when: {reasons_for: visit}", "- when: {grid: [B2, B1]}"
)


def score(text: str = POINTS, **facts: Any) -> Score:
    """Score a lead by a file of points."""
    book = parse_playbook(TEXT, WORLD)
    made = points_of(
        parse_points(text, WORLD), book, known(prediction(), lead(**facts))
    )
    assert made is not None
    return made


def faults(text: str) -> list[str]:
    """Give what is wrong with a file, with the places."""
    with pytest.raises(BadConfig) as refused:
        parse_points(text, WORLD, name="p")
    return [f"{one.where}: {one.what}" for one in refused.value.faults]


def test_a_group_never_counts_beyond_its_cap() -> None:
    """Size and city are worth 30 together, of which the group lets 25 through."""
    made = score()

    assert (made.fit, made.grid[0]) == (25, "B")
    assert sum(given.points for given in made.given) == 30


def test_events_fade_by_half_with_each_half_life_and_go_with_the_window() -> None:
    """A visit two days ago counts half, one six days ago not at all."""
    assert score(events=(event(0, "visit"),)).engagement == 8
    assert score(events=(event(2, "visit"),)).engagement == 4
    assert score(events=(event(6, "visit"),)).engagement == 0


def test_the_cap_of_an_item_holds_and_minus_points_count() -> None:
    """Three visits of today stop at 10 points, and unsubscribing takes 6."""
    visits = (event(0, "visit"),) * 3

    assert score(events=visits).engagement == 10
    assert score(events=(*visits, event(1, "no"))).engagement == 4
    assert score(events=(*visits, event(1, "no"))).grid == "B3"


def test_what_is_not_known_gives_no_points() -> None:
    """A lead without a card gets neither plus nor minus for it."""
    assert score(fields={}).fit == 0


def test_a_playbook_asks_for_points_also_where_there_is_no_data_for_a_model() -> None:
    """The grid decides about a lead whose tier is not enough data."""
    book = parse_playbook(BOOK, WORLD)
    thin = known(prediction(tier=Tier.NO_DATA), lead(events=(event(1.5, "visit"),)))

    assert set(facts_of(book, thin).values()) >= {"B2"}
    assert plan_of(book, thin, now=thin.prediction.as_of).plan.name == "curious"


def test_points_of_a_lead_never_ingested_are_not_known() -> None:
    """Nothing is known of it, so its grid is unknown and the branch is passed by."""
    book = parse_playbook(BOOK, WORLD)

    assert points_of(book.points, book, known()) is None


def test_every_fault_is_named_with_its_line_and_column() -> None:
    """Misspelt fields, wrong borders, windows on conditions: all at once."""
    wrong = (
        POINTS.replace("card.size", "card.sise")
        .replace("[30, 20, 10]", "[10, 20, 30]")
        .replace("half_life: 2d", "half_life: soon")
        .replace("points: 50", "points: many, within: 3d")
        .replace("event: visit", "event: visits")
    )

    assert faults(wrong) == [
        "p, line 3, column 14: borders are three falling whole numbers: where A, B and"
        " C begin",
        "p, line 8, column 21: there is no card field 'sise'",
        "p, line 10, column 46: points is a whole number, got 'many'",
        "p, line 10, column 52: within goes with event: only",
        "p, line 16, column 21: there is no kind of event 'visits'",
        "p, line 16, column 51: 'soon' is no period",
    ]  # fmt: skip


@pytest.mark.parametrize("fact", ["probability: {at_least: 0.5}", "points: {is: 1}"])
def test_points_stand_beside_the_model(fact: str) -> None:
    """An item asks neither for the prediction nor for points."""
    found = faults(POINTS.replace("card.city: Omsk", fact))

    assert any("points cannot ask about" in one for one in found)


def test_a_playbook_without_points_cannot_ask_for_them() -> None:
    """The fault says what is missing."""
    with pytest.raises(BadConfig) as refused:
        parse_playbook(TEXT.replace("tier: hot", "grid: A1"), WORLD)

    assert "before any points" in str(refused.value.faults[0].what)


def test_versions_from_before_there_were_points_keep_their_digest() -> None:
    """An upgrade alone decides nothing anew, and points make another version."""
    plain, pointed = parse_playbook(TEXT, WORLD), parse_playbook(BOOK, WORLD)

    assert plain.digest.startswith("bf890f6bcdc717ac")
    assert pointed.digest != plain.digest


TIERS = "  tiers: {hot: [A1, B2], warm: [C1]}\n"


def test_cells_make_tiers_as_the_file_says() -> None:
    """The named cells are hot and warm, all others cold."""
    card = parse_points(POINTS + TIERS, WORLD)

    assert [card.tier_of(cell).value for cell in ("B2", "C1", "A2")] == [
        "hot", "warm", "cold",
    ]  # fmt: skip


def test_the_tier_of_a_lead_is_that_of_its_cell_until_a_model_gives_one() -> None:
    """Not enough data asks the points; a tier of the model is never overruled."""
    book = parse_playbook(BOOK, WORLD)
    visits = lead(events=(event(1.5, "visit"),))
    thin, made = (known(prediction(tier=t), visits) for t in (Tier.NO_DATA, Tier.COLD))

    assert tier_of(book, thin) is Tier.WARM
    assert tier_of(book, made) is Tier.COLD
    assert plan_of(book, thin, now=thin.prediction.as_of).plan.name == "curious"


def test_every_fault_of_the_tiers_is_named() -> None:
    """A cell that is none, one named twice, a tier that is none."""
    wrong = "  tiers: {hot: [A1, A5], warm: [A1], mild: [B1]}\n"

    assert faults(POINTS + wrong) == [
        "p, line 18, column 21: there is no cell 'A5'",
        "p, line 18, column 33: A1 is hot already",
        "p, line 18, column 38: tiers has no key 'mild'",
    ]


def test_a_young_company_may_name_what_has_not_come_yet() -> None:
    """A city that nobody is from is written ahead, a misspelt field is still told."""
    young = replace(WORLD, young=True)
    text = POINTS.replace("event: visit,", "event: webinar,")

    assert parse_points(text, young).engagement.groups[0].items[0].event == "webinar"
    with pytest.raises(BadConfig):
        parse_points(text, WORLD)
    with pytest.raises(BadConfig):
        parse_points(POINTS.replace("event: visit,", "event: vizit,"), young)
