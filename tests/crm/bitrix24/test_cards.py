"""The desk writes our fields and nothing else, and says truly how each write ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.crm.bitrix24.portal import Gate, client_of, make, portal_of

from crm.bitrix24.cards import Desk
from crm.bitrix24.fields import look
from crm.bitrix24.installing import install
from crm.layouts import FieldsChanged
from crm.port import (
    Change,
    Heard,
    Move,
    Note,
    NoteKind,
    OurField,
    Outcome,
    Value,
)
from crm.testing.bitrix24 import Portal
from crm.testing.bitrix24.account import STANDARD, Switch
from crm.testing.bitrix24.records import change_by, drop_field
from crm.testing.bitrix24.refusals import (
    ERROR_IN_200,
    OPERATION_TIME,
    OVERLOAD,
    QUERY_LIMIT,
    SERVER_ERROR,
)
from crm.testing.bitrix24.schema import LEAD
from crm.testing.faults import Fault, Kind, Scripted, answering
from leads.errors import Unavailable

AT = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
FULL: dict[OurField, Value] = {
    OurField.TIER: "hot", OurField.PROBABILITY: 37, OurField.EXPECTED_MONEY: 120_000,
    OurField.REASONS: "два визита; есть бюджет", OurField.ACTION: "Позвонить",
    OurField.AS_OF: AT, OurField.MODEL_VERSION: "7", OurField.VERSION: 3,
}  # fmt: skip


def ready(leads: int = 2, gate: Gate | None = None) -> tuple[Portal, Desk]:
    """Open a portal with our fields, and a desk of it that knows them."""
    portal = portal_of(lead=leads, deal=1)
    client = client_of(portal, gate)
    install(client, language="ru")
    desk = Desk(client)
    desk.read(["lead:1"])
    portal.calls.clear()
    return portal, desk


def change(number: int = 1, **fields: object) -> Change:
    """Write some fields on a lead; all of them if none is named."""
    named = {OurField(name): value for name, value in fields.items()}
    return Change(f"lead:{number}", named or FULL)  # type: ignore[arg-type]


def writes(portal: Portal) -> list[str]:
    """List the leads that were changed, in order."""
    told = portal.ledger.writes
    return [one.key for one in told if (one.entity, one.action) == ("lead", "update")]


def test_what_is_written_is_read_back() -> None:
    """Every field comes back in the port's own type, on leads and on deals."""
    _portal, desk = ready()

    ends = desk.write([change(1), Change("deal:1", FULL)])
    cards = desk.read(["lead:1", "deal:1", "lead:2", "lead:99"])
    assert [end.outcome for end in ends] == [Outcome.APPLIED] * 2
    assert cards["lead:1"] is not None
    assert cards["deal:1"] is not None
    assert dict(cards["lead:1"].fields) == FULL == dict(cards["deal:1"].fields)
    assert cards["lead:2"] is not None
    assert set(cards["lead:2"].fields.values()) == {None}
    assert cards["lead:99"] is None


def test_none_empties_a_field() -> None:
    """A field that is to be empty is emptied; the others stay."""
    _portal, desk = ready()
    desk.write([change()])

    (end,) = desk.write([change(tier=None, probability=0)])
    card = desk.read(["lead:1"])["lead:1"]
    assert end.outcome is Outcome.APPLIED
    assert card is not None
    assert card.fields == FULL | {OurField.TIER: None, OurField.PROBABILITY: 0}


def test_clearing_that_the_portal_ignores_is_not_called_applied() -> None:
    """A write counts only if the card that came back shows it."""
    portal, desk = ready()
    desk.write([change()])
    portal.profile = type(STANDARD)(
        domain=STANDARD.domain, rate=STANDARD.rate,
        switches=frozenset({Switch.CLEARING_IGNORED}),
    )  # fmt: skip

    (end,) = desk.write([change(reasons=None)])
    assert (end.outcome, end.why) == (Outcome.NOT_APPLIED, "NOT_TAKEN_reasons")


def test_a_stage_is_moved_only_when_told() -> None:
    """A move changes the stage, a change without one leaves it."""
    _portal, desk = ready()
    desk.write([change(1)])
    move = Change("lead:2", {OurField.VERSION: 1}, Move("NEW", "IN_PROCESS"))

    (end,) = desk.write([move])
    cards = desk.read(["lead:1", "lead:2"])
    assert end.outcome is Outcome.APPLIED
    assert [card.stage for card in cards.values() if card] == ["NEW", "IN_PROCESS"]


def test_each_command_of_a_batch_ends_by_itself() -> None:
    """A card that is gone is refused; its neighbours are written."""
    portal, desk = ready(leads=3)

    ends = desk.write([change(1), change(99), change(3)])
    assert [end.outcome.value for end in ends] == ["applied", "refused", "applied"]
    assert ends[1].why == "NOT_FOUND"
    assert writes(portal) == ["1", "3"]


def test_a_batch_cut_short_leaves_the_rest_unclear() -> None:
    """When the portal gives up in the midst nobody can say what was applied."""
    portal, desk = ready(leads=3)
    portal.command_plan = Scripted({("crm.item.update", 2): Fault(Kind.LOSE)})

    ends = desk.write([change(1), change(2), change(3)])
    assert {end.outcome for end in ends} == {Outcome.UNCLEAR}
    assert writes(portal) == ["1"]
    assert portal.calls["batch"] == 1


@pytest.mark.parametrize(
    ("fault", "outcome", "health"),
    [
        (QUERY_LIMIT, Outcome.NOT_APPLIED, Heard.LIMITED),
        (OPERATION_TIME, Outcome.NOT_APPLIED, Heard.LIMITED),
        (OVERLOAD, Outcome.NOT_APPLIED, Heard.BLOCKED),
        (SERVER_ERROR, Outcome.UNCLEAR, Heard.DOWN),
        (ERROR_IN_200, Outcome.NOT_APPLIED, Heard.WELL),
        (answering(401, b'{"error":"expired_token"}'), Outcome.NOT_APPLIED, Heard.DOWN),
        (answering(502, b"<html>bad</html>"), Outcome.UNCLEAR, Heard.DOWN),
        (answering(429, b"<html>slow</html>"), Outcome.UNCLEAR, Heard.LIMITED),
        (answering(200, b"<html>login</html>"), Outcome.UNCLEAR, Heard.DOWN),
        (answering(200, b"[]"), Outcome.UNCLEAR, Heard.DOWN),
        (answering(200, b'{"result":[]}'), Outcome.UNCLEAR, Heard.WELL),
        (answering(200, b'{"result":{"result":[]}}'), Outcome.UNCLEAR, Heard.WELL),
        (answering(302, b"", location="http://127.0.0.1"), Outcome.UNCLEAR, Heard.DOWN),
        (answering(200, b"\x1f\x8b", **{"content-encoding": "gzip"}), Outcome.UNCLEAR,
         Heard.DOWN),
        (Fault(Kind.DROP), Outcome.UNCLEAR, Heard.DOWN),
    ],
)  # fmt: skip
def test_hostile_answers_are_never_called_applied(
    fault: Fault, outcome: Outcome, health: Heard
) -> None:
    """Whatever comes back instead of an answer, nothing counts and nothing repeats."""
    gate = Gate()
    portal, desk = ready(gate=gate)
    portal.plan = Scripted({("batch", 1): fault})

    ends = desk.write([change(1), change(2)])
    assert [end.outcome for end in ends] == [outcome] * 2
    assert gate.told[-1] is health
    assert writes(portal) == []
    assert portal.calls["batch"] == 1


@pytest.mark.parametrize("kind", [Kind.LOSE, Kind.TIMEOUT])
def test_a_lost_answer_is_unclear_though_it_was_applied(kind: Kind) -> None:
    """The desk does not send again what the portal may have done."""
    portal, desk = ready()
    portal.plan = Scripted({("batch", 1): Fault(kind)})

    (end,) = desk.write([change(1)])
    assert end.outcome is Outcome.UNCLEAR
    assert writes(portal) == ["1"]


def test_a_shut_gate_sends_nothing() -> None:
    """A change that did not leave says when it may."""
    gate = Gate()
    portal, desk = ready(gate=gate)
    gate.closed = 1

    (end,) = desk.write([change(1)])
    assert (end.outcome, end.retry_after) == (Outcome.NOT_APPLIED, timedelta(seconds=2))
    assert portal.calls["batch"] == 0


def test_a_list_that_failed_is_never_an_empty_card() -> None:
    """Reading raises rather than take silence for a card that is gone."""
    portal, desk = ready()
    refusal = answering(400, b'{"error":"ACCESS_DENIED","error_description":"x"}')
    portal.command_plan = Scripted({("crm.item.list", 1): refusal})

    with pytest.raises(Unavailable, match="ACCESS_DENIED"):
        desk.read(["lead:1"])


def test_a_deleted_field_stops_the_run() -> None:
    """A field that a person deleted stops reading and writing, with the way out."""
    portal, desk = ready()
    drop_field(portal, "UF_CRM_LCP_REASONS")

    with pytest.raises(Unavailable, match="UF_CRM_LCP_REASONS"):
        desk.read(["lead:1"])
    with pytest.raises(FieldsChanged, match="connect bitrix24 --repair") as refusal:
        desk.read(["lead:1"])
    assert len(refusal.value.faults) == 2
    assert desk.write([change(1)])[0].why == "FIELDS_CHANGED"
    assert writes(portal) == []


def test_what_a_person_wrote_is_read_as_it_is() -> None:
    """An option of a person's own comes back as its words, not as one of ours."""
    portal, _desk = ready()
    tier = next(each for each in portal.state.fields if each.xml_id == "lcp_tier")
    tier.options.append(type(tier.options[0])(999, "VIP"))
    change_by(portal, LEAD, 1, {"UF_CRM_LCP_TIER": 999})
    fresh = Desk(client_of(portal))

    card = fresh.read(["lead:1"])["lead:1"]
    assert card is not None
    assert card.fields[OurField.TIER] == "VIP"


def note(kind: NoteKind, **more: object) -> Note:
    """Wish for a note on lead 1."""
    told = {"deadline": AT, "responsible": "7", **more}
    return Note("lead:1", kind, "0123456789abcdef", "Позвонить: два визита", **told)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", list(NoteKind))
def test_a_note_whose_answer_was_lost_is_found_again(kind: NoteKind) -> None:
    """Made once, found by its marker, and changed in place rather than doubled."""
    portal, desk = ready()
    portal.plan = Scripted({("batch", 1): Fault(Kind.LOSE)})

    (lost,) = desk.post([note(kind)])
    found = desk.find([note(kind)])
    remote_id = found["0123456789abcdef"]
    (changed,) = desk.post([note(kind, remote_id=remote_id)])
    assert lost.outcome is Outcome.UNCLEAR
    assert (changed.outcome, changed.remote_id) == (Outcome.APPLIED, remote_id)
    assert len(portal.state.table(kind.value)) == 1


def test_a_task_of_nobody_is_refused() -> None:
    """Without somebody responsible no task is made, and nothing is asked."""
    portal, desk = ready()

    (end,) = desk.post([note(NoteKind.TASK, responsible=None)])
    assert (end.outcome, end.why) == (Outcome.REFUSED, "NO_RESPONSIBLE")
    assert portal.calls["batch"] == 0


def test_fifty_cards_cost_two_requests() -> None:
    """A full round is one request to look and one to write."""
    portal, desk = ready(leads=50)
    everyone = [f"lead:{number}" for number in range(1, 51)]

    desk.read(everyone)
    ends = desk.write([change(number) for number in range(1, 51)])
    assert {end.outcome for end in ends} == {Outcome.APPLIED}
    assert portal.calls["batch"] == 2


def test_time_for_late_writes_covers_the_portal_and_us() -> None:
    """A write may land until the portal's minute after our own time-out."""
    _, desk = ready()

    assert desk.late_by == timedelta(seconds=90)
    assert desk.most_at_once == 50


def test_layout_goes_by_external_id() -> None:
    """A field of somebody else's with our name does not stand in for ours."""
    portal = portal_of()
    client = client_of(portal)
    client.call(
        "crm.lead.userfield.add",
        {"fields": {"FIELD_NAME": "LCP_TIER", "USER_TYPE_ID": "string"}},
    )
    made = install(client, language="en")
    make(portal, "lead")

    names = {our: found.name for our, found in look(client)["lead"].items()}
    assert names[OurField.TIER] == "UF_CRM_LCP_TIER_2"
    assert len(made) == 16
