"""Fills an account with the invented company: cards, stage history, calls, invoices.

What happened in the company's product (clicks, mails opened) is in no CRM and is left
out. The past is laid down as it was, so it is neither told to subscribers nor entered
in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import polars as pl

from crm.testing.amocrm.account import LOST, WON, Account, Card, Hand, Pipeline
from crm.testing.amocrm.cards import EMPTY
from crm.testing.amocrm.catalog_routes import fields_of
from crm.testing.amocrm.events import EventLog
from crm.testing.amocrm.field_routes import make_field
from crm.testing.amocrm.fields import Field, Value
from crm.testing.amocrm.founding import add_pipeline, add_user
from crm.testing.amocrm.stages import first_status
from leads.synthetic import Invented

FIRST_MANAGER: Final = 200_001
FIRST_PIPELINE: Final = 2_000
STEP: Final = 1_000  # between the statuses of two pipelines
TEXTS: Final = ("utm_source", "utm_campaign", "position", "current_crm", "country",
                "city", "industry", "comment", "browser")  # fmt: skip
NUMBERS: Final = ("headcount", "screen_width")
PAID: Final = "paid"

Row = dict[str, Any]


def fill(account: Account, events: EventLog, company: Invented) -> dict[str, int]:
    """Lay the company down in an account; give the CRM's id of each of its leads."""
    filling = _Filling(account, events)
    filling.office(company)
    cards, moves = company.leads.unique("deal_id"), company.stages.unique()
    for row in cards.sort("registered_at", "deal_id").iter_rows(named=True):
        filling.lead(row)
    filling.stages(moves.sort("moved_at", "deal_id"))
    filling.plans(company.field_changes.unique().sort("changed_at", "deal_id"))
    calls = company.events.unique().filter(pl.col("event") == "call")
    filling.calls(calls.sort("happened_at", "deal_id"))
    filling.invoices(company.payments.unique().sort("paid_at", "deal_id", "sum"))
    filling.finish()
    return filling.ids


class _Filling:
    def __init__(self, account: Account, events: EventLog) -> None:
        self.account, self.log = account, events
        self.ids: dict[str, int] = {}
        self.users: dict[str, int] = {}
        self.lines: dict[str, Pipeline] = {}
        self.people: dict[tuple[str | None, str | None], int] = {}
        self.fields: dict[str, Field] = {}
        self._shared: dict[tuple[Any, ...], list[Row]] = {}

    def office(self, company: Invented) -> None:
        """Set up managers, pipelines and fields as the company has them."""
        managers = company.leads["manager"].drop_nulls().unique().sort()
        for place, name in enumerate(managers):
            self.users[name] = FIRST_MANAGER + place
            add_user(self.account, self.users[name], name)
        for place, (name, stages) in enumerate(_stages_of(company)):
            key = FIRST_PIPELINE + place
            first = STEP * key
            self.lines[name] = add_pipeline(
                self.account, key, name, stages, first_status=first
            )
        plans = company.leads["plan"].drop_nulls().unique().sort().to_list()
        self._field("plan", "select", enums=plans)
        for name in TEXTS:
            self._field(name, "textarea" if name == "comment" else "text")
        for name in NUMBERS:
            self._field(name, "numeric")
        self._field("newsletter", "checkbox")
        self.account.ledger.writes.clear()

    def lead(self, row: Row) -> None:
        """Lay down one card as it was created, and its contact."""
        account, at = self.account, _seconds(row["registered_at"])
        line = self.lines[row["funnel"]]
        user = self.users.get(row["manager"], 0)
        plain = {
            **EMPTY["leads"],
            "name": f"{row['deal_id']} {row['funnel']}",
            "responsible_user_id": user,
            "status_id": first_status(line),
            "pipeline_id": line.id,
            "created_by": user,
            "updated_by": user,
            "created_at": at,
            "updated_at": at,
        }
        card = Card(account.next_id("leads"), "leads", plain)
        for name, field in self.fields.items():
            if name != "plan" and row[name] is not None:
                card.values[field.id] = self._same(row[name])
        account.cards["leads"][card.id] = card
        self.ids[row["deal_id"]] = card.id
        self.log.add("lead_added", ("leads", card.id), by=user, at=at)
        if row["email"] or row["phone"]:
            contact = self._contact(row, user, at)
            account.link(("leads", card.id), ("contacts", contact), is_main=True)

    def stages(self, moves: pl.DataFrame) -> None:
        """Walk the cards through their stages; the log keeps every step."""
        for row in moves.iter_rows(named=True):
            card = self._card(row)
            line = self.lines[row["funnel"]]
            status = _status(line, row["stage"])
            old = card.plain["status_id"]
            if status == old:
                continue
            at = _seconds(row["moved_at"])
            closed = status in (WON, LOST)
            card.plain.update(
                status_id=status, updated_at=at, closed_at=at if closed else None
            )
            steps = self._step(status, line.id), self._step(old, line.id)
            self._told(card, "lead_status_changed", at, steps)

    def plans(self, changes: pl.DataFrame) -> None:
        """Fill in plans and reasons at the times they were filled in."""
        for row in changes.iter_rows(named=True):
            card, at = self._card(row), _seconds(row["changed_at"])
            if row["field"] == "close_reason":
                if card.plain["status_id"] == LOST and row["new_value"]:
                    card.plain["loss_reason_id"] = self._reason(row["new_value"])
            else:
                self._plan(card, at, row["new_value"])
            card.plain["updated_at"] = max(card.plain["updated_at"], at)

    def calls(self, calls: pl.DataFrame) -> None:
        """Leave a note for each call, on the day it was written down."""
        for row in calls.iter_rows(named=True):
            card, at = self._card(row), _seconds(row["received_at"])
            note = self._note(card, at, seconds=int(row["value"] or 0))
            values: tuple[list[Row], list[Row]] = ([{"note": {"id": note}}], [])
            self._told(card, "outgoing_call", at, values)

    def invoices(self, payments: pl.DataFrame) -> None:
        """Make a paid invoice of each payment, tied to its lead.

        A refund is an invoice below zero: amoCRM has nothing of its own for it.
        """
        catalogs = self.account.records["catalogs"].values()
        catalog = next(c["id"] for c in catalogs if c["type"] == "invoices")
        fields = self.account.fields[fields_of(catalog)].values()
        by_code = {field.code: field for field in fields}
        for row in payments.iter_rows(named=True):
            card, at = self._card(row), _seconds(row["booked_at"])
            paid = by_code["BILL_STATUS"].option("enum_code", PAID)
            values: dict[int, list[Value]] = {
                by_code["BILL_STATUS"].id: [{"enum_id": paid.id if paid else 0}],
                by_code["BILL_PRICE"].id: [{"value": row["sum"]}],
                by_code["BILL_PAYMENT_DATE"].id: [{"value": _seconds(row["paid_at"])}],
            }
            key = self._element(catalog, card, at, values)
            me, invoice = ("leads", card.id), ("catalog_elements", key)
            self.account.link(me, invoice, catalog_id=catalog, quantity=1)
            if row["sum"] > 0 and not card.plain["price"]:
                card.plain["price"] = int(row["sum"])

    def finish(self) -> None:
        """Put the log in order of time."""
        self.log.entries.sort(key=lambda event: event.at)
        self.account.version += 1

    def _step(self, status: int, line: int) -> list[Row]:
        key = ("lead_status", status, line)
        told = {"id": status, "pipeline_id": line}
        return self._shared.setdefault(key, [{"lead_status": told}])

    def _same(self, value: Any) -> list[Row]:
        """Give equal values one list: nobody writes into it, and there are millions."""
        return self._shared.setdefault(
            ("value", type(value), value), [{"value": value}]
        )

    def _field(self, name: str, type_: str, enums: list[str] | None = None) -> None:
        item: Row = {"name": name, "type": type_, "code": name.upper()}
        if enums:
            item["enums"] = [{"value": each, "code": each} for each in enums]
        self.fields[name] = make_field(self.account, "leads", item, Hand(0))

    def _contact(self, row: Row, user: int, at: int) -> int:
        who = (row["email"], row["phone"])
        if who in self.people:
            return self.people[who]
        account = self.account
        plain = {**EMPTY["contacts"], "name": f"Contact of {row['deal_id']}",
                 "responsible_user_id": user, "created_by": user, "updated_by": user,
                 "created_at": at, "updated_at": at}  # fmt: skip
        contact = Card(account.next_id("contacts"), "contacts", plain)
        for field in account.fields["contacts"].values():
            value = row["email"] if field.code == "EMAIL" else row["phone"]
            if value:
                label = field.options[0].id
                contact.values[field.id] = [{"value": value, "enum_id": label}]
        account.cards["contacts"][contact.id] = contact
        self.people[who] = contact.id
        return contact.id

    def _plan(self, card: Card, at: int, plan: str | None) -> None:
        field = self.fields["plan"]
        option = field.option("value", plan)
        if option is None:
            return
        card.values[field.id] = [{"enum_id": option.id}]
        told = {"field_id": field.id, "field_type": field.type, "text": plan}
        type_ = f"custom_field_{field.id}_value_changed"
        self._told(card, type_, at, ([{"custom_field_value": told}], []))

    def _reason(self, name: str) -> int:
        for key, word in self.account.loss_reasons.items():
            if word == name:
                return key
        key = self.account.next_id("loss_reasons")
        self.account.loss_reasons[key] = name
        return key

    def _note(self, card: Card, at: int, *, seconds: int) -> int:
        key, user = self.account.next_id("notes"), card.plain["responsible_user_id"]
        self.account.records["notes"][key] = {
            "id": key, "entity_id": card.id, "entity_type": "leads",
            "created_by": user, "updated_by": user, "created_at": at,
            "updated_at": at, "responsible_user_id": user, "group_id": 0,
            "note_type": "call_out", "params": {"duration": seconds},
            "is_need_to_trigger_digital_pipeline": False,
            "account_id": self.account.profile.account_id,
        }  # fmt: skip
        return key

    def _element(
        self, catalog: int, card: Card, at: int, values: dict[int, list[Value]]
    ) -> int:
        key = self.account.next_id("elements")
        self.account.records["elements"][key] = {
            "id": key, "catalog_id": catalog, "name": f"Invoice {key}",
            "created_by": card.plain["responsible_user_id"], "updated_by": 0,
            "created_at": at, "updated_at": at, "is_deleted": False,
            "account_id": self.account.profile.account_id, "values": values,
        }  # fmt: skip
        return key

    def _told(
        self, card: Card, type_: str, at: int, values: tuple[list[Row], list[Row]]
    ) -> None:
        user = card.plain["responsible_user_id"]
        self.log.add(type_, ("leads", card.id), by=user, at=at, values=values)

    def _card(self, row: Row) -> Card:
        return self.account.cards["leads"][self.ids[row["deal_id"]]]


def _stages_of(company: Invented) -> Iterator[tuple[str, list[str]]]:
    """Name each pipeline with its open stages, in the order they were first entered."""
    first = company.stages.sort("moved_at").unique(
        ["funnel", "stage"], keep="first", maintain_order=True
    )
    for (funnel,), part in sorted(first.group_by("funnel", maintain_order=True)):
        names = [stage for stage in part["stage"] if _ending(stage) is None]
        yield str(funnel), names


def _status(line: Pipeline, stage: str) -> int:
    ending = _ending(stage)
    if ending is not None:
        return ending
    return next(s.id for s in line.statuses.values() if s.name == stage)


def _ending(stage: str) -> int | None:
    return {"Paid": WON, "Won": WON, "Gone": LOST, "Lost": LOST}.get(stage)


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
