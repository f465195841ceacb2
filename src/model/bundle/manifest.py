"""Where a model comes from and what its files must be: read before anything else.

A bundle's digest is that of its manifest, which holds the digest of every other file,
so one short text in a pointer vouches for the whole folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from leads.errors import DamagedBundle, OtherFormat
from model.metrics import Measured

FORMAT: Final = 3
MANIFEST: Final = "manifest.json"
FILES: Final = (
    "booster.txt", "calibrator.json", "catalog.json", "golden.json", "linear.json",
    "proof.json", "reference.json", "tiers.json",
)  # fmt: skip
OPTIONAL: Final = ("amount.txt", "hazard.txt", "outlook.json", "spread.txt")
"""What a bundle holds if it could be learned; the manifest says whether."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Where a model comes from and what was proved of it.

    ``cut_off`` is the last moment the data knew of, ``learned_until`` the last one that
    a training outcome could depend on (both in microseconds since 1970 UTC, None if
    the leads are undated), ``split`` how test rows were told from training rows,
    ``leaks`` what the leak gate looked at and found, ``ladder`` each learner's log-loss
    out of fold and its weight in the blend, ``enough`` whether there were leads enough
    for a model (else it says the usual rate), ``readiness`` how many there were.
    ``git_dirty`` digests what the code had beyond ``git_commit``; empty if nothing.
    Nothing here depends on the clock or the machine.
    """

    horizon_days: int
    cut_off: int | None
    learned_until: int | None
    data_digest: str
    catalog_digest: str
    git_commit: str | None
    base_rate: float
    rounds: int
    ladder: Mapping[str, Mapping[str, float]]
    rows: Mapping[str, int]
    metrics: Mapping[str, Measured]
    split: Mapping[str, Any]
    settings: Mapping[str, Any]
    files: Mapping[str, str]
    format: int = FORMAT
    leaks: Mapping[str, Any] = field(default_factory=dict)
    enough: bool = True
    readiness: Mapping[str, int] = field(default_factory=dict)
    git_dirty: str = ""

    def to_json(self) -> str:
        """Write as JSON, the same text for the same manifest."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read what ``to_json`` wrote."""
        raw = json.loads(text)
        raw["metrics"] = {name: Measured(**m) for name, m in raw["metrics"].items()}
        return cls(**raw)


def checked(path: Path, digest: str | None) -> tuple[Manifest, str]:
    """Compare every digest of a bundle's folder; return its manifest and own digest.

    Raises
    ------
    OtherFormat
        Another version of Leadcast made it.
    DamagedBundle
        A file is missing, was changed, or does not belong there; all are named.
    """
    if not (path / MANIFEST).is_file():
        raise damaged(path, f"there is no {MANIFEST}")
    raw = (path / MANIFEST).read_bytes()
    found = sha256(raw)
    if digest is not None and found != digest:
        raise damaged(path, f"{MANIFEST} has digest {found:.12}, not {digest:.12}")
    try:
        _check_format(path, json.loads(raw.decode()))
        manifest = Manifest.from_json(raw.decode())
        files = dict(manifest.files)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise damaged(path, f"{MANIFEST} cannot be read") from error
    faults = _file_faults(path, files)
    if faults:
        raise damaged(path, "; ".join(faults))
    return manifest, found


def _check_format(path: Path, raw: Mapping[str, object]) -> None:
    """Look at the format before the rest, for a stranger's keys are not known here."""
    if raw["format"] != FORMAT:
        raise OtherFormat(
            f"The bundle {path.name:.20} has format {raw['format']!r}, this version of"
            f" Leadcast reads {FORMAT}.",
            remedy="Train and promote: what cannot be read does not stand in the way.",
        )


def _file_faults(path: Path, files: Mapping[str, str]) -> list[str]:
    there = {item.name for item in path.iterdir()} - {MANIFEST}
    wanted = {*FILES, *(name for name in OPTIONAL if name in files)}
    faults = [f"{name} is missing" for name in sorted(wanted - there)]
    faults += [f"{name} does not belong there" for name in sorted(there - wanted)]
    faults += [
        f"{name} was changed after it was written"
        for name in sorted(wanted)
        if name in there and sha256((path / name).read_bytes()) != files.get(name)
    ]
    return faults


def damaged(path: Path, what: str) -> DamagedBundle:
    """Make the refusal of a bundle."""
    return DamagedBundle(
        f"The bundle {path.name:.20} is damaged: {what}.",
        remedy="Register and promote a whole one, or roll back.",
    )


def sha256(content: bytes) -> str:
    """Digest bytes, in hex."""
    return hashlib.sha256(content).hexdigest()
