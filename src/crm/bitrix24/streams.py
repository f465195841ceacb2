"""What is read of a portal: each stream's method, its cursor, and what has changed.

Every stream is read by growing id with ``start: -1``, so that a row that comes or goes
meanwhile moves no page. Later reads ask for what changed since the last one began.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from crm.bitrix24.client import Command

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Stream:
    """One list of a portal.

    ``wrapper`` is the key that holds the rows, empty if the result is the list itself;
    ``id`` is the id's name in filters and rows; ``changed`` the time by which later
    reads ask, empty for what only ever grows.
    """

    name: str
    method: str
    wrapper: str
    id: str
    changed: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    filter: Mapping[str, Any] = field(default_factory=dict)

    def page(self, last: int | str, since: str | None) -> Command:
        """Ask for the rows after an id, or after what a reference will name."""
        asked: dict[str, Any] = {**self.filter, f">{self.id}": last}
        if since and self.changed:
            asked[f">={self.changed}"] = since
        order = {self.id: "ASC"}
        return self.method, {
            **self.fixed, "filter": asked, "order": order, "start": -1,
        }  # fmt: skip

    def count(self, upto: int) -> Command:
        """Ask how many rows there are up to an id."""
        asked = {**self.filter, f"<={self.id}": upto}
        return self.method, {
            **self.fixed, "select": [self.id], "filter": asked, "start": 0,
        }  # fmt: skip

    def reference(self, key: str) -> str:
        """Name the id of the last row of a full page that an earlier command gives."""
        wrapper = f"[{self.wrapper}]" if self.wrapper else ""
        return f"$result[{key}]{wrapper}[{PAGE - 1}][{self.id}]"


PERSONAL: Final = frozenset(
    {
        "title", "name", "secondName", "lastName", "honorific", "birthdate", "fm",
        "address", "sourceDescription", "webformId", "originId", "accountNumber",
    }
)  # fmt: skip
"""Columns that name a person, or tell one card from another: not in any table."""

IDENTITY: Final[Mapping[str, frozenset[str]]] = {
    "lead": frozenset({"name", "secondName", "lastName", "fm"}),
    "contact": frozenset({"name", "secondName", "lastName", "fm"}),
    "company": frozenset({"title"}),
}
"""Of those, what ``persons_of`` reads: kept in the raw pages, by stream."""


def _items(name: str, number: int) -> Stream:
    fixed = {"entityTypeId": number, "select": ["*", "UF_*"], "useOriginalUfNames": "Y"}
    return Stream(name, "crm.item.list", "items", "id", "updatedTime", fixed)


def _history(name: str, number: int) -> Stream:
    fixed = {"entityTypeId": number}
    return Stream(name, "crm.stagehistory.list", "items", "ID", "", fixed)


ACTIVITY_COLUMNS: Final = (
    "ID", "OWNER_TYPE_ID", "OWNER_ID", "TYPE_ID", "PROVIDER_ID", "DIRECTION",
    "COMPLETED", "AUTHOR_ID", "CREATED", "LAST_UPDATED", "START_TIME",
)  # fmt: skip

STREAMS: Final = (
    _items("lead", 1),
    _items("deal", 2),
    _items("contact", 3),
    _items("company", 4),
    _items("invoice", 31),
    _history("lead_stage", 1),
    _history("deal_stage", 2),
    Stream(
        "activity", "crm.activity.list", "", "ID", "LAST_UPDATED",
        {"select": list(ACTIVITY_COLUMNS)},
    ),
    Stream(
        "payment", "sale.payment.list", "payments", "id", "datePaid",
        filter={"paid": "Y"},
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lookup:
    """Rows that are asked for by the ids they belong to."""

    name: str
    method: str
    wrapper: str
    key: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    filter: Mapping[str, Any] = field(default_factory=dict)

    def of(self, ids: list[int]) -> Command:
        """Ask for the rows of some ids."""
        asked = {**self.filter, f"@{self.key}": ids}
        return self.method, {**self.fixed, "filter": asked, "start": 0}


ORDERS: Final = Lookup("order", "crm.orderentity.list", "orderEntity", "orderId")


def products_of(entity: str) -> Lookup:
    """Ask for the product rows of leads or of deals."""
    letter = {"lead": "L", "deal": "D"}[entity]
    return Lookup(
        "product", "crm.item.productrow.list", "productRows", "ownerId",
        filter={"=ownerType": letter},
    )  # fmt: skip
