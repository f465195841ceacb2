"""What a comparison says: records, read back from JSON; nothing is computed here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from leads.decision import Tier
from leads.errors import DamagedBundle
from model.features.catalog import Words

Note = Literal["", "not_parted", "other_aim", "no_rows"]

BETTER: Final[Mapping[str, int]] = {
    "logloss": -1, "auc": 1, "pr_auc": 1, "brier": -1, "ece15": -1, "lift10": 1,
}  # fmt: skip
"""The figures that are compared, and which way is better."""


@dataclass(frozen=True, slots=True)
class Version:
    """A bundle under the name it is known by; ``promoted_at`` if it ever served."""

    version: str
    digest: str
    promoted_at: str | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric of both on the same rows; ``difference`` is new less old, paired.

    ``verdict`` is better or worse only where the interval of the difference, ``low``
    to ``high``, lies on one side of nought.
    """

    name: str
    old: float
    new: float
    difference: float
    low: float
    high: float

    @property
    def verdict(self) -> Literal["better", "worse", "same"]:
        """Which way the difference goes, if it can be told from noise."""
        way = BETTER[self.name]
        if min(self.low * way, self.high * way) > 0:
            return "better"
        return "worse" if max(self.low * way, self.high * way) < 0 else "same"


@dataclass(frozen=True, slots=True)
class TierMove:
    """How many open leads go from one tier to another, or stay."""

    old: Tier
    new: Tier
    count: int


@dataclass(frozen=True, slots=True)
class FieldMove:
    """What one field moved: in log-odds, and in points of probability."""

    field: str
    log_odds: float
    points: float


@dataclass(frozen=True, slots=True)
class LeadMove:
    """An open lead as both see it; ``base`` and fields add up to the difference.

    ``base`` are the points that the common start moved; ``fields`` come with the
    greatest move first, and ``more`` counts those that moved it less and are not told.
    """

    lead_id: str
    old: float
    new: float
    old_tier: Tier
    new_tier: Tier
    base: float
    fields: tuple[FieldMove, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class FieldWeight:
    """A field's part of all moves in either model; None where a model lacks it."""

    field: str
    old: float | None
    new: float | None

    @property
    def gained(self) -> float:
        """How much the part grew."""
        return (self.new or 0.0) - (self.old or 0.0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions on the same data: figures, tiers of open leads, moves, weights.

    ``rows`` judged snapshots of which ``converted`` did; ``leads`` open ones. ``names``
    are the words of every field in it. ``note`` says what is odd about the rows.
    """

    old: Version
    new: Version
    data_digest: str
    rows: int = 0
    converted: int = 0
    note: Note = ""
    figures: tuple[Figure, ...] = ()
    leads: int = 0
    tiers: tuple[TierMove, ...] = ()
    moves: tuple[LeadMove, ...] = ()
    weights: tuple[FieldWeight, ...] = ()
    names: Mapping[str, Words] = field(default_factory=dict)

    @property
    def changed(self) -> int:
        """How many open leads change tier."""
        return sum(move.count for move in self.tiers if move.old is not move.new)

    def to_json(self) -> str:
        """Write as JSON."""
        return json.dumps(
            asdict(self), ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False
        )

    @classmethod
    def from_json(cls, text: str) -> Comparison:
        """Read what ``to_json`` wrote.

        Raises
        ------
        DamagedBundle
            The text is not a comparison.
        """
        try:
            return _comparison(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DamagedBundle(
                f"A comparison of two versions cannot be read: {error!r}.",
                remedy="Run compare with this config again.",
            ) from error


def _comparison(raw: Mapping[str, Any]) -> Comparison:
    known = {
        "old": Version(**raw["old"]),
        "new": Version(**raw["new"]),
        "figures": tuple(Figure(**item) for item in raw["figures"]),
        "tiers": tuple(
            TierMove(Tier(item["old"]), Tier(item["new"]), item["count"])
            for item in raw["tiers"]
        ),
        "moves": tuple(map(_move, raw["moves"])),
        "weights": tuple(FieldWeight(**item) for item in raw["weights"]),
        "names": {name: Words(**words) for name, words in raw["names"].items()},
    }
    return Comparison(**{**raw, **known})


def _move(raw: Mapping[str, Any]) -> LeadMove:
    known = {
        "old_tier": Tier(raw["old_tier"]),
        "new_tier": Tier(raw["new_tier"]),
        "fields": tuple(FieldMove(**item) for item in raw["fields"]),
    }
    return LeadMove(**{**raw, **known})
