from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from tests.by_hand import by_hand, moment
from tests.strategies import settings

from leads.history import History
from leads.settings import Settings
from model.examples.labels import funnel_of, label
from model.outlook.sequels import Sequel, follow, steps_of

RULES = settings(conversion={"horizon_days": 30})


def followed(
    history: History, *, until: float = 1000, rules: Settings = RULES
) -> Sequel:
    """Follow the lead ``a`` from its first day."""
    moments = pl.DataFrame({"lead_id": ["a"], "moment": [moment(0)]})
    funnel = funnel_of(history, rules)
    sequel = follow(history, rules, moments, funnel, until=moment(until))
    assert sequel is not None
    return sequel


@pytest.mark.parametrize(
    ("payments", "days"),
    [
        ([("a", 5, 100)], 5.0),
        ([("a", 45, 100)], 45.0),  # beyond the horizon, within the longest step
        ([("a", 5, 100), ("a", 45, 100)], 5.0),  # the first one counts
        ([("a", 91, 100)], np.nan),
        ([("a", 5, 100), ("a", 20, -100)], np.nan),  # wholly refunded in the horizon
        ([("a", 5, 100), ("a", 40, -100)], 5.0),  # the label stands, so does its day
        ([("a", 5, 100), ("a", 9, -100), ("a", 50, 10)], 50.0),
    ],
)
def test_the_day_of_a_conversion_agrees_with_the_label(
    payments: list[tuple[str, float, int]], days: float
) -> None:
    """A day within the horizon exists exactly where the label says converted."""
    history = by_hand(payments=payments)
    sequel = followed(history)
    moments = pl.DataFrame({"lead_id": ["a"], "moment": [moment(0)]})

    made = label(history, RULES, moments, funnel_of(history, RULES))["label"][0]
    assert sequel.days[0] == pytest.approx(days, nan_ok=True)
    assert made == bool(sequel.days[0] <= 30)


def test_nothing_after_the_last_known_moment_is_seen() -> None:
    """A lead is watched until that moment; a later payment is not known."""
    history = by_hand(payments=[("a", 45, 100)])

    sequel = followed(history, until=40)

    assert sequel.watched[0] == 40
    assert np.isnan(sequel.days[0])


def test_amounts_are_net_of_refunds_within_the_horizon() -> None:
    """What came in the horizon counts, less what went back, and nothing later."""
    history = by_hand(
        payments=[("a", 5, 100), ("a", 6, 50), ("a", 8, -30), ("a", 31, 900)]
    )

    sequel = followed(history)

    assert sequel.amounts[0] == 120
    assert sequel.currency is not None


def test_a_lead_that_did_not_convert_has_no_amount() -> None:
    """Money beyond the horizon belongs to no label."""
    assert np.isnan(followed(by_hand(payments=[("a", 45, 100)])).amounts[0])


def test_the_horizon_is_always_a_step() -> None:
    """Whatever horizon is chosen, the curve has a place for it."""
    assert steps_of(settings(conversion={"horizon_days": 45})) == (7, 30, 45, 90)
    assert steps_of(RULES) == (7, 30, 90)
