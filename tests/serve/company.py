"""An invented company for the tests of serving: dated leads whose visits matter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from leads import store
from leads.history import History
from leads.settings import Settings
from leads.tables import INSTANT, FieldType, Tables, empty
from model.bundle.whole import Bundle
from model.promotion import champion
from model.training import train

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAYS = 120
PIPELINES = ("new", "base")
STAGES = ("fresh", "called", "offered")
CITIES = ("Казань", "Москва", "Omsk")


def settings_in(folder: Path, **serve: object) -> Settings:
    """Make the settings of a company whose store lies in ``folder``."""
    return Settings.model_validate(
        {
            "company": {"language": "ru", "timezone": "Europe/Moscow"},
            "source": {"kind": "files", "folder": str(folder)},
            "conversion": {"horizon_days": 14},
            "snapshots": {"at": ["creation", "3d", "7d"]},
            "model": {"learning_rate": 0.1, "rounds": 60, "folds": 3, "threads": 1},
            "store": {
                "folder": str(folder / "store"),
                "database": f"sqlite:///{folder / 'leadcast.db'}",
                "tracking": f"sqlite:///{folder / 'mlflow.db'}",
            },
            "serve": serve,
        }
    )


def invented_tables(count: int = 400, *, seed: int = 5, events: int = 12) -> Tables:
    """Make a company: the keener a lead, the more it visits and the sooner it pays."""
    rng = np.random.default_rng(seed)
    born = np.sort(rng.uniform(0, DAYS * 0.8, count))
    keen = rng.normal(size=count)
    ids = [f"L{number:05d}" for number in range(count)]
    made: dict[str, list[tuple[Any, ...]]] = {
        "leads": [], "events": [], "stages": [], "payments": [], "field_changes": [],
    }  # fmt: skip
    for lead_id, day, strength in zip(ids, born, keen, strict=True):
        at = _at(day)
        city = CITIES[rng.integers(3)]
        size = float(rng.lognormal(3, 1)) if rng.random() < 0.8 else None
        phone = "+7 900 000-00-00" if rng.random() < 0.6 + 0.1 * strength else None
        pipeline = PIPELINES[rng.integers(2)]
        made["leads"].append(
            (lead_id, at, at, "ads", pipeline, "o", city, size, phone, strength > 1)
        )
        for _ in range(rng.poisson(events * np.exp(0.4 * strength))):
            then = _at(day + rng.exponential(6.0))
            kind = ("visit", "mail", "call")[rng.integers(3)]
            value = float(rng.integers(1, 60)) if kind == "visit" else None
            made["events"].append((lead_id, then, then, kind, value, None))
        for step, stage in enumerate(STAGES[: 1 + rng.integers(3)]):
            then = _at(day + 2.0 * step)
            made["stages"].append((lead_id, then, then, pipeline, stage))
        if rng.random() < 1 / (1 + np.exp(1.2 - 1.5 * strength)):
            then = _at(day + 1 + rng.exponential(5.0))
            made["payments"].append((lead_id, then, then, 100_000, "RUB"))
        then = _at(day + 1.0)
        made["field_changes"].append((lead_id, then, then, "city", city))
    return _tables(made)


def _at(day: float) -> datetime:
    moment = START + timedelta(days=float(day))
    return moment.replace(microsecond=0)


def _tables(made: dict[str, list[tuple[Any, ...]]]) -> Tables:
    cut_off = START + timedelta(days=DAYS)
    frames = {}
    for name in ("events", "stages", "payments", "field_changes"):
        schema = empty(name).schema
        frame = pl.DataFrame(made[name], schema=schema, orient="row")
        frame = frame.filter(pl.col("at") <= cut_off).unique()
        frames[name] = frame.sort(frame.columns, nulls_last=False)
    fields = {
        "city": pl.String,
        "size": pl.Float64,
        "phone": pl.String,
        "vip": pl.Boolean,
    }
    leads = pl.DataFrame(
        made["leads"], schema={**empty("leads").schema, **fields}, orient="row"
    ).with_columns(pl.col("created_at", "recorded_at").cast(INSTANT))
    return Tables(
        leads=leads.sort("lead_id"),
        outcomes=empty("outcomes"),
        fields={
            "city": FieldType.TEXT,
            "size": FieldType.NUMBER,
            "phone": FieldType.TEXT,
            "vip": FieldType.FLAG,
        },
        cut_off=cut_off,
        events=frames["events"],
        stages=frames["stages"],
        payments=frames["payments"],
        field_changes=frames["field_changes"],
    )


def learned(tables: Tables, settings: Settings, workdir: Path) -> Bundle:
    """Learn a bundle from a company."""
    return train(History(tables), settings, workdir=workdir).bundle


def promoted(tables: Tables, settings: Settings, workdir: Path) -> Bundle:
    """Ingest a company, and let what was learned of it serve."""
    store.save(tables, settings.store.folder)
    bundle = learned(tables, settings, workdir)
    now = datetime(2026, 6, 2, tzinfo=UTC)
    champion.set_champion(settings.store.folder, bundle.path, "1", now)
    return bundle


def sent_of(history: History, lead_id: str) -> dict[str, Any]:
    """Say an ingested lead in the words of the API, whole."""
    lead = history.lead(lead_id)
    return {
        "lead_id": lead.lead_id,
        "created_at": _iso(lead.created_at),
        "recorded_at": _iso(lead.recorded_at),
        "source": lead.source,
        "pipeline": lead.pipeline,
        "owner": lead.owner,
        "fields": dict(lead.fields),
        "events": [
            {"at": _iso(e.at), "kind": e.kind, "value": e.value}
            for e in lead.events
        ],
        "stages": [
            {"at": _iso(s.at), "stage": s.stage, "pipeline": s.pipeline}
            for s in lead.stages
        ],
        "payments": [
            {"at": _iso(p.at), "amount_minor": p.amount_minor, "currency": p.currency}
            for p in lead.payments
        ],
        "field_changes": [
            {"at": _iso(c.at), "field": c.field, "value": c.value}
            for c in lead.field_changes
        ],
    }  # fmt: skip


def _iso(micros: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    return moment.isoformat()
