"""The doors to a company's data: files, a database, one flat table, a CRM.

All of them end in ``leads.conform``, which refuses or accepts a source as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import polars as pl

from crm.amocrm.source import Amo
from crm.bitrix24.source import Portal
from crm.database import connect, has_table, read_table
from crm.files import find_file, read_file
from crm.flat import leads_of_flat, split_flat
from crm.mapping import reshape, take
from crm.port import Source
from leads.conform import Rules, conform
from leads.conform.columns import missing
from leads.conform.fields import as_text
from leads.conform.raw import RawTable, count_of
from leads.errors import BadInput, Fault
from leads.persons import Person
from leads.settings import (
    AmoSource,
    Bitrix24Source,
    FilesSource,
    Settings,
    SqlSource,
    TableMap,
    TableSource,
)
from leads.tables import LEADS, Tables

NAMES: Final = ("leads", "events", "stages", "payments", "field_changes")


def open_source(settings: Settings) -> Source:
    """Open the door that the configuration names; nothing is read yet."""
    source = settings.source
    if isinstance(source, FilesSource):
        return Files(source, rules_of(settings))
    if isinstance(source, SqlSource):
        return Database(source, rules_of(settings))
    if isinstance(source, Bitrix24Source):
        store = settings.store
        return Portal(source, rules_of(settings), store.folder, store.database)
    if isinstance(source, AmoSource):
        store = settings.store
        return Amo(source, rules_of(settings), store.folder, store.database)
    return Flat(source, rules_of(settings))


def rules_of(settings: Settings) -> Rules:
    """Say what the configured source leaves open."""
    source = settings.source
    if isinstance(source, TableSource):
        dated = source.time is not None
        return Rules(zone=settings.company.zone, dated=dated)
    return Rules(
        zone=settings.company.zone,
        currency=source.currency,
        exclude=frozenset(source.exclude),
    )


class _Told:
    """A source whose cards tell by themselves who leads are."""

    def people(self) -> Iterable[Person]:
        """Have nothing to add."""
        return ()


@dataclass(frozen=True)
class Files(_Told):
    """A folder with a file per table."""

    source: FilesSource
    rules: Rules

    def read(self) -> Tables:
        """Read every table that is there; only ``leads`` must be."""
        folder = self.source.folder
        if not folder.is_dir():
            fault = Fault(str(folder), "no such folder", "Mend [source] folder.")
            raise BadInput.of("The source", [fault])
        raw: dict[str, RawTable] = {}
        faults: list[Fault] = []
        for name in NAMES:
            table, more = self._table(name)
            faults += more
            if table is not None:
                raw[name] = table
        return conform(raw, self.rules, before=faults)

    def _table(self, name: str) -> tuple[RawTable | None, list[Fault]]:
        table_map = getattr(self.source, name)
        if table_map and table_map.file:
            path: Path | None = self.source.folder / table_map.file
        else:
            path, faults = find_file(self.source.folder, name)
            if faults:
                return None, faults
        if path is None:
            wanted = name == "leads" or table_map is not None
            remedy = f"Put {name}.csv there, or set [source.{name}] file."
            absent = Fault(str(self.source.folder), f"no file of {name}", remedy)
            return None, [absent] if wanted else []
        raw, faults = read_file(path)
        if raw is None:
            return None, faults
        return _mapped(name, raw, table_map or TableMap(), self.source.exclude)


@dataclass(frozen=True)
class Database(_Told):
    """The same tables out of a database."""

    source: SqlSource
    rules: Rules

    def read(self) -> Tables:
        """Read every table that is mapped, or is there under its canonical name."""
        engine = connect(self.source.url)
        raw: dict[str, RawTable] = {}
        faults: list[Fault] = []
        try:
            for name in NAMES:
                # Each on its own connection: a failed query spoils a transaction.
                with engine.connect() as connection:
                    table_map = getattr(self.source, name)
                    if table_map is None and not has_table(connection, name):
                        continue
                    found, more = read_table(connection, name, table_map or TableMap())
                faults += more
                if found is None:
                    continue
                bare = (table_map or TableMap()).model_copy(update={"sql": None})
                table, more = _mapped(name, found, bare, self.source.exclude)
                faults += more
                if table is not None:
                    raw[name] = table
        finally:
            engine.dispose()
        return conform(raw, self.rules, before=faults)


@dataclass(frozen=True)
class Flat(_Told):
    """One table of leads whose outcome is already known."""

    source: TableSource
    rules: Rules

    def read(self) -> Tables:
        """Read the table; each row is a lead."""
        raw, faults = read_file(self.source.path)
        if raw is None:
            raise BadInput.of("The source", faults)
        split, faults = split_flat(raw, self.source)
        return conform(split, self.rules, before=faults)


def _mapped(
    name: str, raw: RawTable, table_map: TableMap, exclude: tuple[str, ...]
) -> tuple[RawTable | None, list[Fault]]:
    if table_map.sql:
        reshaped, faults = reshape(raw, table_map.sql)
        if reshaped is None:
            return None, faults
        raw = reshaped
    return take(name, raw, table_map, exclude)


def read_leads_file(path: Path, settings: Settings, like: Tables) -> Tables:
    """Read a file of leads to predict, in the source's own form.

    Parameters
    ----------
    path
        CSV, Parquet or XLSX.
    settings
        Whose source says how columns are called and which are no card fields.
    like
        The tables that the model was trained on: their card fields must be there and
        keep their types.

    Returns
    -------
    Tables
        Without events, stages and payments; outcomes, known or not, are left unsaid, so
        that none can be seen. ``order`` gives the lead ids in the order of the file.

    Raises
    ------
    BadInput
        With all faults: columns that are missing, values that do not fit, doubled ids.
    """
    raw, faults = read_file(path)
    if raw is None:
        raise BadInput.of(path.name, faults)
    leads, faults = _leads_to_predict(raw, settings.source)
    if leads is None:
        raise BadInput.of(path.name, faults)
    missed, unknown = _compare(leads, settings, like)
    rules = replace(rules_of(settings), fields=like.fields, doubled_leads=False)
    tables = conform(_with_outcomes(leads, settings), rules, before=[*faults, *missed])
    return replace(
        tables,
        order=as_text(leads.frame["lead_id"]).alias("lead_id"),
        cut_off=max(tables.cut_off, like.cut_off),
        notes=tuple(f"{path.name}: column {name!r} is new" for name in unknown),
    )


def _leads_to_predict(
    raw: RawTable,
    source: FilesSource | SqlSource | TableSource | Bitrix24Source | AmoSource,
) -> tuple[RawTable | None, list[Fault]]:
    if isinstance(source, TableSource):
        named = [name for name in (source.id, source.time) if name is not None]
        faults = [missing(raw, n) for n in named if n not in raw.frame.columns]
        return (None, faults) if faults else leads_of_flat(raw, source)
    if isinstance(source, FilesSource):
        return _mapped("leads", raw, source.leads, source.exclude)
    leads = source.leads if isinstance(source, SqlSource) else TableMap()
    return take("leads", raw, leads, source.exclude)


def _compare(
    leads: RawTable, settings: Settings, like: Tables
) -> tuple[list[Fault], list[str]]:
    """Hold the columns of a file against those that the leads had in training.

    A column that was never filled in training, or that the model leaves out, is not
    asked for.
    """
    there, spare = set(leads.frame.columns), set(settings.model.exclude)
    learned = [*like.fields, *LEADS]
    wanted = [
        name
        for name in learned
        if name not in {"lead_id", "created_at", "recorded_at", *spare}
        and like.leads[name].null_count() < like.leads.height
    ]
    absent = [name for name in wanted if name not in there]
    unknown = sorted(there - set(like.fields) - set(LEADS))
    if not absent:
        return [], unknown
    new = f"; not known: {', '.join(map(repr, unknown))}" if unknown else ""
    what = (
        f"{count_of(len(absent), 'column')} missing that the leads had in training:"
        f" {', '.join(map(repr, absent))}{new}"
    )
    return [leads.fault(None, what, "Add them; a cell may be empty.")], unknown


def _with_outcomes(leads: RawTable, settings: Settings) -> dict[str, RawTable]:
    """Leave the outcome of every lead of a flat table open."""
    if not isinstance(settings.source, TableSource):
        return {"leads": leads}
    frame = leads.frame.select(
        "lead_id",
        outcome=pl.lit(None, dtype=pl.Boolean),
        holdout=pl.lit(value=False),
    )
    return {"leads": leads, "outcomes": replace(leads, frame=frame)}
