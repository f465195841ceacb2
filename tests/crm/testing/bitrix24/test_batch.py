"""Behaviour 9: batches."""

from typing import Any

import pytest
from tests.crm.testing.bitrix24.portals import HOOK, ask, one, portal_of

from crm.testing.bitrix24.refusals import SERVER_ERROR
from crm.testing.faults import Fault, Kind, Scripted

GET = "crm.item.get?entityTypeId=1&id="
MAPS = {"result", "result_error", "result_total", "result_next", "result_time"}


def batch(leads: int, commands: Any, halt: int = 0) -> dict[str, Any]:
    """Run one batch on a new portal."""
    sent = {"halt": halt, "cmd": commands}
    answer = one(portal_of(leads=leads), "batch", sent)["result"]
    assert set(answer) == MAPS
    return dict(answer)


def test_09_a_batch_is_200_with_five_maps_and_empty_ones_are_lists() -> None:
    """Errors stand beside results; what is empty is ``[]``, not ``{}``."""
    answer = batch(1, {"good": GET + "1", "bad": GET + "99"})

    assert answer["result"]["good"]["item"]["id"] == 1
    assert answer["result_error"]["bad"]["error"] == "NOT_FOUND"
    assert answer["result_total"] == []
    assert answer["result_next"] == []
    assert "duration" in answer["result_time"]["good"]


def test_09_lists_inside_tell_total_and_next() -> None:
    """A page inside a batch has its total and next in maps of their own."""
    answer = batch(60, {"page": "crm.item.list?entityTypeId=1"})

    assert answer["result_total"] == {"page": 60}
    assert answer["result_next"] == {"page": 50}


@pytest.mark.parametrize(("halt", "done"), [(0, ["a", "c"]), (1, ["a"])])
def test_09_halt_cuts_at_the_first_error(halt: int, done: list[str]) -> None:
    """After an error under ``halt`` later keys are simply absent."""
    answer = batch(2, {"a": GET + "1", "b": GET + "99", "c": GET + "2"}, halt)

    assert list(answer["result"]) == done
    assert list(answer["result_error"]) == ["b"]


def test_09_commands_after_the_50th_fail_each() -> None:
    """The 51st and 52nd have an error of their own; fifty have run."""
    answer = batch(1, {f"k{n}": GET + "1" for n in range(52)})

    assert len(answer["result"]) == 50
    errors = {key: each["error"] for key, each in answer["result_error"].items()}
    assert errors == dict.fromkeys(("k50", "k51"), "ERROR_BATCH_LENGTH_EXCEEDED")


def test_09_a_batch_in_a_batch_is_refused() -> None:
    """Batches do not nest."""
    answer = batch(1, {"in": "batch?cmd[a]=crm.item.get"})

    assert answer["result_error"]["in"]["error"] == "ERROR_BATCH_METHOD_NOT_ALLOWED"


@pytest.mark.parametrize(
    "query", ["id=$result[l][item][id]", "id=%24result%5Bl%5D%5Bitem%5D%5Bid%5D"]
)
def test_09_earlier_answers_are_put_in(query: str) -> None:
    """``$result[key][path]`` stands for what an earlier command gave."""
    answer = batch(3, {"l": GET + "2", "again": f"crm.item.get?entityTypeId=1&{query}"})

    assert answer["result"]["again"]["item"]["id"] == 2


def test_09_a_reference_to_nothing_is_empty() -> None:
    """A command that refers to one that failed gets an empty value."""
    answer = batch(1, {"l": GET + "99", "again": GET + "$result[l][item][id]"})

    assert answer["result_error"]["again"]["error"] == "100"


def test_09_a_form_carries_commands_too() -> None:
    """PHP brackets are read in a body as well as in a command."""
    portal = portal_of(leads=1)
    form = {"cmd[a]": GET + "1", "halt": "0"}
    answer = ask(portal, lambda client: client.http.post(HOOK + "batch", data=form))

    assert answer.json()["result"]["result"]["a"]["item"]["id"] == 1


def test_09_numbered_commands_come_back_as_a_list() -> None:
    """PHP turns a map with keys 0, 1, 2 into a list."""
    answer = batch(2, [GET + "1", GET + "2"])

    assert [each["item"]["id"] for each in answer["result"]] == [1, 2]


def updates(number: int) -> dict[str, str]:
    """Make updates of as many leads."""
    return {
        f"k{n}": f"crm.item.update?entityTypeId=1&id={n}&fields[title]=T{n}"
        for n in range(1, number + 1)
    }


def test_09_a_scripted_command_fails_alone() -> None:
    """A fault of one command leaves the others applied."""
    portal = portal_of(leads=5)
    portal.command_plan = Scripted({("crm.item.update", 3): SERVER_ERROR})

    answer = one(portal, "batch", {"cmd": updates(5)})["result"]

    assert list(answer["result"]) == ["k1", "k2", "k4", "k5"]
    assert answer["result_error"]["k3"]["error"] == "INTERNAL_SERVER_ERROR"


def test_09_a_batch_that_dies_half_way_keeps_what_it_did() -> None:
    """The caller gets a 504 and cannot know that two commands are applied."""
    portal = portal_of(leads=5)
    before = len(portal.ledger.writes)
    portal.command_plan = Scripted({("crm.item.update", 3): Fault(Kind.DROP)})

    answer = ask(portal, lambda client: client.post("batch", {"cmd": updates(5)}))

    assert answer.status_code == 504
    applied = [write.key for write in portal.ledger.writes[before:]]
    assert applied == ["1", "2"]
