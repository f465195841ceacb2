"""How an approved clean-up reaches the cards, and how it is taken back.

Orders go through the outbox alone. A receipt in the store says which card stood where
and belonged to whom, so that undoing is the same road backwards; it holds ids and
stages, nothing personal but who approved.

A merge closes the card as a duplicate and names the one that stays. CRMs can melt cards
together too (Bitrix24 by ``crm.entity.mergeBatch``), but that deletes all but one of
them for good, and nothing here cannot be taken back.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from crm.courier import Courier, also_of, entity_of
from crm.doors import Open, desk_of
from crm.port import Card, Move, Tie
from crm.writeback.ordering import Order, order
from leads.errors import BadConfig, BadInput
from leads.journal import Journal
from leads.settings import Settings
from leads.wholefile import replace_whole
from model.cleaning.advice import Act
from model.cleaning.pairs import is_of_company
from model.cleaning.planfile import Approved
from model.cleaning.words import NOTE, UNDONE, WHY

FOLDER: Final = "cleaning"
TOPIC: Final = "clean"
CARRIED: Final = (Act.MERGE, Act.CLOSE, Act.LINK)
LEFT: Final = (
    "kept", "without a card", "without a stage", "there already",
    "target without a card", "target without a contact", "target without a company",
    "belongs to another company",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Done:
    """What was ordered of one card: from a stage to another, or from whom to whom.

    ``before`` and ``after`` are one stage, or all whom the card belongs to.
    """

    lead_id: str
    entity: str
    act: str
    target: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def what(self) -> Move | Tie:
        """What was ordered, as delivery takes it."""
        if self.act == Act.LINK:
            return Tie(self.before, self.after)
        return Move(self.before[0], self.after[0])


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was ordered, and what was not: ``left`` counts by why."""

    path: Path | None
    cards: tuple[Done, ...]
    left: dict[str, int]


def carry_out(
    settings: Settings,
    rows: Sequence[Approved],
    *,
    by: str,
    plan: Path,
    now: datetime,
    door: Open = desk_of,
) -> Receipt:
    """Order what was approved; safe to repeat.

    Raises
    ------
    BadConfig
        There is no CRM, or the stage for closed leads or duplicates is not named.
    Unavailable
        The CRM or the database did not answer; nothing was ordered.
    """
    _checked(settings, rows)
    with closing(_journal(settings)) as journal:
        courier = Courier(settings, journal, door=door)
        with closing(courier.desk):
            cards = _cards(courier, settings, _looked_at(rows))
            orders, done, left = [], [], Counter[str]()
            for row in rows:
                found = _change(row, cards, settings)
                if isinstance(found, str):
                    left[found] += 1
                    continue
                text = _said(row, courier, settings, by=by)
                done.append(found)
                orders.append(Order(found.entity, row.lead_id, found.what, text, TOPIC))
        # The receipt first: what was ordered can then always be taken back.
        path = _kept(settings, done, by=by, plan=plan, now=now) if done else None
        order(journal, courier.outbox.account, orders)
    return Receipt(path, tuple(done), {why: left[why] for why in LEFT if left[why]})


def _looked_at(rows: Sequence[Approved]) -> list[str]:
    """List the leads whose cards must be known: those to change, and clients' own."""
    leads = {row.lead_id for row in rows if row.act in CARRIED}
    return sorted(leads | {row.target for row in rows if row.act is Act.LINK})


def undo(settings: Settings, receipt: Path, *, by: str) -> Receipt:
    """Order every card of a receipt back to where it stood.

    A card that somebody has moved since stays where it is: delivery sees it.

    Raises
    ------
    BadInput
        The receipt is not one.
    """
    try:
        cards = tuple(_read(one) for one in _told(receipt)["cards"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise BadInput(
            f"{receipt} is no receipt of a clean-up.",
            remedy=f"Name a file of {settings.store.folder / FOLDER}.",
        ) from error
    text = UNDONE[settings.company.language].format(by=by)
    with closing(_journal(settings)) as journal:
        account = _crm_account(settings)
        back = [
            Order(one.entity, one.lead_id, _back(one).what, text, TOPIC)
            for one in cards
        ]
        order(journal, account, back)
    return Receipt(receipt, cards, {})


def courier_kind(settings: Settings) -> str:
    """Name the kind of card that a bare lead number means."""
    return settings.crm.entity if settings.crm else "lead"


def _checked(settings: Settings, rows: Sequence[Approved]) -> None:
    _crm_account(settings)
    needed = {row.act for row in rows if row.act in CARRIED}
    missing = [
        name
        for act, name in ((Act.CLOSE, "close_stage"), (Act.MERGE, "duplicate_stage"))
        if act in needed and not _stage(settings, act)
    ]
    if missing:
        raise BadConfig(
            f"[clean] does not name {' and '.join(missing)}.",
            remedy="Name the CRM's own id of the stage: docs/configuration.md.",
        )


def _crm_account(settings: Settings) -> str:
    if settings.crm is None:
        raise BadConfig(
            "The configuration has no [crm] section.",
            remedy="Add one with kind and account; docs/configuration.md tells how.",
        )
    return settings.crm.account


def _journal(settings: Settings) -> Journal:
    _crm_account(settings)
    journal = Journal(settings.store.database, also=also_of(settings))
    journal.upgrade()
    return journal


def _cards(
    courier: Courier, settings: Settings, leads: Sequence[str]
) -> dict[str, Card | None]:
    kind = courier_kind(settings)
    entities = [found for one in leads if (found := entity_of(one, kind))]
    cards: dict[str, Card | None] = {}
    most = courier.desk.most_at_once
    for start in range(0, len(entities), most):
        cards.update(courier.desk.read(entities[start : start + most]))
    return cards


def _stage(settings: Settings, act: Act) -> str:
    clean = settings.clean
    return {Act.CLOSE: clean.close_stage, Act.MERGE: clean.duplicate_stage}.get(act, "")


def _change(
    row: Approved, cards: Mapping[str, Card | None], settings: Settings
) -> Done | str:
    """Say what to do with the card of a row, or why nothing is done."""
    if row.act is Act.KEEP:
        return "kept"
    kind = courier_kind(settings)
    card = cards.get(entity_of(row.lead_id, kind) or "")
    if card is None:
        return "without a card"
    if row.act is Act.LINK:
        found = _owners(card, cards.get(entity_of(row.target, kind) or ""), row.why)
        before: tuple[str, ...] = card.clients
    else:
        found = (_stage(settings, row.act),)
        before = (card.stage,) if card.stage is not None else ()
        if not before:
            return "without a stage"
    if isinstance(found, str):
        return found
    if found == before:
        return "there already"
    act = row.act.value
    return Done(row.lead_id, card.entity, act, row.target, before, found)


def _owners(card: Card, target: Card | None, why: str) -> tuple[str, ...] | str:
    """Say to whom a card is to belong: also to the contact, or company, of a target."""
    if target is None:
        return "target without a card"
    kind = "company" if is_of_company(why) else "contact"
    mine, theirs = (
        [one for one in some.clients if one.startswith(f"{kind}:")]
        for some in (card, target)
    )
    if not theirs:
        return f"target without a {kind}"
    if theirs[0] in mine:
        return "there already"
    if kind == "company" and mine:  # a card has one company at most
        return "belongs to another company"
    return (*card.clients, theirs[0])


def _said(row: Approved, courier: Courier, settings: Settings, *, by: str) -> str:
    """Word the comment that goes on the card of a row."""
    language = settings.company.language
    why = WHY[row.why][language] if row.why in WHY else row.act.value
    other = entity_of(row.target, courier_kind(settings))
    target = f"{row.target}, {courier.desk.page(other)}" if other else row.target
    return NOTE[row.act.value][language].format(target=target, by=by, why=why)


def _back(one: Done) -> Done:
    return replace(one, before=one.after, after=one.before)


def _told(receipt: Path) -> dict[str, Any]:
    told: dict[str, Any] = orjson.loads(receipt.read_bytes())
    return told


def _read(told: Mapping[str, Any]) -> Done:
    return Done(**{**told, "before": (*told["before"],), "after": (*told["after"],)})


def strike_receipts(folder: Path, lead_ids: Sequence[str]) -> int:
    """Strike leads out of the receipts of clean-ups; count the cards."""
    gone, names = 0, set(lead_ids)
    for path in sorted((folder / FOLDER).glob("*.json")):
        told = _told(path)
        left = [
            one for one in told["cards"] if not {one["lead_id"], one["target"]} & names
        ]
        if len(left) < len(told["cards"]):
            gone += len(told["cards"]) - len(left)
            _replace(path, {**told, "cards": left})
    return gone


def _kept(
    settings: Settings, done: Sequence[Done], *, by: str, plan: Path, now: datetime
) -> Path:
    folder = settings.store.folder / FOLDER
    digest = hashlib.sha256(plan.read_bytes()).hexdigest()
    path = folder / f"{now:%Y%m%dT%H%M%S}-{digest[:8]}.json"
    told = {
        "approved_by": by, "at": now.isoformat(), "plan_sha256": digest,
        "cards": [asdict(one) for one in done],
    }  # fmt: skip
    _replace(path, told)
    return path


def _replace(path: Path, told: object) -> None:
    replace_whole(path, orjson.dumps(told, option=orjson.OPT_INDENT_2))
