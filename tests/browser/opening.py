"""A page of the browser that notes what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page

PHONE, DESK = (375, 812), (1280, 900)
FAULTS = {"moderate", "serious", "critical"}
"""What axe calls a fault that keeps people out or slows them down."""


@contextmanager
def opened(browser: Browser, **options: Any) -> Iterator[Page]:
    """Open a page that notes what goes wrong, and see that nothing did."""
    context = browser.new_context(**options)
    wrong: list[str] = []
    page = context.new_page()
    page.on("console", lambda said: wrong.extend(complaint(said, page.url)))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: wrong.extend(foreign(request.url)))
    yield page
    context.close()
    assert wrong == []


def complaint(said: ConsoleMessage, page: str) -> list[str]:
    """Pass on what the browser says, but for a page that owns up to being missing."""
    own = said.location["url"] == page and "status of 404" in said.text
    return [] if own else [said.text]


def foreign(url: str) -> list[str]:
    """Name a request that leaves this machine."""
    return [] if url.startswith(("http://127.0.0.1:", "data:,", "file:")) else [url]
