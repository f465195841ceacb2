"""What proves a bundle on the test rows, and what is measured beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from leads.errors import DataRefused
from leads.settings import Settings
from model.bundle.whole import Bundle
from model.dissection.growth import grow
from model.dissection.whole import dissect
from model.learners.boosting import Fold
from model.learning.task import DIGITS, Task, Trained, numbered
from model.metrics import Measured, measure
from model.points.record import Rival
from model.points.rival import Rows, meet_rival
from model.proof.ablation import ablate
from model.proof.anatomy import Anatomy
from model.proof.counting import Cases, prove
from model.proof.record import Proof, Worth
from model.proof.slices import slice_proofs
from model.tiers.borders import Borders
from model.tiers.capacity import what_if


def provable(task: Task) -> tuple[Fold, ...]:
    """Return the folds that can be fitted, or refuse what proves nothing."""
    labels = task.labels[task.train]
    if len(np.unique(task.labels[task.test])) < 2:
        raise DataRefused(
            f"A model is proved on test snapshots of both outcomes; of {len(task.test)}"
            f" test snapshots {int(task.labels[task.test].sum())} converted.",
            remedy="Enlarge [model] test_share, or give a holdout with both outcomes.",
        )
    folds = tuple(
        fold
        for fold in task.folds
        if len(fold[1]) and len(np.unique(labels[fold[0]])) == 2
    )
    if not folds:
        raise DataRefused(
            f"Calibration needs a fold with both outcomes; none of {len(task.folds)}"
            " folds has them.",
            remedy="Lower [model] folds, or wait for more conversions.",
        )
    return folds


def measured(bundle: Bundle, task: Task, settings: Settings) -> Trained:
    """Measure a bundle on the test rows; a brief one only predicts them."""
    table, labels = task.table.rows(task.test), task.labels[task.test]
    leads, log_odds = numbered(task.leads[task.test]), bundle.log_odds(table)
    if task.brief:
        return Trained(bundle, {}, table, log_odds, labels, leads)
    metrics = measure(
        log_odds,
        labels,
        leads,
        base_rate=bundle.manifest.base_rate,
        seed=settings.model.seed,
    )
    return Trained(bundle, metrics, table, log_odds, labels, leads)


def proof_of(
    trained: Trained, borders: Borders, task: Task, settings: Settings
) -> Proof:
    """Prove tiers cut at some borders on the test rows; of a brief one nothing."""
    base_rate = trained.bundle.manifest.base_rate
    if task.brief:
        return Proof(count=0, base_rate=round(base_rate, DIGITS))
    cases = Cases.of(trained.log_odds, trained.labels, trained.leads)
    proof = prove(
        cases,
        metrics=trained.metrics,
        tiers=replace(trained.bundle, borders=borders).tiers(
            trained.table, trained.log_odds.tolist()
        ),
        base_rate=base_rate,
    )
    return replace(
        proof,
        capacity=what_if(cases, borders, settings.tiers, inflow=task.inflow),
        slices=slice_proofs(cases, trained.log_odds, task.groups, base_rate=base_rate),
    )


def worths(task: Task, settings: Settings) -> tuple[Worth, ...]:
    """Weigh the groups of features."""
    return ablate(
        task.catalog,
        task.matrix,
        task.training_leads,
        fold=task.folds[-1],
        model=settings.model,
    )


def anatomy(task: Task, settings: Settings, trained: Trained) -> Anatomy:
    """Take the model apart."""
    made = dissect(
        trained.bundle,
        trained.table,
        labels=trained.labels,
        leads=trained.leads,
        model=settings.model,
    )
    growth = grow(
        task.matrix, task.training_leads, fold=task.folds[-1], model=settings.model
    )
    return replace(made, growth=growth)


def rival(task: Task, settings: Settings, trained: Trained) -> Rival:
    """Let the model meet a learned scorecard."""
    return meet_rival(
        task.catalog,
        Rows(task.matrix.values, task.matrix.labels, task.training_leads),
        Rows(task.catalog.encode(trained.table), trained.labels, trained.leads),
        said=trained.log_odds,
        seed=settings.model.seed,
    )


def rounded(metrics: dict[str, Measured]) -> dict[str, Measured]:
    """Keep of figures what does not differ by machine."""
    return {
        name: Measured(*(round(x, DIGITS) for x in (m.value, m.low, m.high)))
        for name, m in metrics.items()
    }
