"""The papers say what the code does: every verb, setting, route and exit code."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from leads import settings
from pipelines.__main__ import VERBS

ROOT = Path(__file__).parent.parent
PAPERS = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
README = "\n".join(paper.read_text(encoding="utf-8") for paper in PAPERS)
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
SECTIONS: dict[str, type[BaseModel]] = {
    "company": settings.Company,
    "source": settings.FilesSource,
    "source.table": settings.TableSource,
    "source.sql": settings.SqlSource,
    "source.map": settings.TableMap,
    "source.bitrix24": settings.Bitrix24Source,
    "conversion": settings.Conversion,
    "snapshots": settings.Snapshots,
    "funnel": settings.Funnel,
    "model": settings.Model,
    "tiers": settings.Tiers,
    "promotion": settings.Promotion,
    "store": settings.Store,
    "journal": settings.JournalKept,
    "daily": settings.Daily,
    "playbook": settings.PlaybookFile,
    "stage_map": settings.StageMap,
    "criteria": settings.Criteria,
    "routing": settings.Routing,
    "routing.person": settings.Person,
    "words": settings.Title,
    "serve": settings.Serve,
    "questionnaire": settings.Question,
    "audit": settings.Audit,
    "clean": settings.Clean,
    "crm": settings.Crm,
    "crm.moves": settings.CrmMove,
}


def _keys() -> Iterator[tuple[str, str]]:
    for section, model in SECTIONS.items():
        for key in model.model_fields:
            yield section, key


@pytest.mark.parametrize(("section", "key"), list(_keys()))
def test_setting_is_in_readme(section: str, key: str) -> None:
    """Every key of the configuration is described in README's tables."""
    assert f"`{key}`" in README, f"[{section}] {key} is not described"


def test_every_settings_section_is_checked() -> None:
    """A section that is added later cannot escape the check of its keys."""
    found = {name for name in settings.Settings.model_fields if name != "source"}

    assert found == {s for s in SECTIONS if "source" not in s and "." not in s}


@pytest.mark.parametrize("name", VERBS)
def test_verb_is_in_readme(name: str) -> None:
    """Every command is shown in README."""
    assert re.search(rf"`?(pipelines )?{name}\b", README)


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_links_lead_somewhere(paper: Path) -> None:
    """Every link of README and of the pages beside it is a file of the project."""
    text = paper.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text)

    assert [link for link in links if not (paper.parent / link).exists()] == []


@pytest.mark.parametrize(
    "paper", [ROOT / "ARCHITECTURE.md", *PAPERS], ids=lambda paper: paper.name
)
def test_paths_named_in_papers_exist(paper: Path) -> None:
    """No paper sends anybody to a file of the code that is not there."""
    text = paper.read_text(encoding="utf-8")
    named = re.findall(r"`((?:src|pipelines|tests|docs)/[\w/.]+)", text)

    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_row_of_architecture_opens_a_file() -> None:
    """A bare name in a row is a file of one of the folders that the row names."""
    rows = [line for line in ARCHITECTURE.split("\n") if line.startswith("| ")][1:]
    lost = []
    for row in rows:
        named = re.findall(r"`((?:src|pipelines)/[\w/.]+)`", row)
        folders = {path if path.endswith("/") else Path(path).parent for path in named}
        bare = re.findall(r"`(\w+(?:\.py|/))`", row)
        lost += [
            name
            for name in bare
            if not any((ROOT / folder / name).exists() for folder in folders)
        ]

    assert len(rows) > 40
    assert lost == []


def test_no_tracked_file_names_this_machine() -> None:
    """Nothing that is committed holds a home or work folder of some machine."""
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    texts = [
        ROOT / name
        for name in files
        if name.endswith((".py", ".md", ".toml", ".ipynb", ".html"))
    ]
    place = re.compile(r"(^|[^A-Za-z0-9_.])/(work|root|home)/", re.MULTILINE)

    assert texts
    assert [p.name for p in texts if place.search(p.read_text("utf-8"))] == []
