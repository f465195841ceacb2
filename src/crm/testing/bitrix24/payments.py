"""Money: payments of a deal, orders and their payments, product rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from crm.testing.bitrix24.filters import Known, condition
from crm.testing.bitrix24.listing import NO_COUNT, listed, page, start_of
from crm.testing.bitrix24.portal import Context, Method, Params, Result
from crm.testing.bitrix24.refusals import Refusal, access_denied, missing
from crm.testing.bitrix24.rows import save
from crm.testing.bitrix24.schema import DEAL, ENTITIES, Field, Type
from crm.testing.bitrix24.state import Record
from crm.testing.bitrix24.telling import tell

_LINKS: Final[Known] = {
    name: Field(name, name, Type.INTEGER)
    for name in ("orderId", "ownerId", "ownerTypeId")
}
_PAYMENTS: Final[Known] = {
    "id": Field("id", "ID", Type.INTEGER),
    "orderId": Field("orderId", "", Type.INTEGER),
    "paid": Field("paid", "", Type.STRING),
    "datePaid": Field("datePaid", "", Type.DATETIME),
    "sum": Field("sum", "", Type.DOUBLE),
}
_ROWS: Final[Known] = {
    "id": Field("id", "ID", Type.INTEGER),
    "ownerId": Field("ownerId", "", Type.INTEGER),
    "ownerType": Field("ownerType", "", Type.STRING),
    "productId": Field("productId", "", Type.INTEGER),
    "productName": Field("productName", "", Type.STRING),
}


def add_payment(
    context: Context, deal: int, *, amount: float, currency: str, paid: bool
) -> Record:
    """Add an order with one payment to a deal, as a cash desk does."""
    order = context.state.new_id("order", 500)
    values = {
        "orderId": order,
        "ownerId": deal,
        "ownerTypeId": DEAL.type_id,
        "accountNumber": f"{order}/1",
        "paid": "Y" if paid else "N",
        "datePaid": context.portal.clock.now if paid else None,
        "empPaidId": context.caller.user if paid else None,
        "paySystemId": 4,
        "sum": amount,
        "currency": currency,
        "paySystemName": "Cash desk",
    }
    row = save(context, "payment", values)
    tell(
        context.portal, "ONPAYMENTENTITYSAVED", {"ID": row["id"]},
        by=context.caller, connector=context.connector,
    )  # fmt: skip
    return row


def _shown(row: Record, context: Context) -> dict[str, Any]:
    return {
        name: context.portal.local(value) if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def _of_item(context: Context, params: Params) -> Result:
    """List the payments of a deal: a bare array, without total and next."""
    for name in ("entityTypeId", "entityId"):
        if not str(params.get(name) or "").isdigit():
            raise Refusal(400, 0, f"Could not find value for parameter {{{name}}}")
    kind, key = int(params["entityTypeId"]), int(params["entityId"])
    entity = ENTITIES.get(kind)
    if entity is None or key not in context.state.of(entity):
        raise Refusal(400, 0, "Entity not found")
    hidden = ("orderId", "ownerId", "ownerTypeId")
    return Result(
        [
            {k: v for k, v in _shown(row, context).items() if k not in hidden}
            for row in context.state.table("payment").values()
            if (row["ownerTypeId"], row["ownerId"]) == (kind, key)
        ]
    )


def _orders(context: Context, params: Params) -> Result:
    """List which order belongs to which record; ``start: -1`` gives all rows."""
    test = condition(params.get("filter"), _LINKS, context.portal.profile)
    links = [
        {name: row[name] for name in _LINKS}
        for row in context.state.table("payment").values()
        if test(row)
    ]
    names = params.get("select") or list(_LINKS)
    chosen = [{name: row[name] for name in names if name in row} for row in links]
    start = start_of(params)
    if start == NO_COUNT:
        return Result({"orderEntity": chosen}, total=0)
    cut, after, total = page(chosen, start)
    return Result({"orderEntity": cut}, after, total)


def _sale_payments(context: Context, params: Params) -> Result:
    if not context.state.users[context.caller.user].admin:
        raise access_denied()
    return listed(
        context.state.table("payment").values(), _PAYMENTS, params, context,
        wrapper="payments", show=lambda row: _shown(row, context),
    )  # fmt: skip


def _product_rows(context: Context, params: Params) -> Result:
    """List product rows; they are asked for by owner, ``ownerType`` L or D."""
    wanted = params.get("filter") or {}
    if not any(name.lstrip("=@") == "ownerId" for name in wanted):
        raise missing("ownerId")
    return listed(
        context.state.table("productrow").values(), _ROWS, params, context,
        wrapper="productRows", show=lambda row: _shown(row, context),
    )  # fmt: skip


METHODS: Final[Mapping[str, Method]] = {
    "crm.item.payment.list": _of_item,
    "crm.orderentity.list": _orders,
    "sale.payment.list": _sale_payments,
    "crm.item.productrow.list": _product_rows,
}
