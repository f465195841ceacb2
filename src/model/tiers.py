"""Chances become tiers: so many leads as the team can call, none below the floor.

The borders are learned once, from out-of-fold probabilities, and travel inside the
bundle, so a tier means the same thing on Monday and on Friday.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leads.decision import Tier
from model.features.catalog import Numbers


@dataclass(frozen=True, slots=True)
class Borders:
    """The probability a lead must beat to enter a tier.

    Examples
    --------
    >>> borders = Borders(hot=0.5, warm=0.1)
    >>> [borders.tier_of(chance).value for chance in (0.6, 0.5, 0.1)]
    ['hot', 'warm', 'cold']
    """

    hot: float
    warm: float

    def tier_of(self, probability: float) -> Tier:
        """Name the tier of one probability."""
        if probability > self.hot:
            return Tier.HOT
        return Tier.WARM if probability > self.warm else Tier.COLD


def learn_borders(
    chances: Numbers, *, hot: float, warm: float, floor: float
) -> Borders:
    """Place the borders so that at most a share ``hot`` of these leads is hot.

    Parameters
    ----------
    chances
        (n,) probabilities of leads the model had not seen, n > 0.
    hot, warm
        The greatest shares of the two tiers; warm comes after hot, so the best
        ``hot + warm`` of the leads are at least warm.
    floor
        The probability that a hot lead must beat in any case.

    Examples
    --------
    >>> chances = np.array([0.9, 0.6, 0.5, 0.2, 0.1])
    >>> learn_borders(chances, hot=0.4, warm=0.4, floor=0.3)
    Borders(hot=0.5, warm=0.1)

    A share is a ceiling, not a quota: in a weak season nobody is hot.

    >>> weak = np.array([0.3, 0.2, 0.1])
    >>> learn_borders(weak, hot=0.4, warm=0.4, floor=0.3).tier_of(0.3).value
    'warm'
    """
    ranked = np.sort(chances)[::-1]
    hot_border = max(_first_outside(ranked, hot), floor)
    return Borders(hot_border, min(_first_outside(ranked, hot + warm), hot_border))


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


def _first_outside(ranked: Numbers, share: float) -> float:
    # A lead must beat the first one that did not fit, so ties stay outside.
    capacity = int(share * len(ranked) + 1e-9)
    return float(ranked[capacity]) if capacity < len(ranked) else 0.0
