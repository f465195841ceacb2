"""What a ladder of learners stands on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from model.learners.boosting import Fold, Matrix
from model.metrics import Codes


@dataclass(frozen=True)
class Ground:
    """What a ladder stands on: the training rows, their leads, and the folds.

    ``names`` are the features of ``matrix``, ``leads`` number each row's lead, and
    ``forward`` says whether the folds go forward in time. ``pipeline`` is the column of
    the pipelines' codes, None where there are none.
    """

    matrix: Matrix
    names: Sequence[str]
    leads: Codes
    folds: Sequence[Fold]
    forward: bool
    pipeline: int | None = None
