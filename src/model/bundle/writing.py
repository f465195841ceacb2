"""Writing a bundle: whole or not at all, with the golden rows it must give."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from model.bundle.manifest import MANIFEST, Manifest, sha256
from model.bundle.reference import Reference
from model.bundle.whole import Bundle, golden_answers
from model.features.catalog import Catalog, FeatureTable
from model.learners.calibration import Calibrator
from model.learners.linear import Linear
from model.outlook.forecast import Forecast
from model.proof.record import NO_PROOF, Proof
from model.tiers.borders import Borders

UNSEEN: Final = "\0"
"""Stands in golden rows for every text that is no level; no text of a card has it."""


@dataclass(frozen=True)
class Contents:
    """What goes into a bundle, before it has a digest."""

    booster: str
    linear: Linear
    calibrator: Calibrator
    catalog: Catalog
    borders: Borders
    reference: Reference
    golden: FeatureTable
    facts: Mapping[str, Any]
    """Every field of ``Manifest`` but ``files`` and ``format``."""
    proof: Proof = NO_PROOF
    forecast: Forecast | None = None


def write_bundle(folder: Path, contents: Contents) -> Bundle:
    """Write a bundle as a new folder that appears whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder.parent))
    try:
        _write_files(work, contents)
        shutil.rmtree(folder, ignore_errors=True)
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Bundle.open(folder)


def _write_files(folder: Path, contents: Contents) -> None:
    texts = {
        "booster.txt": contents.booster,
        "linear.json": contents.linear.to_json(),
        "calibrator.json": contents.calibrator.to_json(),
        "catalog.json": contents.catalog.to_json(),
        "reference.json": contents.reference.to_json(),
        "tiers.json": _json(asdict(contents.borders)),
        "golden.json": "{}",
        "proof.json": contents.proof.to_json(),
        **(contents.forecast.files() if contents.forecast else {}),
    }
    _write_all(folder, texts, contents.facts)
    unproved = Bundle.open(folder)
    texts["golden.json"] = _json(
        {"columns": _columns(contents.catalog, contents.golden)}
        | golden_answers(unproved, contents.golden)
    )
    _write_all(folder, texts, contents.facts)


def _write_all(
    folder: Path, texts: Mapping[str, str], facts: Mapping[str, Any]
) -> None:
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode())
    files = {name: sha256(text.encode()) for name, text in texts.items()}
    (folder / MANIFEST).write_bytes(Manifest(files=files, **facts).to_json().encode())


def _columns(catalog: Catalog, table: FeatureTable) -> dict[str, list[Any]]:
    numbers = table.numbers.astype(object)
    numbers[np.isnan(table.numbers)] = None
    texts = [
        [_as_seen(text, catalog.levels[feature.name]) for text in column]
        for feature, column in zip(catalog.text_features, table.texts.T, strict=True)
    ]
    columns = [*numbers.T.tolist(), *texts]
    return dict(zip(catalog.names, columns, strict=True))


def _as_seen(text: str | None, levels: Sequence[str]) -> str | None:
    """Leave a text out that is no level: the model does not see it, others could."""
    return text if text is None or text in levels else UNSEEN


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(
        value, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False
    )
