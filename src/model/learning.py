"""From feature tables to a proved bundle: learn, place borders, measure.

Nothing here knows where features come from: arrays go in, a bundle and its proof come
out. The same arrays, settings and seed give the same bundle digest, whatever the number
of threads, the hour or the folder.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from leads.errors import DataRefused
from leads.settings import Settings
from model.bundle import Bundle, Contents, write_bundle
from model.features.catalog import Catalog, FeatureTable, Numbers
from model.learners.boosting import Fold, Matrix
from model.learners.ladder import CONSTANT, LINEAR, Ground, Ladder, Rung, climb
from model.metrics import Codes, Measured, measure, probabilities
from model.outlook.forecast import Forecast
from model.outlook.ground import Ground as OutlookGround
from model.outlook.learning import learn_outlook
from model.proof import Cases, Proof, prove
from model.reference import learn_reference
from model.sequels import Sequel, steps_of
from model.tiers import floor_of, learn_borders

Index = npt.NDArray[np.intp]
Progress = Callable[[str], None]

LEAST_LEADS: Final = 20
"""Training leads of each outcome below which there is nothing to learn from."""

GOLDEN_ROWS: Final = 20
DIGITS: Final = 6
"""Digits of a measured figure that are kept: sums differ beyond them by machine."""


@dataclass(frozen=True)
class Task:
    """What is to be learned: labelled snapshots, and which of them prove.

    ``table`` has n rows, ``labels`` their outcomes as 0.0 or 1.0, ``leads`` the number
    of each row's lead from 0. ``train`` and ``test`` are positions of rows; ``folds``
    are fitting and judged positions within ``train``, oldest judged slice first, and
    ``forward`` says whether they go forward in time. ``cut_off``, ``learned_until``
    and ``leaks`` are as in ``Manifest``. ``sequel`` is what followed the training rows,
    in their order; None where it is not known by time.
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

    Raises
    ------
    DataRefused
        Too few training leads of one outcome, or test rows of a single outcome.
    """
    say = progress or (lambda _: None)
    task = replace(task, folds=_enough(task))
    ground = Ground(
        matrix=task.matrix,
        names=task.catalog.names,
        leads=task.training_leads,
        folds=task.folds,
        forward=task.forward,
    )
    ladder = climb(ground, settings.model, say)
    say("Learning how sure, when and how much")
    forecast = _forecast(task, settings, ladder)
    say("Measuring on the test snapshots")
    contents = replace(_contents(task, settings, ladder), forecast=forecast)
    draft = write_bundle(workdir / "draft", contents)
    trained = _measured(draft, task, settings)
    shutil.rmtree(draft.path)
    facts = {**contents.facts, "metrics": _rounded(trained.metrics)}
    contents = replace(contents, facts=facts, proof=_proof(trained))
    return replace(trained, bundle=write_bundle(workdir / "bundle", contents))


def _enough(task: Task) -> tuple[Fold, ...]:
    """Return the folds that can be fitted, or refuse data that cannot carry a model."""
    labels = task.labels[task.train]
    won = len(np.unique(task.leads[task.train][labels > 0]))
    lost = len(np.unique(task.leads[task.train][labels == 0]))
    if min(won, lost) < LEAST_LEADS:
        raise DataRefused(
            f"A model needs at least {LEAST_LEADS} training leads that converted and"
            f" {LEAST_LEADS} that did not; the data have {won:,} and {lost:,}.",
            remedy="Wait for more mature leads, lengthen the history that is ingested,"
            " or check [conversion].",
        )
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
    matrix, tiers = task.matrix, settings.tiers
    rate = float(matrix.labels.mean())
    chances = probabilities(ladder.log_odds)
    spread = np.linspace(0, len(task.train) - 1, GOLDEN_ROWS).astype(np.intp)
    return Contents(
        booster=ladder.booster,
        linear=ladder.linear,
        calibrator=ladder.calibrator,
        catalog=task.catalog,
        borders=learn_borders(
            chances, hot=tiers.hot, warm=tiers.warm, floor=floor_of(rate, tiers.floor)
        ),
        reference=learn_reference(
            task.catalog, matrix.values, matrix.labels, task.training_leads
        ),
        golden=task.table.rows(task.train[np.unique(spread)]),
        facts=_facts(task, settings, rate, ladder),
    )


def _forecast(task: Task, settings: Settings, ladder: Ladder) -> Forecast:
    weights = {name: rung.weight for name, rung in ladder.rungs.items()}
    return learn_outlook(
        OutlookGround(
            matrix=task.matrix,
            leads=task.training_leads,
            folds=task.folds,
            log_odds=ladder.log_odds,
            linear=min(weights.get(LINEAR, 0.0), 1.0),
            constant=bool(weights.get(CONSTANT)),
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
    model = settings.model.model_dump(mode="json", exclude={"threads", "name"})
    holdout = getattr(settings.source, "holdout", None)
    return {
        "horizon_days": settings.conversion.horizon_days,
        "cut_off": task.cut_off,
        "learned_until": task.learned_until,
        "data_digest": task.data_digest,
        "catalog_digest": task.catalog.digest,
        "git_commit": git_commit(),
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


def _proof(trained: Trained) -> Proof:
    return prove(
        Cases.of(trained.log_odds, trained.labels, trained.leads),
        metrics=trained.metrics,
        borders=trained.bundle.borders,
        base_rate=trained.bundle.manifest.base_rate,
    )


def _rounded(metrics: dict[str, Measured]) -> dict[str, Measured]:
    return {
        name: Measured(*(round(x, DIGITS) for x in (m.value, m.low, m.high)))
        for name, m in metrics.items()
    }


def git_commit() -> str | None:
    """Name the commit that this code is checked out at; None if it is not."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return None
    return found.stdout.strip() or None
