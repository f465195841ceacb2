"""An account on its first day: users, pipelines, the fields every account has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from crm.testing.amocrm.account import (
    INBOX,
    KINDS,
    LOST,
    WON,
    Account,
    Hand,
    Pipeline,
    Status,
)
from crm.testing.amocrm.catalog_routes import fields_of, make_catalog
from crm.testing.amocrm.field_routes import make_field

OWNER: Final = 123_321
MANAGER: Final = 123_322
INTEGRATION_USER: Final = 321_123
PIPELINE: Final = 1_300
INBOX_STATUS: Final = 48_000
STAGES: Final = ("New", "Contacted", "Offer")
REASONS: Final = ("no reply", "too expensive", "chose another", "not now")
LABELS: Final = ("WORK", "MOB", "OTHER")
BILL: Final = (
    ("BILL_STATUS", "select", ("created", "paid", "paid_in_advance", "partially_paid")),
    ("BILL_PRICE", "numeric", ()),
    ("BILL_PAYMENT_DATE", "date", ()),
    ("BILL_COMMENT", "textarea", ()),
    ("BILL_VAT_TYPE", "select", ("VAT_EXEMPT", "VAT_20")),
    ("PAYER", "payer", ()),
    ("SUPPLIER", "supplier", ()),
    ("LEGAL_ENTITY", "legal_entity", ()),
    ("ITEMS", "items", ()),
)
"""Fields of the catalog of invoices: code, type, codes of the choices."""


def found(account: Account) -> None:
    """Lay out a new account: three users, one pipeline, invoices, products."""
    for user, name, admin in (
        (OWNER, "Owner", True),
        (MANAGER, "Manager", False),
        (INTEGRATION_USER, "Integration", True),
    ):
        add_user(account, user, name, is_admin=admin)
    add_pipeline(account, PIPELINE, "Sales", STAGES, first_status=INBOX_STATUS)
    for reason in REASONS:
        account.loss_reasons[account.next_id("loss_reasons")] = reason
    hand = Hand(OWNER)
    for kind in ("contacts", "companies"):
        for code in ("PHONE", "EMAIL"):
            enums = [{"value": label, "code": label} for label in LABELS]
            item: dict[str, Any] = {
                "name": code.title(),
                "type": "multitext",
                "code": code,
            }
            make_field(account, kind, {**item, "enums": enums}, hand)
    invoices = make_catalog(account, "Invoices", "invoices")
    for code, type_, choices in BILL:
        enums = [{"value": each, "code": each} for each in choices]
        bill = {"name": code, "type": type_, "code": code, "enums": enums}
        make_field(account, fields_of(invoices["id"]), bill, hand)
    products = make_catalog(account, "Products", "products")
    price: dict[str, Any] = {"name": "Price", "type": "numeric", "code": "PRICE"}
    make_field(account, fields_of(products["id"]), price, hand)
    for kind in KINDS:  # they exist, though empty
        account.fields[kind]
    account.ledger.writes.clear()


def add_user(account: Account, key: int, name: str, *, is_admin: bool = False) -> None:
    """Add a user."""
    account.users[key] = {
        "id": key,
        "name": name,
        "email": f"user{key}@demo.example",
        "lang": "ru",
        "rights": {
            "leads": {"view": "A", "edit": "A", "add": "A", "delete": "A"},
            "is_admin": is_admin,
            "is_free": False,
            "is_active": True,
            "group_id": None,
            "role_id": None,
        },
    }


def add_pipeline(
    account: Account, key: int, name: str, stages: Sequence[str], *, first_status: int
) -> Pipeline:
    """Add a pipeline: the unsorted, these stages, then 142 and 143.

    Statuses are numbered from ``first_status`` on, which is the unsorted.
    """
    inbox = Status(first_status, "Unsorted", 10, INBOX)
    between = [
        Status(first_status + place, stage, 10 + 10 * place)
        for place, stage in enumerate(stages, 1)
    ]
    ends = [Status(WON, "Won", 10_000), Status(LOST, "Lost", 11_000)]
    statuses = {status.id: status for status in (inbox, *between, *ends)}
    main = not account.pipelines
    line = Pipeline(key, name, len(account.pipelines) + 1, main, statuses)
    account.pipelines[key] = line
    account.version += 1
    return line
