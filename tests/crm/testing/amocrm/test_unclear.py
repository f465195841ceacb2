"""Outcomes that the caller cannot know: lost answers, late writes, half batches."""

import asyncio
from typing import Any

import httpx2
import pytest
from tests.crm.testing.amocrm.talking import ask

from crm.testing.amocrm import AmoCrm, AmoProfile
from crm.testing.faults import (
    Always,
    Between,
    Chance,
    Fault,
    Kind,
    Matching,
    Scripted,
    Seeded,
    answering,
)

CREATES = ("leads", "contacts", "tasks", "leads/{lead}/notes", "customers")
BODIES: dict[str, dict[str, Any]] = {
    "leads": {"name": "marker 9f3a"},
    "contacts": {"name": "marker 9f3a"},
    "customers": {"name": "marker 9f3a"},
    "tasks": {"text": "marker 9f3a", "complete_till": 1_795_330_800},
    "leads/{lead}/notes": {"note_type": "common", "params": {"text": "marker 9f3a"}},
}


@pytest.mark.parametrize("path", CREATES)
@pytest.mark.parametrize("kind", [Kind.LOSE, Kind.TIMEOUT, Kind.TRUNCATE])
def test_a_lost_answer_hides_a_write_that_a_naive_repeat_doubles(
    path: str, kind: Kind
) -> None:
    """The record stands; asking again makes a second one."""
    amo = AmoCrm()
    lead = amo.person().create(name="A")
    method = f"POST {path.replace('{lead}', '{id}')}"
    amo.plan = Scripted({(method, 1): Fault(kind)})

    tries = [_post(amo, path.format(lead=lead), BODIES[path]) for _ in range(2)]

    assert tries[0] in ("cut", 504)
    assert tries[1] == 200
    entity = {"leads": "lead", "contacts": "contact", "customers": "customer",
              "tasks": "task"}.get(path, "note")  # fmt: skip
    named = "text" if entity in ("task", "note") else "name"
    doubled = amo.ledger.doubled(entity, lambda write: write.after[named])
    assert doubled == {"marker 9f3a": 2}


def _post(amo: AmoCrm, path: str, item: dict[str, Any]) -> int | str:
    try:
        return ask(amo, "POST", path, [item]).status_code
    except (ConnectionResetError, httpx2.HTTPError):
        return "cut"


def test_a_proxy_that_repeats_a_create_doubles_it_by_itself() -> None:
    """One request, one answer, two leads: the ledger shows it."""
    amo = AmoCrm()
    amo.plan = Scripted({("POST leads", 1): Fault(Kind.TWICE)})

    ask(amo, "POST", "leads", [{"name": "marker"}])

    assert len(amo.ledger.by_request(1)) == 2


def test_a_change_that_is_repeated_ends_in_the_same_values() -> None:
    """Absolute values may be sent twice; the ledger shows both requests."""
    amo = AmoCrm()
    lead = amo.person().create(name="A", price=1)
    amo.plan = Scripted({("PATCH leads/{id}", 1): Fault(Kind.TIMEOUT)})

    statuses = [ask(amo, "PATCH", f"leads/{lead}", {"price": 5}).status_code
                for _ in range(2)]  # fmt: skip

    assert statuses == [504, 200]
    assert amo.values(lead)["price"] == 5
    assert len(amo.ledger.of("lead", lead)) == 3


def test_a_late_write_lands_after_its_504_and_over_a_newer_one() -> None:
    """The older version ends up on the card: the ledger names it."""
    amo = AmoCrm()
    lead = amo.person().create(name="A", price=0)
    late = Fault(Kind.LATE, seconds=30)
    amo.plan = Scripted({("PATCH leads/{id}", 1): late})

    first = ask(amo, "PATCH", f"leads/{lead}", {"price": 1})
    unheard = amo.values(lead)["price"]
    ask(amo, "PATCH", f"leads/{lead}", {"price": 2})
    amo.clock.move(30)

    assert (first.status_code, unheard) == (504, 0)
    assert amo.values(lead)["price"] == 1
    assert [w.after["price"] for w in amo.ledger.went_back("lead", "price")] == [1]
    assert [w.lateness for w in amo.ledger.late()] == [30]


def test_a_late_write_is_judged_by_the_account_it_meets() -> None:
    """A field deleted meanwhile refuses it, though nobody hears of that."""
    amo = AmoCrm()
    lead = amo.person().create(name="A", price=0)
    late = Fault(Kind.LATE, seconds=30)
    amo.plan = Scripted({("PATCH leads/{id}", 1): late})

    ask(amo, "PATCH", f"leads/{lead}", {"price": 1})
    amo.person().merge_away(lead)
    amo.clock.move(60)

    assert amo.ledger.late() == []


def test_too_many_records_are_half_applied_under_a_504_page() -> None:
    """The first ones stand, the others do not, and the answer does not say which."""
    amo = AmoCrm(AmoProfile(most_in_time=20))

    answer = ask(amo, "POST", "leads", [{"name": str(n)} for n in range(50)])

    assert answer.status_code == 504
    assert answer.headers["content-type"] == "text/html"
    assert len(amo.account.cards["leads"]) == 20
    assert ask(amo, "POST", "leads", [{"name": "x"}] * 20).status_code == 200


def test_40_percent_late_writes_come_by_chance_and_back_by_seed() -> None:
    """The same seed brings the same faults; reads may be left alone."""
    outcomes = []
    for _ in range(2):
        amo = AmoCrm(AmoProfile(rate=None, account_rate=None))
        lead = amo.person().create(name="A", price=0)
        late = Chance(Fault(Kind.LATE), 0.4, seconds=(0.2, 1.1), only_writes=True)
        amo.plan = Seeded(11, [late])
        outcomes.append([
            ask(amo, "PATCH", f"leads/{lead}", {"price": n}).status_code
            for n in range(50)
        ])  # fmt: skip
        assert ask(amo, "GET", "leads").status_code == 200

    assert outcomes[0] == outcomes[1]
    assert 10 < outcomes[0].count(504) < 30


@pytest.mark.parametrize("status", [429, 502, 504])
def test_a_proxy_may_answer_with_a_page(status: int) -> None:
    """Nothing is applied, and what comes back is no JSON."""
    amo = AmoCrm()
    lead = amo.person().create(name="A", price=1)
    page = answering(status, b"<html>oops</html>", **{"content-type": "text/html"})
    amo.plan = Scripted({("PATCH leads/{id}", 1): page})

    answer = ask(amo, "PATCH", f"leads/{lead}", {"price": 5})

    assert (answer.status_code, answer.text) == (status, "<html>oops</html>")
    assert amo.values(lead)["price"] == 1
    assert [request.fault for request in amo.ledger.requests] == ["refuse"]


def test_an_outage_holds_for_its_time() -> None:
    """Within it every call fails, after it none."""
    amo = AmoCrm()
    reads = Matching(lambda call: not call.writes, Always(Fault(Kind.DROP)))
    amo.plan = Between(5, 10, reads)

    outcomes = [_get(amo) for _ in range(12)]

    assert outcomes == [200] * 4 + ["cut"] * 5 + [200] * 3


def _get(amo: AmoCrm) -> int | str:
    try:
        return ask(amo, "GET", "account").status_code
    except ConnectionResetError:
        return "cut"


def test_a_slow_write_is_applied_even_if_the_caller_has_hung_up() -> None:
    """Giving up waiting undoes nothing."""
    amo = AmoCrm()
    lead = amo.person().create(name="A", price=1)
    slow = Fault(Kind.DELAY, seconds=60)
    amo.plan = Scripted({("PATCH leads/{id}", 1): slow})

    async def impatient() -> None:
        transport = httpx2.ASGITransport(app=amo.app)
        headers = {"authorization": f"Bearer {amo.token}"}
        address = f"/api/v4/leads/{lead}"
        async with httpx2.AsyncClient(
            transport=transport, base_url="https://x", trust_env=False
        ) as client:
            asking = asyncio.ensure_future(
                client.patch(address, json={"price": 5}, headers=headers)
            )
            await amo.clock.advance(10)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await amo.clock.advance(60)

    asyncio.run(impatient())
    assert amo.values(lead)["price"] == 5
