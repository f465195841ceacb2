"""Webhooks."""

import pytest
from tests.crm.testing.amocrm.hearing import HOOK, hearing
from tests.crm.testing.amocrm.talking import ask, faults, filled, provisioned, rows

from crm.testing.amocrm import AmoCrm
from crm.testing.amocrm.founding import INTEGRATION_USER, MANAGER, OWNER
from crm.testing.amocrm.hooks import PATIENCE_SECONDS
from crm.testing.pump import Message, Weather


def test_a_move_is_told_as_a_form_of_strings_under_old_names() -> None:
    """Old and new status, the author, the old names of times, the account."""
    amo, ear = hearing(settings=["status_lead"])
    lead = amo.person().create(name="Anna", price=500)

    amo.person().move(lead, 142)
    ear.listen()

    at = str(amo.values(lead)["updated_at"])
    assert ear.heard == [
        {
            "leads": {
                "status": [
                    {
                        "id": str(lead),
                        "name": "Anna",
                        "status_id": "142",
                        "price": "500",
                        "old_status_id": "48001",
                        "responsible_user_id": str(OWNER),
                        "last_modified": at,
                        "modified_user_id": str(OWNER),
                        "created_user_id": str(OWNER),
                        "date_create": str(amo.values(lead)["created_at"]),
                        "account_id": "5135160",
                        "pipeline_id": "1300",
                    }
                ]
            },
            "account": {
                "id": "5135160",
                "subdomain": "demo",
                "_links": {"self": "https://demo.amocrm.ru"},
            },
        }
    ]


def test_custom_fields_are_told_with_value_and_enum_and_dates_bare() -> None:
    """A date has no ``[value]`` of its own."""
    amo, ear = hearing(settings=["add_lead"])
    provisioned(amo)
    ear.heard.clear()

    as_of = filled("AS_OF", 1_795_330_800)
    tier = filled("TIER", "A")
    amo.person().create(name="A", custom_fields_values=[*tier, *as_of])
    ear.listen()

    [[told_tier, told_date]] = ear.of("leads", "add", 0, "custom_fields")
    assert told_tier["values"][0]["value"] == "A"
    assert told_tier["values"][0]["enum"].isdecimal()
    assert told_date["values"] == ["1795330800"]


def test_our_own_write_is_told_like_any_other_with_us_as_its_author() -> None:
    """That is how an echo is known; the robot has number 0."""
    amo, ear = hearing(settings=["update_lead"])
    lead = amo.person().create(name="A")

    ask(amo, "PATCH", f"leads/{lead}", {"price": 5})
    amo.person(0).edit(lead, price=6)
    ear.listen()

    authors = ear.of("leads", "update", 0, "modified_user_id")
    assert authors == [str(INTEGRATION_USER), "0"]


def test_each_setting_brings_its_own_events_and_no_others() -> None:
    """Made, changed, given away, binned, taken out, noted, tasks, contacts."""
    amo, ear = hearing()
    person = amo.person()

    lead = person.create(name="A")
    person.assign(lead, MANAGER)
    person.bin(lead)
    person.restore(lead)
    person.note(lead, text="called")
    person.task(lead, "call", due=1_795_330_800)
    person.create("contacts", name="Anna")
    person.create("companies", name="Firm")
    ear.listen()

    told = [(key, *told[key]) for told in ear.heard for key in told if key != "account"]
    assert told == [
        ("leads", "add"), ("leads", "update"), ("leads", "responsible"),
        ("leads", "delete"), ("leads", "restore"), ("leads", "note"), ("task", "add"),
        ("contacts", "add"), ("contacts", "add"),
    ]  # fmt: skip
    assert ear.of("contacts", "add", 0, "type") == ["contact", "company"]
    assert ear.of("leads", "note", 0, "note", "text") == ["called"]
    assert ear.of("task", "add", 0, "complete_till") == ["2026-11-22 07:00:00"]


@pytest.mark.parametrize(
    ("status", "minutes"),
    [(200, [0]), (404, [0, 5, 20]), (302, [0, 5, 20]), (502, [0, 5, 20, 35, 95]),
     (499, [0, 5, 20, 35, 95])],
)  # fmt: skip
def test_what_was_not_taken_is_repeated_by_the_class_of_its_answer(
    status: int, minutes: list[int]
) -> None:
    """After 5 and 15 minutes; for 499 and 5xx after 15 more and after an hour."""
    amo, ear = hearing(lambda _: status, settings=["add_lead"])
    begun = amo.clock.elapsed
    amo.person().create(name="A")

    ear.listen(3 * 3600)

    assert [round((at - begun) / 60) for at in ear.times] == minutes


def test_an_answer_after_two_seconds_is_none() -> None:
    """The receiver has heard it, and hears it again."""
    amo, ear = hearing(lambda number: 0 if number == 1 else 200, settings=["add_lead"])
    amo.person().create(name="A")

    ear.listen(400)

    assert [delivery.status for delivery in amo.hooks.pump.deliveries] == [0, 200]
    assert ear.heard[0] == ear.heard[1]
    assert PATIENCE_SECONDS == 2.0


def test_more_than_a_hundred_bad_answers_switch_the_hook_off() -> None:
    """It is silent until it is subscribed anew, and says so only when asked."""
    amo, ear = hearing(lambda _: 404, settings=["add_lead"])
    for _ in range(101):
        amo.person().create(name="A")
    ear.listen()
    [dead] = rows(amo, "webhooks")
    ear.heard.clear()

    amo.person().create(name="B")
    ear.listen(3600)
    silent = len(ear.heard)
    ask(amo, "POST", "webhooks", {"destination": HOOK, "settings": ["add_lead"]})
    amo.person().create(name="C")
    ear.listen()

    assert dead["disabled"]
    assert silent == 100  # the second tries of what came before the last one
    assert ear.heard[-1]["leads"]["add"][0]["name"] == "C"


def test_events_may_be_lost_doubled_and_shuffled() -> None:
    """The weather is the test's to make."""
    amo, ear = hearing(settings=["add_lead"])
    amo.hooks.pump.weather = Weather(lost=0.2, doubled=0.3, shuffled=True)

    names = [str(amo.person().create(name="A")) for _ in range(40)]
    ear.listen()

    heard = ear.of("leads", "add", 0, "id")
    assert set(heard) < set(names)
    assert len(heard) > len(set(heard))
    assert heard != sorted(heard, key=int)


def test_anybody_may_forge_an_event_for_none_is_signed() -> None:
    """What was forged comes like the others; its lead may be unknown."""
    amo, ear = hearing()

    amo.hooks.pump.forge(Message(HOOK, b"leads[update][0][id]=1&account[id]=9"))
    ear.listen()

    assert ear.heard == [{"leads": {"update": [{"id": "1"}]}, "account": {"id": "9"}}]


def test_subscriptions_are_listed_replaced_and_removed() -> None:
    """One per address; unknown settings are refused, the plan may lack them."""
    amo = AmoCrm()
    body = {"destination": HOOK, "settings": ["add_lead"]}

    made = ask(amo, "POST", "webhooks", body)
    again = ask(amo, "POST", "webhooks", {**body, "settings": ["status_lead"]})
    wrong = ask(amo, "POST", "webhooks", {**body, "settings": ["add_deal"]})

    assert (made.status_code, again.status_code) == (201, 200)
    assert [hook["settings"] for hook in rows(amo, "webhooks")] == [["status_lead"]]
    assert faults(wrong) == {"0": [("NotSupportedChoice", "settings.0")]}
    gone = [ask(amo, "DELETE", "webhooks", {"destination": HOOK}) for _ in range(2)]
    assert [answer.status_code for answer in gone] == [204, 404]
