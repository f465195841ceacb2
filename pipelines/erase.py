"""``erase``: forget a person everywhere, and keep them out of every ingest.

The person's leads are buried first: whatever stops the rest, no later ingest brings
them back. Then they leave the raw rows of the CRM, the table of persons, the receipts
of clean-ups, the outbox, the journal, the stored tables, the snapshots, the past leads
of every model, the rows of the back-test and the reports. Repeating it changes nothing
more.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import polars as pl
import typer

from crm.erasure import erase_pages
from crm.hearing.fresh import forget_seen
from crm.writeback.upkeep import forget_cards
from leads import store
from leads.errors import BadInput, Fault, Unavailable
from leads.forgetting import Forgotten, forget_leads
from leads.journal import Journal
from leads.persons import reached_by, strike
from leads.settings import Settings, read_settings
from leads.tables import SCHEMAS, FieldType, Tables
from leads.tombstones import bury, without
from leads.wholefile import replacing
from model.backtest.outcomes import strike_months
from model.backtest.weeks import strike_replayed
from model.comparison import shelf
from model.reasons.similar import strike_past
from pipelines.console import ConfigOption, log, out, table, verb
from pipelines.report import folder_of, report_leads
from pipelines.snapshot import FILE as SNAPSHOTS
from pipelines.tidying import strike_receipts

SHORTEST_PHONE: Final = 7
LAST_DIGITS: Final = 10
"""A country code may be written or not: numbers are the same if these digits are."""

LeadOption = Annotated[
    list[str] | None, typer.Option("--lead", metavar="ID", help="A lead; repeatable.")
]
MailOption = Annotated[
    str | None, typer.Option("--email", help="Every lead with this mail address.")
]
PhoneOption = Annotated[
    str | None, typer.Option("--phone", help="Every lead with this phone number.")
]


@dataclass(frozen=True)
class Act:
    """What was erased: leads, rows by table, rows of the journal, pages."""

    at: datetime
    leads: int
    rows: dict[str, int]
    journal: Forgotten
    pages: int
    cards: int = 0
    """Cards of the CRM of which all that was written is forgotten."""


@verb
def erase(
    config: ConfigOption,
    lead: LeadOption = None,
    email: MailOption = None,
    phone: PhoneOption = None,
) -> None:
    """Forget a person's leads in the journal, the tables and the reports."""
    settings = read_settings(config)
    found = leads_of(settings, lead or [], email=email, phone=phone)
    show(erase_leads(settings, found, now=datetime.now(UTC)))


def leads_of(
    settings: Settings, named: Sequence[str], *, email: str | None, phone: str | None
) -> list[str]:
    """List the leads of a person: those named, and those with the contact.

    A contact is looked for among the persons, and in every text field of the ingested
    cards, also in what a field held before.

    Raises
    ------
    BadInput
        Nobody is named, the contact cannot be one, or no lead has it.
    """
    if not (named or email or phone):
        fault = Fault("--lead", "is missing", "Name a lead, a mail or a phone.")
        raise BadInput.of("The command", [fault])
    wanted = [_mail(email)] if email else []
    if phone:
        wanted.append(_digits(phone))
    found = set(named)
    if wanted:
        folder = settings.store.folder
        tables = store.load(folder)
        having = _having(tables, [text for text in wanted if text]) | reached_by(
            folder, mails=[email] if email else (),
            last_digits=[_digits(phone)] if phone else (),
        )  # fmt: skip
        if not having:
            fault = Fault("the ingested cards", "no lead has it", "Check it.")
            raise BadInput.of("The contact", [fault])
        found |= having
    return sorted(found)


def erase_leads(settings: Settings, lead_ids: Sequence[str], *, now: datetime) -> Act:
    """Erase leads everywhere; the act counts what was there.

    Raises
    ------
    Unavailable
        The journal does not answer, or the store cannot be written; repeat it then.
    """
    folder = settings.store.folder
    bury(folder, lead_ids)
    kept = {"rows of the CRM": erase_pages(settings, lead_ids)}
    kept["persons"] = strike(folder, lead_ids)
    kept["receipts of clean-ups"] = strike_receipts(folder, lead_ids)
    with closing(Journal(settings.store.database)) as journal:
        journal.upgrade()
        cards = forget_cards(journal, lead_ids)
        forget_seen(journal, lead_ids)
        forgotten = forget_leads(journal, lead_ids)
    rows = _from_tables(settings, lead_ids) | _from_snapshots(folder, lead_ids)
    kept["past leads"] = strike_past(folder, lead_ids)
    kept["rows of the back-test"] = strike_months(folder, lead_ids)
    kept["rows of past weeks"] = strike_replayed(folder, lead_ids)
    kept["comparisons"] = shelf.forget(folder, lead_ids)
    rows |= {name: count for name, count in kept.items() if count}
    pages = _from_reports(settings, now)
    act = Act(now, len(lead_ids), rows, forgotten, pages, cards)
    # Counts alone: a log that names the erased would keep them.
    told = {"rows": rows, "pages": pages, "cards": cards, **asdict(forgotten)}
    log.info("erased", leads=act.leads, **told)
    return act


def _mail(text: str) -> str:
    return text.strip().casefold()


def _digits(text: str) -> str:
    digits = "".join(sign for sign in text if sign.isdigit())
    if len(digits) < SHORTEST_PHONE:
        fault = Fault("--phone", "is too short", "Write it with its area code.")
        raise BadInput.of("The command", [fault])
    return digits[-LAST_DIGITS:]


def _having(tables: Tables, wanted: Sequence[str]) -> set[str]:
    """Find the leads one of whose texts is a wanted mail or ends in wanted digits."""
    texts = [name for name, kind in tables.fields.items() if kind is FieldType.TEXT]
    numbers = [n for n, kind in tables.fields.items() if kind is FieldType.NUMBER]
    cards = [
        tables.leads.select("lead_id", text=pl.col(name).cast(pl.String))
        for name in texts
    ] + [
        tables.leads.select(
            "lead_id", text=pl.col(name).cast(pl.Decimal(38, 0), strict=False)
        ).with_columns(pl.col("text").cast(pl.String))
        for name in numbers
    ]
    changes = tables.field_changes.select("lead_id", text="value")
    said = pl.concat([*cards, changes]).drop_nulls("text")
    lowered = pl.col("text").str.strip_chars().str.to_lowercase()
    digits = pl.col("text").str.replace_all(r"\D", "").str.tail(LAST_DIGITS)
    is_one = lowered.is_in(list(wanted)) | (
        digits.is_in(list(wanted)) & (digits.str.len_chars() >= SHORTEST_PHONE)
    )
    return set(said.filter(is_one)["lead_id"])


def _from_tables(settings: Settings, lead_ids: Sequence[str]) -> dict[str, int]:
    """Store the tables without these leads, and throw every earlier state away."""
    folder = settings.store.folder
    try:
        tables, origin = store.load(folder), store.origin_of(folder)
    except Unavailable:
        return {}
    left = without(tables, lead_ids)
    rows = {name: tables[name].height - left[name].height for name in SCHEMAS}
    digest = store.save(left, folder, origin=origin)
    for earlier in (folder / "tables").iterdir():
        if earlier.is_dir() and earlier.name != digest:
            shutil.rmtree(earlier)
    return {name: count for name, count in rows.items() if count}


def _from_snapshots(folder: Path, lead_ids: Sequence[str]) -> dict[str, int]:
    path = folder / SNAPSHOTS
    if not path.exists():
        return {}
    kept = pl.read_parquet(path)
    left = kept.filter(~pl.col("lead_id").is_in(list(lead_ids)))
    with replacing(path) as draft:
        left.write_parquet(draft)
    gone = kept.height - left.height
    return {"snapshots": gone} if gone else {}


def _from_reports(settings: Settings, now: datetime) -> int:
    """Write the reports anew, which sweeps pages of leads that are no more."""
    if not folder_of(settings).exists():
        return 0
    return report_leads(settings, now=now).pages


def show(act: Act) -> None:
    """Print the act."""
    told = table("Act of erasure", "where", "rows")
    told.add_row("leads", f"{act.leads:,}")
    for name, count in asdict(act.journal).items():
        told.add_row(f"journal: {name}", f"{count:,}")
    told.add_row("outbox: cards", f"{act.cards:,}")
    for name, count in act.rows.items():
        told.add_row(f"stored {name}", f"{count:,}")
    out.print(told)
    out.print(f"at       {act.at:%Y-%m-%d %H:%M:%S} UTC")
    if act.pages:
        out.print(f"reports  written anew, {act.pages:,} leads with a page")
    out.print(
        "left     files of results, copies and the CRM itself;"
        " models hold no rows of leads but unnamed golden ones"
    )
