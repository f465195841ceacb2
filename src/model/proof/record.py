"""The proof of a model: what was said of cases it had not seen, and what happened.

Counted once, at training, and kept in the bundle as ``proof.json``, so that the page of
proof shows the very model that serves, also after a rollback.

The record is kept here; ``model.proof.counting`` makes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from leads.decision import Tier
from leads.errors import DamagedBundle
from model.points.record import Rival
from model.proof.anatomy import Anatomy

DIGITS: Final = 6
"""Figures are kept to so many decimals."""


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
    """What was said and what happened in one tier; nothing of an empty one."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What would be if the team called so many leads per week.

    ``reached`` is how many would be hot, fewer than ``per_week`` where the floor holds
    the border up (``floored``). ``said`` and ``happened``, with its range, are of the
    leads called, ``caught`` is the part of all converting leads among them.
    """

    per_week: int
    present: bool
    border: float
    floored: bool
    reached: float
    said: float | None = None
    happened: float | None = None
    low: float | None = None
    high: float | None = None
    caught: float = 0.0


@dataclass(frozen=True, slots=True)
class SliceProof:
    """What was said and what happened in one slice: a source, a pipeline, a month.

    ``count`` are cases of so many ``leads``; ``gain`` is how much lower the model's
    log-loss is than that of the base rate.
    """

    kind: str
    name: str
    count: int
    leads: int
    converted: int
    said: float
    happened: float
    low: float
    high: float
    gain: float


@dataclass(frozen=True, slots=True)
class Worth:
    """How much the log-loss grows without a group of features, with its interval."""

    group: str
    features: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Proof:
    """Everything the page of proof shows of a model.

    ``slices`` and ``ablation`` are empty, and there is no ``anatomy`` or ``rival``, in
    bundles that were made before they were measured.

    Examples
    --------
    >>> Proof.from_json(Proof(count=0, base_rate=0.1).to_json())
    Proof(count=0, base_rate=0.1, measures=(), reliability=(), gains=(), tiers=(), \
histogram=(), capacity=(), slices=(), ablation=(), anatomy=None, rival=None)
    """

    count: int
    base_rate: float
    measures: tuple[Measure, ...] = ()
    reliability: tuple[Bin, ...] = ()
    gains: tuple[Gain, ...] = ()
    tiers: tuple[TierProof, ...] = ()
    histogram: tuple[Bar, ...] = ()
    capacity: tuple[Capacity, ...] = ()
    slices: tuple[SliceProof, ...] = ()
    ablation: tuple[Worth, ...] = ()
    anatomy: Anatomy | None = None
    rival: Rival | None = None

    def to_json(self) -> str:
        """Write as JSON, the same text for the same proof."""
        return json.dumps(
            asdict(self), ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False
        )

    @classmethod
    def from_json(cls, text: str) -> Proof:
        """Read what ``to_json`` wrote.

        Raises
        ------
        DamagedBundle
            The text is not a proof.
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
                capacity=tuple(Capacity(**row) for row in raw.get("capacity", ())),
                slices=tuple(SliceProof(**x) for x in raw.get("slices", ())),
                ablation=tuple(Worth(**x) for x in raw.get("ablation", ())),
                anatomy=_anatomy(raw.get("anatomy")),
                rival=Rival.from_facts(raw["rival"]) if raw.get("rival") else None,
            )
        except (ValueError, TypeError, KeyError) as error:
            raise DamagedBundle(
                f"The proof of the model cannot be read: {error!r}.",
                remedy="Train and promote the model again.",
            ) from error


NO_PROOF: Final = Proof(count=0, base_rate=0.0)
"""What a bundle holds before anything was measured."""


def _anatomy(raw: Mapping[str, Any] | None) -> Anatomy | None:
    return None if raw is None else Anatomy.from_facts(raw)


def _tier(item: Mapping[str, Any]) -> TierProof:
    return TierProof(**{**item, "tier": Tier(item["tier"])})
