"""The reason by which a lead of a list differs from the others beside it.

The strongest reason is often the same for most of the best leads, and a list that says
one sentence fifty times helps nobody to choose. Each sentence is still one of the
lead's own; its page keeps them all, in the order of their strength.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from leads.decision import Prediction, Reason
from leads.pointed import pointed

WORTH: Final = 0.5
"""The part of the strongest reason's share below which a reason is not put forward."""


def telling_reasons(predictions: Sequence[Prediction]) -> list[Reason | None]:
    """Choose for each lead of a list the reason that tells most about it there.

    Of the reasons that speak for it, at least half as strongly as its strongest one,
    that whose business field speaks for the fewest leads of the list; of equals the
    strongest. None where nothing speaks for a lead.
    """
    speaking = [_speaking(one) for one in predictions]
    common = Counter(reason.field for reasons in speaking for reason in reasons)
    return [
        min(reasons, key=lambda one: (common[one.field], -one.share), default=None)
        for reasons in map(_strong, speaking)
    ]


def _speaking(prediction: Prediction) -> list[Reason]:
    if pointed(prediction) is not None:  # there is no model, and points speak alone
        return [prediction.reasons[0]]
    return [reason for reason in prediction.reasons if reason.share > 0]


def _strong(reasons: list[Reason]) -> list[Reason]:
    least = WORTH * max((reason.share for reason in reasons), default=0.0)
    return [reason for reason in reasons if reason.share >= least]
