"""The pages as files: each one HTML that opens anywhere, with a JSON twin of its facts.

A file is swapped in whole or not at all. The list goes last, so that what it links to
is there, and files of leads no longer listed are removed only after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from leads.wholefile import replace_whole
from model.proof.record import Capacity
from serve.pages.index import PAGES
from serve.pages.links import FileLinks, file_of
from serve.pages.listing import Wanted
from serve.pages.portrait import dossier_page, plain_portrait
from serve.pages.rendering import compare_page, listing_page
from serve.pages.sight import Sight
from serve.pages.view import View

MOST_LISTED: Final = 1_000
MOST_PAGES: Final = 100
LEADS: Final = "leads"
DIGEST: Final = "digest"
"""A page that is written with its letter (``paper``), not here."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was written: the files a person opens first, and how much is in them.

    ``capacity`` is what other numbers of calls per week would gain or lose.
    """

    listing: Path
    proof: Path
    listed: int
    total: int
    pages: int
    capacity: tuple[Capacity, ...] = ()


def write_report(
    sight: Sight,
    folder: Path,
    *,
    now: datetime,
    listed: int = MOST_LISTED,
    pages: int = MOST_PAGES,
) -> Report:
    """Write the list of leads, the best leads' pages and the proof of the model.

    Parameters
    ----------
    folder
        Where ``leads.html``, ``model.html``, ``card.html``, ``backtest.html``,
        ``compare.html``, ``funnel.html``, ``playbook.html``, ``points.html``,
        ``team.html`` and ``leads/`` are kept.
    listed
        The most promising leads that the list holds; it says how many there are.
    pages
        Of those, how many get a page of their own.
    """
    listing = sight.listing(Wanted(), size=listed, seconds=None)
    chosen = [row.lead_id for row in listing.rows[:pages]]
    view = _view(sight, chosen, now)
    (folder / LEADS).mkdir(parents=True, exist_ok=True)
    written = _write_leads(sight, folder / LEADS, chosen, view)
    _write_whole(sight, folder, view)
    versions, trust = sight.versus(), sight.trust()
    write_page(folder / "compare.html", compare_page(versions, view), versions)
    write_page(folder / "leads.html", listing_page(listing, view), listing)
    _sweep(folder / LEADS, written)
    return Report(
        listing=folder / "leads.html",
        proof=folder / "model.html",
        listed=len(listing.rows),
        total=listing.total,
        pages=len(written),
        capacity=trust.capacity if trust else (),
    )


def _view(sight: Sight, chosen: Sequence[str], now: datetime) -> View:
    links = FileLinks(sight.settings.company.language, frozenset(chosen))
    return View.of(sight.settings, links, sight.fields(), written=now)


def _write_leads(
    sight: Sight, folder: Path, chosen: Sequence[str], view: View
) -> set[str]:
    inside = replace(view, links=FileLinks(view.wording.language, chosen, up="../"))
    written = set()
    for lead_id in chosen:
        dossier = sight.dossier(lead_id)
        if dossier is not None:
            name = file_of(lead_id)
            aside = sight.aside(lead_id)
            facts = plain_portrait(dossier, aside)
            write_page(folder / name, dossier_page(dossier, inside, aside), facts)
            written.add(Path(name).stem)
    return written


def _write_whole(sight: Sight, folder: Path, view: View) -> None:
    """Write every page that is looked up whole, or say on it what is not there."""
    for page in PAGES:
        if page.name != DIGEST:
            html, facts = page.shown(sight, view)
            missing = {"missing": view.wording.say(page.missing)}
            write_page(folder / f"{page.name}.html", html, facts or missing)


def write_page(path: Path, page: str, facts: Any) -> None:
    """Write a page with the JSON twin of its facts, the page last."""
    twin = orjson.dumps(facts, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
    replace_whole(path.with_suffix(".json"), twin)
    replace_whole(path, page.encode())


def _sweep(folder: Path, written: set[str]) -> None:
    """Remove the pages of leads that are no longer among the best."""
    for path in folder.glob("lead-*.*"):
        if path.suffix in {".html", ".json"} and path.stem not in written:
            path.unlink(missing_ok=True)
