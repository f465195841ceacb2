"""How an approved clean-up reaches the cards, and how it is taken back.

Orders go through the outbox alone. A receipt in the store says which card stood where,
so that undoing is the same road backwards; it holds ids and stages, nothing personal
but who approved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson

from crm.courier import Courier, also_of, entity_of
from crm.doors import Open, desk_of
from crm.port import Card, Move
from crm.writeback.ordering import Order, order
from leads.errors import BadConfig, BadInput
from leads.journal import Journal
from leads.settings import Settings
from model.cleaning.advice import Act
from model.cleaning.planfile import Approved
from model.cleaning.words import NOTE, UNDONE, WHY

FOLDER: Final = "cleaning"
TOPIC: Final = "clean"
CARRIED: Final = (Act.MERGE, Act.CLOSE)
LEFT: Final = (
    "kept", "to link by hand", "without a card", "without a stage", "there already",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moved:
    """One card that was ordered to move."""

    lead_id: str
    entity: str
    act: str
    target: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was ordered, and what was not: ``left`` counts by why."""

    path: Path | None
    cards: tuple[Moved, ...]
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
    language = settings.company.language
    with closing(_journal(settings)) as journal:
        courier = Courier(settings, journal, door=door)
        cards = _cards(courier, settings, [r.lead_id for r in rows if r.act in CARRIED])
        orders, moved, left = [], [], dict.fromkeys(LEFT, 0)
        for row in rows:
            entity = entity_of(row.lead_id, courier_kind(settings)) or ""
            after = _stage(settings, row.act)
            why = _why_not(row, cards.get(entity), after)
            if why:
                left[why] += 1
                continue
            before = str(cards[entity].stage)  # type: ignore[union-attr]  # looked at
            text = NOTE[row.act.value][language].format(
                target=row.target, by=by, why=_said(row, language)
            )
            orders.append(Order(entity, row.lead_id, Move(before, after), text, TOPIC))
            act = row.act.value
            moved.append(Moved(row.lead_id, entity, act, row.target, before, after))
        # The receipt first: what was ordered can then always be taken back.
        path = _kept(settings, moved, by=by, plan=plan, now=now) if moved else None
        order(journal, courier.outbox.account, orders)
    return Receipt(path, tuple(moved), {k: n for k, n in left.items() if n})


def undo(settings: Settings, receipt: Path, *, by: str) -> Receipt:
    """Order every card of a receipt back to where it stood.

    A card that somebody has moved since stays where it is: delivery sees it.

    Raises
    ------
    BadInput
        The receipt is not one.
    """
    try:
        told = orjson.loads(receipt.read_bytes())
        cards = tuple(Moved(**one) for one in told["cards"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise BadInput(
            f"{receipt} is no receipt of a clean-up.",
            remedy=f"Name a file of {settings.store.folder / FOLDER}.",
        ) from error
    text = UNDONE[settings.company.language].format(by=by)
    with closing(_journal(settings)) as journal:
        account = _crm_account(settings)
        back = [
            Order(one.entity, one.lead_id, Move(one.after, one.before), text, TOPIC)
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


def _why_not(row: Approved, card: Card | None, after: str) -> str:
    """Say why a row is not carried out; the empty text: it is."""
    if row.act is Act.KEEP:
        return "kept"
    if row.act is Act.LINK:
        return "to link by hand"
    if card is None:
        return "without a card"
    if card.stage is None:
        return "without a stage"
    return "there already" if card.stage == after else ""


def _said(row: Approved, language: str) -> str:
    return WHY[row.why][language] if row.why in WHY else row.act.value


def _kept(
    settings: Settings, moved: Sequence[Moved], *, by: str, plan: Path, now: datetime
) -> Path:
    folder = settings.store.folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(plan.read_bytes()).hexdigest()
    path = folder / f"{now:%Y%m%dT%H%M%S}-{digest[:8]}.json"
    told = {
        "approved_by": by, "at": now.isoformat(), "plan_sha256": digest,
        "cards": [asdict(one) for one in moved],
    }  # fmt: skip
    draft = path.with_suffix(".draft")
    draft.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    draft.replace(path)
    return path
