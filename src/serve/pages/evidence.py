"""Which model is in use and what speaks for it, read from the store's plain files.

Only texts are read, after their digests were compared; no booster is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit, urlunsplit

from leads.errors import Unavailable
from leads.settings import Settings
from model.bundle.manifest import Manifest, checked
from model.bundle.reference import Reference
from model.card.sections import Section, Subject, sections
from model.features.catalog import Catalog, Words
from model.features.wording import subject_of
from model.leaks.findings import NOT_INSPECTED, Inspection
from model.promotion import champion
from model.proof.record import Proof
from model.survey.datacard import DataCard
from model.survey.readiness import Readiness
from model.tiers.borders import Borders


@dataclass(frozen=True, slots=True)
class Model:
    """Which model is in use, since when, and what its tiers are made by.

    There is no version before it is registered.
    """

    version: str
    digest: str
    promoted_at: datetime | None
    horizon_days: int
    by: Literal["chance", "money"] = "chance"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The model in use, its proof, its fields' words, and the data card if kept.

    ``leaks`` is what was looked at for leaks before it learned, ``sections`` its card.
    ``counted`` is the rate that its reasons call usual, None if it is not at hand.
    """

    model: Model
    proof: Proof
    fields: Mapping[str, Words] = field(default_factory=dict)
    card: DataCard | None = None
    leaks: Inspection = NOT_INSPECTED
    missing: Words | None = None
    """What is missing for a model, where there was too little data for one."""
    sections: tuple[Section, ...] = ()
    record: str | None = None
    """Where the version is on record, if the registry has an address."""
    counted: float | None = None

    @property
    def usual(self) -> float:
        """The rate that is called usual, on every page and in every reason.

        A reason counts every lead once, while the proof counts every snapshot of it.
        """
        return self.proof.base_rate if self.counted is None else self.counted


def read_evidence(store_folder: Path, settings: Settings | None = None) -> Evidence:
    """Read what speaks for the model in use.

    ``settings`` tell where the registry is, if anything is to link there.

    Raises
    ------
    NoModel
        None was ever promoted.
    DamagedBundle
        Its files are not what they were.
    """
    found = champion.read(store_folder)
    evidence = evidence_of(found.path, found.digest)
    model = replace(
        evidence.model, version=found.version, promoted_at=found.promoted_at
    )
    return replace(
        evidence,
        model=model,
        card=_card(store_folder),
        record=record_of(settings, found.version) if settings else None,
    )


def evidence_of(path: Path, digest: str) -> Evidence:
    """Read what speaks for a bundle that has not served yet.

    Raises
    ------
    DamagedBundle
        Its files are not what they were.
    """
    manifest, proof, fields, leaks, card = _kept(path, digest)
    ready = Readiness.kept(manifest.readiness)
    return Evidence(
        model=Model("", digest, None, manifest.horizon_days, _tiers_by(path, digest)),
        proof=proof,
        fields=fields,
        leaks=leaks,
        missing=ready.words if ready and not manifest.enough else None,
        sections=card,
        counted=_counted(path, digest),
    )


def record_of(settings: Settings, version: str) -> str | None:
    """Give the address of a version's record, where the registry has one.

    Whoever may log in does so there: a name and password in the address stay out.
    """
    parts = urlsplit(settings.store.tracking)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    host = parts.netloc.rpartition("@")[2]
    name = quote(settings.model.name, safe="")
    place = f"/models/{name}/versions/{quote(version, safe='')}"
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/") + "/", "", place))


@lru_cache(maxsize=4)
def _kept(
    path: Path, digest: str
) -> tuple[Manifest, Proof, Mapping[str, Words], Inspection, tuple[Section, ...]]:
    """Read what never changes of a bundle, once."""
    manifest, _ = checked(path, digest)
    catalog = Catalog.from_json((path / "catalog.json").read_text("utf-8"))
    proof = Proof.from_json((path / "proof.json").read_text("utf-8"))
    leaks = Inspection.from_facts(manifest.leaks)
    card = sections(Subject(digest, manifest, proof, catalog))
    return manifest, proof, field_words(catalog), leaks, card


@lru_cache(maxsize=4)
def _tiers_by(path: Path, digest: str) -> Literal["chance", "money"]:
    checked(path, digest)
    return Borders.from_json((path / "tiers.json").read_text("utf-8")).by


@lru_cache(maxsize=4)
def _counted(path: Path, digest: str) -> float:
    checked(path, digest)
    return Reference.from_json((path / "reference.json").read_text("utf-8")).rate


def _card(store_folder: Path) -> DataCard | None:
    try:
        return DataCard.load(store_folder)
    except Unavailable:
        return None


def field_words(catalog: Catalog) -> Mapping[str, Words]:
    """Name every business field."""
    return {feature.field: subject_of(feature) for feature in catalog.features}
