"""From raw pages to the tables of leads, joined by the portal's own links.

A deal belongs to the lead that it was made of, a payment to the deal of its order, an
invoice to its parent deal. What cannot be joined is left out and counted in a note.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
import polars as pl

from crm.bitrix24.cardtext import RELATED, CardText
from crm.bitrix24.fields import PREFIX
from crm.bitrix24.shelf import Page
from crm.bitrix24.streams import PERSONAL
from crm.bitrix24.values import moment
from crm.bitrix24.versions import Changed, Versions
from crm.bitrix24.words import Words
from crm.likeness import likeness_of
from leads.conform.raw import RawTable

ACTIVITIES: Final = {"1": "meeting", "2": "call", "3": "task", "4": "email"}
DIRECTIONS: Final = {"1": "in", "2": "out"}
OURS: Final = frozenset({"task", "crm_todo", "crm_tasks_task"})
"""Kinds of activity that we make ourselves: ours tell nothing of the lead."""
PRODUCTS: Final = "products"
ECHO: Final = frozenset({"updatedTime", "updatedBy"})
"""What changes on a card when we write it, beside our fields."""
LAST: Final = "last"
"""What columns begin with that tell when something last hung on the card changed."""
LINKS: Final = {"contact": "contactId", "company": "companyId"}
TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "events": ("lead_id", "at", "recorded_at", "kind", "properties"),
    "stages": ("lead_id", "at", "recorded_at", "pipeline", "stage"),
    "payments": ("lead_id", "at", "recorded_at", "amount", "currency"),
    "field_changes": (
        "lead_id", "at", "recorded_at", "field", "value", "old_value",
    ),
}  # fmt: skip


class Gathering:
    """Takes in pages in the order they were read, and makes raw tables of them.

    Parameters
    ----------
    words
        All words that were read.
    entity
        ``"lead"`` or ``"deal"``: which card is a lead of ours.
    us
        The portal's number of the user that we act as.
    """

    def __init__(self, words: Words, *, entity: str, us: str) -> None:
        self._words = words
        self._entity = entity
        self._us = us
        self._texts = {kind: CardText(kind, words) for kind in ("lead", "deal")}
        self._cards = {
            kind: Versions()
            for kind in ("lead", "deal", "contact", "company", "invoice")
        }
        self._lines: dict[str, dict[int, tuple[dict[str, Any], str | None]]] = {}
        self._orders: dict[int, dict[str, Any]] = {}
        self._products: dict[int, str] = {}
        self.left_out: Counter[str] = Counter()

    def take(self, page: Page) -> None:
        """Take in one page."""
        if page.stream in self._cards:
            for row in page.rows:
                text = self._text(page.stream, row)
                self._cards[page.stream].take(row, text, seen=page.seen, read=page.read)
        elif page.stream == "order":
            self._orders |= {int(row["orderId"]): row for row in page.rows}
        elif page.stream == "product":
            self._take_products(page)
        elif page.stream != "words":
            lines = self._lines.setdefault(page.stream, {})
            late = None if page.read == 1 else page.seen
            for row in page.rows:
                number = int(row.get("ID") or row.get("id") or 0)
                first = lines[number][1] if number in lines else late
                lines[number] = (row, first)

    def tables(self) -> dict[str, RawTable]:
        """Make the raw tables."""
        self.left_out.clear()
        rows = {
            "events": list(self._events()),
            "stages": list(self._stages()),
            "payments": list(self._payments()),
            "field_changes": [*self._changes(), *self._related_changes()],
        }
        made = {"leads": self._leads()}
        for name, columns in TABLES.items():
            if rows[name]:
                schema = dict.fromkeys(columns, pl.String())
                frame = pl.DataFrame(rows[name], schema=schema, orient="row")
                made[name] = RawTable.of(frame, f"Bitrix24: {name}", typed=False)
        return made

    def likenesses(self) -> dict[str, str]:
        """Tell what each lead's card looks like, by lead id; see ``crm.likeness``."""
        return {
            str(number): _likeness_of(known.raw, self._products.get(number))
            for number, known in self._leads_known.cards.items()
        }

    def _text(self, stream: str, row: dict[str, Any]) -> dict[str, str | None]:
        if stream in self._texts:
            return self._texts[stream].row(row)
        if stream in RELATED:
            return self._texts[self._entity].related(stream, row)
        return {}

    def _take_products(self, page: Page) -> None:
        """Keep what each card's products are called; another set is a change."""
        fresh: dict[int, set[str]] = {}
        for row in page.rows:
            name = str(row.get("productName") or row.get("productId"))
            fresh.setdefault(int(row["ownerId"]), set()).add(name)
        for number, names in fresh.items():
            told, old = "; ".join(sorted(names)), self._products.get(number)
            if page.read > 1 and told != old and number in self._leads_known.cards:
                change = Changed(number, page.seen, page.seen, PRODUCTS, told, old)
                self._leads_known.changes.append(change)
            self._products[number] = told

    @property
    def _leads_known(self) -> Versions:
        return self._cards[self._entity]

    def _leads(self) -> RawTable:
        rows = []
        for number, known in self._leads_known.cards.items():
            row: dict[str, str | None] = {
                "lead_id": str(number),
                "created_at": known.raw["createdTime"],
                "recorded_at": _later(known.raw["createdTime"], known.first_seen),
                "pipeline": self._pipeline(known.raw),
                **known.text,
                PRODUCTS: self._products.get(number),
            }
            for kind in RELATED:
                row |= self._related(kind, known.raw) or {}
            rows.append(row)
        names = [*dict.fromkeys(name for row in rows for name in row)]
        frame = pl.DataFrame(
            rows, schema=dict.fromkeys(names or ["lead_id"], pl.String())
        )
        words = {w: n for n, w in self._texts[self._entity].columns.items()}
        theirs = {word: name for word, name in words.items() if word in names}
        table = RawTable.of(frame, f"Bitrix24: {self._entity}s", typed=False)
        return RawTable(table.frame, table.where, table.rows, theirs, typed=False)

    def _pipeline(self, raw: Mapping[str, Any]) -> str | None:
        if self._entity == "lead":
            return None
        number = str(raw.get("categoryId") or 0)
        return self._words.categories.get(number, number)

    def _related(
        self, kind: str, raw: Mapping[str, Any]
    ) -> dict[str, str | None] | None:
        """Say what was known of a client before the lead came.

        One that was made later, mostly when the lead was won, would tell the end.
        """
        known = self._cards[kind].cards.get(int(raw.get(LINKS[kind]) or 0))
        if known is None:
            return None
        before = moment(known.raw.get("createdTime")), moment(raw["createdTime"])
        is_older = before[0] and before[1] and before[0] < before[1]
        return known.text if is_older else None

    def _changes(self) -> Iterable[tuple[str | None, ...]]:
        for one in self._leads_known.changes:
            yield str(one.id), one.at, one.seen, one.field, one.value, one.old

    def _related_changes(self) -> Iterable[tuple[str | None, ...]]:
        for kind, link in LINKS.items():
            changes = self._cards[kind].changes
            if not changes:
                continue
            leads: dict[int, list[tuple[str, Mapping[str, Any]]]] = {}
            for number, known in self._leads_known.cards.items():
                if self._related(kind, known.raw) is not None:
                    client = int(known.raw[link])
                    leads.setdefault(client, []).append((str(number), known.raw))
            for one in changes:
                for lead_id, raw in leads.get(one.id, []):
                    at = _later(raw["createdTime"], one.at)
                    yield lead_id, at, one.seen, one.field, one.value, one.old

    def _lead_of_deal(self, number: Any, what: str) -> str | None:
        """Follow a deal to the lead that counts."""
        deal = self._cards["deal"].cards.get(int(number or 0))
        if deal is not None:
            wanted = number if self._entity == "deal" else deal.raw.get("leadId")
            if int(wanted or 0) in self._leads_known.cards:
                return str(int(wanted or 0))
        self.left_out[what] += 1
        return None

    def _owner(self, kind: str, number: Any, what: str) -> str | None:
        if kind == "deal":
            return self._lead_of_deal(number, what)
        if self._entity == "lead" and int(number or 0) in self._leads_known.cards:
            return str(int(number))
        self.left_out[what] += 1
        return None

    def _stages(self) -> Iterable[tuple[str | None, ...]]:
        for kind in ("lead", "deal"):
            column = {"lead": "STATUS_ID", "deal": "STAGE_ID"}[kind]
            for row, seen in self._lines.get(f"{kind}_stage", {}).values():
                lead_id = self._owner(kind, row["OWNER_ID"], "stage changes")
                if lead_id is None:
                    continue
                at, category = row["CREATED_TIME"], row.get("CATEGORY_ID")
                stage = self._words.stage(kind, category, row[column])
                number = str(category or 0)
                pipeline = self._words.categories.get(number, number)
                told = pipeline if kind == "deal" else None
                yield lead_id, at, _later(at, seen), told, stage

    def _events(self) -> Iterable[tuple[str | None, ...]]:
        for row, seen in self._lines.get("activity", {}).values():
            kind = _kind_of(row)
            if is_by_us(row, self._us):
                continue
            owner = {"1": "lead", "2": "deal"}.get(str(row["OWNER_TYPE_ID"]))
            if owner is None:  # a contact's or a company's, and no lead's
                self.left_out["activities"] += 1
                continue
            lead_id = self._owner(owner, row["OWNER_ID"], "activities")
            if lead_id is None:
                continue
            made = row["CREATED"]
            told = {"direction": DIRECTIONS.get(str(row.get("DIRECTION")))}
            properties = orjson.dumps(told).decode() if told["direction"] else None
            at = row.get("START_TIME") or made
            yield lead_id, at, _later(made, seen), kind, properties

    def _payments(self) -> Iterable[tuple[str | None, ...]]:
        paid_deals: set[int] = set()
        for row, seen in self._lines.get("payment", {}).values():
            deal = self._deal_of_order(row.get("orderId"))
            lead_id = self._lead_of_deal(deal, "payments")
            if lead_id is None:
                continue
            paid_deals.add(deal)
            money = str(row["sum"]), str(row["currency"])
            yield from self._paid(lead_id, row["datePaid"], seen, money)
        for known in self._cards["invoice"].cards.values():
            raw, deal = known.raw, int(known.raw.get("parentId2") or 0)
            if raw.get("stageSemanticId") != "S" or deal in paid_deals:
                continue  # unpaid, or counted by its payments
            lead_id = self._lead_of_deal(deal, "invoices")
            if lead_id is None:
                continue
            money = str(raw["opportunity"]), str(raw["currencyId"])
            yield from self._paid(lead_id, raw["movedTime"], known.first_seen, money)

    def _paid(
        self, lead_id: str, at: str, seen: str | None, money: tuple[str, str]
    ) -> Iterable[tuple[str | None, ...]]:
        """Give a payment, unless it is older than its lead and so of something else."""
        born = moment(self._leads_known.cards[int(lead_id)].raw["createdTime"])
        when = moment(at)
        if born is None or when is None or when < born:
            self.left_out["payments before their lead"] += 1
            return
        yield lead_id, at, _later(at, seen), *money

    def _deal_of_order(self, number: Any) -> int:
        order = self._orders.get(int(number or 0), {})
        owner, kind = int(order.get("ownerId") or 0), str(order.get("ownerTypeId"))
        if kind == "31":
            invoice = self._cards["invoice"].cards.get(owner)
            return int(invoice.raw.get("parentId2") or 0) if invoice else 0
        return owner if kind == "2" else 0


def is_by_us(activity: Mapping[str, Any], us: str) -> bool:
    """Whether we hung this on a card ourselves."""
    is_of_a_kind = _kind_of(activity) in OURS
    return is_of_a_kind and str(activity.get("AUTHOR_ID")) == us


def _kind_of(activity: Mapping[str, Any]) -> str:
    by_type = ACTIVITIES.get(str(activity["TYPE_ID"]))
    return by_type or str(activity.get("PROVIDER_ID") or "activity").lower()


def _likeness_of(card: Mapping[str, Any], products: str | None) -> str:
    told = {
        name: value
        for name, value in card.items()
        if name not in ECHO | PERSONAL
        and not name.startswith(LAST)
        and not name.upper().startswith(PREFIX)
    }
    return likeness_of([told, products])


def _later(one: str, other: str | None) -> str:
    """Give the later of two moments, as text."""
    if other is None:
        return one
    first, second = moment(one), moment(other)
    return other if first and second and second > first else one
