from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from serve.pages.stagewhy import explain
from serve.pages.wording import SPACE, Wording

EN = Wording("en", ZoneInfo("UTC"))


def rung(**facts: Any) -> dict[str, Any]:
    """Make a stage as it is kept: 75 by hand, 60 in the end, 40 in time, 12 now."""
    return {
        "off": 15.0, "verdict": "too high", "now": "weaker", "waiting_days": 45.0,
        "finally_": {"share": 0.6}, "soon": {"share": 0.4}, "model": 0.12, **facts,
    }  # fmt: skip


def said(**facts: Any) -> str:
    """Explain it."""
    return explain(rung(**facts), EN, 30).replace(SPACE, " ")


def test_three_steps_lead_from_the_hand_to_the_model() -> None:
    """Hope, term and waiting are told apart, and add up to the whole difference."""
    assert said() == (
        "In the end 60% paid: 15 points of the percentage are hope. In the first 30"
        " days 40% did; the other 20 points come later. Those here now have waited 45"
        " days, and the quick ones have gone on: the model gives them 12%, 28 points"
        " less."
    )
    assert 15 + 20 + 28 == 75 - 12


@pytest.mark.parametrize(
    ("facts", "part"),
    [
        ({"off": 0.2, "verdict": "too high"}, "about as the percentage says"),
        ({"off": -15.0, "verdict": "too low"}, "15 points too low"),
        ({"off": None, "verdict": "few"}, "Too few leads"),
        ({"now": "alike", "model": 0.4}, "40%, about as usual"),
        ({"now": "stronger", "model": 0.7}, "70%, 30 points more"),
    ],
)
def test_each_case_has_its_words(facts: dict[str, Any], part: str) -> None:
    """What agrees is not called wrong, and what is not known is not explained."""
    assert part in said(**facts)


def test_what_is_not_known_is_left_out() -> None:
    """Nobody there now, or nobody settled: no sentence about it."""
    assert "model" not in said(model=None, now="unknown")
    assert "first 30" not in said(off=None, verdict="few")
