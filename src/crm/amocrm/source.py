"""An amoCRM account as a source: read what is new, then make tables of all of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from crm.amocrm.opening import open_client
from crm.amocrm.reading import Reader, logged
from crm.amocrm.shelf import Shelf
from crm.amocrm.tables import raw_tables
from crm.port import Gate
from crm.transport import Patience
from leads.conform import Rules, conform
from leads.settings import AmoSource
from leads.tables import Tables

Told = Callable[[str, int], None]


@dataclass(frozen=True)
class Amo:
    """``crm.port.Source`` of one account.

    Parameters
    ----------
    source
        The section of the configuration.
    rules
        What the source leaves open; the account tells the currency.
    gate
        Where every request passes.
    folder
        Where pages are kept between runs.
    told
        Hears how far each stream is.
    now
        Gives seconds since 1970.
    """

    source: AmoSource
    rules: Rules
    gate: Gate
    folder: Path
    told: Told = logged
    now: Callable[[], float] = time.time
    patience: Patience = field(default_factory=Patience)

    def read(self) -> Tables:
        """Read everything that is new, and give all that is known.

        Raises
        ------
        Unavailable
            A page could not be read; the next run goes on there.
        BadInput
            With every fault of the data.
        """
        paid = self.source.payments
        with closing(Shelf(self.folder)) as shelf:
            with closing(open_client(self.source, self.gate)) as client:
                reader = Reader(
                    client, shelf,
                    now=int(self.now()), patience=self.patience, told=self.told,
                )  # fmt: skip
                reader.run(invoices="invoices" in paid, customers="customers" in paid)
            raw, notes = raw_tables(shelf, payments=paid)
        tables = conform(raw, self.rules)
        return replace(tables, notes=(*notes, *tables.notes))
