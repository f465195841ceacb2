"""Past leads that the model saw alike: kept beside a bundle, found again by distance.

Alike means alike in what the model made of them: the log-odds that each business field
gave. Two leads with one chance for other reasons lie far apart, and a field that does
not count for the model does not count here either.

The file of a model holds no lead's id, name, contact or free text: a salted digest of
the id (so that a lead is not its own neighbour, and can be struck out), the day, the
chance and tier this model gives to what was known then, the outcome, and stage and
source where the model itself knows them as levels.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from leads.decision import Prediction, Tier
from leads.wholefile import replace_whole
from model.metrics import Codes

FOLDER: Final = "past"
MOST_PAST: Final = 20_000
NEAREST: Final = 5
EPOCH_DAY: Final = date(1970, 1, 1)
NO_LEVEL: Final = -1
NO_DAY: Final = -1
TIERS: Final = tuple(Tier)
DAMAGE: Final = (
    OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, IndexError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What reading a file raises that is not there, or not whole."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A past lead like this one, and what became of it.

    ``day`` is when it was looked at (None in a table without times), ``chance`` and
    ``tier`` what the model says of that moment, ``days`` how long until it converted
    (None if it did not, or if only the outcome is known), ``distance`` how unlike it
    is, in log-odds.
    """

    day: date | None
    chance: float
    tier: Tier
    converted: bool
    days: float | None
    stage: str | None
    source: str | None
    distance: float


@dataclass(frozen=True, eq=False)
class Past:
    """The past leads of one model, n snapshots in all.

    ``shares`` is (n, f) float32 in the order of ``names``, the business fields; ``key``
    (n,) a salted digest of each lead's id; ``day`` counts from 1970, -1 where there is
    no clock; ``stage`` and ``source`` are places in ``stages`` and ``sources``, -1
    where the model knows no such level.
    """

    digest: str
    names: tuple[str, ...]
    shares: npt.NDArray[np.float32]
    key: npt.NDArray[np.uint64]
    day: npt.NDArray[np.int32]
    chance: npt.NDArray[np.float32]
    tier: npt.NDArray[np.int8]
    converted: npt.NDArray[np.bool_]
    days: npt.NDArray[np.float32]
    stage: npt.NDArray[np.int16]
    source: npt.NDArray[np.int16]
    stages: tuple[str, ...]
    sources: tuple[str, ...]

    def nearest(
        self, prediction: Prediction, count: int = NEAREST
    ) -> tuple[Neighbour, ...]:
        """Find the past leads most like a predicted one, each lead once, nearest first.

        Empty if the prediction is another model's or was made without reasons.
        """
        if prediction.bundle_digest != self.digest or not prediction.shares:
            return ()
        mine = np.array([prediction.shares.get(n, 0.0) for n in self.names])
        apart = np.sqrt(np.square(self.shares - mine).sum(axis=1))
        apart[self.key == key_of(prediction.lead_id, self.digest)] = np.inf
        chosen = self._once(apart, count)
        return tuple(self._neighbour(place, float(apart[place])) for place in chosen)

    def without(self, lead_ids: Collection[str]) -> Past:
        """Strike leads out, as when a person asks to be forgotten."""
        keys = np.array([key_of(one, self.digest) for one in lead_ids], np.uint64)
        kept = ~np.isin(self.key, keys)
        rows = {
            name: value[kept]
            for name, value in _columns(self).items()
            if isinstance(value, np.ndarray)
        }
        return Past(**{**_columns(self), **rows})

    def _once(self, apart: npt.NDArray[np.float64], count: int) -> list[int]:
        """Take the nearest snapshots, no two of one lead, in an order without chance.

        A lead has few snapshots, so the nearest stretch nearly always suffices.
        """
        order: Codes = np.argsort(apart, kind="stable")
        chosen: dict[int, int] = {}
        for place in order.tolist():
            if len(chosen) == count or not np.isfinite(apart[place]):
                break
            chosen.setdefault(int(self.key[place]), place)
        return list(chosen.values())

    def _neighbour(self, place: int, distance: float) -> Neighbour:
        days = float(self.days[place])
        return Neighbour(
            day=_day(int(self.day[place])),
            chance=float(self.chance[place]),
            tier=TIERS[self.tier[place]],
            converted=bool(self.converted[place]),
            days=None if np.isnan(days) else days,
            stage=_level(self.stages, int(self.stage[place])),
            source=_level(self.sources, int(self.source[place])),
            distance=distance,
        )


def key_of(lead_id: str, digest: str) -> int:
    """Give a lead's key within one model's file; models cannot be joined by it."""
    salted = hashlib.sha256(f"{digest}\n{lead_id}".encode("utf-8", "surrogatepass"))
    return int.from_bytes(salted.digest()[:8], "big")


def path_of(store_folder: Path, digest: str) -> Path:
    """Say where the past leads of a model are kept."""
    return store_folder / FOLDER / f"{digest}.npz"


def write_past(past: Past, store_folder: Path) -> Path:
    """Keep the past leads of a model; the file appears whole or not at all."""
    path = path_of(store_folder, past.digest)
    packed = io.BytesIO()
    arrays: dict[str, Any] = _columns(past)
    np.savez_compressed(packed, allow_pickle=False, **arrays)
    replace_whole(path, packed.getvalue())
    return path


def read_past(store_folder: Path, digest: str) -> Past | None:
    """Read the past leads of a model; None if there are none, or they are damaged."""
    try:
        with path_of(store_folder, digest).open("rb") as file:
            kept = np.load(file, allow_pickle=False)
            raw: dict[str, Any] = {name: kept[name] for name in kept.files}
        for name in ("names", "stages", "sources"):
            raw[name] = tuple(str(text) for text in raw[name])
        past = Past(**{**raw, "digest": str(raw["digest"])})
    except DAMAGE:
        return None
    return past if past.digest == digest else None


def strike_past(store_folder: Path, lead_ids: Collection[str]) -> int:
    """Strike leads out of every model's past leads; count the snapshots gone.

    A file that cannot be read goes as a whole: it could hold anybody, and the next
    promotion writes it anew.
    """
    gone = 0
    for path in sorted((store_folder / FOLDER).glob("*.npz")):
        past = read_past(store_folder, path.stem)
        if past is None:
            path.unlink()
            continue
        left = past.without(lead_ids)
        if len(left.key) < len(past.key):
            write_past(left, store_folder)
            gone += len(past.key) - len(left.key)
    return gone


def _columns(past: Past) -> dict[str, Any]:
    return {one.name: getattr(past, one.name) for one in fields(past)}


def _day(count: int) -> date | None:
    return None if count == NO_DAY else EPOCH_DAY + timedelta(days=count)


def _level(levels: tuple[str, ...], place: int) -> str | None:
    return None if place == NO_LEVEL else levels[place]
