"""The percentages that people give stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leads.settings import GROUPS, StageMap


@dataclass(frozen=True, slots=True)
class Hand:
    """A stage's percentage; ``proposed`` if nobody set it."""

    percent: int
    proposed: bool


def hand_set(
    maps: Sequence[StageMap], pipeline: str, stages: Sequence[str]
) -> Mapping[str, Hand]:
    """Give every open stage of a pipeline its percentage.

    Parameters
    ----------
    stages
        The open stages in their order. One that no map names stands as far up the
        groups (100 % is the deal itself) as its place among them.

    Examples
    --------
    >>> given = StageMap(pipeline="sales", groups="schiffman", stages={"Demo": 50})
    >>> found = hand_set([given], "sales", ["New", "Demo", "Offer"])
    >>> [(hand.percent, hand.proposed) for hand in found.values()]
    [(25, True), (50, False), (70, True)]
    """
    named = {one.pipeline: one for one in maps}
    chosen = named.get(pipeline) or named.get("")
    groups = list(GROUPS[chosen.groups if chosen else "agency"])[:-1]
    given = chosen.stages if chosen else {}
    found = {}
    for place, stage in enumerate(stages):
        step = round(place * (len(groups) - 1) / max(len(stages) - 1, 1))
        found[stage] = Hand(given.get(stage, groups[step]), stage not in given)
    return found
