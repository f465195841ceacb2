"""What is refused in a body, and how."""

from typing import Any

import pytest
from tests.crm.testing.amocrm.talking import ask, faults, filled, provisioned, read

from crm.testing.amocrm import AmoCrm, AmoProfile

TIER = filled("TIER", "tier_a", "enum_code")


def two_leads(*switches: str) -> tuple[AmoCrm, int, int]:
    """Make an account with our fields and two leads."""
    amo = AmoCrm(AmoProfile(switches=frozenset(switches)))
    provisioned(amo)
    person = amo.person()
    return amo, person.create(name="A", price=1), person.create(name="B", price=2)


def test_one_bad_field_of_one_lead_refuses_the_whole_request() -> None:
    """The good lead is left as it was; the bad one is named by its request id."""
    amo, one, two = two_leads()
    bad = [{"field_id": 5, "values": [{"value": 1}]}]

    answer = ask(amo, "PATCH", "leads", [
        {"id": one, "custom_fields_values": TIER, "request_id": "evt-1"},
        {"id": two, "custom_fields_values": [*TIER, *bad], "request_id": "evt-2"},
    ])  # fmt: skip

    assert faults(answer) == {
        "evt-2": [("NotSupportedChoice", "custom_fields_values.1.field_id")]
    }
    assert "TIER" not in amo.values(one)
    assert amo.ledger.of("lead", one)[-1].action == "add"


def test_a_refusal_of_fields_has_this_very_form() -> None:
    """Title, type, status, detail, and a list by request id."""
    amo, one, _ = two_leads()
    bad = [{"field_id": 5, "values": [{"value": 1}]}]

    answer = ask(amo, "PATCH", "leads", [{"id": one, "custom_fields_values": bad}])

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "title": "Bad Request",
        "type": "https://httpstatus.es/400",
        "status": 400,
        "detail": "Request validation failed",
        "validation-errors": [
            {
                "request_id": "0",
                "errors": [
                    {
                        "code": "NotSupportedChoice",
                        "path": "custom_fields_values.0.field_id",
                        "detail": "The value you selected is not a valid choice.",
                    }
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    ("item", "code", "path"),
    [
        ({"colour": "red"}, "FieldNotExpected", "colour"),
        ({"price": "5"}, "InvalidType", "price"),
        ({"price": 5.5}, "InvalidType", "price"),
        ({"price": True}, "InvalidType", "price"),
        ({"name": None}, "InvalidType", "name"),
        ({"responsible_user_id": 5}, "NotSupportedChoice", "responsible_user_id"),
        ({"status_id": 5}, "NotSupportedChoice", "status_id"),
        ({"pipeline_id": 5}, "NotSupportedChoice", "pipeline_id"),
        ({"tags_to_add": ["hot"]}, "InvalidType", "tags_to_add.0"),
        ({"_embedded": {"contacts": []}}, "FieldNotExpected", "_embedded.contacts"),
        ({"custom_fields_values": {}}, "InvalidType", "custom_fields_values"),
    ],
)
def test_each_field_of_a_card_is_checked(
    item: dict[str, Any], code: str, path: str
) -> None:
    """Unknown names, wrong types and values that do not exist are told apart."""
    amo, one, _ = two_leads()

    answer = ask(amo, "PATCH", f"leads/{one}", item)

    assert faults(answer) == {"0": [(code, path)]}


@pytest.mark.parametrize(
    ("entry", "code", "path"),
    [
        ({"field_code": "GONE", "values": []}, "NotSupportedChoice", ".field_code"),
        ({"values": [{"value": "A"}]}, "FieldMissing", ".field_id"),
        ({"field_code": "TIER"}, "FieldMissing", ".values"),
        ({"field_code": "TIER", "values": []}, "InvalidType", ".values"),
        ({"field_code": "TIER", "values": [{"value": "A"}, {"value": "B"}]},
         "InvalidType", ".values"),
        ({"field_code": "TIER", "values": [{"value": "C"}]},
         "NotSupportedChoice", ".values.0.value"),
        ({"field_code": "TIER", "values": [{"enum_id": 1}]},
         "NotSupportedChoice", ".values.0.enum_id"),
        ({"field_code": "TIER", "values": [{"enum_code": "tier_z"}]},
         "NotSupportedChoice", ".values.0.enum_code"),
        ({"field_code": "CHANCE", "values": [{"value": "much"}]},
         "InvalidType", ".values.0.value"),
        ({"field_code": "CHANCE", "values": [{"value": 1, "enum_code": "x"}]},
         "FieldNotExpected", ".values.0.enum_code"),
        ({"field_code": "BUDGET", "values": [{"value": 5}]},
         "InvalidType", ".values.0.value"),
        ({"field_code": "AS_OF", "values": [{"value": "soon"}]},
         "InvalidType", ".values.0.value"),
        ({"field_code": "TIER", "field_name": "Tier", "values": [{"value": "A"}]},
         "FieldNotExpected", ".field_name"),
    ],
)  # fmt: skip
def test_each_part_of_a_custom_field_is_checked(
    entry: dict[str, Any], code: str, path: str
) -> None:
    """Field, choice, type and every extra key have a path of their own."""
    amo, one, _ = two_leads()

    answer = ask(amo, "PATCH", f"leads/{one}", {"custom_fields_values": [entry]})

    assert faults(answer) == {"0": [(code, f"custom_fields_values.0{path}")]}


def test_a_card_as_it_was_read_cannot_be_sent_back() -> None:
    """Its names and types are not expected: send only one's own keys."""
    amo, one, _ = two_leads()
    ask(amo, "PATCH", f"leads/{one}", {"custom_fields_values": TIER})

    answer = ask(amo, "PATCH", f"leads/{one}", read(amo, f"leads/{one}"))

    paths = {path for _, path in faults(answer)["0"]}
    assert {"account_id", "custom_fields_values.0.field_name"} <= paths


def test_a_deleted_lead_refuses_its_whole_list_but_alone_it_is_404() -> None:
    """One vanished lead in a list takes the others with it."""
    amo, one, two = two_leads()
    amo.person().merge_away(one)

    many = ask(
        amo, "PATCH", "leads", [{"id": one, "price": 9}, {"id": two, "price": 9}]
    )

    assert faults(many) == {"0": [("NotSupportedChoice", "id")]}
    assert amo.values(two)["price"] == 2
    assert ask(amo, "PATCH", f"leads/{one}", {"price": 9}).status_code == 404


def test_a_loss_reason_without_a_loss_is_refused_in_another_form() -> None:
    """``errors`` by id instead of ``validation-errors``; with 143 it is taken."""
    amo, one, _ = two_leads()
    reason = min(amo.account.loss_reasons)

    refused = ask(amo, "PATCH", "leads", [{"id": one, "loss_reason_id": reason}])
    lost = {"id": one, "status_id": 143, "loss_reason_id": reason}

    assert refused.status_code == 400
    assert refused.json() == {
        "errors": {str(one): "Loss reason can be specified only for lost lead"}
    }
    assert ask(amo, "PATCH", "leads", [lost]).status_code == 200
    assert read(amo, f"leads/{one}?with=loss_reason")["_embedded"]["loss_reason"]


def test_a_stale_updated_at_is_an_error_inside_200() -> None:
    """That lead is left, the others of the request are changed."""
    amo, one, two = two_leads()
    old = amo.values(one)["updated_at"] - 1

    answer = ask(amo, "PATCH", "leads", [
        {"id": one, "price": 9, "updated_at": old}, {"id": two, "price": 9},
    ])  # fmt: skip

    assert answer.status_code == 200
    embedded = answer.json()["_embedded"]
    assert embedded["errors"]["update"] == {
        str(one): "Last modified date is older than in database"
    }
    assert [lead["id"] for lead in embedded["leads"]] == [two]
    assert (amo.values(one)["price"], amo.values(two)["price"]) == (1, 9)


def test_a_stale_updated_at_may_be_taken() -> None:
    """With the switch nobody looks at it."""
    amo, one, _ = two_leads("free_updated_at")

    answer = ask(amo, "PATCH", "leads", [{"id": one, "price": 9, "updated_at": 1}])

    assert "errors" not in answer.json()["_embedded"]
    assert (amo.values(one)["price"], amo.values(one)["updated_at"]) == (9, 1)


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ([], 400), ([5], 400), ([{"name": "A"}] * 251, 422)],
)
def test_a_list_of_up_to_250_records_is_wanted(body: Any, status: int) -> None:
    """Anything else is refused whole."""
    amo = AmoCrm()

    assert ask(amo, "POST", "leads", body).status_code == status
    assert not amo.account.cards["leads"]
    assert ask(amo, "POST", "leads", [{"name": "A"}] * 250).status_code == 200


def test_forms_and_what_is_no_json_are_refused() -> None:
    """Only the address for tokens takes forms; NaN is no number."""
    amo = AmoCrm()
    form = {"content-type": "application/x-www-form-urlencoded"}

    assert ask(amo, "POST", "leads", [{"name": "A"}], headers=form).status_code == 400
    assert ask(amo, "POST", "leads", b'[{"price": NaN}]').status_code == 400
