from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.model.invented import flat_settings

from model.features.catalog import Catalog, Feature, Words
from model.learners.boosting import Matrix
from model.proof.ablation import MOST_ROWS, ablate, group_of, newest
from model.proof.record import Worth

WORDS = Words("x", "х")
FEATURES = (
    Feature("visits.a", "event_count", "visit", WORDS, of="visit"),
    Feature("visits.b", "event_count", "visit", WORDS, of="visit"),
    Feature("card.budget", "card_number", "budget", WORDS, of="budget"),
    Feature("created.hour", "hour", "created_at", WORDS),
)


@pytest.fixture(scope="module")
def worths(tmp_path_factory: pytest.TempPathFactory) -> tuple[Worth, ...]:
    """Weigh groups where events decide twice over, a field a little, the hour not."""
    rng = np.random.default_rng(5)
    rows = 3_000
    leads = np.repeat(np.arange(rows // 3), 3)
    strong = rng.normal(0, 1, rows)
    weak, hour = rng.normal(0, 1, rows), rng.normal(0, 1, rows)
    chances = 1 / (1 + np.exp(1.0 - 2.0 * strong - 0.5 * weak))
    matrix = Matrix(
        np.column_stack([strong, strong + 1e-6, weak, hour]),
        (rng.random(rows) < chances).astype(float),
        (),
    )
    return ablate(
        Catalog(FEATURES),
        matrix,
        leads,
        fold=(np.arange(2_100), np.arange(2_100, rows)),
        model=flat_settings(tmp_path_factory.mktemp("ablation")).model,
    )


def test_what_decides_is_worth_most(worths: tuple[Worth, ...]) -> None:
    """Events are dearest, the field counts, and the hour is worth nothing for sure."""
    assert [worth.group for worth in worths[:2]] == ["events", "card"]
    events, card, hour = worths
    assert events.low > 0.05
    assert events.value > 3 * card.value > 0
    assert hour.low <= 0.003
    assert hour.value < 0.3 * card.value


def test_copies_in_one_group_do_not_hide_it(worths: tuple[Worth, ...]) -> None:
    """A group goes as a whole: two columns that say the same are worth it together."""
    assert worths[0].features == 2
    assert worths[0].value > 0.1


def test_a_single_group_is_not_weighed() -> None:
    """Without anything left there is nothing to compare with."""
    matrix = Matrix(np.zeros((4, 2)), np.array([0.0, 1.0, 0.0, 1.0]), ())
    rows = np.arange(4)
    settings = flat_settings(Path())

    found = ablate(
        Catalog(FEATURES[:2]), matrix, rows, fold=(rows, rows), model=settings.model
    )

    assert found == ()


def test_the_price_is_bounded_by_whole_newest_leads() -> None:
    """However many rows there are, few are fitted: the newest, no lead cut in two."""
    leads = np.repeat(np.arange(20_000), 2)

    kept = newest(np.arange(len(leads)), leads)

    assert len(kept) == MOST_ROWS
    assert kept.max() == len(leads) - 1
    assert np.all(np.bincount(leads[kept])[leads[kept]] == 2)


@pytest.mark.parametrize(
    ("kind", "group"),
    [("kinds_distinct", "events"), ("refund_count", "payments"), ("month", "time"),
     ("contact_mail", "contact"), ("pipeline", "origin"), ("stage_age", "stages")],
)  # fmt: skip
def test_every_kind_has_its_group(kind: str, group: str) -> None:
    """Kinds of one family stand together, under the name people know."""
    feature = Feature("x", kind, "x", WORDS)  # type: ignore[arg-type]

    assert group_of(feature) == group
