"""Custom fields: provisioned, changed, deleted."""

from typing import Any

import pytest
from tests.crm.testing.amocrm.talking import (
    FIELDS,
    ask,
    faults,
    filled,
    provisioned,
    rows,
)

from crm.testing.amocrm import AmoCrm
from crm.testing.amocrm.founding import MANAGER

CHECKED: dict[str, Any] = {"custom_fields_values": filled("TIER", "A")}


def test_fields_are_made_with_201_and_carry_ids_of_their_own() -> None:
    """Ids of fields and choices come from the account, codes from us."""
    amo = AmoCrm()

    answer = ask(amo, "POST", "leads/custom_fields", FIELDS)

    assert answer.status_code == 201
    tier = answer.json()["_embedded"]["custom_fields"][0]
    assert (tier["code"], tier["is_api_only"], tier["request_id"]) == (
        "TIER",
        True,
        "0",
    )
    assert [option["code"] for option in tier["enums"]] == ["tier_a", "tier_b"]
    assert [row["code"] for row in rows(amo, "leads/custom_fields?limit=250")] == [
        "TIER", "CHANCE", "AS_OF", "BUDGET",
    ]  # fmt: skip


def test_a_code_is_taken_once() -> None:
    """A second try makes nothing: install looks first."""
    amo = AmoCrm()
    provisioned(amo)

    answer = ask(amo, "POST", "leads/custom_fields", FIELDS[:1])

    assert faults(answer) == {"0": [("NotSupportedChoice", "code")]}
    assert len(rows(amo, "leads/custom_fields")) == 4


def test_only_administrators_make_fields_and_webhooks() -> None:
    """403 as problem+json, not as a page: this is no block."""
    amo = AmoCrm()
    named = {"x-context-user-id": str(MANAGER)}

    for path, body in (("leads/custom_fields", FIELDS), ("webhooks", {})):
        answer = ask(amo, "POST", path, body, headers=named)
        assert answer.status_code == 403
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("wrong", "code", "path"),
    [
        ({"type": "colour"}, "NotSupportedChoice", "type"),
        ({"name": 5}, "InvalidType", "name"),
        ({"enums": [{"code": "x"}]}, "InvalidType", "enums.0.value"),
        ({"type": "numeric"}, "FieldNotExpected", "enums"),
        ({"colour": 1}, "FieldNotExpected", "colour"),
    ],
)
def test_a_wrong_definition_is_refused(
    wrong: dict[str, object], code: str, path: str
) -> None:
    """With the path of what is wrong; nothing of the request is made."""
    amo = AmoCrm()

    answer = ask(
        amo, "POST", "leads/custom_fields", [FIELDS[1], {**FIELDS[0], **wrong}]
    )

    assert faults(answer) == {"1": [(code, path)]}
    assert rows(amo, "leads/custom_fields") == []


def test_a_field_deleted_by_people_poisons_every_write_of_it() -> None:
    """The value is gone from the cards, and the next write of all fields fails."""
    amo = AmoCrm()
    provisioned(amo)
    lead = amo.person().create(name="A", custom_fields_values=filled("TIER", "A"))

    amo.person().delete_field("TIER")

    both = [*filled("TIER", "A"), *filled("CHANCE", 5)]
    answer = ask(amo, "PATCH", f"leads/{lead}", {"custom_fields_values": both})
    assert faults(answer) == {
        "0": [("NotSupportedChoice", "custom_fields_values.0.field_code")]
    }
    assert not {"TIER", "CHANCE"} & amo.values(lead).keys()


def test_a_choice_deleted_by_people_empties_its_cards_and_is_refused() -> None:
    """The other choices stay."""
    amo = AmoCrm()
    provisioned(amo)
    person = amo.person()
    one = person.create(name="A", custom_fields_values=filled("TIER", "A"))
    two = person.create(name="B", custom_fields_values=filled("TIER", "B"))

    person.delete_option("TIER", "tier_a")

    answer = ask(amo, "PATCH", f"leads/{two}", CHECKED)
    assert faults(answer) == {
        "0": [("NotSupportedChoice", "custom_fields_values.0.values.0.value")]
    }
    assert amo.values(one).get("TIER") is None
    assert amo.values(two)["TIER"] == "B"


def test_a_field_can_be_repaired() -> None:
    """``enums`` replaces the choices: those sent with their id keep their cards."""
    amo = AmoCrm()
    field = provisioned(amo)["TIER"]
    lead = amo.person().create(name="A", custom_fields_values=filled("TIER", "B"))
    enums = rows(amo, "leads/custom_fields")[0]["enums"]

    kept = [enums[1], {"value": "C", "code": "tier_c"}]
    ask(amo, "PATCH", f"leads/custom_fields/{field}", {"enums": kept})

    assert amo.values(lead)["TIER"] == "B"
    assert ask(amo, "PATCH", f"leads/{lead}", CHECKED).status_code == 400
    assert ask(amo, "DELETE", f"leads/custom_fields/{field}").status_code == 204
    assert ask(amo, "GET", f"leads/custom_fields/{field}").status_code == 404


def test_people_cannot_write_what_is_for_the_interface_only() -> None:
    """``is_api_only`` keeps our fields ours; the robot is no person."""
    amo = AmoCrm()
    provisioned(amo)
    lead = amo.person().create(name="A")

    with pytest.raises(PermissionError, match="read-only"):
        amo.person().edit(lead, **CHECKED)
    amo.person(0).edit(lead, **CHECKED)
    amo.person().edit(lead, custom_fields_values=filled("BUDGET", "5"))

    assert (amo.values(lead)["TIER"], amo.values(lead)["BUDGET"]) == ("A", "5")
