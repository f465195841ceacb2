"""``ingest``: take in a company's data, refuse them whole or store them whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from crm.export import open_source
from leads.errors import Unavailable
from leads.history import History
from leads.persons import gathered, keep
from leads.settings import Settings, read_settings
from leads.store import digest_of, load, origin_of, save
from leads.tables import SCHEMAS, FieldType
from leads.tombstones import without_buried
from pipelines.console import ConfigOption, log, out, table, verb, working


@dataclass(frozen=True)
class Ingested:
    """What was taken in.

    ``rows`` and ``doubled`` count, per table, the rows stored and the rows left out
    because they were delivered twice.
    """

    digest: str
    folder: Path
    rows: Mapping[str, int]
    doubled: Mapping[str, int]
    fields: Mapping[str, FieldType]
    cut_off: datetime | None
    people: int
    """Leads of which it is known who stands behind them."""
    notes: tuple[str, ...]


def take_in(settings: Settings) -> Ingested:
    """Bring the source into canonical tables and store them; safe to repeat.

    Leads that were erased stay out, whatever the source holds.

    Raises
    ------
    BadInput
        With every fault of the source; nothing is stored then.
    """
    source = open_source(settings)
    tables = without_buried(source.read(), settings.store.folder)
    history = History(tables)
    people = gathered(source.people(), history, settings.clean, history.cut_off)
    # First: a person who is known though the lead is not yet, does no harm.
    keep(people, settings.store.folder)
    digest = save(tables, settings.store.folder, origin=settings.origin)
    done = Ingested(
        digest=digest,
        folder=settings.store.folder.resolve(),
        rows={name: tables[name].height for name in SCHEMAS},
        doubled=tables.doubled,
        fields=tables.fields,
        cut_off=tables.cut_off if tables.dated else None,
        people=people.height,
        notes=tables.notes,
    )
    log.info("ingested", digest=digest, rows=done.rows, doubled=dict(done.doubled))
    return done


def stored(settings: Settings) -> tuple[History, str]:
    """Open what was taken in, with its digest; take it in first where needed.

    That is if nothing was, or if the configuration has since named another source.

    Raises
    ------
    BadInput
        The source has faults.
    """
    folder = settings.store.folder
    try:
        known = origin_of(folder) == settings.origin
    except Unavailable:
        known = False
    digest = digest_of(folder) if known else take_in(settings).digest
    return History(load(folder)), digest


@verb
def ingest(config: ConfigOption) -> None:
    """Take in the source as canonical tables, or list every fault of it."""
    settings = read_settings(config)
    with working("Reading the source"):
        done = take_in(settings)
    show(done)


def show(done: Ingested) -> None:
    """Print what was taken in."""
    rows = table("Taken in", "table", "rows", "delivered twice")
    for name, count in done.rows.items():
        if count:
            rows.add_row(name, f"{count:,}", f"{done.doubled.get(name, 0):,}")
    out.print(rows)
    fields = table("Card fields", "field", "type")
    for name, kind in done.fields.items():
        fields.add_row(name, kind.value)
    out.print(fields)
    for note in done.notes:
        out.print(f"[yellow]note[/] {note}")
    known = f"{done.cut_off:%Y-%m-%d %H:%M:%S} UTC" if done.cut_off else "no times"
    out.print(f"cut-off  {known}")
    leads = done.rows["leads"]
    out.print(f"people   known of {done.people:,} of {leads:,} leads, kept apart")
    out.print(f"digest   {done.digest}")
    out.print(f"stored   {done.folder / 'tables' / done.digest}", soft_wrap=True)
