"""The digest as files: a page that opens anywhere, its JSON twin, and for Telegram.

The facts are gathered once, so that page, letter and message say the same.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from serve.pages.digest import Digest
from serve.pages.letter import Letter, letter_of, telegram_of
from serve.pages.links import FileLinks, file_of
from serve.pages.morning import digest_of
from serve.pages.rendering import digest_page
from serve.pages.report import LEADS, swap_in, write_page
from serve.pages.sight import Sight
from serve.pages.view import View, message_page

PAGE: Final = "digest.html"
TELEGRAM: Final = "digest.telegram.txt"


@dataclass(frozen=True, slots=True)
class Paper:
    """A morning's digest, written; ``facts`` is None if nothing was ever predicted."""

    facts: Digest | None
    telegram: str


def write_digest(sight: Sight, folder: Path, *, now: datetime) -> Paper:
    """Write ``digest.html``, ``digest.json`` and ``digest.telegram.txt``."""
    facts = digest_of(sight, seconds=None)
    folder.mkdir(parents=True, exist_ok=True)
    view = _view(sight, [] if facts is None else _linked(facts, folder), now)
    if facts is None:
        say = view.wording.say
        title, how = say("digest.none"), say("digest.none.how")
        swap_in(folder / TELEGRAM, f"{title}. {how}\n".encode())
        write_page(folder / PAGE, message_page(title, how, view), {"missing": title})
        return Paper(None, "")
    telegram = telegram_of(facts, view)
    swap_in(folder / TELEGRAM, f"{telegram}\n".encode())
    twin = {**asdict(facts), "telegram": telegram}
    write_page(folder / PAGE, digest_page(facts, view), twin)
    return Paper(facts, telegram)


def letter_now(sight: Sight, *, now: datetime) -> Letter | None:
    """Write the digest as an e-mail; None if nothing was ever predicted."""
    facts = digest_of(sight, seconds=None)
    return None if facts is None else letter_of(facts, _view(sight, [], now))


def _linked(facts: Digest, folder: Path) -> list[str]:
    """List the leads of a digest that have a page of their own beside it."""
    named = [call.row.lead_id for call in facts.calls]
    named += [one.lead_id for one in facts.changes.leads] if facts.changes else []
    named += [one.lead_id for one in facts.missed.leads] if facts.missed else []
    named += facts.yesterday.converted if facts.yesterday else []
    leads = folder / LEADS
    return [lead_id for lead_id in named if (leads / file_of(lead_id)).exists()]


def _view(sight: Sight, linked: Collection[str], now: datetime) -> View:
    links = FileLinks(sight.settings.company.language, frozenset(linked))
    return View.of(sight.settings, links, sight.fields(), written=now)
