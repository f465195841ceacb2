"""Links between cards, and the inbox of leads that nobody has accepted yet."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from crm.testing.amocrm.account import KINDS, Account, Card, Me
from crm.testing.amocrm.cards import bin_or_restore, change
from crm.testing.amocrm.desk import Asked, Desk, Route, hal, nothing
from crm.testing.amocrm.drafts import Draft
from crm.testing.amocrm.fields import whole
from crm.testing.amocrm.listing import Filter, among, listed
from crm.testing.amocrm.problems import (
    NOT_A_CHOICE,
    WRONG_TYPE,
    Finding,
    invalid,
    problem,
)
from crm.testing.amocrm.stages import first_status
from crm.testing.wire import Answer

TIEABLE: Final = (*KINDS, "catalog_elements")


def list_links(kind: str, desk: Desk, asked: Asked) -> Answer:
    """Answer what a card is tied to; a catalog's element names its catalog."""
    me = _me(desk, kind, asked)
    filter_ = Filter(asked)
    kinds, keys = filter_.one_of("to_entity_type"), filter_.one_of("to_entity_id")
    filter_.done()
    links = desk.account.links[me]

    def shown(other: tuple[str, int]) -> dict[str, Any]:
        return {
            "entity_id": me[1],
            "entity_type": me[0],
            "to_entity_id": other[1],
            "to_entity_type": other[0],
            "metadata": dict(links[other]) or None,
        }

    def rows() -> list[tuple[str, int]]:
        return [o for o in links if among(o[0], kinds) and among(o[1], keys)]

    return listed(desk, asked, name="links", rows=rows, shown=shown)


def post_links(kind: str, desk: Desk, asked: Asked) -> Answer:
    """Tie a card to others."""
    me, items = _me(desk, kind, asked), asked.items()
    others = _others(desk.account, items)
    tied = []
    for item, other in zip(items, others, strict=True):
        metadata = item.get("metadata") or {}
        _enter(desk.account, me, other, asked, is_tied=True)
        desk.account.link(me, other, **metadata)
        told = {"entity_id": me[1], "entity_type": me[0], "metadata": metadata or None}
        tied.append({**told, "to_entity_id": other[1], "to_entity_type": other[0]})
    return hal({"_embedded": {"links": tied}})


def post_unlink(kind: str, desk: Desk, asked: Asked) -> Answer:
    """Untie a card from others, 204."""
    me = _me(desk, kind, asked)
    for other in _others(desk.account, asked.items()):
        _enter(desk.account, me, other, asked, is_tied=False)
        desk.account.unlink(me, other)
    return nothing()


def _enter(account: Account, me: Me, other: Me, asked: Asked, *, is_tied: bool) -> None:
    """Enter a tie in the ledger, if there was none or was one.

    Whether amoCRM takes a tie for a change of the lead is not documented; here not.
    """
    if is_tied is not (other in account.links[me]):
        account.ledger.applied(
            asked.hand.request,
            account.clock.now,
            ("link", f"{me[0]}/{me[1]}", "add" if is_tied else "delete"),
            before={} if is_tied else {"to": "/".join(map(str, other))},
            after={"to": "/".join(map(str, other))} if is_tied else {},
        )


def list_unsorted(desk: Desk, asked: Asked) -> Answer:
    """Answer a page of the unsorted."""
    filter_ = Filter(asked)
    uids, lines = filter_.one_of("uid"), filter_.one_of("pipeline_id")
    filter_.done()
    account = desk.account

    def rows() -> list[Card]:
        return [
            card
            for card in account.cards["leads"].values()
            if _unsorted(account, card)
            and among(uid(card), uids)
            and among(card.plain["pipeline_id"], lines)
        ]

    return listed(desk, asked, name="unsorted", rows=rows, shown=_shown)


def accept(desk: Desk, asked: Asked) -> Answer:
    """Take a lead out of the unsorted into a status."""
    card, body = _by_uid(desk, asked), asked.item() if asked.body else {}
    line = desk.account.pipelines[card.plain["pipeline_id"]]
    status = body.get("status_id", first_status(line))
    if not whole(status) or status not in line.statuses or status == line.inbox:
        raise invalid({"0": [Finding(NOT_A_CHOICE, "status_id")]})
    user = body.get("user_id", asked.hand.user_id)
    if not whole(user) or user not in desk.account.users:
        raise invalid({"0": [Finding(NOT_A_CHOICE, "user_id")]})
    plain = {"status_id": status, "responsible_user_id": user}
    change(desk.account, card, Draft("0", card.id, plain), asked.hand)
    return hal(_shown(card))


def decline(desk: Desk, asked: Asked) -> Answer:
    """Refuse a lead of the unsorted: it goes into the bin."""
    card = _by_uid(desk, asked)
    bin_or_restore(desk.account, card, asked.hand, gone=True)
    return hal(_shown(card))


def uid(card: Card) -> str:
    """Name an unsorted lead as ``/leads/unsorted`` does."""
    return f"{card.id:032x}"


def _me(desk: Desk, kind: str, asked: Asked) -> tuple[str, int]:
    if asked.id not in desk.account.cards[kind]:
        raise problem(404, f"There is no such record in {kind}")
    return kind, asked.id


def _others(account: Account, items: list[dict[str, Any]]) -> list[tuple[str, int]]:
    others, found = [], {}
    for place, item in enumerate(items):
        kind, key = item.get("to_entity_type"), item.get("to_entity_id")
        if not isinstance(kind, str) or kind not in TIEABLE:
            found[str(place)] = [Finding(NOT_A_CHOICE, "to_entity_type")]
        elif not isinstance(item.get("metadata") or {}, dict):
            found[str(place)] = [Finding(WRONG_TYPE, "metadata")]
        elif not whole(key) or key not in _known(account, kind):
            found[str(place)] = [Finding(NOT_A_CHOICE, "to_entity_id")]
        else:
            others.append((kind, int(str(key))))
    if found:
        raise invalid(found)
    return others


def _known(account: Account, kind: str) -> dict[int, Any]:
    if kind == "catalog_elements":
        return account.records["elements"]
    return dict(account.cards[kind])


def _unsorted(account: Account, card: Card) -> bool:
    line = account.pipelines[card.plain["pipeline_id"]]
    return line.inbox == card.plain["status_id"] and not card.plain["is_deleted"]


def _by_uid(desk: Desk, asked: Asked) -> Card:
    wanted = str(asked.params["uid"])
    for card in desk.account.cards["leads"].values():
        if uid(card) == wanted and _unsorted(desk.account, card):
            return card
    raise problem(404, "There is no such unsorted lead")


def _shown(card: Card) -> dict[str, Any]:
    return {
        "uid": uid(card),
        "category": "forms",
        "pipeline_id": card.plain["pipeline_id"],
        "created_at": card.plain["created_at"],
        "_embedded": {"leads": [{"id": card.id}]},
    }


ROUTES: Final = (
    Route("GET", "leads/unsorted", list_unsorted),
    Route("POST", "leads/unsorted/{uid}/accept", accept),
    Route("DELETE", "leads/unsorted/{uid}/decline", decline),
    # The contracts name POST /links; the vendor's own client posts to /link, /unlink.
    *(
        Route(verb, f"{kind}/{{id}}/{tail}", partial(handler, kind))
        for kind in KINDS
        for verb, tail, handler in (
            ("GET", "links", list_links),
            ("POST", "links", post_links),
            ("POST", "link", post_links),
            ("POST", "unlink", post_unlink),
        )
    ),
)
