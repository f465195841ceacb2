"""The model of a past month: trained once, whoever asks for it.

::

    folder/months/<key>/bundle/        the model of what was known at its first moment
    folder/months/<key>/points.yaml    the scorecard learned of the same rows

Back-test, forecast and proof all ask what a model of then would have said. Its key
digests what was known then, settings and code, not what came later: the next ingest
trains only the month that is new.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from leads.errors import DamagedBundle
from leads.history import History
from leads.settings import Settings
from leads.store import content_digest
from model.bundle.provenance import code_mark, demand_clean
from model.bundle.whole import Bundle
from model.learning import UNTOLD, Task, learn
from model.points.rival import Rows
from model.points.scorecard import learn_scorecard
from model.points.writing import to_yaml
from model.training import Terms, task_of

MOST_FOLDS: Final = 3
"""Folds of a model of then at most: each month is a whole training."""

STEP: Final = 2
"""Times the step of a model that serves: half as many trees say as much of the past."""

FOLDER: Final = "months"
POINTS: Final = "points.yaml"
MOST_KEPT: Final = 24
"""Months of which the model is kept; whoever was asked for longest ago goes."""


@dataclass(frozen=True)
class MonthModel:
    """A model of then, the scorecard of the same rows, and whether both were kept.

    ``points`` is a section of a playbook, as ``model.points.writing`` puts it.
    """

    bundle: Bundle
    points: str
    kept: bool


def month_model(
    then: History, settings: Settings, *, say: Callable[[str], None]
) -> MonthModel:
    """Train of what was known then, or take what was trained of it before.

    It is trained more cheaply than a model that will serve: of few folds, in bigger
    steps, and only for what the past is asked: chance, tier, amount and reasons. How
    sure it is and when somebody pays is not learned, nothing is measured.

    Raises
    ------
    CodeRefused
        ``[model] require_clean`` is set and the code is not what was committed.
    DataRefused, LeakRefused, BadConfig
        As ``model.training.train``.
    """
    if settings.model.require_clean:
        demand_clean(code_mark())
    folds = min(settings.model.folds, MOST_FOLDS)
    step = min(STEP * settings.model.learning_rate, 1.0)
    cheaper = settings.model.model_copy(update={"folds": folds, "learning_rate": step})
    quick = settings.model_copy(update={"model": cheaper})
    digest = content_digest(then.tables)
    place = settings.store.folder / FOLDER / _key(quick, digest)
    found = _read(place)
    if found is not None:
        say("Taking the model that was trained before")
        return found
    terms = Terms(data_digest=digest, brief=True)
    task = task_of(then, quick, progress=say, terms=terms)
    draft = place.with_name(f".{place.name}-{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    learn(task, quick, workdir=draft, progress=say)
    (draft / POINTS).write_text(_points(task), encoding="utf-8")
    _swap_in(draft, place)
    return MonthModel(Bundle.open(place / "bundle"), _text(place), kept=False)


def _points(task: Task) -> str:
    """Learn the scorecard of the training rows; empty where they all came out alike."""
    rows = Rows(task.matrix.values, task.matrix.labels, task.training_leads).thinned()
    if len(set(rows.labels.tolist())) < 2:
        return ""
    return to_yaml(learn_scorecard(task.catalog, rows.matrix, rows.labels, rows.leads))


def _read(place: Path) -> MonthModel | None:
    """Read what was kept, and remember that it was asked for."""
    try:
        found = MonthModel(Bundle.open(place / "bundle"), _text(place), kept=True)
    except (DamagedBundle, FileNotFoundError):
        return None
    os.utime(place)
    return found


def _text(place: Path) -> str:
    return (place / POINTS).read_text(encoding="utf-8")


def _swap_in(draft: Path, place: Path) -> None:
    """Put a month in its place, whole, and let go of those that nobody asks for."""
    shutil.rmtree(place, ignore_errors=True)
    draft.replace(place)
    others = [one for one in place.parent.iterdir() if not one.name.startswith(".")]
    others.sort(key=lambda one: one.stat().st_mtime, reverse=True)
    for old in others[MOST_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def _key(settings: Settings, digest: str) -> str:
    facts = settings.model_dump(
        mode="json",
        include={"company", "conversion", "snapshots", "funnel", "tiers", "source",
                 "model", "criteria", "words"},
        exclude={"model": UNTOLD, "company": {"name"},
                 "source": {"url", "folder", "path"}},
    )  # fmt: skip
    told = json.dumps([digest, facts, str(code_mark())], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:24]
