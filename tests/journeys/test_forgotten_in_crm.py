"""Erasing a person read from a CRM leaves no byte of who they are in the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.crm.amocrm.line import client_of as amo_client
from tests.crm.bitrix24.portal import client_of as bitrix_client
from tests.journeys.messy import ANNA, LEADS, AmoTown, BitrixTown
from tests.pipelines.test_erase_traces import holding

from crm.amocrm.source import Amo
from crm.bitrix24.source import Portal
from crm.export import rules_of
from crm.port import Source
from leads.history import History
from leads.persons import gathered, keep, known_persons
from leads.settings import AmoSource, Bitrix24Source, Settings, Store
from leads.store import save
from leads.tombstones import without_buried
from pipelines.erase import erase_leads, leads_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SIGNS = ("Петрова", "Анна", "0003456780", "345-67-80", "anna@mail", "Anna+crm")
KEPT = ("Кедр", "Сидоров", "0001112233")
"""Of others, which must stay."""


@dataclass
class Reader:
    """Reads one CRM into a store, as ``ingest`` does."""

    settings: Settings
    source: Source

    def ingest(self) -> None:
        """Read what is new."""
        folder = self.settings.store.folder
        tables = without_buried(self.source.read(), folder)
        history = History(tables)
        people = gathered(
            self.source.people(), history, self.settings.clean, history.cut_off
        )
        keep(people, folder)
        save(tables, folder, origin=self.settings.origin)


@pytest.fixture(params=["bitrix24", "amocrm"])
def reader(request: pytest.FixtureRequest, tmp_path: Path) -> Reader:
    """Open a messy dump of either CRM."""
    folder = tmp_path / "store"
    database = f"sqlite:///{folder / 'leadcast.db'}"
    folder.mkdir()
    store = Store(folder=folder, database=database)
    if request.param == "bitrix24":
        portal = BitrixTown().portal
        asked = Bitrix24Source(kind="bitrix24", account="acme")
        settings = Settings(source=asked, store=store)
        return Reader(
            settings,
            Portal(
                asked, rules_of(settings), folder, database,
                open=lambda _: bitrix_client(portal),
            ),
        )  # fmt: skip
    town = AmoTown()
    told = AmoSource(kind="amocrm", account="acme", payments=("won",))
    settings = Settings(source=told, store=store)
    return Reader(
        settings,
        Amo(
            told, rules_of(settings), folder, database,
            now=lambda: town.amo.account.now + 10,
            open=lambda _: amo_client(town.amo),
        ),
    )  # fmt: skip


def test_tables_hold_nobodys_name(reader: Reader) -> None:
    """Phones, addresses and names stand in the persons and the raw rows alone."""
    reader.ingest()

    folder = reader.settings.store.folder
    found = holding(folder, *SIGNS, *KEPT)
    assert {name.split("/")[0] for name in found} <= {
        "persons.parquet", "bitrix24", "amocrm"
    }  # fmt: skip
    assert all((folder / name).stat().st_mode & 0o077 == 0 for name in found)
    persons = known_persons(folder)
    assert persons is not None
    assert persons.height == len(LEADS)


def test_no_byte_of_an_erased_person_is_left(reader: Reader) -> None:
    """Found by phone and by mail, gone everywhere, and not brought back."""
    reader.ingest()
    folder = reader.settings.store.folder
    before = holding(folder, *SIGNS)

    found = leads_of(reader.settings, [], email="anna@mail.example", phone=ANNA)
    erase_leads(reader.settings, found, now=NOW)

    assert len(found) == 2
    assert before
    assert holding(folder, *SIGNS) == set()
    assert all(holding(folder, sign) for sign in KEPT)
    reader.ingest()
    assert holding(folder, *SIGNS) == set()
