"""From the shelf to raw tables: leads as first seen, and all that happened since.

The log gives stage history and the fields' history with their own times; where it does
not reach, the versions that we saw of a card do. Whatever our own eyes add carries the
moment at which we saw it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from crm.amocrm.naming import LOST, REACH, WON, Column, Names, moment, names_of
from crm.amocrm.payments import payments_of
from crm.amocrm.people import People, people_of
from crm.amocrm.shelf import Kept, Shelf
from leads.conform.raw import RawTable
from leads.tables import INSTANT

CHUNK: Final = 20_000
TEXT: Final = pl.String()
DATED: Final[Mapping[str, pl.DataType]] = {
    "lead_id": TEXT, "at": INSTANT, "recorded_at": INSTANT,
}  # fmt: skip
EVENTS: Final = {**DATED, "kind": TEXT, "value": pl.Float64()}
STAGES: Final = {**DATED, "pipeline": TEXT, "stage": TEXT}
CHANGES: Final = {**DATED, "field": TEXT, "value": TEXT}
PAYMENTS: Final = {**DATED, "amount": pl.Float64(), "currency": TEXT}

KINDS: Final[Mapping[str, str]] = {
    "incoming_chat_message": "chat_in",
    "outgoing_chat_message": "chat_out",
    "task_added": "task_added",
    "task_completed": "task_completed",
    "lead_deleted": "deleted",
    "lead_restored": "restored",
}
"""Entries of the log that are events, and what we call them."""

Row = tuple[Any, ...]
Told = Mapping[str, Any]
Changed = tuple[str, str | None, str | None]
"""A field, what it holds now and what it held before."""


@dataclass(frozen=True)
class Shop:
    """What every table is made from."""

    shelf: Shelf
    names: Names
    people: People
    has_log: bool


def raw_tables(
    shelf: Shelf, *, payments: Iterable[str]
) -> tuple[dict[str, RawTable], list[str]]:
    """Make raw tables of all that is on a shelf.

    Parameters
    ----------
    shelf
        After a run of the reader.
    payments
        What counts as one: ``invoices``, ``customers``, ``won``.

    Returns
    -------
    tuple
        By canonical name, and notes for whoever reads the data.
    """
    done = shelf.place("run") or {"missing": []}
    names = names_of(shelf)
    shop = Shop(shelf, names, people_of(shelf, names), "events" not in done["missing"])
    paid, notes = payments_of(shelf, names, shop.people, payments)
    rows: dict[str, tuple[Mapping[str, pl.DataType], Iterator[Row]]] = {
        "leads": (_lead_schema(names), _leads(shop)),
        "events": (EVENTS, _events(shop)),
        "stages": (STAGES, _stages(shop)),
        "field_changes": (CHANGES, _changes(shop)),
        "payments": (PAYMENTS, iter(paid)),
    }
    tables = {
        name: RawTable.of(_frame(schema, found), f"amoCRM {name}")
        for name, (schema, found) in rows.items()
    }
    return tables, [*_missing(done["missing"]), *notes, *_closing(names)]


def _leads(shop: Shop) -> Iterator[Row]:
    """Give each lead as it began: as first seen, less what the log tells since.

    A field that was empty before its first change must be empty here, or the lead
    would be born with what it was given later.
    """
    began = _beginnings(shop)
    for versions in shop.shelf.versions("lead"):
        first = versions[0]
        body = first.body
        created = moment(body["created_at"])
        known = moment(max(first.known_at, body["created_at"]))
        own: dict[str, Any] = _standard(body, shop.names)
        for key, column in shop.names.columns["leads"].items():
            own[column.name] = column.read(body["fields"].get(key))
        own |= began.get(first.id, {})
        yield first.id, created, known, *own.values(), *shop.people.card(body)


def _beginnings(shop: Shop) -> dict[str, dict[str, Any]]:
    """Read what fields held before the first change that the log tells of."""
    typed = {one.name: one for one in shop.names.columns["leads"].values()}
    typed["price"] = Column("price", "numeric")
    firsts: dict[tuple[str, str], tuple[int, str | None]] = {}
    for one, lead, (name, _, old) in _logged(shop):
        first = firsts.get((lead, name))
        if first is None or one.at < first[0]:
            firsts[lead, name] = (one.at, old)
    began: dict[str, dict[str, Any]] = {}
    for (lead, name), (_, old) in firsts.items():
        column = typed.get(name)
        value = column.parsed(old) if column else old
        began.setdefault(lead, {})[name] = value
    return began


def _standard(body: Told, names: Names) -> dict[str, Any]:
    source = body["source"]
    if source is None and names.utm_source is not None:
        source = next(iter(body["fields"].get(names.utm_source) or []), None)
    price = body["price"]
    return {
        "source": source,
        "pipeline": names.pipeline(body["pipeline_id"]),
        "owner": names.user(body["responsible_user_id"]),
        "price": None if price is None else float(price),
    }


def _lead_schema(names: Names) -> dict[str, pl.DataType]:
    schema: dict[str, pl.DataType] = {
        "lead_id": TEXT, "created_at": INSTANT, "recorded_at": INSTANT,
        "source": TEXT, "pipeline": TEXT, "owner": TEXT, "price": pl.Float64(),
    }  # fmt: skip
    for kind in ("leads", "contacts", "companies"):
        if kind == "contacts":
            schema |= dict(zip(REACH, (pl.Boolean(), TEXT), strict=True))
        columns = names.columns[kind].values()
        schema |= {column.name: column.dtype for column in columns}
    return schema


def _events(shop: Shop) -> Iterator[Row]:
    for one in shop.shelf.newest("entry"):
        kind = KINDS.get(one.body["type"])
        lead = _lead_of(one.body["entity"], one.body["entity_id"], one.at, shop.people)
        if kind is not None and lead is not None:
            yield lead, moment(one.at), moment(one.known_at), kind, None
    for owner in ("lead", "contact"):
        for one in shop.shelf.newest(f"{owner}_note"):
            told = one.body
            lead = _lead_of(owner, told["entity_id"], one.at, shop.people)
            if lead is not None:
                kind = "note" if told["type"] == "common" else told["type"]
                known = moment(one.known_at)
                yield lead, moment(one.at), known, kind, told["seconds"]


def _lead_of(entity: str, key: int, at: int, people: People) -> str | None:
    """Name the lead that something belongs to; a contact's is its newest then."""
    if entity == "lead":
        return str(key) if str(key) in people.created else None
    return people.newest_lead(key, at)


def _stages(shop: Shop) -> Iterator[Row]:
    """Walk leads through their stages; where each began stands before its first move.

    Without a log only the stage that we see is known, and since when we see it.
    """
    begun: dict[str, tuple[int, Any]] = {}
    for one in shop.shelf.newest("entry"):
        told, lead = one.body, str(one.body["entity_id"])
        if told["type"] != "lead_status_changed" or lead not in shop.people.created:
            continue
        if told["after"] is None:
            continue
        yield _stage(shop, lead, one, told["after"])
        first = begun.get(lead)
        if told["before"] is not None and (first is None or one.at < first[0]):
            begun[lead] = (one.at, told["before"])
    for versions in shop.shelf.versions("lead"):
        lead = versions[0].id
        if shop.has_log:
            yield _beginning(shop, versions[0], begun.get(lead))
        else:
            yield from _seen_stages(shop, versions)


def _stage(shop: Shop, lead: str, one: Kept, status: Told) -> Row:
    place = (status["pipeline_id"], status["id"])
    at, known = moment(one.at), moment(one.known_at)
    return lead, at, known, shop.names.pipeline(place[0]), shop.names.stage(*place)


def _beginning(shop: Shop, first: Kept, begun: tuple[int, Any] | None) -> Row:
    """Say where a lead began: before its first move, or where it still is."""
    body = first.body
    status = {"pipeline_id": body["pipeline_id"], "id": body["status_id"]}
    if begun is not None:
        status = begun[1]
    born = Kept("lead", first.id, body["created_at"], first.known_at, body)
    return _stage(shop, first.id, born, status)


def _seen_stages(shop: Shop, versions: list[Kept]) -> Iterator[Row]:
    before = None
    for one in versions:
        body = one.body
        status = {"pipeline_id": body["pipeline_id"], "id": body["status_id"]}
        if status != before:
            at = body["closed_at"] or one.at
            seen = Kept("lead", one.id, at, max(one.known_at, at), body)
            yield _stage(shop, one.id, seen, status)
        before = status


def _changes(shop: Shop) -> Iterator[Row]:
    """Give field changes from the log, and from our own eyes where it is silent."""
    logged: dict[tuple[str, str], list[int]] = {}
    for one, lead, (name, new, _) in _logged(shop):
        logged.setdefault((lead, name), []).append(one.at)
        yield lead, moment(one.at), moment(one.known_at), name, new
    for versions in shop.shelf.versions("lead"):
        for earlier, later in itertools.pairwise(versions):
            yield from _seen_changes(shop, earlier, later, logged)


def _logged(shop: Shop) -> Iterator[tuple[Kept, str, Changed]]:
    """Give the entries that change a field of a known lead."""
    for one in shop.shelf.newest("entry"):
        lead = str(one.body["entity_id"])
        if one.body["entity"] != "lead" or lead not in shop.people.created:
            continue
        told = _told_change(one.body, shop.names)
        if told is not None:
            yield one, lead, told


def _told_change(body: Told, names: Names) -> Changed | None:
    """Read which field an entry changes, to what and from what; None if it is none."""
    after, before, type_ = body["after"] or {}, body["before"] or {}, body["type"]
    if type_ == "sale_field_changed":
        return "price", _text(after.get("sale")), _text(before.get("sale"))
    if type_ == "entity_responsible_changed":
        return "owner", names.user(after.get("id")), names.user(before.get("id"))
    if type_ == "lead_status_changed":
        lines = (after.get("pipeline_id"), before.get("pipeline_id"))
        if None in lines or lines[0] == lines[1]:
            return None
        return "pipeline", names.pipeline(lines[0]), names.pipeline(lines[1])
    key = (after or before).get("field_id")
    column = names.columns["leads"].get(str(key))
    if column is None:
        return None
    return column.name, _spoken(column, after), _spoken(column, before)


def _seen_changes(
    shop: Shop,
    earlier: Kept,
    later: Kept,
    logged: Mapping[tuple[str, str], list[int]],
) -> Iterator[Row]:
    old, new = (_flat(one.body, shop.names) for one in (earlier, later))
    at, known = moment(later.at), moment(later.known_at)
    for name, value in new.items():
        if value == old[name]:
            continue
        times = logged.get((later.id, name), [])
        if not any(earlier.at <= one <= later.at for one in times):
            yield later.id, at, known, name, value


def _flat(body: Told, names: Names) -> dict[str, str | None]:
    """Give a card as texts by column."""
    standard = _standard(body, names)
    texts = {name: _text(standard[name]) for name in standard}
    for key, column in names.columns["leads"].items():
        texts[column.name] = column.text(column.read(body["fields"].get(key)))
    return texts


def _spoken(column: Column, told: Told) -> str | None:
    value = told.get("text")
    return column.text(column.read(None if value is None else [value]))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _frame(schema: Mapping[str, pl.DataType], rows: Iterator[Row]) -> pl.DataFrame:
    """Make a frame, chunk by chunk: rows of Python are many times its size."""
    parts = [pl.DataFrame(schema=dict(schema))]
    chunk: list[Row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            parts.append(pl.DataFrame(chunk, schema=dict(schema), orient="row"))
            chunk = []
    if chunk:
        parts.append(pl.DataFrame(chunk, schema=dict(schema), orient="row"))
    return pl.concat(parts)


def _missing(sections: Iterable[str]) -> list[str]:
    told = {
        "events": "the plan has no event log (402): stages and fields are known only"
        " as they were seen, from the first reading on",
        "catalogs": "the plan has no catalogs (402): no invoices were read",
        "customers": "the plan has no customers (402): no purchases were read",
    }
    return [f"amoCRM: {told[section]}" for section in sections]


def _closing(names: Names) -> list[str]:
    """Name the stages that close leads, for amoCRM knows them."""
    found: dict[str, set[str]] = {WON: set(), LOST: set()}
    for (_, status), name in names.stages.items():
        if status in found:
            found[status].add(name)
    if not found[WON]:
        return []
    won, lost = sorted(found[WON]), sorted(found[LOST])
    return [f"amoCRM closes leads in won = {won}, lost = {lost} (section funnel)"]
