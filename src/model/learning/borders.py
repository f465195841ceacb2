"""Where the borders of the tiers are placed, on rows that nothing was learned from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from leads.errors import DataRefused
from leads.settings import Settings
from model.learners.ladder import Ladder
from model.learning.task import Task, Trained
from model.metrics import probabilities
from model.tiers.borders import Borders, floor_of, money_of, pipelines_in
from model.tiers.capacity import Scored, place_borders


def borders_of(
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
