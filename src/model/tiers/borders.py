"""Scores become tiers: so many leads as the team can call, none below the floor.

The borders are learned once, from out-of-fold scores, and travel inside the bundle, so
a tier means the same thing on Monday and on Friday. A score is the probability, or the
money to be expected (probability times amount); nothing here cares which.

A lead that already has a tier keeps it until its score has passed the border by a
margin (hysteresis, as in a thermostat): a lead on the border would otherwise be hot on
Monday, warm on Tuesday and hot on Wednesday for no reason that anybody could see.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from leads.decision import Outlook, Tier
from model.features.catalog import Catalog, FeatureTable, Numbers

RANKED: Final = (Tier.COLD, Tier.WARM, Tier.HOT)
PIPELINE: Final = "pipeline"


@dataclass(frozen=True, slots=True)
class Cut:
    """The scores that a lead must beat to be hot, and to be at least warm."""

    hot: float
    warm: float


@dataclass(frozen=True, slots=True)
class Borders:
    """The score a lead must beat to enter a tier.

    ``pipelines`` have borders of their own, all others share ``hot`` and ``warm``.
    Nobody at or below the probability ``floor`` is hot. ``hysteresis`` is the part of a
    border that a lead must pass it by to leave the tier it has.

    Examples
    --------
    >>> borders = Borders(hot=0.5, warm=0.1, pipelines={"partners": Cut(0.3, 0.1)})
    >>> [borders.tier_of(chance).value for chance in (0.6, 0.5, 0.1)]
    ['hot', 'warm', 'cold']
    >>> borders.tier_of(0.4, "partners").value
    'hot'

    Who is hot already stays so a little below the border, and who is warm waits.

    >>> lazy = Borders(hot=0.5, warm=0.1, hysteresis=0.1)
    >>> [lazy.tier_of(0.48, previous=tier).value for tier in (Tier.HOT, Tier.WARM)]
    ['hot', 'warm']
    >>> lazy.tier_of(0.45, previous=Tier.HOT).value
    'warm'
    """

    hot: float
    warm: float
    floor: float = 0.0
    hysteresis: float = 0.0
    by: Literal["chance", "money"] = "chance"
    pipelines: Mapping[str, Cut] = field(default_factory=dict)

    @classmethod
    def from_json(cls, text: str) -> Borders:
        """Read what a bundle keeps as ``tiers.json``."""
        raw = json.loads(text)
        cuts = {name: Cut(**cut) for name, cut in raw.pop("pipelines", {}).items()}
        return cls(**raw, pipelines=cuts)

    def cut_of(self, pipeline: str | None) -> Cut:
        """Give the borders that count in a pipeline."""
        own = None if pipeline is None else self.pipelines.get(pipeline)
        return own or Cut(self.hot, self.warm)

    def tier_of(
        self,
        probability: float,
        pipeline: str | None = None,
        *,
        money: float | None = None,
        previous: Tier | None = None,
    ) -> Tier:
        """Name the tier of one lead.

        Parameters
        ----------
        probability
            Of conversion.
        pipeline
            The lead's, where pipelines differ.
        money
            What is to be expected of the lead; borders by money look at nothing else,
            and without it there is no tier to tell.
        previous
            The tier that the lead has now; without one the cut is plain.
        """
        score = probability if self.by == "chance" else money
        if score is None:
            return Tier.NO_DATA
        cut = self.cut_of(pipeline)
        rank = self._rank(score, cut, 0.0)
        if previous in RANKED:
            surely = self._rank(score, cut, self.hysteresis)
            perhaps = self._rank(score, cut, -self.hysteresis)
            rank = min(max(RANKED.index(previous), surely), perhaps)
        if RANKED[rank] is Tier.HOT and probability <= self.floor:
            return Tier.WARM
        return RANKED[rank]

    def _rank(self, score: float, cut: Cut, reach: float) -> int:
        """Count the borders that a score passes by a part ``reach`` of them."""
        return sum(
            score > border + reach * self._room(border)
            for border in (cut.warm, cut.hot)
        )

    def _room(self, border: float) -> float:
        # Towards certainty there is less room, so that every border can be passed.
        return border if self.by == "money" else min(border, 1.0 - border)


def cut_at(scores: Numbers, *, hot: float, warm: float, least: float) -> Cut:
    """Cut scores by shares; the hot border is at least ``least``.

    Parameters
    ----------
    scores
        (n,) scores of leads the model had not seen, n > 0.
    hot, warm
        The greatest shares of the two tiers; warm comes after hot, so the best
        ``hot + warm`` of the leads are at least warm.

    Examples
    --------
    >>> cut_at(np.array([0.9, 0.6, 0.5, 0.2, 0.1]), hot=0.4, warm=0.4, least=0.3)
    Cut(hot=0.5, warm=0.1)

    A share is a ceiling, not a quota: in a weak season nobody is hot.

    >>> cut_at(np.array([0.3, 0.2, 0.1]), hot=0.4, warm=0.4, least=0.3)
    Cut(hot=0.3, warm=0.1)
    """
    ranked = np.sort(scores)[::-1]
    border = max(_first_outside(ranked, hot), least)
    return Cut(border, min(_first_outside(ranked, hot + warm), border))


def floor_of(base_rate: float, multiple: float) -> float:
    """Turn a multiple of the base rate into a probability that can be beaten.

    Examples
    --------
    >>> floor_of(0.1, 1.5)
    0.15000000000000002

    Where most leads convert, the floor stays halfway between the rate and certainty.

    >>> floor_of(0.8, 1.5)
    0.9
    """
    return min(base_rate * multiple, (1.0 + base_rate) / 2.0)


def money_of(outlook: Outlook | None) -> float | None:
    """Read the money to be expected; None where it is not known."""
    return None if outlook is None else outlook.expected_minor


def pipelines_in(catalog: Catalog, table: FeatureTable) -> Sequence[str | None]:
    """Read each row's pipeline; None where the model does not know it."""
    for place, feature in enumerate(catalog.text_features):
        if feature.kind == PIPELINE:
            found: Sequence[str | None] = table.texts[:, place].tolist()
            return found
    return [None] * len(table)


def _first_outside(ranked: Numbers, share: float) -> float:
    # A lead must beat the first one that did not fit, so ties stay outside.
    capacity = int(share * len(ranked) + 1e-9)
    return float(ranked[capacity]) if capacity < len(ranked) else 0.0
