from __future__ import annotations

from collections import Counter
from datetime import timedelta

import polars as pl
import pytest
from tests.model.cleaning.invented_dump import (
    CUT_OFF,
    SETTINGS,
    START,
    history_of,
    invented_dump,
)

from leads.persons import Person, gathered
from leads.settings import Clean
from model.cleaning.advice import Act, Advice, Plan, plan_cleaning

NOW = int(CUT_OFF.timestamp()) * 1_000_000
FIELDS = ("name", "phone", "email", "company", "inn")


def planned(
    *cards: dict[str, str], paid: tuple[str, ...] = (), **clean: object
) -> Plan:
    """Plan a dump of leads A, B, C ... that came in that order."""
    rows = [
        {"lead_id": chr(65 + place), "created_at": START + timedelta(days=place)}
        | {field: card.get(field) for field in FIELDS}
        for place, card in enumerate(cards)
    ]
    schema = dict.fromkeys(FIELDS, pl.String())
    history = history_of(pl.DataFrame(rows, schema_overrides=schema), paid=list(paid))
    settings = SETTINGS.model_copy(update={"clean": Clean.model_validate(clean)})
    return plan_cleaning(history, settings, NOW)


def row(plan: Plan, lead_id: str) -> Advice:
    """Find the row of a lead."""
    return next(one for one in plan.rows if one.lead_id == lead_id)


PETROVA = {"name": "Анна Петрова", "phone": "8 (912) 345-67-80"}


@pytest.fixture(scope="module")
def planned_dump() -> tuple[Plan, dict[str, int], dict[str, int]]:
    """Plan an invented dump of 4,000 leads with known truth."""
    dump = invented_dump(4_000)
    return plan_cleaning(dump.history, SETTINGS, NOW), dump.person, dump.company


def test_a_proposed_merge_is_right(
    planned_dump: tuple[Plan, dict[str, int], dict[str, int]],
) -> None:
    """At least 99 of 100 proposed merges join leads of one person."""
    plan, person, _ = planned_dump
    merges = [one for one in plan.rows if one.act is Act.MERGE]
    right = sum(person[one.lead_id] == person[one.target] for one in merges)

    assert len(merges) > 600
    assert right / len(merges) >= 0.99


def test_a_proposed_link_is_right(
    planned_dump: tuple[Plan, dict[str, int], dict[str, int]],
) -> None:
    """At least 99 of 100 proposed links lead to the same person or company."""
    plan, person, company = planned_dump
    links = [one for one in plan.rows if one.act is Act.LINK]
    right = sum(
        person[one.lead_id] == person[one.target]
        or company[one.lead_id] == company[one.target] != -1
        for one in links
    )

    assert len(links) > 50
    assert right / len(links) >= 0.99


def test_most_who_wrote_again_are_found(
    planned_dump: tuple[Plan, dict[str, int], dict[str, int]],
) -> None:
    """Of the leads by which somebody wrote again, most are joined, more are shown."""
    plan, person, _ = planned_dump
    times = Counter(person.values())
    again = [one for one in plan.rows if times[person[one.lead_id]] > 1]
    found = [
        one for one in again if one.target and person[one.lead_id] == person[one.target]
    ]
    joined = [one for one in found if one.act in {Act.MERGE, Act.LINK}]
    others = len(again) - len(set(person.values()) & {p for p in times if times[p] > 1})

    assert len(joined) / others > 0.6
    assert len(found) / others > 0.75


def test_one_number_is_written_in_many_ways() -> None:
    """The same phone under +7 and 8 and the same name in Latin letters are a person."""
    plan = planned(PETROVA, {"name": "PETROVA Anna", "phone": "+79123456780"})

    assert (row(plan, "B").act, row(plan, "B").target) == (Act.MERGE, "A")
    assert (row(plan, "A").act, row(plan, "A").why) == (Act.KEEP, "first")
    assert row(plan, "B").again == 1


def test_a_shared_phone_does_not_make_one_person() -> None:
    """Two names on one phone are a family or an office: somebody has to look."""
    plan = planned(PETROVA, PETROVA | {"name": "Алла Петрова"})

    assert (row(plan, "B").act, row(plan, "B").target) == (Act.LOOK, "A")
    assert row(plan, "B").why == "phone_other_name"


def test_namesakes_stay_apart() -> None:
    """An equal name alone proves nothing."""
    plan = planned(PETROVA, PETROVA | {"phone": "8 912 999 11 22"})

    assert row(plan, "B").act is Act.KEEP


def test_a_chain_of_contradictions_joins_nobody() -> None:
    """A nameless lead between two persons must not make them one."""
    mail = {"email": "office.box@example.org"}
    plan = planned(
        PETROVA | mail, mail, {"name": "Олег Сомов", **mail}, mail,
    )  # fmt: skip

    assert {one.act for one in plan.rows if one.lead_id != "A"} == {Act.LOOK}


def test_who_has_paid_is_linked_to() -> None:
    """Who paid before writes as a client, even if another lead came first."""
    again = PETROVA | {"email": "petrova@example.org"}
    plan = planned(again, again, again, paid=("B",))

    assert (row(plan, "C").act, row(plan, "C").target) == (Act.LINK, "B")
    assert row(plan, "C").client
    assert (row(plan, "A").act, row(plan, "A").target) == (Act.LINK, "B")


def test_a_company_is_known_by_its_tax_number() -> None:
    """Another person of a paying company is linked to it, not merged."""
    firm = {"inn": "ИНН 7707083893"}
    plan = planned(PETROVA | firm, {"name": "Олег Сомов", **firm}, paid=("A",))

    assert (row(plan, "B").act, row(plan, "B").target) == (Act.LINK, "A")


def test_a_tax_number_with_wrong_digits_joins_nobody() -> None:
    """A mistyped tax number is no mark."""
    firm = {"inn": "7707083894"}
    plan = planned(PETROVA | firm, {"name": "Олег Сомов", **firm}, paid=("A",))

    assert (row(plan, "B").target, row(plan, "B").client) == ("", False)


def test_different_tax_numbers_forbid_a_merge() -> None:
    """One mail over two companies is for a person to look at."""
    mail = {"email": "box@example.org"}
    plan = planned({"inn": "7707083893", **mail}, {"inn": "7736050003", **mail})

    assert row(plan, "B").act is not Act.MERGE


def test_machines_and_own_letters_are_no_leads() -> None:
    """Letters of robots and of the company itself are closed; a phone saves a lead."""
    plan = planned(
        {"email": "noreply@shop.example"}, {"email": "vera@ours.example"},
        {"email": "noreply@shop.example", "phone": "+7 912 345 67 80"},
        own_domains=("ours.example",),
    )  # fmt: skip

    assert [row(plan, x).act for x in "ABC"] == [Act.CLOSE, Act.CLOSE, Act.KEEP]


def test_who_cannot_be_reached_is_only_shown() -> None:
    """A lead without any mark is not sure enough to be closed unseen."""
    plan = planned({"name": "Анна"}, {"phone": "+7 000 345-67-80"})

    assert (row(plan, "A").act, row(plan, "A").why) == (Act.LOOK, "unreachable")
    assert (plan.known.open, plan.known.blind) == (2, 1)


def test_where_nothing_is_known_nobody_is_said_to_be_no_double() -> None:
    """Without phones, addresses and tax numbers a lead is unknown, not alone."""
    plan = planned({"name": "Анна"}, {"name": "Анна"})

    assert {(one.act, one.why) for one in plan.rows} == {(Act.KEEP, "unmarked")}
    assert plan.known.is_nothing
    assert plan.known.unread == ("phone", "email", "inn", "company")


def test_what_the_crm_has_tied_together_is_one_person() -> None:
    """A shared contact joins leads, and a client's lead that has it needs no link."""
    rows = [
        {"lead_id": key, "created_at": START + timedelta(days=place)}
        for place, key in enumerate("ABC")
    ]
    history = history_of(pl.DataFrame(rows), paid=["A"])
    persons = gathered(
        [
            Person("A", contact_id="7"), Person("B", contact_id="7"),
            Person("C", contact_id="9"),
        ],
        history, SETTINGS.clean, NOW,
    )  # fmt: skip

    plan = plan_cleaning(history, SETTINGS, NOW, persons=persons)

    assert (row(plan, "B").act, row(plan, "B").why) == (Act.KEEP, "tied")
    assert row(plan, "C").why == "unmarked"


def test_a_later_payment_is_not_known_yet() -> None:
    """At a moment before the payment nobody is a client."""
    frame = pl.DataFrame(
        [
            {"lead_id": "A", "created_at": START, **PETROVA},
            {"lead_id": "B", "created_at": START + timedelta(hours=1), **PETROVA},
        ]
    )
    history = history_of(frame, paid=["A"])
    before = int((START + timedelta(hours=1)).timestamp()) * 1_000_000

    assert row(plan_cleaning(history, SETTINGS, before), "B").act is Act.MERGE
    assert row(plan_cleaning(history, SETTINGS, NOW), "B").act is Act.LINK
