from __future__ import annotations

from dataclasses import replace

import pytest
from tests.playbook.charts import (
    NOW,
    TEXT,
    WORLD,
    event,
    known,
    lead,
    payment,
    prediction,
    reason,
    stage,
)  # fmt: skip

from leads.decision import Tier
from leads.lead import LeadHistory
from playbook.decide import Step, decide, plan_of
from playbook.facts import Asked
from playbook.file import parse_playbook
from playbook.known import Known, facts_of

BOOK = parse_playbook(TEXT, WORLD)


def asked(condition: str, of: Known) -> object:
    """Give the first fact that a condition asks about."""
    book = parse_playbook(TEXT.replace("{tier: hot}", condition), WORLD)
    facts = facts_of(book, of)
    name = condition.strip("{").split(":")[0]
    return next(value for one, value in facts.items() if one.fact == name)


@pytest.mark.parametrize(
    ("condition", "history", "value"),
    [
        ("{stage: New}", lead(), "New"),
        ("{stage_age: {at_least: 0}}", lead(stages=(stage(4, "New"),)), 4.0),
        ("{stage_age: {at_least: 0}}",
         lead(stages=(stage(6, "New"), stage(4, "New"))), 6.0),
        ("{stage_age: {at_least: 0}}",
         lead(stages=(stage(6, "New"), stage(5, "Offer"), stage(4, "New"))), 4.0),
        ("{stage_age_ratio: {at_least: 0}}", lead(), 2.0),
        ("{lead_age: {at_least: 0}}", lead(), 10.0),
        ("{quiet: {at_least: 0}}", lead(events=(event(3, "visit"),)), 3.0),
        ("{customer: new}", lead(payments=(payment(3, 5), payment(2, -5))), "new"),
        ("{customer: new}", lead(payments=(payment(3, 5),)), "returning"),
        ("{payments: {is: 0}}", lead(payments=(payment(3, 5), payment(2, -5))), 1.0),
        ("{trial_ends_in: {at_least: 0}}", lead(), 4.0),
        ("{events.visit: {at_least: 1, within: 24h}}",
         lead(events=(event(1, "visit"), event(0.5, "visit"))), 1.0),
        ("{days_since.visit: {at_least: 1}}", lead(), None),
        ("{card.city: Omsk}", lead(), "Omsk"),
        ("{manager: M1}", None, None),
    ],
)  # fmt: skip
def test_facts_are_counted_as_of_the_prediction(
    condition: str, history: LeadHistory | None, value: object
) -> None:
    """Each fact is what a person would count from the lead's rows."""
    assert asked(condition, known(history=history, usual=5.0)) == value


def test_only_main_and_advisable_reasons_count() -> None:
    """A lead is not sent down a branch by a reason that nobody should act on."""
    reasons = (
        reason("a", 0.4), reason("b", 0.3), reason("c", 0.2), reason("visit", 0.1),
        reason("city", 0.9, advisable=False), reason("d", -0.5),
    )  # fmt: skip
    of = known(prediction(reasons=reasons), lead())

    assert asked("{reasons_for: visit}", of) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("made", "history", "plan", "path"),
    [
        (prediction(tier=Tier.HOT), lead(), "hot", "1 yes, 1.1 no, 1.2 yes"),
        (prediction(tier=Tier.HOT), lead(stages=()), "hot",
         "1 yes, 1.1 unknown, 1.2 yes"),
        (prediction(), lead(events=(event(1, "setup"),)), "large", "1 no, 2 yes"),
        (prediction(reasons=(reason("visit", 0.4),)), lead(), "curious",
         "1 no, 2 no, 3 yes"),
        (prediction(), None, "others", "1 no, 2 unknown, 3 no, 4 yes"),
    ],
)  # fmt: skip
def test_the_path_tells_every_answer_on_the_way(
    made: object, history: LeadHistory | None, plan: str, path: str
) -> None:
    """What is not known is said so, and the lead goes on to the next branch."""
    found, steps = decide(BOOK, facts_of(BOOK, known(made, history, usual=9.0)))  # type: ignore[arg-type]  # a prediction

    assert found.name == plan
    assert ", ".join(f"{step.branch} {step.answer}" for step in steps) == path


def test_a_plan_is_given_to_a_person_with_a_deadline_and_filled_words() -> None:
    """The manager of the lead, business hours, and the lead's own words in gaps."""
    made = plan_of(BOOK, known(prediction(tier=Tier.HOT), lead()), now=NOW)

    assert made.whom == "M1"
    assert made.due_at is not None
    assert made.due_at.isoformat() == "2026-03-10T13:00:00+00:00"
    assert made.message("en") == "Dear Omsk, stage New, web"
    assert made.action("ru") == "Звонок: Call"
    assert made.action("en") == "Call"
    assert made.playbook == BOOK.digest
    assert made.path[0] == Step("1", "yes")


def test_a_persons_tier_is_a_fact_of_its_own() -> None:
    """The machine's tier and a person's are never mixed up."""
    of = known(prediction(tier=Tier.COLD), lead(), override=Tier.HOT)

    assert (asked("{tier: hot}", of), asked("{override: hot}", of)) == ("cold", "hot")


def test_a_window_makes_another_fact_of_the_same_event() -> None:
    """Seven days and all time are counted apart."""
    text = TEXT.replace(
        "{tier: hot}",
        "{events.visit: {at_least: 1, within: 7d}, days_since.visit: {known: true}}",
    )
    book = parse_playbook(text, WORLD)
    facts = facts_of(book, known(history=lead(events=(event(9, "visit"),))))

    assert facts[Asked("events.visit", 7 * 86_400)] == 0.0
    assert facts[Asked("days_since.visit")] == 9.0


def test_who_paid_under_another_lead_or_is_marked_by_the_crm_comes_back() -> None:
    """A customer returns by its own payment, another lead's, or the CRM's mark."""
    elsewhere = replace(known(history=lead()), paid_elsewhere=lambda *_: True)
    marked = known(history=lead(fields={"is_return_customer": True}))
    own = known(history=lead(payments=(payment(3, 500),)))

    for one in (elsewhere, marked, own):
        assert asked("{customer: new}", one) == "returning"
    assert asked("{customer: new}", known(history=lead())) == "new"
