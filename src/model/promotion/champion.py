"""Which bundle serves: one pointer file, swapped whole, and every earlier one kept.

The pointer wins over any registry, so that a service starts and a rollback works while
MLflow is down.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from leads.errors import DamagedBundle, NoModel, PromotionRefused
from leads.wholefile import replace_whole

POINTER: Final = "champion.json"
BUNDLES: Final = "bundles"
TERM: Final = {"version", "digest", "promoted_at"}


@dataclass(frozen=True, slots=True)
class Champion:
    """The bundle that serves, under which version, and since when."""

    version: str
    digest: str
    path: Path
    promoted_at: datetime


def read(store_folder: Path) -> Champion:
    """Say which bundle serves.

    Raises
    ------
    NoModel
        None was ever promoted.
    DamagedBundle
        The pointer file cannot be read.
    """
    return _champion(store_folder, _terms(store_folder)[-1])


def served(store_folder: Path) -> tuple[Champion, ...]:
    """List every bundle that ever served and is still there, the newest last.

    A bundle that served more than once stands where it last did; one that was rolled
    back comes before those that stand.

    Raises
    ------
    DamagedBundle
        The pointer file cannot be read.
    """
    pointer = _pointer(store_folder)
    terms = [*pointer.get("undone", ()), *pointer["terms"]]
    last = {term["digest"]: term for term in terms}
    order = sorted(last.values(), key=terms.index)
    every = (_champion(store_folder, term) for term in order)
    return tuple(one for one in every if one.path.is_dir())


def set_champion(
    store_folder: Path, bundle_path: Path, version: str, now: datetime
) -> Champion:
    """Let a bundle serve, once a child process has proved it whole.

    Setting the champion that already serves changes nothing. Safe to repeat after a
    crash at any point: the pointer names only bundles that are there.

    Raises
    ------
    DamagedBundle
        The bundle is not what its manifest says.
    """
    from model.bundle.check import verify_in_child  # who only reads it needs none
    from model.bundle.whole import Bundle  # who only reads it needs none

    verify_in_child(bundle_path)
    digest = Bundle.open(bundle_path).digest
    terms = _terms_or_none(store_folder)
    if not terms or terms[-1]["digest"] != digest:
        _keep(bundle_path, store_folder / BUNDLES / digest)
        term = {"version": version, "digest": digest, "promoted_at": now.isoformat()}
        _swap(store_folder, [*terms, term])
    return read(store_folder)


def roll_back(store_folder: Path, now: datetime) -> Champion:
    """Let the bundle before this one serve again.

    Raises
    ------
    NoModel
        None was ever promoted.
    PromotionRefused
        There was none before this one.
    DamagedBundle
        The earlier bundle is not whole any more; the present one goes on serving.
    """
    terms = _terms(store_folder)
    if len(terms) < 2:
        raise PromotionRefused(
            f"Version {terms[-1]['version']} is the first that ever served;"
            " there is nothing to go back to.",
            remedy="Train and promote another one.",
        )
    from model.bundle.whole import Bundle  # as above

    earlier = _champion(store_folder, terms[-2])
    Bundle.open(earlier.path, digest=earlier.digest)
    _swap(store_folder, terms[:-1], undone={**terms[-1], "undone_at": now.isoformat()})
    return earlier


def _champion(store_folder: Path, term: Mapping[str, str]) -> Champion:
    return Champion(
        version=term["version"],
        digest=term["digest"],
        path=store_folder / BUNDLES / term["digest"],
        promoted_at=datetime.fromisoformat(term["promoted_at"]),
    )


def _terms(store_folder: Path) -> list[dict[str, str]]:
    terms = _terms_or_none(store_folder)
    if not terms:
        raise NoModel(
            "No model is promoted.", remedy="Run train, then promote, with this config."
        )
    return terms


def _terms_or_none(store_folder: Path) -> list[dict[str, str]]:
    """Read the terms of all champions, oldest first, the serving one last."""
    terms: list[dict[str, str]] = _pointer(store_folder)["terms"]
    return terms


def _pointer(store_folder: Path) -> dict[str, Any]:
    path = store_folder / POINTER
    if not path.exists():
        return {"terms": [], "undone": []}
    try:
        pointer: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        whole = all(term.keys() >= TERM for term in pointer["terms"])
    except (ValueError, TypeError, KeyError, AttributeError):
        whole = False
    if not whole:
        raise DamagedBundle(
            f"{POINTER} cannot be read.",
            remedy=f"Remove {path.name} and promote a model again.",
        )
    return pointer


def _keep(source: Path, target: Path) -> None:
    """Copy a bundle into the store; it is there whole or not at all."""
    from model.bundle.whole import Bundle  # as above

    if target.is_dir():
        try:
            Bundle.open(target, digest=target.name)
        except DamagedBundle:
            shutil.rmtree(target)
        else:
            return
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".copying-", dir=target.parent))
    try:
        for item in sorted(source.iterdir()):
            shutil.copyfile(item, work / item.name)
            _flush(work / item.name)
        _flush(work)
        work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _flush(target.parent)


def _swap(
    store_folder: Path,
    terms: list[dict[str, str]],
    *,
    undone: Mapping[str, str] | None = None,
) -> None:
    pointer = {
        "terms": terms,
        "undone": [*_pointer(store_folder)["undone"], *([undone] if undone else [])],
    }
    replace_whole(store_folder / POINTER, json.dumps(pointer, indent=1).encode())
    _flush(store_folder)


def _flush(path: Path) -> None:
    """Make a file or a folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
