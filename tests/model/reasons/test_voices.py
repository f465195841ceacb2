"""A field may be named if its counts tell something of leads of like age."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.bundle.reference import Reference, learn_reference
from model.features.catalog import Numbers
from model.learning import Task, Trained
from model.metrics import probabilities
from model.reasons.explanation import columns_of
from model.reasons.sentences import explained
from model.reasons.voices import (
    LUCK,
    by_luck,
    chance_of,
    excess_of,
    mute_fields,
    rate_by_age,
)

LEADS = 2_000


def is_luck(excesses: Numbers) -> bool:
    """Whether one field alone would be taken for luck."""
    chance = chance_of(excesses)
    return chance is not None and bool(by_luck({"field": chance}))


def company(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Look at each lead three times: an idle count grows with age, a converted goes.

    Gives bins of the count, ages, outcomes of the rows that are left, and their leads.
    """
    rng = np.random.default_rng(seed)
    age = np.tile([0, 1, 2], (LEADS, 1))
    count = np.cumsum(rng.random((LEADS, 3)) < 0.5, axis=1)
    gone = np.cumsum(rng.random((LEADS, 4)) < 0.15, axis=1) > 0
    left = ~np.column_stack([np.zeros(LEADS, bool), gone[:, :2]])
    converts = np.column_stack([gone[:, 2] & left[:, place] for place in range(3)])
    lead = np.tile(np.arange(LEADS)[:, None], 3)
    return count[left], age[left], np.column_stack([converts[left], lead[left]])


def usual_of(age: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Give each row the rate of its age."""
    rates = [labels[age == one].mean() for one in range(3)]
    return np.asarray(np.array(rates)[age])


def test_an_idle_count_that_grows_with_age_is_luck() -> None:
    """Held against leads of like age it tells nothing; against all it seems to."""
    lucky = seeming = 0
    for seed in range(100):
        bins, age, told = company(seed)
        labels, leads = told[:, 0].astype(float), told[:, 1]
        everyone = np.full(len(labels), labels.mean())
        by_age = excess_of(bins, usual_of(age, labels), labels=labels, leads=leads)
        lucky += is_luck(by_age)
        seeming += not is_luck(excess_of(bins, everyone, labels=labels, leads=leads))

    assert lucky >= 100 * (1 - 2 * LUCK)
    assert seeming > 50


def test_the_oldest_are_held_against_the_oldest() -> None:
    """The last three of a hundred have a rate of their own, however seldom it is."""
    age = np.arange(10_000.0)
    labels = (age < 9_700).astype(float)

    usual = rate_by_age(age, labels)

    assert usual[9_800:].tolist() == [0.0] * 200
    assert usual[:9_600].tolist() == [1.0] * 9_600


def test_a_few_rows_are_one_age() -> None:
    """Were each row its own yardstick, nothing could exceed it."""
    age = np.arange(120.0)
    labels = (age < 60).astype(float)

    assert set(rate_by_age(age, labels).tolist()) == {0.5}


def test_a_true_field_may_speak() -> None:
    """A bin that doubles the odds in three thousand leads is no luck."""
    rng = np.random.default_rng(3)
    bins = rng.integers(0, 3, 3_000)
    labels = (rng.random(3_000) < probabilities(-1.5 + 0.7 * (bins == 2))).astype(float)
    usual = np.full(3_000, labels.mean())

    excess = excess_of(bins, usual, labels=labels, leads=np.arange(3_000))
    assert not is_luck(excess)
    assert excess[2] == excess.max()


def test_rows_of_one_lead_prove_as_much_as_one_row() -> None:
    """Rows told ten times over do not make an excess surer."""
    rng = np.random.default_rng(4)
    bins, leads = rng.integers(0, 4, 2_000), np.arange(2_000)
    labels = (rng.random(2_000) < 0.3).astype(float)
    usual, often = np.full(2_000, 0.3), np.repeat(leads, 10)

    once = excess_of(bins, usual, labels=labels, leads=leads)
    again = excess_of(
        bins[often], usual[often], labels=labels[often], leads=leads[often]
    )
    assert np.all(np.abs(again) <= np.abs(once) * 1.05)


def test_a_bin_without_conversions_by_luck_is_no_proof() -> None:
    """Where nobody of a few converted, the excess is measured by what could vary."""
    bins = np.r_[np.zeros(60, int), np.ones(600, int)]
    labels = np.r_[np.zeros(60), np.tile([1.0] + [0.0] * 9, 60)]
    usual = np.full(660, 0.1)

    excess = excess_of(bins, usual, labels=labels, leads=np.arange(660))
    assert excess[0] == pytest.approx(-6 / np.sqrt(60 * 0.09))


def test_a_mute_field_counts_but_is_not_named(trained: Trained) -> None:
    """Its share stands in the sums, bit for bit; its sentence gives way to the next."""
    bundle, table = trained.bundle, trained.table.rows(slice(0, 50))
    log_odds, contributions, _ = bundle.explain(table)
    loud = explained(bundle, table, contributions, log_odds)
    loudest = loud[0][1][0].field
    hushed = replace(bundle, reference=replace(bundle.reference, mute=(loudest,)))

    mute = explained(hushed, table, contributions, log_odds)
    assert [shares for shares, _ in mute] == [shares for shares, _ in loud]
    assert all(one.field != loudest for _, reasons in mute for one in reasons)
    assert all(reasons for _, reasons in mute)


@pytest.mark.parametrize("field", ["budget", "city"])
def test_a_field_of_noise_is_muted_and_the_telling_ones_speak(
    task: Task, field: str
) -> None:
    """A column that is thrown anew tells nothing, whatever field it was."""
    catalog, leads = task.catalog, task.training_leads
    values, labels = task.matrix.values.copy(), task.matrix.labels
    known = learn_reference(catalog, values, labels, leads)
    before = mute_fields(catalog, known, values, labels=labels, leads=leads)
    rng = np.random.default_rng(6)
    for column in columns_of(catalog)[field]:
        values[:, column] = rng.permutation(values[:, column])

    after = mute_fields(catalog, known, values, labels=labels, leads=leads)
    assert field not in before
    assert set(after) == {*before, field}


def test_a_reference_from_before_there_were_mute_fields_mutes_none(
    trained: Trained,
) -> None:
    """A bundle written earlier speaks as it did; a new one remembers."""
    known = replace(trained.bundle.reference, mute=("noise",))
    text = known.to_json()

    assert Reference.from_json(text) == known
    older = text.replace('"mute"', '"else"')
    assert Reference.from_json(older).mute == ()


def test_of_many_idle_fields_hardly_one_may_speak() -> None:
    """Fields without anything to tell: any of 40 speaks in few of 200 companies."""
    rng = np.random.default_rng(8)
    chances = rng.random((200, 40))

    spoke = sum(
        len(by_luck({str(n): chance for n, chance in enumerate(row)})) < 40
        for row in chances
    )
    assert spoke <= 2 * LUCK * 200
