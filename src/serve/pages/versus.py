"""Which two versions are asked for, and how they compare, read from the store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from leads.errors import UnknownVersion
from model.comparison import shelf
from model.comparison.records import Comparison, Version


@dataclass(frozen=True, slots=True)
class Versus:
    """What the page of two versions shows.

    ``known`` are the names to choose from, ``old`` and ``new`` the ones asked for.
    Without ``facts``, ``missing`` says why.
    """

    known: tuple[str, ...]
    old: str | None = None
    new: str | None = None
    facts: Comparison | None = None
    missing: Literal["single", "unknown", "none"] | None = None


def versus(
    store_folder: Path, old: str | None = None, new: str | None = None
) -> Versus:
    """Look up how two versions compare; by default the two newest.

    Raises
    ------
    DamagedBundle
        The pointer to the model in use, or the comparison, cannot be read.
    """
    found = shelf.versions(store_folder)
    named = {one.version: one for one in found}
    names = tuple(named)
    asked = [name for name in (old, new) if name]
    if any(name not in named for name in asked):
        return Versus(names, old, new, missing="unknown")
    if len(names) < 2:
        return Versus(names, old, new, missing="single")
    second = named[new] if new else _last(found, without=old)
    first = named[old] if old else _last(found, without=second.version)
    facts = shelf.find(store_folder, first, second)
    return Versus(
        names, first.version, second.version, facts, None if facts else "none"
    )


def demanded(found: Versus) -> Comparison:
    """Give the comparison, or refuse as the API does.

    Raises
    ------
    UnknownVersion
        There is none; says why, and the way out.
    """
    if found.facts is not None:
        return found.facts
    known = ", ".join(found.known) or "none"
    if found.missing == "none":
        raise UnknownVersion(
            f"Versions {found.old} and {found.new} were not compared yet.",
            remedy=f"Run compare --from {found.old} --to {found.new} with this config.",
        )
    raise UnknownVersion(
        "There are no such two versions.",
        remedy=f"Known are: {known}. Train and promote another one.",
    )


def _last(found: tuple[Version, ...], *, without: str | None) -> Version:
    return [one for one in found if one.version != without][-1]
