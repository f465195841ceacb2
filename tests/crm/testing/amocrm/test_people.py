"""People who interfere, and the log that tells of it."""

from typing import Any

import pytest
from tests.crm.testing.amocrm.talking import ask, filled, provisioned, read, rows

from crm.testing.amocrm import AmoCrm, AmoProfile
from crm.testing.amocrm.founding import INTEGRATION_USER, MANAGER, OWNER


def logged(amo: AmoCrm, query: str = "") -> list[dict[str, Any]]:
    """Read the log, oldest first."""
    return rows(amo, f"events?limit=100{query}")[::-1]


def test_people_change_what_we_have_read() -> None:
    """Stage, responsible user and tags move between our reading and our writing."""
    amo = AmoCrm()
    lead = amo.person().create(name="A", status_id=48_001)
    before = read(amo, f"leads/{lead}")

    amo.person().move(lead, 48_003)
    amo.person(MANAGER).assign(lead, MANAGER)
    amo.person().tag(lead, "vip")

    after = read(amo, f"leads/{lead}")
    assert (before["status_id"], after["status_id"]) == (48_001, 48_003)
    assert after["responsible_user_id"] == after["responsible_user_id"] == MANAGER
    assert [tag["name"] for tag in after["_embedded"]["tags"]] == ["vip"]
    assert all(write.request == 0 for write in amo.ledger.of("lead", lead))


def test_the_ledger_tells_people_from_requests() -> None:
    """A request's write carries its number, method and credential."""
    amo = AmoCrm()
    lead = amo.person().create(name="A")

    ask(amo, "PATCH", f"leads/{lead}", {"price": 5})

    by_person, by_request = amo.ledger.of("lead", lead)
    assert (by_person.request, by_person.method) == (0, "")
    [request] = amo.ledger.called("PATCH leads/{id}")
    assert (by_request.request, request.status) == (request.number, 200)
    assert request.credential == amo.token
    assert by_request.after["price"] == 5


def test_the_log_names_author_old_and_new_stage() -> None:
    """Singular ``lead``; ours, a person's and the robot's moves apart."""
    amo = AmoCrm()
    lead = amo.person(MANAGER).create(name="A", status_id=48_001)

    ask(amo, "PATCH", f"leads/{lead}", {"status_id": 48_002})
    amo.person(0).move(lead, 142)

    moves = logged(amo, "&filter[type]=lead_status_changed&filter[entity]=lead")
    assert [move["created_by"] for move in moves] == [INTEGRATION_USER, 0]
    assert moves[0] == {
        "id": moves[0]["id"],
        "type": "lead_status_changed",
        "entity_id": lead,
        "entity_type": "lead",
        "created_by": INTEGRATION_USER,
        "created_at": moves[0]["created_at"],
        "value_after": [{"lead_status": {"id": 48_002, "pipeline_id": 1_300}}],
        "value_before": [{"lead_status": {"id": 48_001, "pipeline_id": 1_300}}],
        "account_id": 5_135_160,
    }


def test_each_kind_of_change_has_an_event_of_its_own() -> None:
    """In order of time, the newest first as they are read."""
    amo = AmoCrm()
    field = provisioned(amo)["BUDGET"]
    person = amo.person()
    lead = person.create(name="A", price=1)
    person.edit(lead, price=5)
    person.assign(lead, MANAGER)
    person.edit(lead, custom_fields_values=filled("BUDGET", "much"))
    person.note(lead, "call_in", duration=60)
    person.note(lead, "call_out", duration=60)
    person.chat(lead, incoming=True)
    task = person.task(lead, "call", due=1_795_400_000)
    ask(amo, "PATCH", f"tasks/{task}", {"is_completed": True})
    person.bin(lead)
    person.restore(lead)

    assert [event["type"] for event in logged(amo)] == [
        "lead_added", "sale_field_changed", "entity_responsible_changed",
        f"custom_field_{field}_value_changed", "incoming_call", "outgoing_call",
        "incoming_chat_message", "task_added", "task_completed", "lead_deleted",
        "lead_restored",
    ]  # fmt: skip


def test_the_log_is_filtered_by_time_author_and_lead() -> None:
    """Since when, by whom, about what."""
    amo = AmoCrm()
    one = amo.person().create(name="A")
    amo.clock.move(3600)
    since = amo.account.now
    two = amo.person(MANAGER).create(name="B")

    def found(query: str) -> list[int]:
        return [event["entity_id"] for event in logged(amo, query)]

    assert found(f"&filter[created_at][from]={since}") == [two]
    assert found(f"&filter[created_by][]={OWNER}") == [one]
    assert found(f"&filter[entity_id][]={two}") == [two]
    assert found("&filter[entity]=contact") == []


@pytest.mark.parametrize(
    ("section", "path"),
    [("events", "events"), ("webhooks", "webhooks"), ("catalogs", "catalogs"),
     ("customers", "customers")],
)  # fmt: skip
def test_what_the_plan_lacks_is_402(section: str, path: str) -> None:
    """As problem+json; the rest of the account works."""
    amo = AmoCrm(AmoProfile(without=frozenset({section})))

    assert ask(amo, "GET", path).status_code == 402
    assert ask(amo, "GET", "leads").status_code == 204


def test_a_right_that_is_denied_is_403_as_problem_json() -> None:
    """Unlike the block it is no page, and other rights hold."""
    amo = AmoCrm()
    lead = amo.person().create(name="A", price=1)
    amo.account.users[INTEGRATION_USER]["rights"]["leads"]["edit"] = "D"

    answer = ask(amo, "PATCH", f"leads/{lead}", {"price": 5})

    assert (answer.status_code, answer.json()["status"]) == (403, 403)
    assert amo.values(lead)["price"] == 1
    assert read(amo, f"leads/{lead}")["price"] == 1


def test_an_account_that_is_not_paid_for_answers_402_to_everything() -> None:
    """With a good token too."""
    amo = AmoCrm(AmoProfile(commercial=False))

    assert ask(amo, "GET", "account").status_code == 402


def test_an_unknown_switch_is_refused() -> None:
    """A typing error must not turn a test into another."""
    with pytest.raises(ValueError, match="html_420"):
        AmoProfile(switches=frozenset({"html_420"}))
