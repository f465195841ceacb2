"""Who stands behind a lead: its contact and company, and which lead a contact's is.

Calls, chats and purchases often hang on the contact. They count for the newest lead
that the contact had at that time.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from crm.amocrm.naming import Column, Names
from crm.amocrm.shelf import Shelf
from leads.marks import mail_kind

TOGETHER: Final = 300
"""Seconds within which a form makes a lead and its contact."""

Values = Mapping[str, list[Any]]
Person = tuple[int, Values]
"""When a contact or a company was made, and its fields as first seen."""


@dataclass(frozen=True)
class People:
    """Ties between leads, contacts and companies.

    ``created`` maps a lead's id to its creation, in seconds; ``leads_of`` a contact's
    to its leads, (creation, id) in order.
    """

    names: Names
    created: Mapping[str, int]
    leads_of: Mapping[int, list[tuple[int, str]]]
    contacts: Mapping[int, Person]
    companies: Mapping[int, Person]

    def newest_lead(self, contact: int, at: int) -> str | None:
        """Name the newest lead that a contact had at a moment; None if it had none."""
        leads = self.leads_of.get(contact, [])
        place = bisect.bisect_right(leads, at, key=lambda pair: pair[0])
        return leads[place - 1][1] if place else None

    def card(self, body: Mapping[str, Any]) -> list[Any]:
        """Give how a lead can be reached, its main contact's columns, its company's.

        One that was made well after the lead lends it nothing: a company that is
        entered when a lead is won would tell the end.
        """
        latest = body["created_at"] + TOGETHER
        contact = _before(self.contacts.get(next(iter(body["contacts"]), 0)), latest)
        mails = contact.get(self.names.email or "")
        company = self.companies.get(body["company"] or 0)
        return [
            bool(contact.get(self.names.phone or "")),
            mail_kind(str(mails[0])) if mails else None,
            *_read(self.names.columns["contacts"], contact),
            *_read(self.names.columns["companies"], _before(company, latest)),
        ]


def people_of(shelf: Shelf, names: Names) -> People:
    """Read the ties off a shelf; cards as they were first seen."""
    created: dict[str, int] = {}
    leads_of: dict[int, list[tuple[int, str]]] = {}
    for one in shelf.newest("lead"):
        created[one.id] = one.body["created_at"]
        for contact in one.body["contacts"]:
            leads_of.setdefault(contact, []).append((created[one.id], one.id))
    for leads in leads_of.values():
        leads.sort()
    return People(
        names, created, leads_of, _first(shelf, "contact"),
        _first(shelf, "company"),
    )  # fmt: skip


def _first(shelf: Shelf, kind: str) -> dict[int, Person]:
    firsts = (versions[0] for versions in shelf.versions(kind))
    return {
        int(one.id): (one.body["created_at"] or 0, one.body["fields"]) for one in firsts
    }


def _before(person: Person | None, latest: int) -> Values:
    return person[1] if person is not None and person[0] <= latest else {}


def _read(
    columns: Mapping[str, Column], values: Values
) -> list[float | bool | str | datetime | None]:
    """Read each column; of several phones or addresses the first."""
    return [
        column.read(_one(column, values.get(key))) for key, column in columns.items()
    ]


def _one(column: Column, values: list[Any] | None) -> list[Any] | None:
    return values[:1] if values and column.type == "multitext" else values
