"""Where comparisons are kept: one file per pair of bundles, swapped in whole.

Beside the bundles rather than in them: a bundle is proved once, but two versions are
compared whenever a new one comes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

from leads.errors import DamagedBundle
from leads.wholefile import replace_whole
from model.comparison.records import Comparison, Version
from model.promotion import champion

FOLDER: Final = "comparisons"
CHALLENGER: Final = "challenger"
"""What a version is called that was trained and never served."""

LETTERS: Final = 16
"""Of each digest, in a file's name."""


def keep(comparison: Comparison, store_folder: Path) -> Path:
    """Keep a comparison; a later one of the same pair takes its place."""
    path = _path(store_folder, comparison.old.digest, comparison.new.digest)
    replace_whole(path, comparison.to_json().encode())
    return path


def kept(store_folder: Path) -> tuple[Comparison, ...]:
    """Read all comparisons, the newest first; one that is damaged is passed over."""
    folder = store_folder / FOLDER
    if not folder.is_dir():
        return ()
    files = sorted(folder.glob("*.json"), key=lambda path: -path.stat().st_mtime_ns)
    found = []
    for path in files:
        try:
            found.append(Comparison.from_json(path.read_text("utf-8")))
        except DamagedBundle:
            continue
    return tuple(found)


def versions(store_folder: Path) -> tuple[Version, ...]:
    """List what can be compared: all that ever served, then what was only trained."""
    served = [
        Version(one.version, one.digest, one.promoted_at.isoformat())
        for one in champion.served(store_folder)
    ]
    known = {one.digest for one in served}
    trained = {}
    for comparison in reversed(kept(store_folder)):
        for one in (comparison.old, comparison.new):
            if one.digest not in known:
                trained[one.digest] = Version(CHALLENGER, one.digest)
    # Of several that were only trained the newest is meant.
    return (*served, *list(trained.values())[-1:])


def find(store_folder: Path, old: Version, new: Version) -> Comparison | None:
    """Find how two versions compare, under the names they are known by today."""
    path = _path(store_folder, old.digest, new.digest)
    if not path.is_file():
        return None
    found = Comparison.from_json(path.read_text("utf-8"))
    return replace(found, old=old, new=new)


def forget(store_folder: Path, lead_ids: Collection[str]) -> int:
    """Drop the moves of some leads from every comparison; return how many there were.

    A damaged file is removed whole: nobody can say who is in it.
    """
    gone, buried = 0, set(lead_ids)
    for path in (store_folder / FOLDER).glob("*.json"):
        try:
            found = Comparison.from_json(path.read_text("utf-8"))
        except DamagedBundle:
            path.unlink()
            continue
        left = tuple(move for move in found.moves if move.lead_id not in buried)
        if len(left) < len(found.moves):
            gone += len(found.moves) - len(left)
            replace_whole(path, replace(found, moves=left).to_json().encode())
    return gone


def _path(store_folder: Path, old: str, new: str) -> Path:
    return store_folder / FOLDER / f"{old[:LETTERS]}-{new[:LETTERS]}.json"
