"""From feature tables to a proved bundle: learn, place borders, measure.

Nothing here knows where features come from: arrays go in, a bundle and its proof come
out. The same arrays, settings and seed give the same bundle digest, whatever the number
of threads, the hour or the folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from leads.errors import DataRefused
from leads.settings import Settings
from model.ablation import ablate
from model.anatomy import Anatomy
from model.bundle import Bundle, Contents, write_bundle
from model.capacity import Inflow, Scored, place_borders, what_if
from model.dissection.growth import grow
from model.dissection.whole import dissect
from model.features.catalog import Catalog, FeatureTable, Numbers
from model.learners.boosting import Fold, Matrix
from model.learners.calibration import IDENTITY
from model.learners.forest import NO_TREES
from model.learners.ground import Ground
from model.learners.ladder import BASE_RATE, LINEAR, Ladder, Rung, climb
from model.learners.rates import rates
from model.metrics import Codes, Measured, measure, probabilities
from model.outlook.forecast import Forecast
from model.outlook.ground import Ground as OutlookGround
from model.outlook.learning import learn_outlook
from model.points.record import Rival
from model.points.rival import Rows, meet_rival
from model.proof import Cases, Proof, Worth, prove
from model.provenance import code_mark
from model.readiness import Readiness
from model.reference import Reference, learn_reference
from model.sequels import Sequel, steps_of
from model.slices import Groups, slice_proofs
from model.tiers import Borders, floor_of, money_of, pipelines_in
from model.voices import mute_fields

UNPLACED: Final = Borders(1.0, 1.0)
"""Of a draft: borders are placed once the newest rows are scored."""

Index = npt.NDArray[np.intp]
Progress = Callable[[str], None]

GOLDEN_ROWS: Final = 20
UNTOLD: Final = {"threads", "name", "require_clean"}
"""Settings of the model that change nothing in it."""

DIGITS: Final = 6
"""Digits of a measured figure that are kept: sums differ beyond them by machine."""


@dataclass(frozen=True)
class Task:
    """What is to be learned: labelled snapshots, and which of them prove.

    ``table`` has n rows, ``labels`` their outcomes as 0.0 or 1.0, ``leads`` the number
    of each row's lead from 0. ``train`` and ``test`` are positions of rows; ``folds``
    are fitting and judged positions within ``train``, oldest judged slice first, and
    ``forward`` says whether they go forward in time. ``cut_off``, ``learned_until``
    and ``leaks`` are as in ``Manifest``. ``inflow`` is how many leads come per week;
    ``kept`` are borders to keep rather than to cut anew. ``groups`` are as in
    ``model.slices``, of the test rows; without ``ablated`` no group of features is
    weighed, the model is not taken apart, and it does not meet the scorecard.
    ``sequel`` is what followed the training rows, in their order; None where it is
    not known by time.
    """

    catalog: Catalog
    table: FeatureTable
    labels: Numbers
    leads: Codes
    train: Index
    test: Index
    folds: Sequence[Fold]
    forward: bool
    cut_off: int | None = None
    learned_until: int | None = None
    data_digest: str = ""
    leaks: Mapping[str, Any] = field(default_factory=dict)
    inflow: Inflow = field(default_factory=dict)
    kept: Borders | None = None
    groups: Groups = field(default_factory=dict)
    ablated: bool = True
    sequel: Sequel | None = None

    @cached_property
    def matrix(self) -> Matrix:
        """The training rows as the learner sees them."""
        values = self.catalog.encode(self.table.rows(self.train))
        return Matrix(values, self.labels[self.train], self.catalog.text_columns)

    @cached_property
    def training_leads(self) -> Codes:
        """The number of each training row's lead, from 0 without gaps."""
        return numbered(self.leads[self.train])


@dataclass(frozen=True)
class Trained:
    """A bundle, its proof, and what pictures of it are drawn from.

    ``log_odds``, ``labels``, ``leads`` are of the test rows, ``table`` their features.
    """

    bundle: Bundle
    metrics: dict[str, Measured]
    table: FeatureTable
    log_odds: Numbers
    labels: Numbers
    leads: Codes


def numbered(leads: Codes) -> Codes:
    """Give leads numbers from 0 without gaps.

    Examples
    --------
    >>> numbered(np.array([7, 3, 7])).tolist()
    [1, 0, 1]
    """
    return np.unique(leads, return_inverse=True)[1].astype(np.intp)


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
    task = replace(task, folds=_provable(task))
    ground = Ground(
        matrix=task.matrix,
        names=task.catalog.names,
        leads=task.training_leads,
        folds=task.folds,
        forward=task.forward,
        pipeline=_pipeline(task.catalog),
    )
    ladder = climb(ground, settings.model, say)
    say("Learning how sure, when and how much")
    forecast = _forecast(task, settings, ladder)
    say("Measuring on the test snapshots")
    contents = replace(_contents(task, settings, ladder), forecast=forecast)
    draft = write_bundle(workdir / "draft", contents)
    trained = _measured(draft, task, settings)
    borders = _borders(task, settings, ladder, trained)
    worths = _worths(task, settings, say) if task.ablated else ()
    anatomy = _anatomy(task, settings, trained, say) if task.ablated else None
    rival = _rival(task, settings, trained, say) if task.ablated else None
    shutil.rmtree(draft.path)
    proof = _proof(trained, borders, task, settings)
    contents = replace(
        contents,
        borders=borders,
        facts={**contents.facts, "metrics": _rounded(trained.metrics)},
        proof=replace(proof, ablation=worths, anatomy=anatomy, rival=rival),
    )
    return replace(trained, bundle=write_bundle(workdir / "bundle", contents))


def _pipeline(catalog: Catalog) -> int | None:
    """Find the column that holds each lead's pipeline."""
    kinds = [feature.kind for feature in catalog.features]
    return kinds.index("pipeline") if "pipeline" in kinds else None


def readiness_of(task: Task, settings: Settings) -> Readiness:
    """Count the training leads of either outcome against the minimum."""
    return Readiness.of(
        task.labels[task.train],
        task.leads[task.train],
        minimum=settings.model.minimum,
    )


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


def _provable(task: Task) -> tuple[Fold, ...]:
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
        facts=_facts(task, settings, rate, ladder),
    )


def _mute(task: Task, reference: Reference) -> tuple[str, ...]:
    matrix, leads = task.matrix, task.training_leads
    return mute_fields(
        task.catalog, reference, matrix.values, labels=matrix.labels, leads=leads
    )


def _borders(
    task: Task, settings: Settings, ladder: Ladder, trained: Trained
) -> Borders:
    """Keep the borders that are to be kept, or place them anew."""
    tiers = settings.tiers
    if task.kept is not None and task.kept.by == tiers.by:
        return replace(task.kept, hysteresis=tiers.hysteresis)
    floor = floor_of(trained.bundle.manifest.base_rate, tiers.floor)
    scored = (
        _priced(task, trained)
        if tiers.by == "money"
        else _scored(task, ladder, trained, newest=tiers.hot_per_week is not None)
    )
    return place_borders(scored, tiers, floor=floor, inflow=task.inflow)


def _priced(task: Task, trained: Trained) -> Scored:
    """Take the newest rows with the money to be expected of each.

    Raises
    ------
    DataRefused
        The model knows no amounts.
    """
    said = trained.bundle.outlooks(trained.table, trained.log_odds.tolist())
    money = [money_of(outlook) for outlook in said]
    known = [amount for amount in money if amount is not None]
    if len(known) < len(money):
        raise DataRefused(
            "[tiers] by = 'money' needs expected amounts, and this model gives none:"
            " too few payments, or payments that are not the conversion.",
            remedy="Cut tiers by = 'chance'.",
        )
    pipelines = pipelines_in(task.catalog, trained.table)
    return Scored(np.array(known, dtype=float), task.leads[task.test], pipelines)


def _scored(task: Task, ladder: Ladder, trained: Trained, *, newest: bool) -> Scored:
    """Take rows that nothing was learned from: the newest ones, or out of fold.

    How many leads pass a border depends on how bold the model is, and those out of fold
    learned from less than the whole. Outcomes are not looked at, so that the test rows
    still prove.
    """
    if newest:
        rows, log_odds = task.test, trained.log_odds
    else:
        rows = task.train[np.concatenate([judged for _, judged in task.folds])]
        log_odds = ladder.log_odds
    pipelines = pipelines_in(task.catalog, task.table.rows(rows))
    return Scored(probabilities(log_odds), task.leads[rows], pipelines)


def _forecast(task: Task, settings: Settings, ladder: Ladder) -> Forecast:
    weights = {name: rung.weight for name, rung in ladder.rungs.items()}
    return learn_outlook(
        OutlookGround(
            matrix=task.matrix,
            leads=task.training_leads,
            folds=task.folds,
            log_odds=ladder.log_odds,
            linear=min(weights.get(LINEAR, 0.0), 1.0),
            constant=bool(weights.get(BASE_RATE)),
            seed=settings.model.seed,
        ),
        task.sequel,
        task.catalog.names,
        steps=steps_of(settings),
        horizon=settings.conversion.horizon_days,
    )


def _facts(
    task: Task, settings: Settings, rate: float, ladder: Ladder
) -> dict[str, Any]:
    mark = code_mark()
    model = settings.model.model_dump(mode="json", exclude=UNTOLD)
    holdout = getattr(settings.source, "holdout", None)
    return {
        "horizon_days": settings.conversion.horizon_days,
        "cut_off": task.cut_off,
        "learned_until": task.learned_until,
        "data_digest": task.data_digest,
        "catalog_digest": task.catalog.digest,
        "git_commit": mark.commit,
        "git_dirty": mark.dirty,
        "base_rate": rate,
        "rounds": ladder.rounds,
        "ladder": {name: _rung(rung) for name, rung in ladder.rungs.items()},
        "rows": {
            "train": len(task.train),
            "train_leads": int(task.training_leads.max()) + 1,
            "train_conversions": int(task.matrix.labels.sum()),
            "test": len(task.test),
            "test_leads": len(np.unique(task.leads[task.test])),
            "test_conversions": int(task.labels[task.test].sum()),
        },
        "metrics": {},
        "leaks": task.leaks,
        "enough": readiness_of(task, settings).enough,
        "readiness": asdict(readiness_of(task, settings)),
        "split": {
            "dated": task.learned_until is not None,
            "holdout": holdout and holdout.model_dump(mode="json"),
            "test_share": settings.model.test_share,
            "seed": settings.model.seed,
        },
        "settings": {
            "model": model,
            "conversion": settings.conversion.model_dump(mode="json"),
            "snapshots": settings.snapshots.model_dump(mode="json"),
            "tiers": settings.tiers.model_dump(mode="json"),
            "chosen": _chosen(task, ladder),
        },
    }


def _chosen(task: Task, ladder: Ladder) -> dict[str, Any]:
    """Say what training itself found and chose, beside what it was told."""
    names = dict(enumerate(task.catalog.levels.get("pipeline", ()), 1))
    drift = ladder.drift
    return {
        "drift": drift
        and {
            "rate": round(drift.rate, DIGITS),
            "features": {n: round(v, DIGITS) for n, v in drift.features.items()},
        },
        "half_lives": dict(ladder.half_lives),
        "tuning": {name: asdict(tuning) for name, tuning in ladder.tuning.items()},
        "shift": round(ladder.shift, DIGITS),
        "own_models": {
            names.get(own.code, "(other)"): {
                "gain": round(own.gain, DIGITS),
                "error": round(own.error, DIGITS),
            }
            for own in ladder.own
        },
    }


def _rung(rung: Rung) -> dict[str, float]:
    return {name: round(value, DIGITS) for name, value in asdict(rung).items()}


def _measured(bundle: Bundle, task: Task, settings: Settings) -> Trained:
    table, labels = task.table.rows(task.test), task.labels[task.test]
    leads, log_odds = numbered(task.leads[task.test]), bundle.log_odds(table)
    metrics = measure(
        log_odds,
        labels,
        leads,
        base_rate=bundle.manifest.base_rate,
        seed=settings.model.seed,
    )
    return Trained(bundle, metrics, table, log_odds, labels, leads)


def _proof(trained: Trained, borders: Borders, task: Task, settings: Settings) -> Proof:
    base_rate = trained.bundle.manifest.base_rate
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


def _worths(task: Task, settings: Settings, say: Progress) -> tuple[Worth, ...]:
    say("Weighing the groups of features")
    return ablate(
        task.catalog,
        task.matrix,
        task.training_leads,
        fold=task.folds[-1],
        model=settings.model,
    )


def _anatomy(
    task: Task, settings: Settings, trained: Trained, say: Progress
) -> Anatomy:
    say("Taking the model apart")
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


def _rival(task: Task, settings: Settings, trained: Trained, say: Progress) -> Rival:
    say("Meeting the scorecard")
    return meet_rival(
        task.catalog,
        Rows(task.matrix.values, task.matrix.labels, task.training_leads),
        Rows(task.catalog.encode(trained.table), trained.labels, trained.leads),
        said=trained.log_odds,
        seed=settings.model.seed,
    )


def _rounded(metrics: dict[str, Measured]) -> dict[str, Measured]:
    return {
        name: Measured(*(round(x, DIGITS) for x in (m.value, m.low, m.high)))
        for name, m in metrics.items()
    }
