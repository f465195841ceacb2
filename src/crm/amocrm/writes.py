"""Sends records in bulk and says how each of them ended.

One bad record refuses a whole request, and then certainly none of it was applied: the
bad ones are told apart and the others sent again without them. After anything else that
is no clear answer, nothing is: half of a request may stand, so it is UNCLEAR as a whole
and never sent again from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from crm.amocrm.client import (
    API,
    AmoClient,
    AmoRefused,
    BadRequest,
    Banned,
    Busy,
    NoRight,
    NotAuthorised,
    NotInPlan,
    NotThere,
    judged,
    refusal,
)
from crm.port import GateClosed, Outcome, Result
from crm.transport import Answer, Lost, NotSent

Item = dict[str, Any]
CODES: Final[dict[type[AmoRefused], str]] = {
    NotAuthorised: "NOT_AUTHORISED",
    NotInPlan: "NOT_IN_PLAN",
    NoRight: "NO_RIGHT",
    Banned: "BANNED",
    NotThere: "NO_SUCH_ADDRESS",
}
"""Refusals of the account as a whole: no card may be given up for them."""

FIELD_PATHS: Final = ("field_id", "enum_id", "enum_code", "field_code")


@dataclass(frozen=True, slots=True)
class Address:
    """Where records go, and what they are called in the answer."""

    verb: str
    path: str
    name: str


def send_all(
    client: AmoClient, address: Address, items: Sequence[Item]
) -> list[Result]:
    """Send records; one result each, in their order. Never raises for the account."""
    if not items:
        return []
    marked = [{**item, "request_id": str(n)} for n, item in enumerate(items)]
    answer = _answer(client, address, marked)
    if isinstance(answer, Result):
        return [answer] * len(items)
    if answer.status not in {400, 422}:
        return _ends(answer, address, items)
    faults = getattr(refusal(answer, address.path), "errors", {})
    bad = {int(key): why for key, why in faults.items() if _is_place(key, len(items))}
    if len(items) == 1:
        return [_refused("; ".join(faults.values()) or str(answer.status))]
    if bad:
        return _without(client, address, items, bad)
    return [end for one in items for end in send_all(client, address, [one])]


def send_one(client: AmoClient, verb: str, path: str, item: Item) -> Result:
    """Send one record to an address of its own; its answer is the record itself."""
    answer = _answer(client, Address(verb, path, ""), item)
    if isinstance(answer, Result):
        return answer
    if answer.status in {400, 404, 422}:
        return Result(Outcome.REFUSED, f"HTTP_{answer.status}")
    body = answer.json()
    if answer.status == 200 and isinstance(body, dict) and "id" in body:
        return Result(Outcome.APPLIED, remote_id=str(body["id"]))
    [end] = _ends(answer, Address(verb, path, ""), [item])
    return end


def send_links(client: AmoClient, path: str, items: Sequence[Item]) -> Result:
    """Tie a card to others, or untie it; all of them or none."""
    answer = _answer(client, Address("POST", path, ""), list(items))
    if isinstance(answer, Result):
        return answer
    if answer.status in {200, 204}:
        return Result(Outcome.APPLIED)
    if answer.status in {400, 404, 422}:
        return Result(Outcome.REFUSED, f"TIE_HTTP_{answer.status}")
    [end] = _ends(answer, Address("POST", path, ""), items[:1])
    return end


def _without(
    client: AmoClient, address: Address, items: Sequence[Item], bad: dict[int, str]
) -> list[Result]:
    """Send the others again: a request that was refused was not applied at all."""
    good = [place for place in range(len(items)) if place not in bad]
    ends = iter(send_all(client, address, [items[place] for place in good]))
    return [
        _refused(bad[place]) if place in bad else next(ends)
        for place in range(len(items))
    ]


def _answer(
    client: AmoClient, address: Address, body: list[Item] | Item
) -> Answer | Result:
    try:
        return client.ask(address.verb, address.path, body=body)
    except GateClosed as closed:
        return Result(Outcome.NOT_APPLIED, "GATE", retry_after=closed.retry_after)
    except NotSent:
        return Result(Outcome.NOT_APPLIED, "NOT_SENT")
    except Lost:
        return Result(Outcome.UNCLEAR, "LOST")
    except AmoRefused:
        return Result(Outcome.NOT_APPLIED, "NO_TOKEN")


def _ends(answer: Answer, address: Address, items: Sequence[Item]) -> list[Result]:
    if answer.status in {200, 201}:
        return _told(answer, address, items)
    if answer.status in {202, 204}:
        return [Result(Outcome.UNCLEAR, "ACCEPTED_ONLY")] * len(items)
    error = refusal(answer, API + address.path)
    if answer.status == 429:
        wait = judged(answer).retry_after
        return [Result(Outcome.NOT_APPLIED, "LIMITED", retry_after=wait)] * len(items)
    if isinstance(error, Busy):
        return [Result(Outcome.UNCLEAR, f"HTTP_{answer.status}")] * len(items)
    code = CODES.get(type(error), f"HTTP_{answer.status}")
    outcome = Outcome.UNCLEAR if type(error) is BadRequest else Outcome.NOT_APPLIED
    return [Result(outcome, code)] * len(items)


def _told(answer: Answer, address: Address, items: Sequence[Item]) -> list[Result]:
    """Believe a record only if the answer names it."""
    body = answer.json()
    embedded = body.get("_embedded") if isinstance(body, dict) else None
    if not isinstance(embedded, dict):
        return [Result(Outcome.UNCLEAR, "NO_BODY")] * len(items)
    rows = embedded.get(address.name)
    named = {
        str(row.get("request_id")): row
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict)
    }
    errors = embedded.get("errors")
    found = errors.get("update") if isinstance(errors, dict) else None
    older = found if isinstance(found, list | dict) else ()
    ends = []
    for place, item in enumerate(items):
        row = named.get(str(place))
        if str(item.get("id")) in older:
            ends.append(Result(Outcome.NOT_APPLIED, "OLDER_THAN_THERE"))
        elif row is None or ("id" in item and row.get("id") != item["id"]):
            ends.append(Result(Outcome.UNCLEAR, "NOT_TOLD"))
        else:
            ends.append(Result(Outcome.APPLIED, remote_id=str(row.get("id"))))
    return ends


def _refused(why: str) -> Result:
    """Tell a bad value from a field that a person deleted: no card is to blame then."""
    if any(path in why for path in FIELD_PATHS):
        return Result(Outcome.NOT_APPLIED, "FIELDS_CHANGED")
    return Result(Outcome.REFUSED, why[:80] or "REFUSED")


def _is_place(key: str, count: int) -> bool:
    return key.isascii() and key.isdigit() and int(key) < count
