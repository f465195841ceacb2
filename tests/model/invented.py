"""An invented task of flat leads: visits, budget and city matter, the rest does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from leads.settings import Settings
from model.features.catalog import Catalog, Feature, FeatureTable, Words
from model.learning import Task

WEEK, MONTH = 604_800, 2_592_000
VISITS_7D = Words("Visits in 7 days", "Визиты за 7 дней")
VISITS_30D = Words("Visits in 30 days", "Визиты за 30 дней")
VISIT_AGE = Words("Time since the last visit", "Давность последнего визита")
PHONE = Words("Phone is known", "Телефон указан")
FEATURES = (
    Feature("visits_7d", "event_count", "visits", VISITS_7D, of="visit", window=WEEK),
    Feature(
        "visits_30d", "event_count", "visits", VISITS_30D, of="visit", window=MONTH
    ),
    Feature("visit_age", "event_recency", "visits", VISIT_AGE, of="visit"),
    Feature("budget", "card_number", "budget", Words("Budget", "Бюджет"), of="budget"),
    Feature("phone", "contact_phone", "phone", PHONE, of="phone"),
    Feature("city", "card_text", "city", Words("City", "Город"), of="city"),
    Feature("source", "source", "source", Words("Source", "Источник")),
)


def invented_catalog() -> Catalog:
    """Make a catalog with a rare level, Omsk, that it does not name."""
    levels = {"city": ("Казань", "Москва"), "source": ("ads", "call", "web")}
    return Catalog(FEATURES, levels=levels)


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
    train = np.arange(int(rows * 0.7))
    fold = np.arange(len(train)) % 3
    return Task(
        catalog=invented_catalog(),
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
