"""A portal as a source: read what is new, then tables of all that was ever read."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import structlog

from crm.bitrix24.cards import ALLOWANCE
from crm.bitrix24.client import Client
from crm.bitrix24.opening import open_client
from crm.bitrix24.persons import persons_of
from crm.bitrix24.reading import Reading
from crm.bitrix24.shelf import Shelf
from crm.bitrix24.tables import Gathering
from crm.bitrix24.words import Words
from crm.likeness import keep
from crm.port import Gate
from crm.transport import Patience
from crm.writeback.pace import account_gate
from leads.conform import Rules, conform
from leads.conform.raw import count_of
from leads.journal import Journal
from leads.persons import Person
from leads.settings import Bitrix24Source
from leads.tables import Tables

KIND = "bitrix24"
log = structlog.get_logger()

Open = Callable[[Gate], Client]


@dataclass(frozen=True)
class Portal:
    """A ``crm.port.Source`` over one Bitrix24 account.

    Parameters
    ----------
    source
        As configured.
    rules
        For the tables.
    folder
        The store; raw pages are kept under ``bitrix24/<account>``.
    database
        URL of the journal, where the account's limit is counted for all workers.
    """

    source: Bitrix24Source
    rules: Rules
    folder: Path
    database: str
    patience: Patience = field(default_factory=lambda: Patience(chance=random.Random()))
    open: Open | None = None

    def read(self) -> Tables:
        """Read what is new, and put all that was read into tables.

        Raises
        ------
        Unavailable
            The portal did not answer; what was read is kept, and the next run goes on.
        """
        shelf = Shelf(self.folder / KIND / self.source.account)
        with closing(Journal(self.database)) as journal:
            journal.upgrade()
            gate = account_gate(self.source, journal, ALLOWANCE)
            opened = self._opened(gate, journal)
            with closing(opened) as client:
                us = client.door.user
                Reading(
                    client,
                    shelf,
                    entity=self.source.entity,
                    patience=self.patience,
                    tell=lambda what: log.info("reading", what=what),
                ).run()
        return tables_of(shelf, self.rules, entity=self.source.entity, us=us)

    def people(self) -> Iterator[Person]:
        """Say who stands behind each lead; see ``crm.port.Source``."""
        shelf = Shelf(self.folder / KIND / self.source.account)
        return persons_of(shelf.pages(), entity=self.source.entity)

    def _opened(self, gate: Gate, journal: Journal) -> Client:
        if self.open:
            return self.open(gate)
        return open_client(self.source, gate, journal)


def tables_of(shelf: Shelf, rules: Rules, *, entity: str, us: str) -> Tables:
    """Put all pages of a shelf into tables.

    Raises
    ------
    BadInput
        They break a rule that no reading can mend.
    """
    words = Words()
    for page in shelf.pages():
        if page.stream == "words":
            words.learn(page.rows)
    gathering = Gathering(words, entity=entity, us=us)
    for page in shelf.pages():
        gathering.take(page)
    tables = conform(gathering.tables(), rules)
    notes = [
        f"Bitrix24: {count_of(count, 'row')} of {what} belong to none of the leads and"
        " were left out"
        for what, count in sorted(gathering.left_out.items())
    ]
    # Nothing new since the last event is known too: up to when we asked.
    asked = datetime.fromisoformat(shelf.cursor().began).astimezone(UTC)
    cut_off = max(tables.cut_off, asked)
    keep(shelf.folder, cut_off, gathering.likenesses())
    return replace(tables, cut_off=cut_off, notes=(*tables.notes, *notes))
