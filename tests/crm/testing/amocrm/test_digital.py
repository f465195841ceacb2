"""The Digital Pipeline."""

from tests.crm.testing.amocrm.hearing import Ear, hearing
from tests.crm.testing.amocrm.talking import ask

from crm.testing.amocrm.digital import Trigger

WHERE = "https://app.example/amo/robot"


def hung(ear: Ear) -> None:
    """Hang our widget on the stage "Contacted"."""
    trigger = Trigger(1_300, 48_002, WHERE, {"mode": "fast"})
    ear.amo.digital.triggers.append(trigger)


def test_a_lead_that_appears_in_the_stage_calls_the_widget_with_json() -> None:
    """Lead, stage, time, the widget's settings, the account; no other stage calls."""
    amo, ear = hearing(settings=["add_task"])
    hung(ear)
    lead = amo.person().create(name="A")

    amo.person().move(lead, 48_003)
    ask(amo, "PATCH", f"leads/{lead}", {"status_id": 48_002})
    ear.listen()

    [told] = ear.heard
    assert told == {
        "event": {
            "type": 15,
            "type_code": "lead_appeared_in_status",
            "data": {
                "id": lead,
                "element_type": 2,
                "status_id": 48_002,
                "pipeline_id": 1_300,
            },
            "time": amo.account.now,
        },
        "action": {"settings": {"widget": {"settings": {"mode": "fast"}}}},
        "subdomain": "demo",
        "account_id": 5_135_160,
    }


def test_a_lead_made_in_the_stage_appears_in_it_too() -> None:
    """And a change that leaves it there does not."""
    amo, ear = hearing(settings=["add_task"])
    hung(ear)

    lead = amo.person().create(name="A", status_id=48_002)
    amo.person().edit(lead, price=5)
    ear.listen()

    assert len(ear.heard) == 1


def test_a_bad_answer_brings_four_repeats_within_the_hour() -> None:
    """Five calls in all, then silence."""
    amo, ear = hearing(lambda _: 500, settings=["add_task"])
    hung(ear)
    begun = amo.clock.elapsed
    amo.person().create(name="A", status_id=48_002)

    ear.listen(2 * 3600)

    assert [round((at - begun) / 60) for at in ear.times] == [0, 15, 30, 45, 60]


def test_more_than_a_hundred_bad_answers_make_a_pause_of_five_minutes() -> None:
    """What comes meanwhile is called after the pause."""
    amo, ear = hearing(lambda number: 500 if number <= 101 else 200,
                       settings=["add_task"])  # fmt: skip
    hung(ear)
    for _ in range(101):
        amo.person().create(name="A", status_id=48_002)
    ear.listen()

    amo.person().create(name="B", status_id=48_002)
    ear.listen(240)
    during = len(ear.heard)
    ear.listen(120)

    assert (during, len(ear.heard)) == (101, 102)
