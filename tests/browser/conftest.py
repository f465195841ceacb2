"""A real browser, and the pages served to it from a thread of this process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, sync_playwright
from tests.browser.company import Live, opened_company, serving
from tests.serve import example

from serve.pages import attach
from serve.pages.sight import Sight

NAMES = ("chromium-headless-shell", "chromium", "google-chrome")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic", "--no-first-run",
)  # fmt: skip
HOSTILE = '<script>alert("x")</script>/../\u202e?a=b#c'


@dataclass(frozen=True)
class Site:
    """Where the pages are served, and a lead to look at."""

    address: str
    best: str
    leads: int


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the browser that is installed; nothing is downloaded."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"BROWSER ABSENT: none of {', '.join(NAMES)}; no page was opened")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Serve a whole company whose model has learned everything; once for all tests."""
    with opened_company(tmp_path_factory.mktemp("company")) as served:
        yield served


@pytest.fixture(scope="module")
def sight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sight]:
    """Open a company with 120 leads, one of them with a hostile id."""
    ids = [*example.lead_ids(119), HOSTILE]
    with example.sight(tmp_path_factory.mktemp("browser"), ids) as opened:
        yield opened


@pytest.fixture(scope="module")
def site(sight: Sight) -> Iterator[Site]:
    """Serve the pages on a free port of this machine."""
    app = FastAPI()
    attach(app, sight)
    best = next(lead for lead, *_ in sight.journal.ranking() if "L-" in lead)
    with serving(app) as address:
        yield Site(address, best, leads=120)
