"""Raw tables become canonical ones, or are refused with every fault at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from leads.conform.agreement import early_payments, mixed_currencies, once_each, orphans
from leads.conform.beginnings import beginnings, with_old_values
from leads.conform.card import Card, RawCard
from leads.conform.columns import Columns, missing
from leads.conform.fields import as_text
from leads.conform.outcomes import read_outcomes
from leads.conform.raw import RawTable, count_of
from leads.errors import BadInput, Fault
from leads.tables import SCHEMAS, UNDATED, FieldType, Tables, empty

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "leads": ("lead_id", "created_at"),
    "events": ("lead_id", "at", "kind"),
    "stages": ("lead_id", "at", "stage"),
    "payments": ("lead_id", "at"),
    "field_changes": ("lead_id", "at", "field", "value"),
    "outcomes": ("lead_id", "outcome", "holdout"),
}
AMOUNTS: Final = ("amount", "amount_minor")
NO_LEADS: Final = RawTable.of(pl.DataFrame(), "leads")
"""Stands for leads that could not be read, so that other tables are still looked at."""


@dataclass(frozen=True)
class Rules:
    """What a source leaves open.

    Parameters
    ----------
    zone
        The company's clock, on which times without an offset are read.
    currency
        Of payments that name none.
    exclude
        Columns of leads, by our name or the source's, that are no card fields.
    fields
        Card field types decided earlier; None decides them from the data.
    dated
        False if the leads carry no time of their own.
    doubled_leads
        Whether the same lead may be delivered twice; identical rows count once.
    """

    zone: ZoneInfo
    currency: str = "RUB"
    exclude: frozenset[str] = field(default_factory=frozenset)
    fields: Mapping[str, FieldType] | None = None
    dated: bool = True
    doubled_leads: bool = True


def conform(
    raw: Mapping[str, RawTable], rules: Rules, *, before: Sequence[Fault] = ()
) -> Tables:
    """Bring raw tables into canonical form.

    Parameters
    ----------
    raw
        By canonical name; ``leads`` must be there unless ``before`` says why it is not.
        Money is a column ``amount`` in main units or ``amount_minor``.
    rules
        What the source leaves open.
    before
        Faults met while the raw tables were read, to be told with the others.

    Raises
    ------
    BadInput
        With all faults of all tables.
    """
    raw = {"leads": NO_LEADS, **raw}
    misspelt = _misspelt_excludes(raw, rules)
    raw = _without_excluded_changes(raw, rules)
    reading = _Reading(raw, rules)
    reading.faults[:0] = [*before, *misspelt]
    leads = reading.leads()
    rows = {name: reading.rows(name, leads) for name in SCHEMAS if name != "leads"}
    if reading.faults:
        raise BadInput.of("The source", reading.faults)
    frames = {name: _in_order(frame) for name, frame in rows.items()}
    frames["leads"] = leads
    begun = {"field_changes": reading.begun}
    doubled = {
        name: table.frame.height - frames[name].height + begun.get(name, 0)
        for name, table in raw.items()
        if name != "outcomes"
    }
    return Tables(
        leads=frames["leads"],
        events=frames["events"],
        stages=frames["stages"],
        payments=frames["payments"],
        field_changes=frames["field_changes"],
        outcomes=frames["outcomes"],
        fields=reading.card.fields,
        cut_off=_cut_off(frames) if rules.dated else UNDATED,
        dated=rules.dated,
        doubled={name: count for name, count in doubled.items() if count},
        notes=(*reading.card.notes, *_notes(doubled)),
    )


class _Reading:
    """One pass over the raw tables that keeps every fault it meets."""

    def __init__(self, raw: Mapping[str, RawTable], rules: Rules) -> None:
        self.raw = raw
        self.rules = rules
        self.faults: list[Fault] = []
        self.old = pl.Series([], dtype=pl.UInt32)
        self.begun = 0
        self.card = self._read_card()
        self.faults += self.card.faults

    def _read_card(self) -> Card:
        rules, changes = self.rules, self.raw.get("field_changes")
        if changes and not set(REQUIRED["field_changes"]) <= set(changes.frame.columns):
            changes = None  # named as a fault when that table is read
        if changes:
            changes, self.old = with_old_values(changes)
        return RawCard(self.raw["leads"], changes, rules.zone, rules.exclude).read(
            rules.fields
        )

    def leads(self) -> pl.DataFrame:
        """Read the leads, each once, in order of id."""
        table = self.raw["leads"]
        if table is NO_LEADS:
            return empty("leads")
        columns = Columns(table, self.rules.zone)
        columns.require(*REQUIRED["leads"])
        if table.frame.is_empty():
            self.faults.append(table.fault(None, "no rows", "Give at least one lead."))
        created = columns.instant("created_at", required=True)
        fixed = [
            columns.text("lead_id", required=True),
            created,
            _recorded(columns, created),
            *(columns.text(name) for name in ("source", "pipeline", "owner")),
        ]
        frame = pl.DataFrame([*fixed, *self.card.values.values()])
        once, clashes = once_each(table, frame, doubled=self.rules.doubled_leads)
        self.faults += [*columns.faults, *clashes]
        return once

    def rows(self, name: str, leads: pl.DataFrame) -> pl.DataFrame:
        """Read a table other than leads, with ``place``, the position of its lead."""
        table = self.raw.get(name)
        if table is None:
            return _unplaced(name)
        columns = Columns(table, self.rules.zone)
        complete = columns.require(*REQUIRED[name])
        if name == "payments" and not any(map(columns.has, AMOUNTS)):
            columns.faults.append(missing(table, *AMOUNTS))
            complete = False
        if not complete:
            self.faults += columns.faults
            return _unplaced(name)
        frame = pl.DataFrame(self._columns(name, columns))
        self.faults += columns.faults
        if name == "field_changes":
            frame = self._from_the_beginning(frame, leads)
        places = leads.select("lead_id", "created_at").with_row_index("place")
        placed = frame.join(places, on="lead_id", how="left", maintain_order="left")
        if "lead_id" in self.raw["leads"].frame.columns:
            told = placed.head(table.frame.height)
            self.faults += _disagreements(name, table, told)
        return placed.select("place", *SCHEMAS[name])

    def _from_the_beginning(
        self, changes: pl.DataFrame, leads: pl.DataFrame
    ) -> pl.DataFrame:
        """Add what fields held before their first change, as far as that is told."""
        if self.old.is_empty():
            return changes
        held = self.card.changed[changes.height :]
        added = beginnings(changes, held, self.old, leads)
        self.begun = added.height
        return pl.concat([changes, added])

    def _columns(self, name: str, columns: Columns) -> list[pl.Series]:
        """Read the columns of one table in their canonical order."""
        lead_id = columns.text("lead_id", required=name != "outcomes")
        if name == "outcomes":
            outcome, faults = read_outcomes(columns.raw)
            self.faults += faults
            return [lead_id, outcome, columns.raw.frame["holdout"]]
        at = columns.instant("at", required=True)
        dated = [lead_id, at, _recorded(columns, at)]
        if name == "events":
            kind = columns.text("kind", required=True)
            value, properties = columns.number("value"), columns.text("properties")
            return [*dated, kind, value, properties]
        if name == "stages":
            stage = columns.text("stage", required=True)
            return [*dated, columns.text("pipeline"), stage]
        if name == "payments":
            currency = columns.currency(self.rules.currency)
            return [*dated, columns.money(currency), currency]
        changed = self.card.changed.head(columns.raw.frame.height).alias("value")
        return [*dated, columns.text("field", required=True), changed]


def _disagreements(name: str, table: RawTable, placed: pl.DataFrame) -> list[Fault]:
    faults = orphans(table, placed)
    if name == "payments":
        faults += early_payments(table, placed)
        faults += mixed_currencies(table, placed)
    return faults


def _unplaced(name: str) -> pl.DataFrame:
    return empty(name).select(pl.lit(0, dtype=pl.UInt32).alias("place"), pl.all())


def _recorded(columns: Columns, own: pl.Series) -> pl.Series:
    """When we could first know each row; its own time where nothing is said."""
    recorded = columns.instant("recorded_at")
    return recorded.zip_with(recorded.is_not_null(), own).alias("recorded_at")


def _in_order(placed: pl.DataFrame) -> pl.DataFrame:
    """Sort rows by content and keep each once.

    The lead's place stands for its id: leads are in order of id, and integers sort
    several times faster than text.
    """
    content = [name for name in placed.columns if name != "lead_id"]
    ordered = placed.sort(content)
    if ordered.height < 2:
        return ordered.drop("place")
    differs = pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(name).shift(1)) for name in content
    )
    first = pl.int_range(pl.len()) == 0
    return ordered.filter(first | differs).drop("place")


def _cut_off(frames: Mapping[str, pl.DataFrame]) -> datetime:
    """Find the last moment at which anything was recorded."""
    last = [
        frame["recorded_at"].max()
        for frame in frames.values()
        if "recorded_at" in frame.columns
    ]
    return max(moment for moment in last if isinstance(moment, datetime))


def _notes(doubled: Mapping[str, int]) -> list[str]:
    many = doubled.get("payments", 0)
    if not many:
        return []
    return [
        f"{count_of(many, 'payment')} equal to another in lead, moment, amount and"
        " currency count once; if they are money of their own, add them up by sql"
    ]


def _misspelt_excludes(raw: Mapping[str, RawTable], rules: Rules) -> list[Fault]:
    """Refuse excluded columns that do not exist: a slip there lets a leak through."""
    leads, changes = raw["leads"], raw.get("field_changes")
    if rules.fields is not None or leads is NO_LEADS:
        return []
    there = {*leads.left_out, *leads.frame.columns, *leads.names.values()}
    if changes is not None and "field" in changes.frame.columns:
        there |= set(as_text(changes.frame["field"]).unique().drop_nulls())
    return [
        leads.fault(
            None,
            f"exclude names {name!r}, and there is no such column or field",
            "Mend [source] exclude; a slip there would let a leak through.",
        )
        for name in sorted(rules.exclude - there)
    ]


def _without_excluded_changes(
    raw: Mapping[str, RawTable], rules: Rules
) -> Mapping[str, RawTable]:
    """Leave out the changes of fields that are excluded."""
    changes = raw.get("field_changes")
    if changes is None or "field" not in changes.frame.columns or not rules.exclude:
        return raw
    kept = ~as_text(changes.frame["field"]).is_in(sorted(rules.exclude))
    kept = kept.fill_null(value=True)
    fewer = replace(
        changes, frame=changes.frame.filter(kept), rows=changes.rows.filter(kept)
    )
    return {**raw, "field_changes": fewer}
