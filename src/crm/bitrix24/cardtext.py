"""Cards as rows of text, under words that people know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from crm.bitrix24.fields import PREFIX
from crm.bitrix24.words import Words
from leads.tables import LEADS

STANDARD: Final[Mapping[str, str]] = {
    "opportunity": "opportunity", "currencyId": "currency", "comments": "comments",
    "utmSource": "utm_source", "utmMedium": "utm_medium",
    "utmCampaign": "utm_campaign", "utmContent": "utm_content", "utmTerm": "utm_term",
    "post": "post", "typeId": "type",
    "isReturnCustomer": "is_return_customer", "hasPhone": "has_phone",
    "hasEmail": "has_email",
}  # fmt: skip
"""Columns of a card that a model may look at.

Left out is what tells the end (stage, closing dates, who moved it), who it is (names,
phones, the company), and what is only a number in the portal.
"""
FIXED: Final[Mapping[str, str]] = {"sourceId": "source", "assignedById": "owner"}
RELATED: Final[Mapping[str, Mapping[str, str]]] = {
    "contact": {"post": "contact_post", "sourceId": "contact_source"},
    "company": {"industry": "company_industry", "employees": "company_employees"},
}
UNTOLD: Final = frozenset(
    {"file", "crm", "iblock_element", "iblock_section", "address"}
)
LETTERS: Final = {"Y": "true", "N": "false", "1": "true", "0": "false"}
FLAGS: Final = frozenset({"isReturnCustomer", "hasPhone", "hasEmail"})
FORBIDDEN: Final = frozenset({"row", "moment", "lead", "products", *LEADS})


class CardText:
    """Reads cards of one kind, ``"lead"`` or ``"deal"``."""

    def __init__(self, kind: str, words: Words) -> None:
        self._words = words
        described = {
            name: told
            for name, told in words.fields.get(kind, {}).items()
            if not name.upper().startswith(PREFIX) and told.get("type") not in UNTOLD
        }
        self._types = {name: str(t.get("type")) for name, t in described.items()}
        taken = FORBIDDEN | {"created_at", *STANDARD.values(), *FIXED.values()}
        related = {word for names in RELATED.values() for word in names.values()}
        labels = words.labels(kind, taken | related)
        self.columns = {
            **STANDARD,
            **FIXED,
            **{name: _safe(labels[name], name) for name in described},
        }
        """Our word of each column by the portal's name of it."""

    def row(self, card: Mapping[str, Any]) -> dict[str, str | None]:
        """Write one card as text by our words."""
        return {
            word: self._text(name, card[name])
            for name, word in self.columns.items()
            if name in card
        }

    def related(self, kind: str, card: Mapping[str, Any]) -> dict[str, str | None]:
        """Write what a contact or a company says of the cards that hang on it."""
        return {
            word: self._text(name, card.get(name))
            for name, word in RELATED[kind].items()
        }

    def _text(self, name: str, value: Any) -> str | None:
        if isinstance(value, list):
            told = [self._text(name, each) for each in value]
            return "; ".join(one for one in told if one) or None
        if value in (None, "") or value is False:
            return None
        text = str(value)
        if name in FLAGS or self._types.get(name) == "boolean":
            return LETTERS.get(text)
        if name == "sourceId":
            return self._words.statuses.get(("SOURCE", text), text)
        if name == "assignedById" or self._types.get(name) == "employee":
            return self._words.people.get(text, text)
        return self._of_type(self._types.get(name), text)

    def _of_type(self, kind: str | None, text: str) -> str:
        if kind == "enumeration":
            return self._words.options.get(text, text)
        return text.partition("|")[0] if kind == "money" else text


def _safe(word: str, name: str) -> str:
    """Keep off words that mean something else to the tables."""
    odd = "*" in word or word.startswith("^")
    return name.lower() if word in FORBIDDEN or odd else word
