"""The invented company moved into a portal: its leads, deals, stages and payments.

What is written down here keeps the times of the invented company: the past of the
portal is filled in directly, without requests, events or entries in the ledger. Then
the clock's present begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import polars as pl

from crm.testing.bitrix24.portal import Portal
from crm.testing.bitrix24.records import CLOSED, MADE, MOVED
from crm.testing.bitrix24.schema import DEAL, LEAD, Entity, Type
from crm.testing.bitrix24.stages import add_source
from crm.testing.bitrix24.state import CustomField, Record, Step, User
from leads.synthetic import Invented

STAGES: Final = {
    "Registered": "NEW", "New": "NEW", "Activated": "IN_PROCESS",
    "Contacted": "IN_PROCESS", "Demo": "PROCESSED", "Proposal": "PROCESSED",
    "Invoice": "PROCESSED", "Paid": "CONVERTED", "Won": "CONVERTED", "Lost": "JUNK",
}  # fmt: skip
"""Stages of both of the company's funnels as lead stages of the portal."""

SHARED: Final = ("title", "assignedById", "sourceId", "currencyId")
KINDS: Final = {"call": 2, "meeting": 1, "email": 4, "mail": 4}
CARD: Final = (
    "funnel", "position", "current_crm", "country", "city", "industry", "headcount",
    "browser", "screen_width", "newsletter", "email_kind", "plan", "close_reason",
)  # fmt: skip
"""Columns of the company's cards that become custom fields ``UF_CRM_<NAME>``."""

TYPES: Final = {
    pl.Int64: (Type.INTEGER, "integer"),
    pl.Boolean: (Type.BOOLEAN, "boolean"),
}


def fill(portal: Portal, company: Invented) -> dict[str, int]:
    """Move a company into a portal that has just been opened.

    Returns
    -------
    dict
        The portal's id of each of the company's leads.
    """
    cards = company.leads.unique("deal_id").sort("registered_at", "deal_id")
    _make_fields(portal, cards)
    _make_sources(portal, cards)
    managers = _make_managers(portal, cards)
    ids = {}
    for row in cards.iter_rows(named=True):
        values = _card(portal, row) | {"assignedById": managers.get(row["manager"], 1)}
        ids[row["deal_id"]] = _place(portal, LEAD, values, row["registered_at"])
    _move(portal, _of(company.stages, "moved_at"), ids)
    _pay(portal, _of(company.payments, "paid_at"), ids)
    _act(portal, _of(company.events, "happened_at"), ids)
    return ids


def _of(frame: pl.DataFrame, by: str) -> Iterator[dict[str, Any]]:
    return frame.unique().sort(by, "deal_id").iter_rows(named=True)


def _make_fields(portal: Portal, cards: pl.DataFrame) -> None:
    for name in (each for each in CARD if each in cards.columns):
        kind, told = TYPES.get(type(cards[name].dtype), (Type.STRING, "string"))
        portal.state.fields.append(
            CustomField(
                id=portal.state.new_id("userfield", 6997),
                entity=LEAD.custom,
                name=f"UF_CRM_{name.upper()}",
                type=kind,
                user_type=told,
                labels={"en": name.replace("_", " ")},
            )
        )


def _make_sources(portal: Portal, cards: pl.DataFrame) -> None:
    for source in cards["utm_source"].drop_nulls().unique().sort():
        add_source(portal.state, source.upper(), source)


def _make_managers(portal: Portal, cards: pl.DataFrame) -> dict[str, int]:
    names = cards["manager"].drop_nulls().unique().sort().to_list()
    managers = {name: 100 + place for place, name in enumerate(names)}
    for name, number in managers.items():
        portal.state.users[number] = User(number, name)
    return managers


def _card(portal: Portal, row: dict[str, Any]) -> Record:
    values: Record = {
        "title": f"{row['deal_id']}",
        "sourceId": (row["utm_source"] or "").upper() or None,
        "utmSource": row["utm_source"],
        "utmCampaign": row["utm_campaign"],
        "comments": row["comment"],
        "originatorId": "company",
        "originId": row["deal_id"],
        "phone": _contact(portal, "PHONE", row["phone"]),
        "email": _contact(portal, "EMAIL", row["email"]),
    }
    customs = portal.state.custom_of(LEAD)
    for name in CARD:
        field = customs.get(f"UF_CRM_{name.upper()}")
        if field is not None:
            value = row[name]
            flag = field.type is Type.BOOLEAN and value is not None
            values[field.name] = ("Y" if value else "N") if flag else value
    return values


def _contact(portal: Portal, kind: str, value: str | None) -> list[dict[str, str]]:
    if not value:
        return []
    number = str(portal.state.new_id("multifield"))
    return [{"ID": number, "VALUE_TYPE": "WORK", "VALUE": value, "TYPE_ID": kind}]


def _place(portal: Portal, entity: Entity, values: Record, at: datetime) -> int:
    """Write down a record as it was made in the past."""
    empty: dict[Type, Any] = {
        Type.LINK: 0, Type.USER: 1, Type.LINKS: [], Type.MULTIFIELD: [],
        Type.BOOLEAN: "N",
    }  # fmt: skip
    key = portal.state.new_id(entity.name)
    row: Record = {each.name: empty.get(each.type) for each in entity.fields}
    row |= {"id": key, "stageId": "NEW", "stageSemanticId": "P"}
    row |= dict.fromkeys(("createdTime", "updatedTime", "movedTime"), at)
    row |= {"lastActivityTime": at, "currencyId": "RUB", **values}
    if "categoryId" in entity.by_name:
        row["categoryId"] = 0
    portal.state.of(entity)[key] = row
    _remember(portal, entity, row, at, MADE)
    return key


def _remember(
    portal: Portal, entity: Entity, row: Record, at: datetime, kind: int
) -> None:
    portal.state.history.append(
        Step(
            portal.state.new_id("history"), entity.type_id, row["id"], kind, at,
            row["stageId"], row["stageSemanticId"], 0,
        )
    )  # fmt: skip


def _move(portal: Portal, moves: Iterator[dict[str, Any]], ids: dict[str, int]) -> None:
    for move in moves:
        row = portal.state.of(LEAD).get(ids.get(move["deal_id"], 0))
        stage = STAGES.get(move["stage"])
        if row is None or stage is None or row["stageId"] == stage:
            continue
        found = portal.state.stage(LEAD, stage)
        at = move["moved_at"]
        row |= {"stageId": stage, "movedTime": at, "updatedTime": at}
        row["stageSemanticId"] = (found.semantics if found else None) or "P"
        kind = MOVED if row["stageSemanticId"] == "P" else CLOSED
        _remember(portal, LEAD, row, at, kind)


def _pay(
    portal: Portal, payments: Iterator[dict[str, Any]], ids: dict[str, int]
) -> None:
    """Give each paying lead one deal with all of its payments."""
    deals: dict[int, int] = {}
    for paid in payments:
        lead = portal.state.of(LEAD).get(ids.get(paid["deal_id"], 0))
        if lead is None:
            continue
        at = paid["paid_at"]
        if lead["id"] not in deals:
            shared = {
                name: lead[name] for name in ("title", "assignedById", "sourceId")
            }
            values = {**shared, "leadId": lead["id"], "opportunity": paid["sum"]}
            ended = {"stageId": "WON", "stageSemanticId": "S", "closed": "Y"}
            deals[lead["id"]] = _place(portal, DEAL, values | ended, at)
        order = portal.state.new_id("order", 500)
        key = portal.state.new_id("payment")
        portal.state.table("payment")[key] = {
            "id": key, "orderId": order, "ownerId": deals[lead["id"]],
            "ownerTypeId": DEAL.type_id, "accountNumber": f"{order}/1", "paid": "Y",
            "datePaid": at, "empPaidId": 1, "paySystemId": 4, "sum": paid["sum"],
            "currency": paid["currency"], "paySystemName": "Cash desk",
        }  # fmt: skip


def _act(portal: Portal, events: Iterator[dict[str, Any]], ids: dict[str, int]) -> None:
    """Write the company's events down as activities, calls and mails by their type."""
    table = portal.state.table("activity")
    for event in events:
        owner = ids.get(event["deal_id"])
        if owner is None:
            continue
        key = portal.state.new_id("activity", 999)
        kind = KINDS.get(event["event"].split("_")[0], 6)
        table[key] = {
            "id": key, "OWNER_TYPE_ID": LEAD.type_id, "OWNER_ID": owner,
            "TYPE_ID": kind, "PROVIDER_ID": event["event"].upper(),
            "SUBJECT": event["event"], "DIRECTION": 1, "STATUS": 2, "COMPLETED": "Y",
            "RESPONSIBLE_ID": 1, "AUTHOR_ID": 1, "CREATED": event["received_at"],
            "LAST_UPDATED": event["received_at"], "START_TIME": event["happened_at"],
            "END_TIME": event["happened_at"],
        }  # fmt: skip
