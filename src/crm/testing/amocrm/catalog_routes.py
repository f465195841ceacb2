"""Catalogs (invoices, products), their elements, and customers' purchases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from crm.testing.amocrm.account import Account, Change, Hand
from crm.testing.amocrm.account_profile import NUMBERS_AS_NUMBERS
from crm.testing.amocrm.desk import Asked, Desk, Route, hal, nothing, request_id
from crm.testing.amocrm.fields import Reader, Value, whole
from crm.testing.amocrm.listing import Filter, among, listed, ordered, within
from crm.testing.amocrm.problems import (
    MISSING,
    NOT_EXPECTED,
    WRONG_TYPE,
    Finding,
    invalid,
    problem,
)
from crm.testing.wire import Answer

MOST_CATALOGS: Final = 10
PURCHASE_KEYS: Final = frozenset({"price", "completed_at", "comment", "request_id"})
ORDERS: Final = ("created_at", "updated_at", "id")

Filled = dict[int, list[Value]]


def list_catalogs(desk: Desk, asked: Asked) -> Answer:
    """Answer the catalogs; ``filter[type]=invoices`` finds the invoices."""
    desk.need("catalogs")
    filter_ = Filter(asked)
    types = filter_.one_of("type")
    filter_.done()
    catalogs = desk.account.records["catalogs"]
    return listed(
        desk,
        asked,
        name="catalogs",
        rows=lambda: [c for c in catalogs.values() if among(c["type"], types)],
        shown=dict,
    )


def list_elements(desk: Desk, asked: Asked) -> Answer:
    """Answer a page of elements; ``with=invoice_link`` adds the invoice's address."""
    catalog = _catalog(desk, asked)
    filter_ = Filter(asked)
    ids, changed = filter_.one_of("id"), filter_.between("updated_at")
    filter_.done()

    def rows() -> list[dict[str, Any]]:
        found = [
            element
            for element in desk.account.records["elements"].values()
            if element["catalog_id"] == catalog["id"]
            and among(element["id"], ids)
            and within(element["updated_at"], changed)
        ]
        return ordered(asked, found, lambda element, name: element[name], ORDERS)

    return listed(
        desk,
        asked,
        name="elements",
        rows=rows,
        shown=lambda element: _shown(desk.account, element, asked.withs),
    )


def get_element(desk: Desk, asked: Asked) -> Answer:
    """Answer one element; 204 if there is none."""
    catalog = _catalog(desk, asked)
    element = desk.account.records["elements"].get(int(asked.params["element"]))
    if element is None or element["catalog_id"] != catalog["id"]:
        return nothing()
    return hal(_shown(desk.account, element, asked.withs))


def post_elements(desk: Desk, asked: Asked) -> Answer:
    """Make elements of a catalog."""
    catalog, items = _catalog(desk, asked), asked.items()
    found: dict[str, list[Finding]] = {}
    values = []
    for place, item in enumerate(items):
        faults = found.setdefault(request_id(item, place), [])
        values.append(_read(desk.account, catalog["id"], item, faults))
    if any(found.values()):
        raise invalid(found)
    made = []
    for place, (item, filled) in enumerate(zip(items, values, strict=True)):
        element = make_element(
            desk.account, catalog["id"], item["name"], filled, asked.hand
        )
        made.append({"id": element["id"], "request_id": request_id(item, place)})
    return hal({"_embedded": {"elements": made}})


def list_catalog_fields(desk: Desk, asked: Asked) -> Answer:
    """Answer the custom fields of a catalog."""
    kind = fields_of(_catalog(desk, asked)["id"])
    fields, account = desk.account.fields[kind], desk.account.profile.account_id
    return listed(
        desk,
        asked,
        name="custom_fields",
        rows=lambda: list(fields.values()),
        shown=lambda each: each.shown("catalogs", account),
    )


def list_purchases(desk: Desk, asked: Asked) -> Answer:
    """Answer a page of what a customer bought."""
    _customer(desk, asked)
    bought = desk.account.records["transactions"]
    return listed(
        desk,
        asked,
        name="transactions",
        rows=lambda: [t for t in bought.values() if t["customer_id"] == asked.id],
        shown=dict,
    )


def post_purchases(desk: Desk, asked: Asked) -> Answer:
    """Enter what a customer bought; nothing hinders entering it twice."""
    _customer(desk, asked)
    items = asked.items()
    found = {
        request_id(item, place): _purchase_faults(item)
        for place, item in enumerate(items)
    }
    if any(found.values()):
        raise invalid(found)
    made = []
    for place, item in enumerate(items):
        bought = make_purchase(desk.account, asked.id, item, asked.hand)
        made.append({"id": bought["id"], "request_id": request_id(item, place)})
    return hal({"_embedded": {"transactions": made}})


def fields_of(catalog: int) -> str:
    """Name the kind under which the fields of a catalog stand."""
    return f"catalogs/{catalog}"


def make_catalog(account: Account, name: str, type_: str) -> dict[str, Any]:
    """Make a catalog, as the account's owner does by hand; at most 10."""
    if len(account.records["catalogs"]) >= MOST_CATALOGS:
        raise ValueError(f"An account has at most {MOST_CATALOGS} catalogs.")
    catalog: dict[str, Any] = {
        "id": account.next_id("catalogs"),
        "name": name,
        "type": type_,
        "sort": len(account.records["catalogs"]) + 1,
        "can_add_elements": True,
        "can_link_multiple": True,
        "created_at": account.now,
        "updated_at": account.now,
        "account_id": account.profile.account_id,
    }
    account.records["catalogs"][catalog["id"]] = catalog
    return catalog


def make_element(
    account: Account,
    catalog: int,
    name: str,
    values: dict[int, list[Value]],
    hand: Hand,
) -> dict[str, Any]:
    """Make an element of a catalog; ``values`` go by field id."""
    element: dict[str, Any] = {
        "id": account.next_id("elements"),
        "catalog_id": catalog,
        "name": name,
        "created_by": hand.user_id,
        "updated_by": hand.user_id,
        "created_at": account.now,
        "updated_at": account.now,
        "is_deleted": False,
        "account_id": account.profile.account_id,
        "values": values,
    }
    account.records["elements"][element["id"]] = element
    account.changed(Change("elements", element["id"], "add", {}, dict(element), hand))
    return element


def make_purchase(
    account: Account, customer: int, item: Mapping[str, Any], hand: Hand
) -> dict[str, Any]:
    """Enter a purchase of a body without faults."""
    bought: dict[str, Any] = {
        "id": account.next_id("transactions"),
        "customer_id": customer,
        "price": item["price"],
        "completed_at": item.get("completed_at", account.now),
        "comment": item.get("comment", ""),
        "created_by": hand.user_id,
        "created_at": account.now,
        "updated_at": account.now,
        "is_deleted": False,
        "account_id": account.profile.account_id,
    }
    account.records["transactions"][bought["id"]] = bought
    account.changed(Change("transactions", bought["id"], "add", {}, dict(bought), hand))
    return bought


def _catalog(desk: Desk, asked: Asked) -> dict[str, Any]:
    desk.need("catalogs")
    catalog = desk.account.records["catalogs"].get(asked.id)
    if catalog is None:
        raise problem(404, "There is no such catalog")
    return catalog


def _customer(desk: Desk, asked: Asked) -> None:
    desk.need("customers")
    if asked.id not in desk.account.cards["customers"]:
        raise problem(404, "There is no such customer")


def _shown(
    account: Account, element: dict[str, Any], withs: set[str]
) -> dict[str, Any]:
    fields = account.fields[fields_of(element["catalog_id"])]
    numbers = account.profile.on(NUMBERS_AS_NUMBERS)
    custom = [
        fields[key].read(values, numbers=numbers)
        for key, values in element["values"].items()
        if key in fields
    ]
    shown = {key: value for key, value in element.items() if key != "values"}
    shown["custom_fields_values"] = custom or None
    if "invoice_link" in withs:
        domain = account.profile.domain
        shown["invoice_link"] = f"https://{domain}/invoice/{element['id']}"
    return shown


def _read(
    account: Account, catalog: int, item: Mapping[str, Any], faults: list[Finding]
) -> Filled:
    known = {"name", "custom_fields_values", "request_id"}
    faults += [Finding(NOT_EXPECTED, name) for name in item if name not in known]
    if not isinstance(item.get("name"), str):
        faults.append(Finding(WRONG_TYPE if "name" in item else MISSING, "name"))
    reader = Reader(account.fields[fields_of(catalog)], faults)
    reader.read(item.get("custom_fields_values"))
    return {key: values for key, values in reader.values.items() if values}


def _purchase_faults(item: Mapping[str, Any]) -> list[Finding]:
    faults = [Finding(NOT_EXPECTED, name) for name in item if name not in PURCHASE_KEYS]
    if "price" not in item:
        faults.append(Finding(MISSING, "price"))
    faults += [
        Finding(WRONG_TYPE, name)
        for name in ("price", "completed_at")
        if name in item and not whole(item[name])
    ]
    if not isinstance(item.get("comment", ""), str):
        faults.append(Finding(WRONG_TYPE, "comment"))
    return faults


ROUTES: Final = (
    Route("GET", "catalogs", list_catalogs),
    Route("GET", "catalogs/{id}/elements", list_elements),
    Route("POST", "catalogs/{id}/elements", post_elements),
    Route("GET", "catalogs/{id}/elements/{element}", get_element),
    Route("GET", "catalogs/{id}/custom_fields", list_catalog_fields),
    Route("GET", "customers/{id}/transactions", list_purchases),
    Route("POST", "customers/{id}/transactions", post_purchases),
)
