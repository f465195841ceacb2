from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from tests.by_hand import by_hand, moment
from tests.strategies import settings, with_outcomes

from leads.errors import BadConfig
from leads.history import History
from leads.settings import Settings
from model.examples.labels import (
    HORIZON_OPEN,
    OUTCOME_OPEN,
    conversions,
    funnel_of,
    label,
)

TEN_DAYS = settings(conversion={"horizon_days": 10})
WON = settings(conversion={"kind": "stage", "stage": "won", "horizon_days": 10})
FLAT = settings(
    source={"kind": "table", "path": "x.csv", "outcome": "y"},
    conversion={"kind": "outcome"},
)


def repeat(rules: Settings) -> Settings:
    """Count later conversions as well."""
    again = rules.conversion.model_copy(update={"repeat": True})
    return rules.model_copy(update={"conversion": again})


def labelled(
    history: History, rules: Settings, day: float = 0.0
) -> tuple[bool | None, bool, str | None]:
    """Label the lead ``a`` at a day."""
    moments = pl.DataFrame({"lead_id": ["a"], "moment": [moment(day)]})
    made = label(history, rules, moments, funnel_of(history, rules))
    return made["label"][0], made["mature"][0], made["censored_why"][0]


@pytest.mark.parametrize(
    ("payments", "converted"),
    [
        ([], False),
        ([("a", 5, 100)], True),
        ([("a", 0, 100)], False),  # at the moment itself: already known
        ([("a", 10, 100)], True),  # at the very end of the horizon
        ([("a", 10.001, 100)], False),
        ([("a", 5, 0)], False),
        ([("a", 5, 100), ("a", 6, -100)], False),  # fully refunded within the horizon
        ([("a", 5, 100), ("a", 6, -99)], True),  # partly
        ([("a", 5, 100), ("a", 11, -100)], True),  # after the horizon
        ([("a", 5, 100), ("a", 6, -60), ("a", 7, -40)], False),
        ([("a", 5, -100), ("a", 6, 50)], True),  # a refund does not reach forward
        ([("a", 5, 100), ("a", 6, 50), ("a", 7, -50)], True),  # the latest goes first
        ([("a", 5, 100), ("a", 6, -150), ("a", 7, 40)], True),
        ([("a", 5, 100, 500)], True),  # recorded long after: labels have hindsight
        ([("b", 5, 100)], False),
    ],
)
def test_a_payment_counts_unless_refunded_in_the_window(
    *, payments: list[tuple[Any, ...]], converted: bool
) -> None:
    """A lead converts if some payment in (moment, moment + horizon] is kept in it."""
    history = by_hand(["a", "b"], payments=payments)

    assert labelled(history, TEN_DAYS) == (converted, True, None)


def test_each_currency_is_counted_by_itself() -> None:
    """A refund in one currency does not reverse a payment in another."""
    history = by_hand(payments=[("a", 5, 100), ("a", 6, -100)])
    refund = pl.col("amount_minor") < 0
    other = pl.when(refund).then(pl.lit("USD")).otherwise("currency")
    payments = history.tables.payments.with_columns(currency=other)
    mixed = History(replace(history.tables, payments=payments))

    assert labelled(mixed, TEN_DAYS)[0] is True


@pytest.mark.parametrize(
    ("stages", "converted"),
    [
        ([("a", 5, "won")], True),
        ([("a", 5, "talk")], False),
        ([("a", 0, "won")], False),
        ([("a", 10, "won")], True),
        ([("a", 11, "won")], False),
        ([("a", 3, "won"), ("a", 5, "talk"), ("a", 7, "lost")], False),  # reopened
        ([("a", 3, "won"), ("a", 5, "talk")], True),
        ([("a", 3, "won"), ("a", 5, "lost"), ("a", 7, "won")], True),
        ([("a", 3, "won"), ("a", 11, "lost")], True),
        ([("a", 3, "lost"), ("a", 5, "won")], True),
    ],
)
def test_a_stage_counts_unless_the_lead_is_lost_after_it(
    *, stages: list[tuple[Any, ...]], converted: bool
) -> None:
    """Won, reopened and lost within the horizon is lost; back again is won."""
    history = by_hand(["a", "b"], stages=[*stages, ("b", 1, "won")])

    assert labelled(history, WON) == (converted, True, None)


def test_won_then_lost_does_not_undo_money() -> None:
    """Conversion by payment looks at money alone, whatever the stages say."""
    stages = [("a", 3, "won"), ("a", 5, "talk"), ("a", 7, "lost")]
    history = by_hand(stages=stages, payments=[("a", 3, 100)])

    assert labelled(history, TEN_DAYS)[0] is True


def test_a_repeated_payment_counts_with_repeat() -> None:
    """After a first payment the next one converts again, net of its own refunds."""
    history = by_hand(payments=[("a", 1, 100), ("a", 5, 70), ("a", 30, -100)])

    assert labelled(history, repeat(TEN_DAYS), day=2)[0] is True
    assert labelled(history, repeat(TEN_DAYS), day=6)[0] is False


@pytest.mark.parametrize("payments", [[], [("a", 1, 100)]])
@pytest.mark.parametrize(("cut_off", "mature"), [(9.99, False), (10, True)])
def test_an_unfinished_horizon_has_no_label(
    *, payments: list[tuple[Any, ...]], cut_off: float, mature: bool
) -> None:
    """Neither lost nor, though it is known, won before the whole horizon is over."""
    history = by_hand(payments=payments, cut_off=cut_off)

    found = labelled(history, TEN_DAYS)

    expected = bool(payments) if mature else None
    assert found == (expected, mature, None if mature else HORIZON_OPEN)


def test_an_outcome_is_mature_as_soon_as_it_is_known() -> None:
    """A flat table's outcome needs no horizon; an empty one is an open lead."""
    ids = [f"{n:02}" for n in range(30)]
    history = History(with_outcomes(by_hand(ids, cut_off=0).tables, seed=1))
    moments = pl.DataFrame({"lead_id": ids, "moment": [moment(0)] * 30})

    made = label(history, FLAT, moments, funnel_of(history, FLAT))

    known = dict(history.tables.outcomes.select("lead_id", "outcome").rows())
    assert set(known.values()) == {True, False, None}
    assert made["label"].to_list() == [known[lead] for lead in ids]
    assert made["mature"].to_list() == [known[lead] is not None for lead in ids]
    whys = {None: OUTCOME_OPEN, True: None, False: None}
    assert made["censored_why"].to_list() == [whys[known[lead]] for lead in ids]


def test_a_stage_that_nobody_entered_is_refused_with_those_there_are() -> None:
    """A misspelt stage must not become a company without conversions."""
    history = by_hand(stages=[("a", 1, "Won"), ("a", 0, "new")])

    with pytest.raises(BadConfig, match=r"'won'.*\['Won', 'new'\]"):
        funnel_of(history, WON)


def test_the_moment_of_conversion_is_that_of_the_first_payment_kept() -> None:
    """A refunded first payment is passed over; a lead that paid back is open."""
    history = by_hand(
        ["a", "b", "c"],
        payments=[
            ("a", 1, 100), ("a", 2, -100), ("a", 4, 50), ("a", 5, 50),
            ("b", 1, 100), ("b", 2, -100),
        ],
    )  # fmt: skip

    found = conversions(history, TEN_DAYS)

    assert found["converted"].to_list() == [True, False, False]
    assert found["converted_at"].to_list() == [moment(4), None, None]
