"""What is kept of the learned scorecard with the proof of a model: plain records.

A service reads them without the libraries that only learning needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Kind = Literal["more", "share"]
Standing = Literal["won", "even", "lost"]

SURE: Final = 0.05
LOSS: Final = "logloss"


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """How one trait differs between leads that converted and leads that did not.

    Of ``kind`` "more", ``won`` and ``lost`` are medians, or means where these are the
    same, and ``effect`` is the part of
    pairs in which the converting lead has more (one half: no difference). Of "share",
    they are the parts of leads with the value ``level``, and ``effect`` is their
    difference. ``low`` to ``high`` is its 95 % interval; ``p`` is after Holm. ``known``
    leads had a value at all.
    """

    trait: str
    field: str
    side: str
    en: str
    ru: str
    kind: Kind
    level: str | None
    won: float
    lost: float
    effect: float
    low: float
    high: float
    p: float
    known: int

    @property
    def differs(self) -> bool:
        """Whether they differ beyond luck."""
        return self.p < SURE


@dataclass(frozen=True, slots=True)
class Against:
    """One figure of the scorecard and of the model on the same test rows.

    ``gain`` is the model's less the scorecard's, with its 95 % interval, paired; for
    the log-loss below nought means that the model is better, for the AUC above.
    """

    metric: str
    points: float
    model: float
    gain: float
    low: float
    high: float

    @property
    def won(self) -> bool:
        """Whether the model is better beyond luck."""
        return self.high < 0 if self.metric == LOSS else self.low > 0

    @property
    def lost(self) -> bool:
        """Whether the model is worse beyond luck."""
        return self.low > 0 if self.metric == LOSS else self.high < 0


@dataclass(frozen=True, slots=True)
class Rival:
    """The learned scorecard, its size, and how the model did against it.

    ``card`` is the scorecard as the section of a playbook. ``hypotheses`` say how
    converting and lost training leads differ.
    """

    card: str
    traits: int
    items: int
    against: tuple[Against, ...]
    hypotheses: tuple[Hypothesis, ...] = ()

    @property
    def beaten(self) -> bool:
        """Whether the model beats it in every figure beyond luck."""
        return bool(self.against) and all(one.won for one in self.against)

    @property
    def standing(self) -> Standing:
        """Whether the model beats it, cannot be told from it, or is worse than it."""
        if self.beaten:
            return "won"
        return "lost" if self.in_loss.lost else "even"

    @property
    def in_loss(self) -> Against:
        """How the model did against it in log-loss, by which models are promoted."""
        return next(one for one in self.against if one.metric == LOSS)

    @classmethod
    def from_facts(cls, raw: Mapping[str, Any]) -> Rival:
        """Read what ``dataclasses.asdict`` gave."""
        return cls(
            **{
                **raw,
                "against": tuple(Against(**one) for one in raw["against"]),
                "hypotheses": tuple(Hypothesis(**one) for one in raw["hypotheses"]),
            }
        )
