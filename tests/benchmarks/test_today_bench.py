"""How fast *Today* opens with 100,000 leads, after new predictions and new looks."""

from __future__ import annotations

import random
import sqlite3
import statistics
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from rich.console import Console
from rich.table import Table
from tests.serve import example

from crm.hearing.fresh import Fresh
from leads.history import History
from leads.lead import StageChange
from serve.pages import attach
from serve.pages.evidence import Evidence
from serve.pages.seen import Seen
from serve.pages.sight import Sight

LEADS: Final = 100_000
VIEWS: Final = 100
CLONES: Final = f"""
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {LEADS // 50})
INSERT INTO predictions SELECT NULL, p.lead_id || '-' || i, p.as_of, p.made_at,
  p.horizon_days, p.probability * (0.5 + i / {LEADS / 25}), p.log_odds, p.base, p.tier,
  p.shares, p.reasons, p.model_version, p.bundle_digest, p.channel, p.inputs,
  p.outlook FROM predictions p, n
"""
TRIM: Final = f"DELETE FROM predictions WHERE id > {LEADS}"
LATEST: Final = """
INSERT OR REPLACE INTO latest
SELECT lead_id, id, made_at, probability, tier, lower(lead_id) FROM predictions
"""
OUTLOOK: Final = """
UPDATE predictions SET outlook = json_object('low', 0.1, 'high', 0.4, 'curve',
  json_object('30', probability), 'expected_days', 9.0, 'expected_minor',
  CAST(probability * 1e7 AS INTEGER), 'currency', 'RUB')
"""

console = Console(width=100)


def many(lead_ids: list[str]) -> History:
    """Ingest leads of a hundred managers."""
    tables = example.tables([])
    leads = tables.leads.clear(len(lead_ids)).with_columns(
        pl.Series("lead_id", lead_ids),
        pl.Series("owner", [f"m{at % 100}" for at in range(len(lead_ids))]),
        created_at=pl.lit(example.NOW),
        recorded_at=pl.lit(example.NOW),
        source=pl.lit("web"),
    )
    return History(replace(tables, leads=leads.sort("lead_id")))


def by_money() -> Evidence:
    """Say that the model in use makes its tiers by money."""
    made = example.evidence()
    return replace(made, model=replace(made.model, by="money"))


@pytest.mark.parametrize("by", ["chance", "money"])
def test_today_with_100_000_leads(tmp_path: Path, by: str) -> None:
    """Tell p50 and p99 of the page at rest, after each prediction, after each look.

    A look is a lead that somebody moved in the CRM, heard of; 500 were before.
    """
    with example.sight(tmp_path) as sight:
        rng = random.Random(2)
        said = [example.prediction(f"L-{i}", rng) for i in range(50)]
        sight.journal.record(said, made_at=example.NOW, channel="score")
        with closing(sqlite3.connect(tmp_path / "leadcast.db")) as database:
            for statement in (CLONES, TRIM, LATEST, OUTLOOK):
                database.execute(statement)
            database.commit()
        history = many([row[0] for row in sight.journal.ranking()])
        fresh = Fresh(sight.journal, "acme")
        heard = Seen(fresh, sight.settings)
        seen = replace(sight, history=lambda: history, seen=heard)
        if by == "money":
            seen = replace(seen, evidence=by_money)
        app = FastAPI()
        attach(app, seen)
        client = TestClient(app)
        first = timed(client)
        rest = [timed(client) for _ in range(VIEWS)]
        new = predicted(seen, client, rng)
        first_look, moved = looked(seen, fresh, history, client)
        assert f"of {LEADS:,}" in client.get("/").text

    shown = Table("Today, 100,000 leads", "p50", "p99", title=f"sorted by {by}")
    shown.add_row("first view", f"{1e3 * first:.0f} ms", "")
    shown.add_row("after 500 looks", f"{1e3 * first_look:.0f} ms", "")
    for name, taken in (
        ("at rest", rest), ("after a new prediction", new), ("after a look", moved)
    ):  # fmt: skip
        p99 = statistics.quantiles(taken, n=100)[98]
        p50 = statistics.median(taken)
        shown.add_row(name, f"{1e3 * p50:.0f} ms", f"{1e3 * p99:.0f} ms")
    console.print(shown)


def predicted(sight: Sight, client: TestClient, rng: random.Random) -> list[float]:
    """Open the page after each of many predictions."""
    taken = []
    for number in range(VIEWS):
        made = example.prediction(f"L-{rng.randrange(50)}-{number + 1}", rng)
        sight.journal.record([made], made_at=example.NOW, channel="api")
        taken.append(timed(client))
    return taken


def looked(
    sight: Sight, fresh: Fresh, history: History, client: TestClient
) -> tuple[float, list[float]]:
    """Open the page after 500 looks together, then after each of many more."""
    ids = history.leads["lead_id"].to_list()
    look(sight, fresh, history, ids[:: LEADS // 500])
    first, taken = timed(client), []
    for number in range(VIEWS):
        look(sight, fresh, history, [ids[977 * number]], after=number + 2)
        taken.append(timed(client))
    return first, taken


def look(
    sight: Sight, fresh: Fresh, history: History, ids: list[str], *, after: int = 1
) -> None:
    """See leads in the CRM, each moved to another stage."""
    at = history.cut_off + 1_000_000 * after
    stages = (StageChange(at, at, "sales", "moved"),)
    leads = [replace(history.lead(lead_id), stages=stages) for lead_id in ids]
    with sight.journal.writing() as connection:
        fresh.put_in(connection, leads, seen_at=at)


def timed(client: TestClient) -> float:
    """Open the page; wall seconds."""
    started = time.perf_counter()
    assert client.get("/").status_code == 200
    return time.perf_counter() - started
