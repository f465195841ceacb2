from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from model.dissection.importance import depend
from model.dissection.sample import Sample
from model.learning import Trained
from model.proof.anatomy import Anatomy
from model.proof.record import DIGITS, Proof
from model.reasons.explanation import shares


@pytest.fixture(scope="module")
def anatomy(trained: Trained) -> Anatomy:
    """Read what training kept."""
    text = (trained.bundle.path / "proof.json").read_text("utf-8")
    found = Proof.from_json(text).anatomy
    assert found is not None
    return found


@pytest.fixture(scope="module")
def sample(trained: Trained) -> Sample:
    """Take the test rows."""
    return Sample.of(trained.bundle, trained.table, trained.labels, trained.leads)


def test_training_keeps_the_anatomy(anatomy: Anatomy, trained: Trained) -> None:
    """A bundle says what moves it: the fields that truly do are the heaviest."""
    assert {weight.field for weight in anatomy.weights[:3]} == {
        "visits", "budget", "city",
    }  # fmt: skip
    assert sum(weight.part for weight in anatomy.weights) == pytest.approx(1, abs=1e-4)
    assert anatomy.rows == len(trained.labels)
    assert anatomy.growth is not None


def test_it_survives_the_file(anatomy: Anatomy) -> None:
    """What is written is read back the same."""
    assert Anatomy.from_facts(json.loads(json.dumps(asdict(anatomy)))) == anatomy


def test_weights_are_mean_shares(anatomy: Anatomy, sample: Sample) -> None:
    """A field's weight is the mean size of its share, within its own interval."""
    fields, summed = shares(sample.bundle, sample.given)
    due = dict(zip(fields, np.abs(summed).mean(axis=0), strict=True))

    for weight in anatomy.weights:
        assert weight.share == pytest.approx(due[weight.field], abs=1e-6)
        assert weight.low <= weight.share <= weight.high


def test_every_case_is_counted_once(anatomy: Anatomy) -> None:
    """Spots part the cases; those not known stand apart and nowhere else."""
    for item in anatomy.dependences:
        absent = item.absent.count if item.absent else 0
        assert sum(spot.count for spot in item.spots) + absent == item.rows


def test_missing_values_stand_apart(sample: Sample) -> None:
    """A fifth of budgets is not known: their spot has exactly what they were given."""
    item = depend(sample, "budget")

    column = sample.heaviest("budget")
    missing = np.isnan(sample.matrix[:, column])
    assert item.absent is not None
    assert item.absent.count == missing.sum() > 0
    mean = sample.given[missing, column].mean()
    assert item.absent.share == pytest.approx(mean, abs=10**-DIGITS)
    assert all(spot.at is not None for spot in item.spots)
    assert item.spots[-1].share > item.spots[0].share


def test_levels_are_named_as_people_do(sample: Sample) -> None:
    """Texts are told by their level; what is rare has no name of its own."""
    item = depend(sample, "city")

    told = [spot.words.ru for spot in item.spots]
    assert told[0] == "Казань"
    assert "Omsk" not in told
    assert item.words.ru == "Город"
