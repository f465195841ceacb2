"""Flat leads of three pipelines, of which one may be odd: a hand-made set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from tests.model.invented import invented_task

from model.features.catalog import Catalog, Feature, FeatureTable, Words
from model.learning import Task

NAMES = ("calls", "partners", "shops")
PIPELINE = Feature("pipeline", "pipeline", "pipeline", Words("Pipeline", "Воронка"))


def three_pipelines(
    rows: int = 4_000, *, odd: bool = False, noise: bool = False, part: float = 0.15
) -> Task:
    """Make leads of three pipelines whose visits and budget matter.

    With ``odd`` more visits speak against leads of partners, a ``part`` of all; with
    ``noise`` nothing matters but the pipeline itself, 10, 20 and 40 % of which convert.
    """
    plain = invented_task(rows)
    rng = np.random.default_rng(11)
    place = rng.choice(3, rows, p=[(1.0 - part) / 2, part, (1.0 - part) / 2])
    visits = plain.table.numbers[:, 0]
    slope = np.where(odd & (place == 1), -1.0, 0.7)
    chance = 1 / (1 + np.exp(1.0 - slope * (visits - 2.0)))
    if noise:
        chance = np.array([0.1, 0.2, 0.4])[place]
    column = np.array(NAMES, dtype=object)[place]
    texts = np.column_stack([plain.table.texts, column])
    catalog = Catalog(
        (*plain.catalog.features, PIPELINE),
        levels={**plain.catalog.levels, "pipeline": NAMES},
    )
    return replace(
        plain,
        catalog=catalog,
        table=FeatureTable(plain.table.numbers, texts),
        labels=(rng.random(rows) < chance).astype(float),
    )
