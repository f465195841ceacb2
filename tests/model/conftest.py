"""An invented task of flat leads, and one bundle learned from it for many tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from leads.settings import Settings
from model.catalog import Catalog, Feature, FeatureTable, Words
from model.learning import Task, Trained, learn

FEATURES = (
    Feature("visits_7d", "event_count", "visits", Words("Visits in 7 days", "Визиты за 7 дней"), of="visit", window=604_800, unit="events"),
    Feature("visits_30d", "event_count", "visits", Words("Visits in 30 days", "Визиты за 30 дней"), of="visit", window=2_592_000, unit="events"),
    Feature("visit_age", "event_recency", "visits", Words("Since the last visit", "С последнего визита"), of="visit", unit="hours"),
    Feature("budget", "card_number", "budget", Words("Budget", "Бюджет"), of="budget"),
    Feature("phone", "contact_phone", "phone", Words("Phone is known", "Телефон указан"), of="phone"),
    Feature("city", "card_text", "city", Words("City", "Город"), of="city"),
    Feature("source", "source", "source", Words("Source", "Источник")),
)  # fmt: skip


def invented_task(rows: int = 1500, *, seed: int = 3, noise: bool = False) -> Task:
    """Make leads whose visits, budget and city matter, or where nothing does."""
    rng = np.random.default_rng(seed)
    visits = rng.poisson(2.0, rows).astype(float)
    month = visits + rng.poisson(4.0, rows)
    age = np.where(month > 0, rng.exponential(60.0, rows), np.nan)
    budget = np.where(rng.random(rows) < 0.2, np.nan, rng.lognormal(10.0, 1.0, rows))
    phone = (rng.random(rows) < 0.7).astype(float)
    cities = np.array(["Москва", "Казань", "Omsk", None], dtype=object)
    city = cities[rng.integers(0, 4, rows)]
    source = np.array(["ads", "web", "call"], dtype=object)[rng.integers(0, 3, rows)]
    strength = 0.0 if noise else 1.0
    log_odds = -1.3 + strength * (
        0.5 * (visits - 2)
        + 0.6 * (np.nan_to_num(np.log(budget), nan=10.0) - 10.0)
        + 0.8 * (city == "Казань")
    )
    labels = (rng.random(rows) < 1 / (1 + np.exp(-log_odds))).astype(float)
    catalog = Catalog(
        FEATURES,
        levels={"city": ("Казань", "Москва"), "source": ("ads", "call", "web")},
    )
    train = np.arange(int(rows * 0.7))
    fold = np.arange(len(train)) % 3
    return Task(
        catalog=catalog,
        table=FeatureTable(
            np.column_stack([visits, month, age, budget, phone]),
            np.column_stack([city, source]),
        ),
        labels=labels,
        leads=np.arange(rows),
        train=train,
        test=np.arange(len(train), rows),
        folds=tuple(
            (np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)
        ),
        forward=False,
    )


def flat_settings(folder: Path, **model: object) -> Settings:
    """Make the settings of a flat table whose store lies in ``folder``."""
    return Settings.model_validate(
        {
            "source": {"kind": "table", "path": "leads.csv", "outcome": "won"},
            "conversion": {"kind": "outcome"},
            "model": {"learning_rate": 0.1, "rounds": 80, **model},
            "store": {
                "folder": str(folder / "store"),
                "database": "sqlite://",
                "tracking": f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}",
            },
        }
    )


@pytest.fixture(scope="session")
def task() -> Task:
    """An invented task with something to learn."""
    return invented_task()


@pytest.fixture(scope="session")
def trained(task: Task, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A bundle learned from the invented task; not to be changed."""
    folder = tmp_path_factory.mktemp("trained")
    return learn(task, flat_settings(folder), workdir=folder)
