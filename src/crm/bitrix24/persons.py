"""Who stands behind each lead of a portal: its own words, its contact, its company.

What a company can be called by is left out: an office's phone is nobody's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from crm.bitrix24.shelf import Page
from leads.persons import Person

Row = Mapping[str, Any]


def persons_of(pages: Iterable[Page], *, entity: str) -> Iterator[Person]:
    """Name who stands behind each card, as it was last read.

    Parameters
    ----------
    pages
        All of a shelf, in their order.
    entity
        ``"lead"`` or ``"deal"``: which card is a lead of ours.
    """
    newest: dict[str, dict[int, Row]] = {entity: {}, "contact": {}, "company": {}}
    for page in pages:
        for row in page.rows if page.stream in newest else ():
            number = int(row["id"])
            known = newest[page.stream].get(number)
            # An answer that was overtaken may come late.
            if known is None or _moment(known) <= _moment(row):
                newest[page.stream][number] = row
    for number, card in newest[entity].items():
        contact = newest["contact"].get(_contact(card), {})
        company = newest["company"].get(int(card.get("companyId") or 0), {})
        yield Person(
            lead_id=str(number),
            phone="; ".join([*_values(card, "PHONE"), *_values(contact, "PHONE")]),
            email="; ".join([*_values(card, "EMAIL"), *_values(contact, "EMAIL")]),
            name=_name(card) or _name(contact),
            company=str(company.get("title") or card.get("companyTitle") or ""),
            contact_id=str(_contact(card) or ""),
            company_id=str(card.get("companyId") or ""),
        )


def _contact(card: Row) -> int:
    held = [card.get("contactId"), *(card.get("contactIds") or [])]
    return next((int(one) for one in held if one), 0)


def _values(card: Row, kind: str) -> Iterator[str]:
    """Give the phones or addresses of a card, told as a list or by their numbers."""
    told = card.get("fm") or []
    for each in told.values() if isinstance(told, Mapping) else told:
        if each.get("typeId") == kind and each.get("value"):
            yield str(each["value"])


def _name(card: Row) -> str:
    parts = (card.get(name) for name in ("lastName", "name", "secondName"))
    return " ".join(str(part) for part in parts if part)


def _moment(row: Row) -> str:
    return str(row.get("updatedTime") or "")
