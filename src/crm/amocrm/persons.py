"""Who stands behind each lead of an account: its main contact and its company.

A company's own phone and address are left out: an office's phone is nobody's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crm.amocrm.shelf import Shelf
from leads.persons import Person


def persons_of(shelf: Shelf) -> Iterator[Person]:
    """Name who stands behind each lead, as last read."""
    codes = {one.id: one.body["code"] for one in shelf.newest("field:contacts")}
    contacts = {one.id: one.body for one in shelf.newest("contact")}
    companies = {one.id: one.body for one in shelf.newest("company")}
    for lead in shelf.newest("lead"):
        key = next(iter(lead.body["contacts"]), None)
        contact = contacts.get(str(key), {})
        company = lead.body["company"]
        yield Person(
            lead_id=lead.id,
            phone=_told(contact, codes, "PHONE"),
            email=_told(contact, codes, "EMAIL"),
            name=contact.get("name") or "",
            company=companies.get(str(company), {}).get("name") or "",
            contact_id=str(key or ""),
            company_id=str(company or ""),
        )


def _told(body: Mapping[str, Any], codes: Mapping[str, Any], code: str) -> str:
    values = [
        str(value)
        for key, told in body.get("fields", {}).items()
        if codes.get(key) == code
        for value in told
        if value
    ]
    return "; ".join(values)
