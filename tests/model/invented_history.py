"""A small company as canonical tables: visits before and payments after some leads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from leads.history import History
from leads.settings import Settings
from leads.tables import INSTANT, FieldType, Tables, empty

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
LEADS, DAYS, HORIZON = 900, 180, 14


def invented_history(*, noise: bool = False, leads: int = LEADS) -> History:
    """Make leads over half a year; those of a good source and many visits pay."""
    rng = np.random.default_rng(11)
    created = [FIRST + timedelta(days=DAYS * i / leads) for i in range(leads)]
    ids = [f"L{i:05}" for i in range(leads)]
    source = np.array(["ads", "web", "friend"])[rng.integers(0, 3, leads)]
    visits = rng.poisson(3.0, leads)
    strength = 0.0 if noise else 1.0
    log_odds = -1.2 + strength * (0.6 * (visits - 3) + 2.5 * (source == "friend"))
    paid = rng.random(leads) < 1 / (1 + np.exp(-log_odds))
    at = [
        created[i] - timedelta(hours=j) for i in range(leads) for j in range(visits[i])
    ]
    of = [ids[i] for i in range(leads) for _ in range(visits[i])]
    paid_at = [created[i] + timedelta(days=5) for i in np.flatnonzero(paid)]
    return History(
        Tables(
            leads=_stamped({"lead_id": ids, "created_at": created}).with_columns(
                source=pl.Series(source.tolist(), dtype=pl.String),
                pipeline=pl.lit("main"),
                owner=pl.lit(None, pl.String),
                budget=pl.Series(rng.lognormal(9, 1, leads).tolist()),
            ),
            events=_stamped({"lead_id": of, "at": at}).with_columns(
                kind=pl.lit("visit"),
                value=pl.lit(None, pl.Float64),
                properties=pl.lit(None, pl.String),
            ),
            stages=empty("stages"),
            payments=_stamped(
                {"lead_id": [ids[i] for i in np.flatnonzero(paid)], "at": paid_at}
            ).with_columns(amount_minor=pl.lit(100_00), currency=pl.lit("RUB")),
            field_changes=empty("field_changes"),
            outcomes=empty("outcomes"),
            fields={"budget": FieldType.NUMBER},
            cut_off=FIRST + timedelta(days=DAYS + 2 * HORIZON),
        )
    )


def cut_at(history: History, days: float) -> History:
    """Forget all that came later than so many days after the first lead."""
    cut_off = FIRST + timedelta(days=days)
    tables = history.tables
    known = pl.col("recorded_at") <= cut_off
    return History(
        replace(
            tables,
            leads=tables.leads.filter(known),
            events=tables.events.filter(known),
            payments=tables.payments.filter(known),
            cut_off=cut_off,
        )
    )


def company_settings(folder: Path, **model: object) -> Settings:
    """Make the settings of this company, with a store in ``folder``."""
    return Settings.model_validate(
        {
            "source": {"kind": "files", "folder": str(folder)},
            "conversion": {"horizon_days": HORIZON},
            "snapshots": {"at": ["creation", "1d"]},
            "model": {"learning_rate": 0.1, "rounds": 60, "folds": 3, **model},
            "store": {
                "folder": str(folder / "store"),
                "database": "sqlite://",
                "tracking": f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}",
            },
        }
    )


def _stamped(columns: dict[str, list[str] | list[datetime]]) -> pl.DataFrame:
    """Type the moments, and say that each row was known at once."""
    moment = "at" if "at" in columns else "created_at"
    frame = pl.DataFrame(columns, schema={"lead_id": pl.String, moment: INSTANT})
    return frame.with_columns(recorded_at=pl.col(moment))
