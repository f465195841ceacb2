"""Strikes a person out of what was read of an account.

With a lead go its notes and its log, the contacts and the company that stand behind no
other lead, what hangs on these, and the invoices tied to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from crm.amocrm.shelf import Kept, Shelf, Subject


def erase(shelf: Shelf, lead_ids: Iterable[str]) -> int:
    """Strike leads out of the shelf, with all that is theirs alone; count the rows."""
    leads = {("lead", one) for one in lead_ids}
    if not leads:
        return 0
    mine: set[Subject] = set()
    others: set[Subject] = set()
    for versions in shelf.versions("lead"):
        is_theirs = ("lead", versions[0].id) in leads
        for version in versions:
            (mine if is_theirs else others).update(_tied(version))
    alone = mine - others
    return shelf.strike(leads | alone | _customers(shelf, alone))


def _tied(lead: Kept) -> Iterator[Subject]:
    body = lead.body
    for contact in body["contacts"]:
        yield "contact", str(contact)
    if body["company"] is not None:
        yield "company", str(body["company"])
    for element in body["elements"]:
        yield "invoice", str(element)


def _customers(shelf: Shelf, gone: Collection[Subject]) -> set[Subject]:
    """Find the customers whose contacts are all erased."""
    return {
        ("customer", one.id)
        for one in shelf.newest("customer")
        if one.body["contacts"]
        and all(("contact", str(each)) in gone for each in one.body["contacts"])
    }
