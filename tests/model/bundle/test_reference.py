from __future__ import annotations

import numpy as np
import pytest
from tests.model.invented import invented_catalog

from model.bundle.reference import Reference, learn_reference
from model.learning import Task, Trained, numbered


def test_counts_are_what_a_person_would_count(task: Task, trained: Trained) -> None:
    """Of training leads with exactly two visits, so many and such a rate."""
    spread = trained.bundle.reference.spreads["visits_7d"]
    column, labels = task.matrix.values[:, 0], task.matrix.labels
    like = labels[column == 2]

    count, rate = spread.like(2.0)

    assert count == len(like)
    assert rate == pytest.approx(like.mean())


def test_every_row_is_in_one_bin(task: Task, trained: Trained) -> None:
    """Each feature's bins hold all training leads and all conversions."""
    for spread in trained.bundle.reference.spreads.values():
        assert sum(spread.leads) == len(task.train)
        assert sum(spread.won) == pytest.approx(task.matrix.labels.sum())


def test_unknown_and_unseen_values_are_counted_apart(
    task: Task, trained: Trained
) -> None:
    """A city that is not known, and one too rare to be named, have their own counts."""
    spread = trained.bundle.reference.spreads["city"]
    texts = task.table.texts[task.train, 0]

    assert spread.like(float("nan"))[0] == sum(text is None for text in texts)
    assert spread.like(0.0)[0] == np.count_nonzero(texts == "Omsk")


def test_a_lead_counts_once_however_often_it_was_looked_at() -> None:
    """Ten snapshots of one lead with a like value are one vote, shared."""
    catalog = invented_catalog()
    values = np.ones((30, len(catalog.features)))
    labels = np.zeros(30)
    labels[:5] = 1.0
    leads = numbered(np.array([0] * 10 + list(range(1, 21))))

    reference = learn_reference(catalog, values, labels, leads)

    count, rate = reference.spreads["visits_7d"].like(1.0)
    assert count == 21
    assert rate == pytest.approx(0.5 / 21)
    assert reference.rate == pytest.approx(0.5 / 21)


def test_bins_are_of_about_equal_size(trained: Trained) -> None:
    """A feature with many values is cut into tenths."""
    counts = trained.bundle.reference.spreads["visit_age"].leads[:-1]

    assert len(counts) == 10
    assert max(counts) - min(counts) <= 2


def test_a_reference_reads_back_as_it_was_written(trained: Trained) -> None:
    """Nothing is lost in JSON."""
    reference = trained.bundle.reference

    assert Reference.from_json(reference.to_json()) == reference


def test_a_feature_that_is_never_known_has_an_empty_spread() -> None:
    """All leads of such a feature are in the bin "not known"."""
    catalog = invented_catalog()
    values = np.full((3, len(catalog.features)), np.nan)

    reference = learn_reference(catalog, values, np.array([0.0, 1, 0]), np.arange(3))

    count, rate = reference.spreads["budget"].like(float("nan"))
    assert count == 3
    assert rate == pytest.approx(1 / 3)
    assert reference.spreads["budget"].like(5.0) == (0, None)
