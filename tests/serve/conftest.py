"""One invented company with two bundles, and a service that answers for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.serve.company import invented_tables, learned, settings_in

from leads import store
from leads.history import History
from leads.settings import PlaybookFile, Settings
from leads.tables import Tables
from model.bundle.whole import Bundle
from model.promotion import champion
from serve.app import create_app

PROMOTED_AT = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Company:
    """A folder with ingested tables, a champion and a second bundle to promote."""

    settings: Settings
    tables: Tables
    first: Bundle
    second: Bundle
    pointers: tuple[bytes, bytes]
    """The champion pointer while only the first, and after the second was promoted."""

    @property
    def history(self) -> History:
        """What was ingested."""
        return History(self.tables)

    def store_in(self, folder: Path) -> Path:
        """Copy the bundles into a store of one test's own, with no champion yet."""
        bundles = self.settings.store.folder / champion.BUNDLES
        shutil.copytree(bundles, folder / champion.BUNDLES)
        return folder

    def apart(self, folder: Path, **serve: object) -> Settings:
        """Make settings of the same store with a journal of one test's own."""
        return settings_in(folder, **serve).model_copy(
            update={
                "store": self.settings.store.model_copy(
                    update={"database": f"sqlite:///{folder / 'journal.db'}"}
                )
            }
        )

    def charted(self, folder: Path, text: str) -> Settings:
        """Make such settings with a playbook of one test's own."""
        path = folder / "playbook.yaml"
        path.write_text(text, encoding="utf-8")
        return self.apart(folder).model_copy(
            update={"playbook": PlaybookFile(file=path)}
        )


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Ingest, learn two bundles and promote the first."""
    folder = tmp_path_factory.mktemp("company")
    settings = settings_in(folder)
    tables = invented_tables()
    store.save(tables, settings.store.folder)
    first = learned(tables, settings, folder / "first")
    quicker = settings.model.model_copy(update={"learning_rate": 0.2, "seed": 8})
    other = settings.model_copy(update={"model": quicker})
    second = learned(tables, other, folder / "second")
    champion.set_champion(settings.store.folder, first.path, "1", PROMOTED_AT)
    pointer = settings.store.folder / champion.POINTER
    one = pointer.read_bytes()
    champion.set_champion(settings.store.folder, second.path, "2", PROMOTED_AT)
    two = pointer.read_bytes()
    point(settings.store.folder, one)
    return Company(settings, tables, first, second, (one, two))


def point(folder: Path, pointer: bytes) -> None:
    """Swap the champion pointer of a store, as a promotion does at its end."""
    fresh = folder / "fresh.json"
    fresh.write_bytes(pointer)
    fresh.replace(folder / champion.POINTER)


@pytest.fixture(scope="session")
def client(company: Company) -> Iterator[TestClient]:
    """Ask a service without keys; a failure inside answers 500, it does not raise."""
    app = create_app(company.settings)
    with TestClient(app, raise_server_exceptions=False) as asking:
        yield asking
