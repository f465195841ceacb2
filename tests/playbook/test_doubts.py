from __future__ import annotations

from tests.playbook.charts import TEXT, WORLD, event, known, lead, stage

from playbook.doubts import Doubt, doubts_of, lines_of
from playbook.file import parse_playbook


def said(text: str, *leads: object) -> list[tuple[str, str]]:
    """Give the doubts about a file, as numbers of branches and facts."""
    made: tuple[Doubt, ...] = doubts_of(parse_playbook(text, WORLD), leads)  # type: ignore[arg-type]  # leads as known
    return [(one.branch.number, one.fact) for one in made]


def test_a_fact_that_no_lead_has_is_doubted_where_it_is_asked() -> None:
    """Nobody's size is known, and no stay was measured: the branches never say yes."""
    bare = known(history=lead(fields={}))

    assert said(TEXT, bare) == [("1.1", "stage_age_ratio"), ("2", "card.size")]


def test_one_lead_that_has_it_is_enough() -> None:
    """A fact is unknown only if it is so of every lead."""
    bare, full = known(history=lead(fields={})), known(history=lead(), usual=5.0)

    assert said(TEXT, bare, full) == []


def test_who_asks_whether_a_fact_is_known_needs_no_lead_that_has_it() -> None:
    """A lead without it answers yes."""
    text = TEXT.replace("card.size: {at_least: 10}", "card.size: {known: false}")
    bare = known(history=lead(fields={}), usual=5.0)

    assert said(text, bare) == []


def test_what_the_model_says_is_no_matter_of_the_data() -> None:
    """A reason or expected money may come with the next model; it is not doubted."""
    text = TEXT.replace("reasons_for: visit", "expected_money: {at_least: 5}")
    plain = known(history=lead(events=(event(1, "visit"),)), usual=5.0)

    assert said(text, plain) == []


def test_without_leads_only_the_file_is_doubted() -> None:
    """A second question for the same tier cannot be reached, with or without data."""
    text = TEXT.replace(
        "  - when: {usage: tried, card.size: {at_least: 10}}",
        "  - when: {tier: hot, card.size: {at_least: 10}}",
    )

    assert said(text) == [("2", "")]


def test_a_state_of_use_that_fits_nobody_is_doubted() -> None:
    """If no state ever fits, usage is never known."""
    text = TEXT.replace("  - {name: idle}\n", "")
    idle = known(history=lead(stages=(stage(10, "New"),)), usual=5.0)

    assert said(text, idle) == [("2", "usage")]


def test_every_branch_has_its_line_and_column() -> None:
    """A warning points at the dash's first word, nested branches too."""
    lines = lines_of(TEXT)

    assert lines["1"] == (TEXT[: TEXT.index("when: {tier: hot}")].count("\n") + 1, 5)
    assert lines["1.2"] == (TEXT[: TEXT.index("else: hot")].count("\n") + 1, 9)
