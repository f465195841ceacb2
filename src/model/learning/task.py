"""What is to be learned, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from leads.settings import Settings
from model.bundle.whole import Bundle
from model.features.catalog import Catalog, FeatureTable, Numbers
from model.learners.boosting import Fold, Matrix
from model.metrics import Codes, Measured
from model.outlook.sequels import Sequel
from model.proof.slices import Groups
from model.survey.readiness import Readiness
from model.tiers.borders import Borders
from model.tiers.capacity import Inflow

Index = npt.NDArray[np.intp]
Progress = Callable[[str], None]

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
    ``model.proof.slices``, of the test rows; without ``ablated`` no group of features
    is weighed, the model is not taken apart, and it does not meet the scorecard. Of a
    ``brief`` one only what names chance, tier and amount is learned, and nothing is
    measured.
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
    brief: bool = False
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


def readiness_of(task: Task, settings: Settings) -> Readiness:
    """Count the training leads of either outcome against the minimum."""
    return Readiness.of(
        task.labels[task.train],
        task.leads[task.train],
        minimum=settings.model.minimum,
    )
