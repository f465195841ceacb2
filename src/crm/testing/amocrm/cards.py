"""Makes and changes cards; the same door for the interface and for people."""

from __future__ import annotations

from typing import Any, Final

from crm.testing.amocrm.account import Account, Card, Change, Hand
from crm.testing.amocrm.drafts import Draft
from crm.testing.amocrm.stages import first_status, main_pipeline, settle

EMPTY: Final[dict[str, dict[str, Any]]] = {
    "leads": {
        "name": "", "price": 0, "responsible_user_id": 0, "group_id": 0,
        "status_id": None, "pipeline_id": None, "loss_reason_id": None,
        "source_id": None, "created_by": 0, "updated_by": 0, "created_at": 0,
        "updated_at": 0, "closed_at": None, "closest_task_at": None,
        "is_deleted": False, "score": None,
    },
    "contacts": {
        "name": "", "first_name": "", "last_name": "", "responsible_user_id": 0,
        "group_id": 0, "created_by": 0, "updated_by": 0, "created_at": 0,
        "updated_at": 0, "closest_task_at": None, "is_deleted": False,
    },
    "companies": {
        "name": "", "responsible_user_id": 0, "group_id": 0, "created_by": 0,
        "updated_by": 0, "created_at": 0, "updated_at": 0, "closest_task_at": None,
        "is_deleted": False,
    },
    "customers": {
        "name": "", "next_price": 0, "next_date": 0, "responsible_user_id": 0,
        "status_id": 0, "periodicity": 0, "created_by": 0, "updated_by": 0,
        "created_at": 0, "updated_at": 0, "closest_task_at": None, "is_deleted": False,
    },
}  # fmt: skip
"""What a new card holds before its draft is laid over it."""


def make(account: Account, kind: str, draft: Draft, hand: Hand) -> Card:
    """Make a card of a draft without faults."""
    now = account.now
    plain = {
        **EMPTY[kind],
        "responsible_user_id": hand.user_id,
        "created_by": hand.user_id,
        "updated_by": hand.user_id,
        "created_at": now,
        "updated_at": now,
        **draft.plain,
    }
    if kind == "leads":
        _place(account, plain)
    card = Card(account.next_id(kind), kind, plain)
    account.cards[kind][card.id] = card
    _lay(account, card, draft)
    for other, key, main in draft.links:
        account.link((kind, card.id), (other, key), is_main=main)
    flat = account.flat(card)
    account.changed(Change(kind, card.id, "add", {}, flat, hand))
    return card


def change(account: Account, card: Card, draft: Draft, hand: Hand) -> Card:
    """Lay a draft without faults over a card.

    ``updated_at`` moves and subscribers hear of it also when nothing differs. amoCRM's
    documents do not say; for whoever must not run in circles this is the harder case.
    """
    before = account.flat(card)
    place = (card.plain.get("pipeline_id"), card.plain.get("status_id"))
    card.plain.update(
        {"updated_by": hand.user_id, "updated_at": account.now, **draft.plain}
    )
    if card.kind == "leads":
        settle(account, card.plain, place)  # type: ignore[arg-type]
    _lay(account, card, draft)
    flat = account.flat(card)
    account.changed(Change(card.kind, card.id, "update", before, flat, hand))
    return card


def bin_or_restore(account: Account, card: Card, hand: Hand, *, gone: bool) -> None:
    """Put a card into the bin, or take it out again."""
    before = account.flat(card)
    card.plain.update(is_deleted=gone, updated_by=hand.user_id, updated_at=account.now)
    action = "delete" if gone else "restore"
    flat = account.flat(card)
    account.changed(Change(card.kind, card.id, action, before, flat, hand))


def stale(card: Card, draft: Draft) -> bool:
    """Say whether the draft is older than the card."""
    return bool(draft.plain.get("updated_at", card.plain["updated_at"])
                < card.plain["updated_at"])  # fmt: skip


def _place(account: Account, plain: dict[str, Any]) -> None:
    if plain["pipeline_id"] is None:
        plain["pipeline_id"] = main_pipeline(account).id
    if plain["status_id"] is None:
        plain["status_id"] = first_status(account.pipelines[plain["pipeline_id"]])
    settle(account, plain, None)


def _lay(account: Account, card: Card, draft: Draft) -> None:
    for key, values in draft.values.items():
        if values:
            card.values[key] = values
        else:
            card.values.pop(key, None)
    if draft.tags is not None:
        card.tags = [account.tag(card.kind, name) for name in draft.tags]
    for name in draft.tags_to_add:
        tag = account.tag(card.kind, name)
        if tag not in card.tags:
            card.tags.append(tag)
    gone = {account.tag(card.kind, name) for name in draft.tags_to_delete}
    card.tags = [tag for tag in card.tags if tag not in gone]
