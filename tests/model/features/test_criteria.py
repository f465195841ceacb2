"""The four questions as features: out of one definition, learned of the past alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.model.invented_history import FIRST, company_settings, invented_history
from tests.strategies import in_content_order

from leads.history import History, microseconds
from leads.settings import Criteria, Settings
from model.features.batch import build
from model.features.catalog import Catalog, Words
from model.features.discovery import discover
from model.features.twin import build_one

DAY = 86_400_000_000


def moments(history: History, days: float) -> pl.DataFrame:
    """Ask for each lead that had come by a day, when it came and two days later."""
    until = microseconds(FIRST + timedelta(days=days))
    came = history.leads.filter(pl.col("created_at") < until).select(
        "lead_id", moment="created_at"
    )
    later = came.with_columns(pl.col("moment") + 2 * DAY)
    return pl.concat([came, later]).with_row_index("row")


@pytest.fixture(scope="module")
def history() -> History:
    """Make the invented company; every tenth card says that there is no budget."""
    made = invented_history(leads=400)
    told = pl.when(pl.int_range(pl.len()) % 10 == 0).then(0.0).otherwise("budget")
    leads = made.tables.leads.with_columns(budget=told)
    return History(replace(made.tables, leads=leads))


def asking(folder: Path, **criteria: object) -> Settings:
    """Configure the questions."""
    asked = Criteria.model_validate({"right_budget": "budget", **criteria})
    return company_settings(folder).model_copy(update={"criteria": asked})


def learned(history: History, settings: Settings, days: float = 120) -> Catalog:
    """Discover the features as of a day."""
    return discover(history, moments(history, days), settings)


def test_questions_become_features_only_where_they_are_asked(
    history: History, tmp_path: Path
) -> None:
    """A budget of nought is a no, and goes with its card field out of the model."""
    asked = asking(tmp_path)
    catalog = learned(history, asked)

    made = {one.name: one for one in catalog.features}
    answer = made["criteria.right_budget"]
    column = catalog.names.index("criteria.right_budget")
    values = build(catalog, history, moments(history, 120)).numbers[:, column]

    assert answer.field == "budget"
    assert answer.words == Words("Budget: the right budget", "Budget: тот бюджет")
    assert np.mean(values == 0.0) == pytest.approx(0.1, abs=0.01)
    assert "lead.age_relative" in made
    plain = learned(history, company_settings(tmp_path))
    assert not {"criteria.right_budget", "lead.age_relative"} & set(plain.names)
    without = asked.model_copy(
        update={"model": asked.model.model_copy(update={"exclude": ("budget",)})}
    )
    assert "criteria.right_budget" not in learned(history, without).names


def test_the_average_deal_is_learned_of_what_was_known(
    history: History, tmp_path: Path
) -> None:
    """A later ingest with slower deals changes nothing that was learned earlier."""
    asked, cut = asking(tmp_path), microseconds(FIRST + timedelta(days=60))
    tables = history.tables
    unpaid = tables.leads.join(tables.payments, on="lead_id", how="anti")
    slow = unpaid.select(
        "lead_id", at=pl.col("created_at") + pl.duration(days=100),
        amount_minor=pl.lit(100_00), currency=pl.lit("RUB"),
    ).with_columns(recorded_at="at").select(tables.payments.columns)  # fmt: skip
    later = replace(
        tables, payments=in_content_order(pl.concat([tables.payments, slow]))
    )

    then = learned(history.until(cut), asked, days=40).cycle_seconds
    now = learned(History(later), asked, days=40).cycle_seconds

    assert then == pytest.approx({"": 5 * 86_400.0, "main": 5 * 86_400.0})
    assert now == then


def test_one_lead_and_a_batch_are_asked_alike(history: History, tmp_path: Path) -> None:
    """Age against the average deal and the answer are the same bits on both roads."""
    catalog = learned(history, asking(tmp_path))
    asked = moments(history, 120)[350:]

    batch = build(catalog, history, asked)

    for place, row in enumerate(asked.head(40).iter_rows(named=True)):
        alone = build_one(catalog, history.lead(row["lead_id"]), row["moment"])
        assert np.array_equal(alone.numbers[0], batch.numbers[place], equal_nan=True)
    ages = batch.numbers[:, catalog.names.index("lead.age_relative")]
    assert set(np.round(ages, 12)) <= {0.0, 0.4}
