"""From feature tables to a proved bundle: learn, place borders, measure.

Nothing here knows where features come from: arrays go in, a bundle and its proof come
out. The same arrays, settings and seed give the same bundle digest, whatever the number
of threads, the hour or the folder.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from leads.settings import Settings
from model.bundle.reference import Reference, learn_reference
from model.bundle.writing import Contents, write_bundle
from model.features.catalog import Catalog
from model.learners.calibration import IDENTITY
from model.learners.forest import NO_TREES
from model.learners.ground import Ground
from model.learners.ladder import BASE_RATE, LINEAR, Ladder, climb
from model.learners.rates import rates
from model.learning.borders import borders_of
from model.learning.proving import (
    anatomy,
    measured,
    proof_of,
    provable,
    rival,
    rounded,
    worths,
)
from model.learning.task import (
    DIGITS,
    Progress,
    Task,
    Trained,
    numbered,
    readiness_of,
)
from model.learning.told import UNTOLD, facts_of
from model.metrics import probabilities
from model.outlook.forecast import Forecast
from model.outlook.ground import Ground as OutlookGround
from model.outlook.learning import learn_money, learn_outlook
from model.outlook.sequels import steps_of
from model.proof.record import Proof
from model.reasons.voices import mute_fields
from model.tiers.borders import Borders

__all__ = ["DIGITS", "UNTOLD", "Progress", "Task", "Trained", "learn", "numbered"]

UNPLACED: Final = Borders(1.0, 1.0)
"""Of a draft: borders are placed once the newest rows are scored."""

GOLDEN_ROWS: Final = 20


def learn(
    task: Task, settings: Settings, *, workdir: Path, progress: Progress | None = None
) -> Trained:
    """Learn a bundle, and measure it on the test rows.

    Of fewer training leads than ``[model] minimum`` the bundle says the usual rate by
    pipeline; nothing is measured, and its manifest says that it was not enough.

    Raises
    ------
    DataRefused
        Enough training leads, but test rows of a single outcome.
    """
    say = progress or (lambda _: None)
    if not readiness_of(task, settings).enough:
        say("Counting the usual rate")
        return _usual(task, settings, workdir)
    task = replace(task, folds=provable(task))
    ground = Ground(
        matrix=task.matrix,
        names=task.catalog.names,
        leads=task.training_leads,
        folds=task.folds,
        forward=task.forward,
        pipeline=_pipeline(task.catalog),
    )
    ladder = climb(ground, settings.model, say)
    say(f"Learning {'how much' if task.brief else 'how sure, when and how much'}")
    forecast = _forecast(task, settings, ladder)
    say("Placing the borders" if task.brief else "Measuring on the test snapshots")
    contents = replace(_contents(task, settings, ladder), forecast=forecast)
    draft = write_bundle(workdir / "draft", contents)
    trained = measured(draft, task, settings)
    borders = borders_of(task, settings, ladder, trained)
    weighed = task.ablated and not task.brief
    beside = _beside(task, settings, trained, say) if weighed else {}
    shutil.rmtree(draft.path)
    proof = proof_of(trained, borders, task, settings)
    contents = replace(
        contents,
        borders=borders,
        facts={**contents.facts, "metrics": rounded(trained.metrics)},
        proof=replace(proof, **beside),
    )
    return replace(trained, bundle=write_bundle(workdir / "bundle", contents))


def _beside(
    task: Task, settings: Settings, trained: Trained, say: Progress
) -> dict[str, Any]:
    """Measure what a proof tells beside the figures themselves."""
    say("Weighing the groups of features")
    worth = worths(task, settings)
    say("Taking the model apart")
    inside = anatomy(task, settings, trained)
    say("Meeting the scorecard")
    met = rival(task, settings, trained)
    return {"ablation": worth, "anatomy": inside, "rival": met}


def _pipeline(catalog: Catalog) -> int | None:
    """Find the column that holds each lead's pipeline."""
    kinds = [feature.kind for feature in catalog.features]
    return kinds.index("pipeline") if "pipeline" in kinds else None


def _usual(task: Task, settings: Settings, workdir: Path) -> Trained:
    """Make the bundle that says the usual rate, and claims to have proved nothing."""
    matrix, catalog = task.matrix, task.catalog
    by_kind = {feature.kind: feature.name for feature in catalog.features}
    table = rates(
        matrix.values,
        matrix.labels,
        task.training_leads,
        names=catalog.names,
        pipeline=by_kind.get("pipeline"),
    )
    said = table.log_odds(matrix.values)
    ladder = Ladder(NO_TREES, table, IDENTITY, {}, 0, said)
    contents = _contents(task, settings, ladder)
    rate = round(contents.facts["base_rate"], DIGITS)
    contents = replace(contents, proof=Proof(count=0, base_rate=rate))
    bundle = write_bundle(workdir / "bundle", contents)
    tested, leads = task.table.rows(task.test), numbered(task.leads[task.test])
    log_odds = bundle.log_odds(tested)
    return Trained(bundle, {}, tested, log_odds, task.labels[task.test], leads)


def _contents(task: Task, settings: Settings, ladder: Ladder) -> Contents:
    matrix = task.matrix
    chances = probabilities(ladder.log_odds)
    # Counted of too few, the rate could be none or all, and that is certainty.
    ready = readiness_of(task, settings)
    rate = float((matrix.labels if ready.enough else chances).mean())
    reference = learn_reference(
        task.catalog, matrix.values, matrix.labels, task.training_leads
    )
    if ready.enough:
        reference = replace(reference, mute=_mute(task, reference))
    spread = np.linspace(0, len(task.train) - 1, GOLDEN_ROWS).astype(np.intp)
    return Contents(
        booster=ladder.booster,
        linear=ladder.linear,
        calibrator=ladder.calibrator,
        catalog=task.catalog,
        borders=UNPLACED,
        reference=reference,
        golden=task.table.rows(task.train[np.unique(spread)]),
        facts=facts_of(task, settings, rate, ladder),
    )


def _mute(task: Task, reference: Reference) -> tuple[str, ...]:
    matrix, leads = task.matrix, task.training_leads
    return mute_fields(
        task.catalog, reference, matrix.values, labels=matrix.labels, leads=leads
    )


def _forecast(task: Task, settings: Settings, ladder: Ladder) -> Forecast:
    weights = {name: rung.weight for name, rung in ladder.rungs.items()}
    ground = OutlookGround(
        matrix=task.matrix,
        leads=task.training_leads,
        folds=task.folds,
        log_odds=ladder.log_odds,
        linear=min(weights.get(LINEAR, 0.0), 1.0),
        constant=bool(weights.get(BASE_RATE)),
        seed=settings.model.seed,
    )
    if task.brief:
        return learn_money(ground, task.sequel, task.catalog.names)
    return learn_outlook(
        ground,
        task.sequel,
        task.catalog.names,
        steps=steps_of(settings),
        horizon=settings.conversion.horizon_days,
    )
