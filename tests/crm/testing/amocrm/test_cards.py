"""Leads, contacts and companies: written, read back, moved."""

from typing import Any

import pytest
from tests.crm.testing.amocrm.talking import (
    ask,
    faults,
    filled,
    provisioned,
    read,
    rows,
)

from crm.testing.amocrm import AmoCrm, AmoProfile
from crm.testing.amocrm.founding import (
    INBOX_STATUS,
    INTEGRATION_USER,
    PIPELINE,
    add_pipeline,
)

OTHER = 1_400


def account(*switches: str) -> tuple[AmoCrm, int]:
    """Make an account with our fields, a second pipeline and one lead."""
    amo = AmoCrm(AmoProfile(switches=frozenset(switches)))
    provisioned(amo)
    add_pipeline(amo.account, OTHER, "Partners", ("Received",), first_status=49_000)
    return amo, amo.person().create(name="A", price=1)


def test_a_change_answers_id_time_and_request_id_and_no_values() -> None:
    """Who wants to know the values reads again."""
    amo, lead = account()

    answer = ask(amo, "PATCH", "leads", [{"id": lead, "price": 5, "request_id": "x"}])

    at = amo.values(lead)["updated_at"]
    assert answer.json() == {
        "_embedded": {"leads": [{"id": lead, "updated_at": at, "request_id": "x"}]}
    }


def test_without_a_request_id_the_place_is_echoed() -> None:
    """From zero, as text."""
    amo, _ = account()

    made = ask(amo, "POST", "leads", [{"name": "B"}, {"name": "C", "request_id": "c"}])

    assert [m["request_id"] for m in made.json()["_embedded"]["leads"]] == ["0", "c"]


def test_a_request_id_makes_no_request_safe_to_repeat() -> None:
    """It is an echo: the same request twice makes two leads."""
    amo, _ = account()

    for _ in range(2):
        ask(amo, "POST", "leads", [{"name": "B", "request_id": "same"}])

    assert amo.ledger.doubled("lead", lambda write: write.after["name"]) == {"B": 2}


def test_only_the_custom_fields_sent_change_and_null_clears() -> None:
    """Others stay; ``values: null`` empties one."""
    amo, lead = account()
    both = [*filled("TIER", "A"), *filled("CHANCE", 37)]
    ask(amo, "PATCH", f"leads/{lead}", {"custom_fields_values": both})

    cleared = [{"field_code": "TIER", "values": None}]
    ask(amo, "PATCH", f"leads/{lead}", {"custom_fields_values": cleared})

    shown = read(amo, f"leads/{lead}")["custom_fields_values"]
    assert [field["field_code"] for field in shown] == ["CHANCE"]


@pytest.mark.parametrize("by", ["value", "enum_id", "enum_code"])
def test_a_choice_is_written_by_words_number_or_code(by: str) -> None:
    """And reads back as all three."""
    amo, lead = account()
    tier = next(f for f in amo.account.fields["leads"].values() if f.code == "TIER")
    option = tier.options[1]
    own = {"value": "B", "enum_id": option.id, "enum_code": "tier_b"}

    ask(amo, "PATCH", f"leads/{lead}",
        {"custom_fields_values": filled("TIER", own[by], by)})  # fmt: skip

    [shown] = read(amo, f"leads/{lead}")["custom_fields_values"]
    assert shown == {
        "field_id": tier.id,
        "field_name": "Tier",
        "field_code": "TIER",
        "field_type": "select",
        "values": [own],
    }


@pytest.mark.parametrize(
    ("switches", "read_back"), [((), "37"), (("numbers_as_numbers",), 37)]
)
def test_a_number_reads_back_as_text_unless_switched(
    switches: tuple[str, ...], read_back: Any
) -> None:
    """Both occur; a reader takes both."""
    amo, lead = account(*switches)
    ask(amo, "PATCH", f"leads/{lead}", {"custom_fields_values": filled("CHANCE", 37)})

    [shown] = read(amo, f"leads/{lead}")["custom_fields_values"]

    assert shown["values"] == [{"value": read_back}]


def test_no_custom_field_filled_reads_as_null() -> None:
    """Not as an empty list."""
    amo, lead = account()

    assert read(amo, f"leads/{lead}")["custom_fields_values"] is None


def test_a_date_is_written_as_rfc_3339_or_seconds_and_read_as_seconds() -> None:
    """Both name the same moment."""
    amo, lead = account()

    for written in ("2026-11-22T10:00:00+03:00", 1_795_330_800):
        as_of = filled("AS_OF", written)
        ask(amo, "PATCH", f"leads/{lead}", {"custom_fields_values": as_of})
        [shown] = read(amo, f"leads/{lead}")["custom_fields_values"]
        assert shown["values"] == [{"value": 1_795_330_800}]


def test_embedded_tags_replace_and_tags_to_add_merge() -> None:
    """Only the second is safe beside people."""
    amo, lead = account()
    amo.person().tag(lead, "vip", "old")

    ask(amo, "PATCH", f"leads/{lead}", {
        "tags_to_add": [{"name": "hot"}], "tags_to_delete": [{"name": "old"}],
    })  # fmt: skip
    merged = amo.values(lead)["tags"]
    ask(amo, "PATCH", f"leads/{lead}", {"_embedded": {"tags": [{"name": "hot"}]}})
    replaced = amo.values(lead)["tags"]
    ask(amo, "PATCH", f"leads/{lead}", {"_embedded": {"tags": None}})

    assert (merged, replaced) == (["hot", "vip"], ["hot"])
    assert amo.values(lead)["tags"] == []


def test_142_and_143_end_every_pipeline() -> None:
    """One number, two pipelines: only the pair says where a lead is."""
    amo, lead = account()
    lines = rows(amo, "leads/pipelines")
    ends = [{s["id"] for s in line["_embedded"]["statuses"]} for line in lines]

    amo.person().move(lead, 142, pipeline_id=OTHER)

    assert all({142, 143} <= each for each in ends)
    assert (amo.values(lead)["pipeline_id"], amo.values(lead)["status_id"]) == (
        OTHER, 142,
    )  # fmt: skip


def test_another_pipeline_needs_a_status_of_that_pipeline() -> None:
    """``pipeline_id`` alone, and a status of the old one, are refused."""
    amo, lead = account()

    alone = ask(amo, "PATCH", f"leads/{lead}", {"pipeline_id": OTHER})
    wrong = ask(amo, "PATCH", f"leads/{lead}", {
        "pipeline_id": OTHER, "status_id": 48_001,
    })  # fmt: skip
    right = ask(amo, "PATCH", f"leads/{lead}", {
        "pipeline_id": OTHER, "status_id": 49_001,
    })  # fmt: skip

    assert faults(alone) == {"0": [("FieldMissing", "status_id")]}
    assert faults(wrong) == {"0": [("NotSupportedChoice", "status_id")]}
    assert right.status_code == 200


def test_closing_sets_closed_at_and_reopening_clears_it_and_the_reason() -> None:
    """A lead that is open again was never lost."""
    amo, lead = account()
    amo.person().move(lead, 143, loss_reason_id=min(amo.account.loss_reasons))
    closed = amo.values(lead)

    amo.person().move(lead, 48_002)

    assert closed["closed_at"] == closed["updated_at"]
    assert closed["loss_reason_id"] is not None
    assert amo.values(lead)["closed_at"] is amo.values(lead)["loss_reason_id"] is None


def unsorted(amo: AmoCrm) -> int:
    """Make a lead that nobody has accepted."""
    lead = amo.person().create(name="From a form")
    amo.account.cards["leads"][lead].plain["status_id"] = INBOX_STATUS
    return lead


def test_a_plain_change_of_stage_does_not_take_a_lead_out_of_the_inbox() -> None:
    """Unless the switch says so; ``accept`` does, ``decline`` bins it."""
    for switches, status in ((), 400), (("patch_leaves_inbox",), 200):
        amo, _ = account(*switches)
        lead = unsorted(amo)
        answer = ask(amo, "PATCH", f"leads/{lead}", {"status_id": 48_002})
        assert answer.status_code == status

    amo, _ = account()
    first, second = unsorted(amo), unsorted(amo)
    uids = [row["uid"] for row in rows(amo, "leads/unsorted")]
    ask(amo, "POST", f"leads/unsorted/{uids[0]}/accept", {"status_id": 48_002})
    ask(amo, "DELETE", f"leads/unsorted/{uids[1]}/decline")
    assert amo.values(first)["status_id"] == 48_002
    assert amo.values(second)["is_deleted"]
    assert rows(amo, "leads/unsorted") == []


@pytest.mark.parametrize(
    ("switches", "status"), [((), 400), (("required_not_enforced",), 200)]
)
def test_a_stage_may_ask_for_a_field(switches: tuple[str, ...], status: int) -> None:
    """An empty one bars the way; the same gap without a move passes."""
    amo, lead = account(*switches)
    stage = {"pipeline_id": PIPELINE, "status_id": 48_002}
    needed = {"name": "Contract", "type": "text", "code": "CONTRACT"}
    ask(amo, "POST", "leads/custom_fields", [{**needed, "required_statuses": [stage]}])

    moved = ask(amo, "PATCH", f"leads/{lead}", {"status_id": 48_002})
    stayed = ask(amo, "PATCH", f"leads/{lead}", {"price": 7})
    filled_in = ask(amo, "PATCH", f"leads/{lead}", {
        "status_id": 48_002, "custom_fields_values": filled("CONTRACT", "7/26"),
    })  # fmt: skip

    assert moved.status_code == status
    assert stayed.status_code == filled_in.status_code == 200


def test_an_equal_write_moves_updated_at() -> None:
    """Not documented: the double takes the harder way, so do not write equal values."""
    amo, lead = account()
    before = amo.values(lead)

    ask(amo, "PATCH", f"leads/{lead}", {"price": 1})

    after = amo.values(lead)
    assert after["updated_at"] > before["updated_at"]
    assert after["updated_by"] == INTEGRATION_USER
    assert amo.ledger.of("lead", lead)[-1].after.keys() == {"updated_at", "updated_by"}


def test_complex_makes_lead_contact_and_company_and_ties_them() -> None:
    """At most fifty at once, and forty custom fields each."""
    amo, _ = account()
    phone = [{"field_code": "PHONE", "values": [{"value": "+70000000000",
                                                 "enum_code": "MOB"}]}]  # fmt: skip
    whole = {"name": "New", "_embedded": {
        "contacts": [{"name": "Anna", "custom_fields_values": phone}],
        "companies": [{"name": "Firm"}],
    }}  # fmt: skip

    [made] = ask(amo, "POST", "leads/complex", [whole]).json()

    lead = read(amo, f"leads/{made['id']}?with=contacts")
    assert lead["_embedded"]["contacts"] == [
        {"id": made["contact_id"], "is_main": True}
    ]
    assert lead["_embedded"]["companies"] == [{"id": made["company_id"]}]
    contact = read(amo, f"contacts/{made['contact_id']}")
    [value] = contact["custom_fields_values"][0]["values"]
    assert (value["value"], value["enum_code"]) == ("+70000000000", "MOB")
    assert ask(amo, "POST", "leads/complex", [whole] * 51).status_code == 422


def test_links_are_told_from_both_ends_and_can_be_undone() -> None:
    """Tied from the lead, seen from the contact."""
    amo, lead = account()
    contact = amo.person().create("contacts", name="Anna")
    to = [{"to_entity_id": contact, "to_entity_type": "contacts"}]

    ask(amo, "POST", f"leads/{lead}/links", to)
    [seen] = rows(amo, f"contacts/{contact}/links")
    ask(amo, "POST", f"leads/{lead}/unlink", to)

    assert (seen["to_entity_type"], seen["to_entity_id"]) == ("leads", lead)
    assert rows(amo, f"leads/{lead}/links") == []
