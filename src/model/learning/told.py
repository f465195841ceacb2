"""What a bundle says of how it was learned: data, code, settings, what was chosen."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import numpy as np

from leads.settings import Settings
from model.bundle.provenance import code_mark
from model.learners.ladder import Ladder, Rung
from model.learning.task import DIGITS, Task, readiness_of

UNTOLD: Final = {"threads", "name", "require_clean"}
"""Settings of the model that change nothing in it."""


def facts_of(
    task: Task, settings: Settings, rate: float, ladder: Ladder
) -> dict[str, Any]:
    """Gather the facts of a manifest; what is measured later is empty."""
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
