from __future__ import annotations

import pytest

from leads.settings import Settings, StageMap
from model.distance.ladder import compared, judge
from model.distance.maps import hand_set
from model.stages import Rate

FIELDS = {"entered": 100, "left": 0, "waiting": 0}


def settings(**stages: int) -> Settings:
    """Configure the percentages of one pipeline."""
    return Settings.model_validate(
        {
            "source": {"kind": "files", "folder": "x"},
            "stage_map": [{"pipeline": "sales", "stages": stages}],
        }
    )


@pytest.mark.parametrize(
    ("percent", "verdict", "off"),
    [(75, "too high", 45.0), (30, "agrees", 0.0), (5, "too low", -25.0)],
)
def test_a_percentage_is_held_against_the_interval(
    percent: int, verdict: str, off: float
) -> None:
    """Beyond the interval it is wrong, within it agrees, and off has its sign."""
    assert judge(percent, Rate.of(30, 100)) == (verdict, off)


def test_few_settled_leads_judge_nothing() -> None:
    """Nineteen are too few, and so is nobody."""
    assert judge(75, Rate.of(3, 19)) == ("few", None)
    assert judge(75, None) == ("few", None)


def test_who_stands_here_is_compared_with_who_came() -> None:
    """Below the interval they are weaker, above it stronger, without it unknown."""
    soon = Rate.of(30, 100)

    assert compared(0.1, soon) == "weaker"
    assert compared(0.3, soon) == "alike"
    assert compared(0.6, soon) == "stronger"
    assert compared(None, soon) == compared(0.1, Rate.of(3, 10)) == "unknown"


def test_both_groups_of_percentages_are_spread_over_stages() -> None:
    """Schiffman's and the finer groups go from first to last, the deal left out."""
    stages = ["a", "b", "c", "d", "e"]
    coarse = StageMap(pipeline="s", groups="schiffman", stages={})

    fine = [hand.percent for hand in hand_set([], "s", stages).values()]

    assert fine == [25, 40, 50, 75, 90]
    found = hand_set([coarse], "s", stages[:3]).values()
    assert [hand.percent for hand in found] == [25, 50, 70]
    assert all(hand.proposed for hand in found)
