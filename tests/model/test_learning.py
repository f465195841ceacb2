from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.model.invented import flat_settings, invented_task

from leads.decision import Tier
from leads.errors import DataRefused
from model.bundle.provenance import code_mark
from model.learning import Task, Trained, learn
from model.metrics import probabilities
from model.promotion.pictures import pictures
from model.proof.record import Proof


def test_the_same_input_gives_the_same_digest(
    task: Task, trained: Trained, tmp_path: Path
) -> None:
    """One thread or two, another folder and another minute: the same bundle."""
    again = learn(task, flat_settings(tmp_path, threads=1), workdir=tmp_path / "a")

    assert again.bundle.digest == trained.bundle.digest
    assert again.metrics == trained.metrics


def test_another_seed_gives_another_digest(
    task: Task, trained: Trained, tmp_path: Path
) -> None:
    """The seed is part of what a bundle is made from."""
    again = learn(task, flat_settings(tmp_path, seed=8), workdir=tmp_path)

    assert again.bundle.digest != trained.bundle.digest


def test_something_is_learned(trained: Trained) -> None:
    """On leads whose visits and budget matter the model beats the base rate."""
    assert trained.metrics["logloss"].high < trained.metrics["base_logloss"].value
    assert trained.metrics["auc"].low > 0.6


def test_predictions_come_true(tmp_path: Path) -> None:
    """Among leads given about 40 % about 40 % convert: within 0.05 over all bins."""
    task = invented_task(6_000)
    proof = learn(task, flat_settings(tmp_path), workdir=tmp_path)

    assert proof.metrics["ece15"].value < 0.05


def test_test_rows_teach_nothing(task: Task, trained: Trained, tmp_path: Path) -> None:
    """Turning the outcomes of all test rows changes no tree, border or count."""
    turned = task.labels.copy()
    turned[task.test] = 1 - turned[task.test]
    other = learn(
        replace(task, labels=turned), flat_settings(tmp_path), workdir=tmp_path
    )

    for file, digest in trained.bundle.manifest.files.items():
        taught = file != "proof.json"  # which says what happened to the test rows
        assert (other.bundle.manifest.files[file] == digest) is taught


def with_conversions(task: Task, count: int) -> Task:
    """Let only so many training leads have converted."""
    labels = task.labels.copy()
    labels[np.flatnonzero(labels[task.train])[count:]] = 0.0
    return replace(task, labels=labels)


def test_too_few_conversions_give_the_usual_rate(task: Task, tmp_path: Path) -> None:
    """With 49 converted training leads no lead is told from another, and no tier."""
    few = with_conversions(task, 49)
    made = learn(few, flat_settings(tmp_path), workdir=tmp_path)

    manifest = made.bundle.manifest
    assert not manifest.enough
    assert manifest.readiness == {"won": 49, "lost": 1_001, "minimum": 50}
    assert probabilities(made.log_odds) == pytest.approx([50 / 1_060] * 450)
    assert manifest.base_rate == pytest.approx(50 / 1_060)
    sure = [-4.0, 4.0] * 225
    assert set(made.bundle.tiers(made.table, sure)) == {Tier.NO_DATA}
    assert not made.bundle.contributions(made.table).any()
    made.bundle.check_golden_rows()


def test_fifty_conversions_give_a_model(task: Task, tmp_path: Path) -> None:
    """At the minimum leads are told apart, and there are tiers again."""
    made = learn(with_conversions(task, 50), flat_settings(tmp_path), workdir=tmp_path)

    assert made.bundle.manifest.enough
    sure = made.bundle.tiers(made.table, [9.0] * len(made.table))
    assert set(sure) == {Tier.HOT}
    assert made.metrics


def test_of_too_little_nothing_is_proved(task: Task, tmp_path: Path) -> None:
    """There are no figures, no proof, no pictures and no rungs to be believed."""
    made = learn(with_conversions(task, 9), flat_settings(tmp_path), workdir=tmp_path)

    proof = Proof.from_json((made.bundle.path / "proof.json").read_text())
    assert made.metrics == made.bundle.manifest.metrics == {}
    assert made.bundle.manifest.ladder == {}
    assert proof.count == 0
    assert proof.tiers == ()
    assert list(pictures(made)) == []


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_one_outcome_alone_is_answered(
    task: Task, tmp_path: Path, outcome: float
) -> None:
    """Where no lead, or every lead, converted, the answer is neither 0 nor 1."""
    alike = replace(task, labels=np.full(len(task.labels), outcome))
    made = learn(alike, flat_settings(tmp_path), workdir=tmp_path)

    chances = probabilities(made.log_odds)
    assert 0.0 < made.bundle.manifest.base_rate < 1.0
    assert (chances > 0.0).all()
    assert (chances < 1.0).all()


def test_one_win_of_one_lead_is_no_certainty(task: Task, tmp_path: Path) -> None:
    """A single lead that converted is answered with 18 %, and no tier."""
    won = np.flatnonzero(task.labels[task.train])[:1]
    lone = replace(task, train=won, folds=())
    made = learn(lone, flat_settings(tmp_path), workdir=tmp_path)

    assert probabilities(made.log_odds) == pytest.approx([2 / 11] * 450)


def test_repeated_snapshots_of_few_leads_are_too_few(
    task: Task, tmp_path: Path
) -> None:
    """Leads are counted, not snapshots: 19 leads seen often are still 19."""
    few = replace(task, leads=np.where(task.labels > 0, task.leads % 19, task.leads))
    made = learn(few, flat_settings(tmp_path), workdir=tmp_path)

    assert made.bundle.manifest.readiness["won"] == 19
    assert not made.bundle.manifest.enough


def test_test_rows_of_one_outcome_are_refused(task: Task, tmp_path: Path) -> None:
    """Where no test row converted, nothing can be proved, and that is said."""
    labels = task.labels.copy()
    labels[task.test] = 0.0

    with pytest.raises(DataRefused, match="450 test snapshots 0 converted"):
        learn(replace(task, labels=labels), flat_settings(tmp_path), workdir=tmp_path)


def test_the_manifest_says_where_the_model_comes_from(
    task: Task, trained: Trained
) -> None:
    """Counts, rate, digests and settings are those of the task."""
    manifest, mark = trained.bundle.manifest, code_mark()

    assert manifest.rows["train"] == manifest.rows["train_leads"] == 1_050
    assert manifest.rows["test"] == 450
    assert manifest.base_rate == task.labels[task.train].mean()
    assert manifest.catalog_digest == task.catalog.digest
    assert (manifest.git_commit, manifest.git_dirty) == (mark.commit, mark.dirty)
    assert manifest.settings["model"]["seed"] == 7
    assert manifest.metrics["auc"].value == round(trained.metrics["auc"].value, 6)


def test_nothing_in_the_manifest_tells_time_or_machine(trained: Trained) -> None:
    """No thread count, path or clock time is under the digest."""
    text = (trained.bundle.path / "manifest.json").read_text()

    assert "threads" not in text
    assert "/" not in json.dumps(json.loads(text)["settings"])
