from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.by_hand import by_hand
from tests.strategies import random_tables, settings, with_outcomes

from leads.errors import Unavailable
from leads.history import History
from leads.settings import Settings
from leads.tables import FieldType
from model.examples.labels import funnel_of
from model.examples.snapshots import take
from model.survey.datacard import DataCard, Group, Taken, describe

RULES = settings(snapshots={"at": ["creation", "5d"]}, conversion={"horizon_days": 10})


def card_of(history: History, rules: Settings = RULES) -> DataCard:
    """Describe a company."""
    funnel = funnel_of(history, rules)
    return describe(history, rules, take(history, rules, funnel=funnel), funnel)


def ten_leads(**tables: Any) -> History:
    """Ten leads, one a day; the first four pay after 1, 2, 3 and 9 days."""
    born = {f"{day}": float(day) for day in range(10)}
    delays = (1, 2, 3, 9)
    payments = [(f"{day}", day + delay, 100) for day, delay in enumerate(delays)]
    return by_hand(born, payments=payments, cut_off=20, **tables)


def test_leads_are_counted_by_source_with_a_rate_fair_to_the_young() -> None:
    """The last lead, whose horizon is over at the cut-off, is judged as well."""
    card = card_of(ten_leads())

    assert (card.leads, card.conversions, card.span_days) == (10, 4, 20)
    assert card.groups == (
        Group(pipeline="—", source="—", leads=10, converted=4, judged=10, rate=0.4),
    )
    assert card.rows["payments"] == 4


def test_snapshots_are_counted_by_kind_and_by_why_not() -> None:
    """What was taken, what is censored, what was refused."""
    card = card_of(ten_leads())

    assert card.snapshots == (Taken("creation", 10, 10, 0.4), Taken("5d", 7, 3, 1 / 3))
    assert card.censored == (("horizon not over", 4),)
    assert card.refused == (("already converted", 3),)
    assert card.base_rate == 5 / 13


def test_only_leads_watched_long_enough_bend_the_curve() -> None:
    """The share of conversions by age, among leads watched for the same time."""
    maturity = card_of(ten_leads()).maturity

    assert (maturity.watched_days, maturity.leads) == (15, 6)
    assert maturity.conversions == 4
    assert dict(maturity.curve)[2] == 0.5
    assert dict(maturity.curve)[14] == 1.0
    assert dict(maturity.quantiles)[50] == 2.5


def test_fields_are_filled_at_creation_or_later() -> None:
    """A field that is filled at closing shows as empty when leads come."""
    history = ten_leads(
        fields={"reason": FieldType.TEXT},
        changes=[("0", 5, "reason", "price"), ("1", 1, "reason", "time")],
    )

    (fill,) = card_of(history).fields

    assert (fill.field, fill.at_creation, fill.now) == ("reason", 0.1, 0.2)


def test_a_card_is_read_as_it_was_kept(tmp_path: Path) -> None:
    """JSON and back gives the same card, for every kind of company."""
    flat = settings(
        source={"kind": "table", "path": "x.csv", "outcome": "y"},
        conversion={"kind": "outcome"},
    )
    tables = random_tables(1, leads=20)
    for history, rules in (
        (History(tables), RULES),
        (History(with_outcomes(tables, 1)), flat),
        (by_hand(), RULES),
    ):
        card = card_of(history, rules)

        path = card.save(tmp_path / "new")

        assert DataCard.load(tmp_path / "new") == card
        assert list(path.parent.iterdir()) == [path]


def test_a_missing_card_says_which_verb_makes_it(tmp_path: Path) -> None:
    """Nobody needs to guess."""
    with pytest.raises(Unavailable, match="Run snapshot"):
        DataCard.load(tmp_path)
