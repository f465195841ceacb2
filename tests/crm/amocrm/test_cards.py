"""Cards are read by ids and written in bulk; every end of a write is told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.crm.amocrm.line import Carrier, Gate, client_of

from crm.amocrm.cards import Desk
from crm.amocrm.fields import flaws_in, look, mend
from crm.layouts import FieldsChanged
from crm.port import Change, Fields, Heard, Move, Note, NoteKind, OurField, Outcome
from crm.testing.amocrm import AmoCrm
from crm.testing.amocrm.founding import INBOX_STATUS, MANAGER, PIPELINE
from crm.testing.faults import Fault, Kind, Scripted, answering
from crm.transport import TransportFailed

AS_OF = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
WHOLE: Fields = {
    OurField.TIER: "hot",
    OurField.PROBABILITY: 37,
    OurField.EXPECTED_MONEY: 120_000,
    OurField.REASONS: "Три визита за неделю",
    OurField.ACTION: "Позвонить",
    OurField.AS_OF: AS_OF,
    OurField.MODEL_VERSION: "7",
    OurField.VERSION: 3,
}


def connected(leads: int = 1) -> tuple[AmoCrm, Desk, list[str]]:
    """Give an account with our fields, its desk and leads."""
    amo = AmoCrm()
    client = client_of(amo)
    mend(client, flaws_in(look(client)), language="ru")
    made = [amo.person().create(name=str(n)) for n in range(leads)]
    return amo, Desk(client_of(amo)), [f"lead:{one}" for one in made]


def versions(entities: Sequence[str], version: int = 1) -> list[Change]:
    """Make a change of each card."""
    return [Change(one, {OurField.VERSION: version}) for one in entities]


def number(entity: str) -> int:
    """Give the account's own number of a card."""
    return int(entity.partition(":")[2])


def written(amo: AmoCrm, entity: str) -> int:
    """Count the writes of a card by the interface."""
    return len(amo.ledger.values("lead", number(entity), "LCP_VERSION"))


def test_what_was_written_is_read_in_our_words() -> None:
    """Every field comes back as it was sent, though numbers come back as text."""
    _, desk, [card] = connected()

    [result] = desk.write([Change(card, WHOLE)])
    read = desk.read([card])[card]

    assert result.outcome is Outcome.APPLIED
    assert read is not None
    assert dict(read.fields) == dict(WHOLE)
    assert read.stage == f"{PIPELINE}/{INBOX_STATUS + 1}"


def test_none_empties_a_field_and_what_is_not_named_stays() -> None:
    """Only the fields of a change change."""
    _, desk, [card] = connected()
    desk.write([Change(card, WHOLE)])

    desk.write([Change(card, {OurField.REASONS: None})])
    read = desk.read([card])[card]

    assert read is not None
    assert dict(read.fields) == {**WHOLE, OurField.REASONS: None}


def test_a_tier_that_is_no_word_of_ours_stays_a_persons_text() -> None:
    """An option that a person added is a person's value."""
    amo, desk, [card] = connected()
    [field] = [f for f in amo.account.fields["leads"].values() if f.code == "LCP_TIER"]
    option = type(field.options[0])(id=9_999, value="VIP", sort=9, code=None)
    field.options.append(option)
    amo.account.cards["leads"][number(card)].values[field.id] = [{"enum_id": 9_999}]

    read = desk.read([card])[card]

    assert read is not None
    assert read.fields[OurField.TIER] == "VIP"


def test_a_card_that_is_gone_is_none() -> None:
    """A lead in the bin and one that never was are told as gone, not left out."""
    amo, desk, [card, kept] = connected(2)
    amo.person().bin(number(card))

    read = desk.read([card, kept, "lead:77"])

    assert read[card] is None
    assert read["lead:77"] is None
    assert read[kept] is not None


def test_fifty_cards_take_one_request_each_way() -> None:
    """Reading and writing fifty cards is one request each, once fields are known."""
    amo, _, cards = connected(50)
    carrier = Carrier(amo)
    desk = Desk(client_of(amo, carrier=carrier))
    desk.read(cards[:1])
    before = len(carrier.asked)

    desk.read(cards)
    results = desk.write(versions(cards))

    assert carrier.asked[before:] == ["GET /api/v4/leads", "PATCH /api/v4/leads"]
    assert {one.outcome for one in results} == {Outcome.APPLIED}


def test_one_bad_card_does_not_hold_up_the_others() -> None:
    """One bad record refuses all fifty; it is found and the others are written."""
    amo, desk, cards = connected(5)
    desk.read(cards)
    amo.person().merge_away(number(cards[2]))

    results = desk.write(versions(cards))

    ends = [one.outcome for one in results]
    assert ends == [Outcome.APPLIED] * 2 + [Outcome.REFUSED] + [Outcome.APPLIED] * 2
    assert [written(amo, one) for one in cards] == [1, 1, 0, 1, 1]


def test_a_refusal_that_names_nobody_is_found_one_by_one() -> None:
    """Where a 400 does not say which record it means, each is tried alone."""
    amo, desk, cards = connected(3)
    desk.read(cards)
    amo.plan = Scripted({("PATCH leads", 1): answering(400, b'{"title":"Bad"}')})

    results = desk.write(versions(cards))

    assert [one.outcome for one in results] == [Outcome.APPLIED] * 3
    assert [written(amo, one) for one in cards] == [1, 1, 1]


@pytest.mark.parametrize(
    ("fault", "applied"),
    [
        (Fault(Kind.LOSE), 1),
        (Fault(Kind.DROP), 0),
        (Fault(Kind.TIMEOUT), 1),
        (Fault(Kind.TRUNCATE), 1),
        (answering(500, b'{"trace_id":"1"}'), 0),
        (answering(502, b"<html>"), 0),
        (answering(200, b"<html>"), 0),
        (answering(202, b""), 0),
    ],
)
def test_an_answer_that_is_not_clear_is_unclear(fault: Fault, applied: int) -> None:
    """Whatever may have been applied is UNCLEAR, and is not sent a second time."""
    amo, desk, cards = connected(3)
    desk.read(cards)
    amo.plan = Scripted({("PATCH leads", 1): fault})

    results = desk.write(versions(cards))

    assert {one.outcome for one in results} == {Outcome.UNCLEAR}
    assert [written(amo, one) for one in cards] == [applied] * 3


def test_a_half_applied_write_is_unclear_as_a_whole() -> None:
    """After a 504 some cards are written and some are not: nobody knows which."""
    amo, desk, cards = connected(6)
    desk.read(cards)
    amo.profile = replace(amo.profile, most_in_time=2)

    results = desk.write(versions(cards))

    assert {one.outcome for one in results} == {Outcome.UNCLEAR}
    assert [written(amo, one) for one in cards] == [1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("fault", "heard"),
    [
        (answering(429, b'{"retry_after": 300}'), Heard.LIMITED),
        (answering(403, b"<html>"), Heard.BLOCKED),
        (answering(401, b'{"title":"Unauthorized"}'), Heard.WELL),
        (answering(402, b'{"title":"Payment"}'), Heard.WELL),
        (answering(403, b'{"title":"Forbidden"}'), Heard.WELL),
    ],
)
def test_what_was_certainly_not_done_may_be_done_later(
    fault: Fault, heard: Heard
) -> None:
    """Limits, bans and rights refuse before the work; no card is given up for them."""
    amo, _, cards = connected(2)
    gate = Gate()
    desk = Desk(client_of(amo, gate=gate))
    desk.read(cards)
    amo.plan = Scripted({("PATCH leads", 1): fault})

    results = desk.write(versions(cards))

    assert {one.outcome for one in results} == {Outcome.NOT_APPLIED}
    assert gate.heards[-1] is heard
    asked = timedelta(minutes=5) if heard is Heard.LIMITED else None
    assert gate.waits[-1] == results[0].retry_after == asked


def test_a_shut_gate_sends_nothing() -> None:
    """A closed gate is told with its waiting time, for every change."""
    amo, _, cards = connected(2)
    gate = Gate()
    desk = Desk(client_of(amo, gate=gate))
    desk.read(cards)
    gate.is_shut = True

    results = desk.write(versions(cards))

    assert [one.retry_after for one in results] == [timedelta(seconds=7)] * 2
    assert [written(amo, one) for one in cards] == [0, 0]


def test_a_change_of_nothing_is_not_sent() -> None:
    """AmoCRM takes an equal write for a change and fires hooks: it gets none."""
    amo, desk, [card] = connected()
    before = amo.values(number(card))["updated_at"]
    amo.clock.move(60)

    [result] = desk.write([Change(card, {})])

    assert result.outcome is Outcome.APPLIED
    assert amo.values(number(card))["updated_at"] == before


def test_a_field_deleted_by_a_person_stops_the_writes() -> None:
    """A stale field id refuses everything; no card is blamed, and people are told."""
    amo, desk, cards = connected(2)
    desk.read(cards)
    amo.person().delete_field("LCP_VERSION")

    results = desk.write(versions(cards))

    assert {one.why for one in results} == {"FIELDS_CHANGED"}
    assert {one.outcome for one in results} == {Outcome.NOT_APPLIED}
    with pytest.raises(FieldsChanged, match="LCP_VERSION"):
        desk.read(cards)


def test_a_lead_moves_with_its_pipeline() -> None:
    """A stage is named with its pipeline, since 142 stands in all of them."""
    amo, desk, [card] = connected()
    there = desk.read([card])[card]
    assert there is not None
    assert there.stage is not None

    [result] = desk.write([Change(card, {}, Move(there.stage, f"{PIPELINE}/142"))])

    assert result.outcome is Outcome.APPLIED
    assert amo.values(number(card))["status_id"] == 142


def test_half_an_answer_is_no_answer() -> None:
    """A read that broke off raises; it never tells that cards are gone."""
    amo, desk, cards = connected(2)
    desk.read(cards)
    amo._calls.clear()
    amo.plan = Scripted({("GET leads", 1): Fault(Kind.TRUNCATE)})

    with pytest.raises(TransportFailed):
        desk.read(cards)


def test_notes_are_found_by_their_marker_and_changed_in_place() -> None:
    """A comment and a task are created once, found again, and then changed."""
    amo, desk, [card] = connected()
    later = AS_OF + timedelta(days=1)
    comment = Note(card, NoteKind.COMMENT, "0123456789abcdef", "Почему: визиты")
    task = Note(
        card, NoteKind.TASK, "fedcba9876543210", "Позвонить", later, str(MANAGER)
    )

    made = desk.post([comment, task])
    found = desk.find([comment, task])
    again = [
        Note(n.entity, n.kind, n.marker, "new words", later, remote_id=found[n.marker])
        for n in (comment, task)
    ]
    changed = desk.post(again)

    assert [one.outcome for one in (*made, *changed)] == [Outcome.APPLIED] * 4
    assert [one.remote_id for one in made] == [
        found[comment.marker],
        found[task.marker],
    ]
    [row] = amo.account.records["tasks"].values()
    assert row["text"].startswith("new words")
    assert row["responsible_user_id"] == MANAGER
    assert len(amo.account.records["notes"]) == 1


def test_text_that_no_json_carries_is_put_right() -> None:
    """A lone surrogate and a NUL in a reason spoil neither the card nor its company."""
    _, desk, [card] = connected()

    [result] = desk.write([Change(card, {OurField.REASONS: "a\0b\ud800c"})])
    read = desk.read([card])[card]

    assert result.outcome is Outcome.APPLIED
    assert read is not None
    assert read.fields[OurField.REASONS] == "a b?c"
