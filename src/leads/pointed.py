"""The answer by points: what stands for a tier while data are too few for a model.

It is kept among the reasons of a prediction, first of them, with a share of nought: it
moves no chance, so the shares go on to add up, and what was said stays said with the
prediction wherever that is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from leads.decision import Prediction, Reason, Tier

FIELD: Final = "points of the scorecard"
SHAPE: Final = re.compile(r"(-?\d+) \+ (-?\d+) = (-?\d+), ([A-D][1-4])")


@dataclass(frozen=True, slots=True)
class Pointed:
    """The points of one lead, which its tier is made of.

    ``text`` says by language what they are for and that there is no model yet.

    Examples
    --------
    >>> said = Pointed(30, -5, "A3", {"en": "By points"}).reason()
    >>> said.value, said.share
    ('30 + -5 = 25, A3', 0.0)
    """

    fit: int
    engagement: int
    grid: str
    text: Mapping[str, str]

    @property
    def points(self) -> int:
        """Fit and engagement together."""
        return self.fit + self.engagement

    def reason(self) -> Reason:
        """Give it as a reason that moves nothing."""
        value = f"{self.fit} + {self.engagement} = {self.points}, {self.grid}"
        return Reason(FIELD, 0.0, value, None, None, self.text, 0.0)


def pointed(prediction: Prediction) -> Pointed | None:
    """Read the points that a prediction's tier is made of; None if it is the model's.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> made = Prediction(
    ...     "L-1", datetime(2026, 3, 1, tzinfo=UTC), 30, 0.1, -2.2, -2.2, Tier.NO_DATA,
    ...     {}, (), "1", "d",
    ... )
    >>> by = Pointed(30, 10, "A2", {"en": "By points"})
    >>> pointed(made), pointed(by_points(made, by, Tier.HOT)) == by
    (None, True)
    >>> by_model(by_points(made, by, Tier.HOT)) == made
    True
    """
    for reason in prediction.reasons[:1]:
        found = SHAPE.fullmatch(reason.value or "") if reason.field == FIELD else None
        if found is not None:
            return Pointed(int(found[1]), int(found[2]), found[4], reason.text)
    return None


def points_in(value: str | None) -> int | None:
    """Read the points of a kept reason's value; None if it tells of none.

    Examples
    --------
    >>> points_in("30 + -5 = 25, A3"), points_in("3"), points_in(None)
    (25, None, None)
    """
    found = SHAPE.fullmatch(value or "")
    return None if found is None else int(found[3])


def by_points(prediction: Prediction, said: Pointed, tier: Tier) -> Prediction:
    """Let points answer instead of "not enough data"."""
    return replace(prediction, tier=tier, reasons=(said.reason(), *prediction.reasons))


def by_model(prediction: Prediction) -> Prediction:
    """Give what the model itself had said before points answered."""
    if pointed(prediction) is None:
        return prediction
    return replace(prediction, tier=Tier.NO_DATA, reasons=prediction.reasons[1:])
