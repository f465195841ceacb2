"""A journal with an outbox and an inbox, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.crm.writeback.saying import decide

from crm.hearing.tables import HINTS
from crm.writeback.offering import Offering
from leads.journal import Journal

assert HINTS.metadata.tables  # imported for its tables


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Every test of speaking and hearing runs on both databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'journal.db'}"
    postgres_url: str = request.getfixturevalue("postgres_url")
    return postgres_url


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    """Open an empty journal that offers every prediction to its card."""
    opened = Journal(url, also=Offering("acme", decide, step=5))
    opened.upgrade()
    yield opened
    opened.close()
