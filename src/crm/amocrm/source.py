"""An amoCRM account as a source: read what is new, then make tables of all of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from crm.amocrm.cards import ALLOWANCE
from crm.amocrm.client import AmoClient
from crm.amocrm.opening import open_account
from crm.amocrm.persons import persons_of
from crm.amocrm.reading import Reader, Told, logged
from crm.amocrm.shelf import Shelf
from crm.amocrm.tables import raw_tables
from crm.likeness import keep, likeness_of
from crm.port import Gate
from crm.transport import Patience
from crm.writeback.pace import account_gate
from leads.conform import Rules, conform
from leads.journal import Journal
from leads.persons import Person
from leads.settings import AmoSource
from leads.tables import Tables

KIND: Final = "amocrm"

Open = Callable[[Gate], AmoClient]


@dataclass(frozen=True)
class Amo:
    """``crm.port.Source`` of one account.

    Parameters
    ----------
    source
        As configured.
    rules
        For the tables.
    folder
        The store; what was read is kept under ``amocrm/<account>``.
    database
        URL of the journal, where the account's limit is counted for all workers.
    told
        Hears how far each stream is.
    now
        Gives seconds since 1970.
    open
        Opens the account; from the environment unless given.
    """

    source: AmoSource
    rules: Rules
    folder: Path
    database: str
    patience: Patience = field(default_factory=Patience)
    told: Told = logged
    now: Callable[[], float] = time.time
    open: Open | None = None

    def read(self) -> Tables:
        """Read everything that is new, and give all that is known.

        Raises
        ------
        Unavailable
            A page could not be read; what was read is kept, and the next run goes on.
        BadInput
            With every fault of the data.
        """
        paid = self.source.payments
        with closing(Shelf(self.folder / KIND / self.source.account)) as shelf:
            with closing(Journal(self.database)) as journal:
                journal.upgrade()
                gate = account_gate(self.source, journal, ALLOWANCE)
                with closing(self._opened(gate, journal)) as client:
                    reader = Reader(
                        client, shelf,
                        now=int(self.now()), patience=self.patience, told=self.told,
                    )  # fmt: skip
                    reader.run(
                        invoices="invoices" in paid, customers="customers" in paid
                    )
            return tables_of(shelf, self.rules, payments=paid)

    def people(self) -> list[Person]:
        """Say who stands behind each lead; see ``crm.port.Source``."""
        with closing(Shelf(self.folder / KIND / self.source.account)) as shelf:
            return list(persons_of(shelf))

    def _opened(self, gate: Gate, journal: Journal) -> AmoClient:
        if self.open:
            return self.open(gate)
        return open_account(self.source, gate, journal)


def tables_of(shelf: Shelf, rules: Rules, *, payments: Sequence[str]) -> Tables:
    """Put all that is on a shelf into tables, and keep how its cards look.

    Raises
    ------
    BadInput
        It breaks a rule that no reading can mend.
    """
    raw, notes = raw_tables(shelf, payments=payments)
    tables = conform(raw, rules)
    cards = {one.id: likeness_of(one.body) for one in shelf.newest("lead")}
    keep(shelf.folder, tables.cut_off, cards)
    return replace(tables, notes=(*notes, *tables.notes))
