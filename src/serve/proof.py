"""The proof of a model, as its training left it: counted on cases it had not seen.

Only the shape and the reading; the counting is done where the model is evaluated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from leads.decision import Tier
from leads.errors import DamagedBundle

PROOF: Final = "proof.json"
"""The file's name inside a bundle."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure with its 95% interval; ``base`` is what the base rate alone gets."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    base: float | None = None


@dataclass(frozen=True, slots=True)
class Bin:
    """Cases of like probability: what was said on average, what part converted."""

    said: float
    happened: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Gain:
    """The best ``called`` part of the leads holds ``found`` of all successes."""

    called: float
    found: float


@dataclass(frozen=True, slots=True)
class TierProof:
    """What was said and what happened in one tier."""

    tier: Tier
    count: int
    converted: int
    said: float | None
    happened: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Bar:
    """How many cases got a probability in ``[low, high)``."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Proof:
    """Everything the page of proof shows of a model."""

    count: int
    base_rate: float
    measures: tuple[Measure, ...] = ()
    reliability: tuple[Bin, ...] = ()
    gains: tuple[Gain, ...] = ()
    tiers: tuple[TierProof, ...] = ()
    histogram: tuple[Bar, ...] = ()
    data: Mapping[str, int | str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, text: str) -> Proof:
        """Read what the evaluation wrote.

        Raises
        ------
        DamagedBundle
            The text is not such a proof.
        """
        try:
            raw = json.loads(text)
            return cls(
                count=raw["count"],
                base_rate=raw["base_rate"],
                measures=tuple(Measure(**item) for item in raw["measures"]),
                reliability=tuple(Bin(**item) for item in raw["reliability"]),
                gains=tuple(Gain(**item) for item in raw["gains"]),
                tiers=tuple(_tier(item) for item in raw["tiers"]),
                histogram=tuple(Bar(**item) for item in raw["histogram"]),
                data=raw.get("data", {}),
            )
        except (ValueError, TypeError, KeyError) as error:
            raise DamagedBundle(
                f"The proof of the model cannot be read: {error!r}.",
                remedy="Train and promote the model again.",
            ) from error


def _tier(item: Mapping[str, Any]) -> TierProof:
    return TierProof(**{**item, "tier": Tier(item["tier"])})


def read_proof(bundle: Path) -> Proof | None:
    """Read the proof kept in a bundle's folder; None if it keeps none."""
    file = bundle / PROOF
    return Proof.from_json(file.read_text("utf-8")) if file.is_file() else None
