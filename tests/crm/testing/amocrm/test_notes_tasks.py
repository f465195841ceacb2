"""Notes and tasks."""

from typing import Any

import pytest
from tests.crm.testing.amocrm.talking import ask, faults, read, rows

from crm.testing.amocrm import AmoCrm
from crm.testing.amocrm.founding import INTEGRATION_USER

DUE = 1_795_400_000


def test_notes_are_made_for_one_card_or_for_many_and_found_by_their_text() -> None:
    """What a marker is looked for in."""
    amo = AmoCrm()
    one, two = (amo.person().create(name=name) for name in "AB")
    text = {"note_type": "common", "params": {"text": "37 % [9f3a]"}}
    service = {"note_type": "service_message",
               "params": {"service": "Leadcast", "text": "x"}}  # fmt: skip

    own = ask(amo, "POST", f"leads/{one}/notes", [{**text, "request_id": "n1"}])
    ask(amo, "POST", "leads/notes", [{**service, "entity_id": two}])

    [made] = own.json()["_embedded"]["notes"]
    assert (made["entity_id"], made["request_id"]) == (one, "n1")
    [note] = rows(amo, f"leads/{one}/notes")
    assert note["params"]["text"] == "37 % [9f3a]"
    assert note["is_need_to_trigger_digital_pipeline"]
    assert len(rows(amo, "leads/notes")) == 2
    assert ask(amo, "GET", f"leads/{one}/notes/5").status_code == 204


def test_a_note_can_be_rewritten_rather_than_repeated() -> None:
    """One note that is kept up to date."""
    amo = AmoCrm()
    lead = amo.person().create(name="A")
    note = amo.person().note(lead, text="37 %")

    ask(amo, "PATCH", f"leads/{lead}/notes/{note}", {"params": {"text": "52 %"}})

    assert read(amo, f"leads/{lead}/notes/{note}")["params"]["text"] == "52 %"
    missing = ask(amo, "PATCH", f"leads/{lead}/notes/5", {"params": {"text": "x"}})
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("item", "code", "path"),
    [
        ({"params": {"text": "x"}}, "FieldMissing", "note_type"),
        ({"note_type": "song", "params": {}}, "NotSupportedChoice", "note_type"),
        ({"note_type": "common"}, "FieldMissing", "params"),
        ({"note_type": "common", "params": {}}, "FieldMissing", "params.text"),
        ({"note_type": "common", "params": {"text": 5}}, "InvalidType", "params.text"),
    ],
)
def test_a_wrong_note_is_refused(item: dict[str, Any], code: str, path: str) -> None:
    """Type and text are wanted."""
    amo = AmoCrm()
    lead = amo.person().create(name="A")

    answer = ask(amo, "POST", f"leads/{lead}/notes", [item])

    assert faults(answer) == {"0": [(code, path)]}


def test_a_task_belongs_to_a_card_and_is_found_by_it() -> None:
    """Open ones apart from closed ones; the card knows the next one."""
    amo = AmoCrm()
    lead, other = (amo.person().create(name=name) for name in "AB")
    item = {"text": "call [9f3a]", "complete_till": DUE, "entity_type": "leads",
            "entity_id": lead, "task_type_id": 1, "request_id": "t1"}  # fmt: skip
    path = f"tasks?filter[entity_type]=leads&filter[entity_id][]={lead}"

    [made] = ask(amo, "POST", "tasks", [item]).json()["_embedded"]["tasks"]
    amo.person().task(other, "write", due=DUE)

    [task] = rows(amo, f"{path}&filter[is_completed]=0")
    assert (task["id"], made["request_id"]) == (made["id"], "t1")
    assert (task["created_by"], task["result"]) == (INTEGRATION_USER, [])
    assert amo.values(lead)["closest_task_at"] == DUE
    assert rows(amo, f"{path}&filter[is_completed]=1") == []


def test_closing_a_task_turns_its_result_into_an_object() -> None:
    """An empty list before, an object after."""
    amo = AmoCrm()
    lead = amo.person().create(name="A")
    task = amo.person().task(lead, "call", due=DUE)

    ask(amo, "PATCH", f"tasks/{task}", {"is_completed": True, "result": {"text": "ok"}})

    assert read(amo, f"tasks/{task}")["result"] == {"text": "ok"}
    assert amo.values(lead)["closest_task_at"] is None


@pytest.mark.parametrize(
    ("wrong", "code", "path"),
    [
        ({"complete_till": "soon"}, "InvalidType", "complete_till"),
        ({"text": 5}, "InvalidType", "text"),
        ({"entity_id": 5}, "NotSupportedChoice", "entity_id"),
        ({"entity_type": "lead"}, "NotSupportedChoice", "entity_type"),
        ({"is_completed": 1}, "InvalidType", "is_completed"),
        ({"colour": 1}, "FieldNotExpected", "colour"),
    ],
)
def test_a_wrong_task_is_refused(wrong: dict[str, Any], code: str, path: str) -> None:
    """Entities are plural here, times whole seconds."""
    amo = AmoCrm()
    lead = amo.person().create(name="A")
    item = {
        "text": "x",
        "complete_till": DUE,
        "entity_type": "leads",
        "entity_id": lead,
    }

    answer = ask(amo, "POST", "tasks", [{**item, **wrong}])

    assert faults(answer) == {"0": [(code, path)]}
    assert rows(amo, "tasks") == []


def test_several_tasks_are_changed_at_once_or_none() -> None:
    """As everywhere: one unknown id refuses all."""
    amo = AmoCrm()
    lead = amo.person().create(name="A")
    one, two = (amo.person().task(lead, text, due=DUE) for text in "xy")

    bad = ask(amo, "PATCH", "tasks", [{"id": one, "text": "z"}, {"id": 5, "text": "z"}])
    good = ask(amo, "PATCH", "tasks", [{"id": i, "text": "z"} for i in (one, two)])

    assert faults(bad) == {"1": [("NotSupportedChoice", "id")]}
    assert good.status_code == 200
    assert amo.ledger.values("task", one, "text") == ["x", "z"]
