"""Whom a raw row of a portal is about: the cards that it is, or hangs on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

Subject = tuple[str, int]
"""A kind of card and its number: ``("contact", 7)``."""

CARDS: Final = frozenset({"lead", "deal", "contact", "company", "invoice"})
KINDS: Final[Mapping[str, str]] = {
    "1": "lead", "2": "deal", "3": "contact", "4": "company", "31": "invoice",
}  # fmt: skip
"""Bitrix24's own numbers of kinds of cards."""

LETTERS: Final[Mapping[str, str]] = {"L": "lead", "D": "deal"}


def subjects_of(stream: str, row: Mapping[str, Any]) -> Iterator[Subject]:
    """Name the cards that a row of some stream is about.

    Examples
    --------
    >>> list(subjects_of("activity", {"OWNER_TYPE_ID": "3", "OWNER_ID": "7"}))
    [('contact', 7)]
    >>> list(subjects_of("invoice", {"id": 5, "parentId2": 9}))
    [('invoice', 5), ('deal', 9)]
    """
    if stream in CARDS:
        yield from _subject(stream, row.get("id"))
        if stream == "invoice":
            yield from _subject("deal", row.get("parentId2"))
    elif stream in {"lead_stage", "deal_stage"}:
        yield from _subject(stream.removesuffix("_stage"), row.get("OWNER_ID"))
    elif stream == "activity":
        yield from _owner(row.get("OWNER_TYPE_ID"), row.get("OWNER_ID"))
    elif stream == "product":
        kind = LETTERS.get(str(row.get("ownerType")), "")
        yield from _subject(kind, row.get("ownerId"))
    elif stream in {"order", "payment"}:
        yield from _subject("order", row.get("orderId"))
        yield from _owner(row.get("ownerTypeId"), row.get("ownerId"))


def clients_of(row: Mapping[str, Any]) -> Iterator[Subject]:
    """Name the contacts and the company behind a lead, a deal or an invoice."""
    contacts = row.get("contactIds") or []
    for number in [row.get("contactId"), *contacts]:
        yield from _subject("contact", number)
    yield from _subject("company", row.get("companyId"))


def _owner(kind: Any, number: Any) -> Iterator[Subject]:
    yield from _subject(KINDS.get(str(kind), ""), number)


def _subject(kind: str, number: Any) -> Iterator[Subject]:
    if kind and number:
        yield kind, int(number)
