"""What a company's playbook may name, and where its versions are kept.

Apart from ``serve.planning``, so that who only reads a playbook needs no journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from leads.errors import BadConfig, NoModel
from leads.history import History
from leads.settings import Settings
from model.features.catalog import Catalog
from model.features.wording import subject_of
from model.promotion import champion
from playbook import Playbook, World, read_playbook
from playbook.text import Text

KEPT: Final = "playbook"


def kept_folder(settings: Settings) -> Path:
    """Say where versions of the playbook and its last test are kept."""
    return settings.store.folder / KEPT


def world_of(settings: Settings, history: History | None) -> World:
    """List what the company's playbook may name."""
    company, calendar = settings.company, settings.company.calendar
    titles, reasons = _fields(settings)
    asked = frozenset(settings.criteria.fields)
    words: dict[str, Text] = dict(titles)
    words |= {k: {"en": t.en, "ru": t.ru} for k, t in settings.words.items()}
    if history is None:
        return World(
            words=words, language=company.language, zone=company.timezone,
            country=calendar.country, region=calendar.region, criteria=asked,
        )  # fmt: skip
    made = World.of(
        history.tables,
        reasons=reasons,
        changeable=company.changeable,
        words=words,
        language=company.language,
        zone=company.timezone,
    )
    return replace(
        made, criteria=asked, country=calendar.country, region=calendar.region
    )


def _fields(settings: Settings) -> tuple[Mapping[str, Text], frozenset[str] | None]:
    """Name the business fields of the model in use; None if there is no model."""
    try:
        found = champion.read(settings.store.folder)
        text = (found.path / "catalog.json").read_text("utf-8")
    except (NoModel, FileNotFoundError):  # whoever serves it says that it is not there
        return {}, None
    features = Catalog.from_json(text).features
    named = {one.field: subject_of(one) for one in features}
    titles = {name: {"en": words.en, "ru": words.ru} for name, words in named.items()}
    return titles, frozenset(titles)


def playbook_of(settings: Settings, history: History | None) -> Playbook:
    """Read the playbook that is configured.

    Raises
    ------
    BadConfig
        None is configured, or it has faults.
    """
    if settings.playbook is None:
        raise BadConfig(
            "No playbook is configured.",
            remedy='Add [playbook] file = "…" to the configuration.',
        )
    return read_playbook(settings.playbook.file, world_of(settings, history))
