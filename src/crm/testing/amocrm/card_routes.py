"""``/leads``, ``/contacts``, ``/companies``, ``/customers``: read, make, change."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from crm.testing.amocrm.account import KINDS, Account, Card
from crm.testing.amocrm.account_profile import FREE_UPDATED_AT
from crm.testing.amocrm.cards import change, make, stale
from crm.testing.amocrm.desk import (
    Asked,
    Desk,
    Handler,
    Route,
    hal,
    nothing,
)
from crm.testing.amocrm.drafts import Draft, read, refuse_faulty
from crm.testing.amocrm.listing import Filter, among, listed, ordered, within
from crm.testing.amocrm.problems import problem
from crm.testing.amocrm.stages import check_loss_reasons, check_move
from crm.testing.wire import Answer

ORDERS: Final = ("created_at", "updated_at", "id")
STRETCHES: Final = ("created_at", "updated_at", "closed_at", "closest_task_at", "price")
EXACT: Final = ("responsible_user_id", "created_by", "updated_by", "name")
MOST_COMPLEX: Final = 50
MOST_COMPLEX_FIELDS: Final = 40
OLDER: Final = "Last modified date is older than in database"


def list_cards(kind: str, desk: Desk, asked: Asked) -> Answer:
    """Answer a page of cards that are not in the bin, or only of those in it."""
    _need(desk, kind, asked)
    filter_ = Filter(asked)
    wanted = _condition(desk.account, asked, filter_)
    filter_.done()

    def rows() -> list[Card]:
        found = [card for card in desk.account.cards[kind].values() if wanted(card)]
        return ordered(asked, found, _value, ORDERS)

    shown = partial(show, desk.account, withs=asked.withs)
    return listed(desk, asked, name=kind, rows=rows, shown=shown)


def get_card(kind: str, desk: Desk, asked: Asked) -> Answer:
    """Answer one card; 204 if there is none."""
    _need(desk, kind, asked)
    card = desk.account.cards[kind].get(asked.id)
    return hal(show(desk.account, card, withs=asked.withs)) if card else nothing()


def post_cards(kind: str, desk: Desk, asked: Asked) -> Answer:
    """Make cards."""
    _need(desk, kind, asked, "add")
    drafts = read(desk.account, kind, asked.items(), new=True)
    _check(desk.account, kind, drafts)
    made = [
        {"id": make(desk.account, kind, d, asked.hand).id, "request_id": d.request_id}
        for d in drafts
    ]
    return hal({"_embedded": {kind: made}})


def patch_cards(kind: str, desk: Desk, asked: Asked) -> Answer:
    """Change cards: all of them or, for one fault, none."""
    _need(desk, kind, asked, "edit")
    changed, older = _patch(kind, desk, asked, asked.items())
    return hal({"_embedded": {kind: changed, **older}})


def patch_card(kind: str, desk: Desk, asked: Asked) -> Answer:
    """Change one card; 404 if there is none."""
    _need(desk, kind, asked, "edit")
    if asked.id not in desk.account.cards[kind]:
        raise problem(404, f"There is no such record in {kind}")
    item = {**asked.item(), "id": asked.id}
    changed, older = _patch(kind, desk, asked, [item])
    return hal(changed[0] if changed else {"_embedded": {kind: [], **older}})


def post_complex(desk: Desk, asked: Asked) -> Answer:
    """Make leads together with their contacts and companies, at most 50."""
    _need(desk, "leads", asked, "add")
    account, items = desk.account, asked.items(MOST_COMPLEX)
    for item in items:
        for part in (item, *(part for _, part in _parts(item))):
            if len(part.get("custom_fields_values") or []) > MOST_COMPLEX_FIELDS:
                raise problem(422, f"At most {MOST_COMPLEX_FIELDS} custom fields")
    leads = read(account, "leads", [_bare(item) for item in items], new=True)
    _check(account, "leads", leads)
    inner = [
        _inner(account, item, lead) for item, lead in zip(items, leads, strict=True)
    ]
    refuse_faulty(leads)
    answers = [
        _make_whole(account, lead, parts, asked)
        for lead, parts in zip(leads, inner, strict=True)
    ]
    return hal(answers)


def show(account: Account, card: Card, *, withs: set[str]) -> dict[str, Any]:
    """Show a card as the API does."""
    me = (card.kind, card.id)
    tags = [{"id": t, "name": account.tags[card.kind][t], "color": None}
            for t in card.tags]  # fmt: skip
    embedded: dict[str, Any] = {"tags": tags}
    if card.kind != "companies":
        embedded["companies"] = [{"id": key} for key in account.linked(me, "companies")]
    for kind in {"leads", "contacts", "customers"} & withs - {card.kind}:
        embedded[kind] = [_linked(account, me, kind, key)
                          for key in account.linked(me, kind)]  # fmt: skip
    if "catalog_elements" in withs:
        embedded["catalog_elements"] = _elements(account, me)
    if card.kind == "leads":
        embedded |= _of_lead(account, card, withs)
    return {
        "id": card.id,
        **card.plain,
        "account_id": account.profile.account_id,
        "custom_fields_values": account.custom(card),
        "_embedded": embedded,
    }


def _need(desk: Desk, kind: str, asked: Asked, right: str = "view") -> None:
    if kind == "customers":
        desk.need("customers")
    desk.need_right(asked.hand, kind, right)


def _condition(
    account: Account, asked: Asked, filter_: Filter
) -> Callable[[Card], bool]:
    ids = filter_.one_of("id")
    stretches = [(name, filter_.between(name)) for name in STRETCHES]
    exact = [(name, filter_.one_of(name)) for name in EXACT]
    places = filter_.pairs("statuses")
    lines = filter_.one_of("pipeline_id")
    custom = filter_.tree("custom_fields_values")
    binned = "only_deleted" in asked.withs
    query = str(asked.query.get("query", "")).casefold()

    def wanted(card: Card) -> bool:
        plain = card.plain
        return (
            plain["is_deleted"] == binned
            and among(card.id, ids)
            and all(within(plain.get(n), span) for n, span in stretches)
            and all(among(plain.get(n), some) for n, some in exact)
            and among(plain.get("pipeline_id"), lines)
            and (places is None or any(_at(plain, place) for place in places))
            and all(_holds(account, card, *each) for each in custom.items())
            and query in plain["name"].casefold()
        )

    return wanted


def _at(plain: dict[str, Any], place: dict[str, str]) -> bool:
    return all(str(plain.get(name)) == value for name, value in place.items())


def _holds(account: Account, card: Card, key: str, wanted: set[str]) -> bool:
    field = account.fields[card.kind].get(int(key)) if key.isdecimal() else None
    if field is None:
        raise problem(400, f"There is no custom field {key}")
    values = card.values.get(field.id, [])
    told = {str(value.get("enum_id", value.get("value"))) for value in values}
    return bool((told | {str(field.plain(values))}) & wanted)


def _value(card: Card, name: str) -> Any:
    return card.id if name == "id" else card.plain[name]


def _check(account: Account, kind: str, drafts: list[Draft]) -> None:
    if kind == "leads":
        for draft in drafts:
            card = account.cards[kind].get(draft.id or 0)
            check_move(account, draft, card)
    refuse_faulty(drafts)
    if kind == "leads":
        check_loss_reasons(account, drafts)
        refuse_faulty(drafts)


def _patch(
    kind: str, desk: Desk, asked: Asked, items: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    account = desk.account
    drafts = read(account, kind, items, new=False)
    _check(account, kind, drafts)
    free = account.profile.on(FREE_UPDATED_AT)
    changed, older = [], {}
    for draft in drafts:
        card = account.cards[kind][draft.id or 0]
        if not free and stale(card, draft):
            older[str(card.id)] = OLDER
            continue
        change(account, card, draft, asked.hand)
        at = card.plain["updated_at"]
        changed.append(
            {"id": card.id, "updated_at": at, "request_id": draft.request_id}
        )
    return changed, {"errors": {"update": older}} if older else {}


def _linked(
    account: Account, me: tuple[str, int], kind: str, key: int
) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": key}
    if kind == "contacts":
        shown["is_main"] = account.links[me][kind, key].get("is_main", False)
    return shown


def _elements(account: Account, me: tuple[str, int]) -> list[dict[str, Any]]:
    return [
        {"id": key, "metadata": dict(account.links[me]["catalog_elements", key])}
        for key in account.linked(me, "catalog_elements")
    ]


def _of_lead(account: Account, card: Card, withs: set[str]) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    reason, source = card.plain["loss_reason_id"], card.plain["source_id"]
    if "loss_reason" in withs:
        told = [{"id": reason, "name": account.loss_reasons.get(reason)}]
        extra["loss_reason"] = told if reason else []
    if "source" in withs and source:
        extra["source"] = {"id": source, "name": account.sources.get(source)}
    return extra


def _parts(item: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    embedded = item.get("_embedded")
    if not isinstance(embedded, dict):
        return []
    return [
        (kind, part)
        for kind in ("contacts", "companies")
        for part in embedded.get(kind) or []
        if isinstance(part, dict)
    ]


def _bare(item: dict[str, Any]) -> dict[str, Any]:
    """Leave out the parts that are to be made, not only tied."""
    embedded = item.get("_embedded")
    if not isinstance(embedded, dict):
        return item
    kept = {
        name: [row for row in rows or [] if set(row) <= {"id", "is_main"}]
        if name in ("contacts", "companies")
        else rows
        for name, rows in embedded.items()
    }
    return {**item, "_embedded": kept}


def _inner(
    account: Account, item: dict[str, Any], lead: Draft
) -> list[tuple[str, Draft]]:
    made = []
    for kind, part in _parts(item):
        if set(part) <= {"id", "is_main"}:
            continue
        bare = {name: value for name, value in part.items() if name != "is_main"}
        [draft] = read(account, kind, [bare], new=True)
        lead.found.extend(draft.found)
        made.append((kind, draft))
    return made


def _make_whole(
    account: Account, lead: Draft, parts: list[tuple[str, Draft]], asked: Asked
) -> dict[str, Any]:
    ids: dict[str, int | None] = {"contacts": None, "companies": None}
    for kind, draft in parts:
        ids[kind] = make(account, kind, draft, asked.hand).id
        lead.links.append((kind, ids[kind] or 0, True))
    card = make(account, "leads", lead, asked.hand)
    return {
        "id": card.id,
        "contact_id": ids["contacts"],
        "company_id": ids["companies"],
        "request_id": [lead.request_id],
        "merged": False,
    }


def _bound(kind: str, handler: Callable[[str, Desk, Asked], Answer]) -> Handler:
    return partial(handler, kind)


ROUTES: Final = (
    Route("POST", "leads/complex", post_complex),
    *(
        Route(verb, path.format(kind=kind), _bound(kind, handler))
        for kind in KINDS
        for verb, path, handler in (
            ("GET", "{kind}", list_cards),
            ("POST", "{kind}", post_cards),
            ("PATCH", "{kind}", patch_cards),
            ("GET", "{kind}/{{id}}", get_card),
            ("PATCH", "{kind}/{{id}}", patch_card),
        )
    ),
)
