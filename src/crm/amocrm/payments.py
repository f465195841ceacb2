"""Which money counts: paid invoices, purchases of customers, or the sum of a won lead.

An invoice and a purchase are documents of money. A won lead only says that somebody
moved a card, so it counts only where the company says so (``payments = ["won"]``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from crm.amocrm.naming import WON, Names, moment
from crm.amocrm.people import People
from crm.amocrm.shelf import Kept, Shelf

PAID: Final = frozenset({"paid", "paid_in_advance"})
PARTLY: Final = "partially_paid"

Row = tuple[Any, ...]


def payments_of(
    shelf: Shelf, names: Names, people: People, kinds: Iterable[str]
) -> tuple[list[Row], list[str]]:
    """Give payments as (lead, at, recorded_at, amount, currency), and notes."""
    rows: list[Row] = []
    notes: list[str] = []
    for kind in sorted(set(kinds)):
        match kind:
            case "invoices":
                found, told = _invoices(shelf, people)
                notes += told
            case "customers":
                found = list(_purchases(shelf, people))
            case _:
                found = list(_won(shelf))
        rows += [(*row, names.currency) for row in found]
    if not rows:
        notes.append(
            "amoCRM holds no payment of any lead; if a won lead is a paid one, set"
            ' [source] payments = ["won"]'
        )
    return rows, notes


def _invoices(shelf: Shelf, people: People) -> tuple[list[Row], list[str]]:
    tied: dict[int, str] = {}
    for card in shelf.newest("lead"):
        for element in card.body["elements"]:
            tied.setdefault(element, card.id)
    rows: list[Row] = []
    loose = partly = 0
    for versions in shelf.versions("invoice"):
        last, lead = versions[-1].body, tied.get(int(versions[0].id))
        if last["is_deleted"] or last["status"] not in PAID:
            partly += last["status"] == PARTLY and not last["is_deleted"]
        elif lead is None:
            loose += 1
        else:
            rows += _payment(lead, versions, people)
    return rows, _uncounted(loose, partly)


def _uncounted(loose: int, partly: int) -> list[str]:
    notes = []
    if loose:
        notes.append(f"amoCRM: {loose:,} paid invoices are tied to no lead")
    if partly:
        notes.append(
            f"amoCRM: {partly:,} partly paid invoices count for nothing: how much of"
            " them was paid is not told"
        )
    return notes


def _payment(lead: str, versions: list[Kept], people: People) -> list[Row]:
    """Make a payment of an invoice: its sum now, known when it was first seen paid."""
    body = versions[-1].body
    try:
        amount = float(body["price"])
    except (TypeError, ValueError):
        return []
    first = next(one for one in versions if one.body["status"] in PAID)
    told = moment(body["paid_at"])
    at = first.at if told is None else int(told.timestamp())
    # A day without an hour may lie before the lead of the same day.
    at = max(at, people.created[lead])
    return [(lead, moment(at), moment(max(at, first.known_at)), amount)]


def _purchases(shelf: Shelf, people: People) -> Iterator[Row]:
    customers = {one.id: one.body["contacts"] for one in shelf.newest("customer")}
    for one in shelf.newest("purchase"):
        body = one.body
        if body["is_deleted"] or body["price"] is None:
            continue
        contacts = customers.get(str(body["customer_id"]), [])
        leads = [people.newest_lead(contact, one.at) for contact in contacts]
        lead = next((found for found in leads if found is not None), None)
        if lead is not None:
            known = moment(max(one.at, one.known_at))
            yield lead, moment(one.at), known, float(body["price"])


def _won(shelf: Shelf) -> Iterator[Row]:
    """Give the sum of each lead that is won now, at the moment it was closed."""
    for versions in shelf.versions("lead"):
        last = versions[-1]
        body = last.body
        is_won = str(body["status_id"]) == WON and body["closed_at"]
        if not is_won or not body["price"]:
            continue
        first = next(one for one in versions if one.body["closed_at"])
        at = max(body["closed_at"], body["created_at"])
        # What a first reading finds was known when it was closed.
        known = at if first is versions[0] else max(at, first.known_at)
        yield last.id, moment(at), moment(known), float(body["price"])
