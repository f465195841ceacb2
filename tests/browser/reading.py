"""What a page says in words, and how that is held against what it must say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from playwright.sync_api import Page

from leads.settings import Conversion
from serve.pages.wording import Wording

Facts = Mapping[str, Any]
Says = Iterator[str]

TEXT: Final = """() => {
  const walker = document.createTreeWalker(
    document.querySelector('main'), NodeFilter.SHOW_TEXT);
  const told = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.parentElement.closest('svg, pre, script, select')) told.push(node.data);
  }
  return told.join('\\u0001');
}"""
DIGITS: Final = re.compile(r"\d+")


def read_main(page: Page) -> str:
    """Give all that a page says in words, hidden parts and all, but for its charts."""
    return plain(str(page.evaluate(TEXT)).replace("\u0001", " "))


def plain(text: str | None) -> str:
    """Take blanks of all kinds for one."""
    return re.sub(r"\s+", " ", text or "").strip()


def differences(text: str, said: Iterable[str]) -> tuple[list[str], list[str]]:
    """Hold a page against what it must say.

    Returns
    -------
    tuple
        What is not on the page, and the numbers on it that nothing accounts for.
    """
    missing = []
    for part in sorted(map(plain, said), key=len, reverse=True):
        if part and part not in text:
            missing.append(part)
        elif part:
            text = text.replace(part, "\u0002", 1)
    around = [
        text[max(0, found.start() - 30) : found.end() + 15]
        for found in DIGITS.finditer(text)
    ]
    return missing, around


def at(iso: str) -> datetime:
    """Read a moment."""
    return datetime.fromisoformat(iso)


def whole_money(minor: int | None, currency: str | None, w: Wording) -> str:
    """Say an amount without its cents."""
    return "" if minor is None else w.money(round(minor / 100) * 100, currency or "")


def goal(days: int, w: Wording) -> str:
    """Say what the chance is a chance of: the company converts by paying."""
    return w.goal(Conversion(), days)
