"""The leak gate on public data: it names what leaks, and nothing that does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from crm.export import open_source
from leads.history import History
from leads.settings import Settings
from leads.synthetic import invent, write
from model.examples.snapshots import take
from model.examples.split import split
from model.features.batch import build
from model.features.discovery import discover
from model.leaks.findings import Inspection
from model.leaks.gate import inspect
from model.leaks.scene import Scene
from model.training import leads_of, moments_at

SETS = ("bank_marketing", "bpi2012", "maven_crm", "online_retail", "online_shoppers")
COLUMNS = {
    "leads": {"lead_id": "deal_id", "created_at": "registered_at",
              "source": "utm_source", "pipeline": "funnel", "owner": "manager"},
    "events": {"lead_id": "deal_id", "at": "happened_at", "recorded_at": "received_at",
               "kind": "event"},
    "stages": {"lead_id": "deal_id", "at": "moved_at", "pipeline": "funnel"},
    "payments": {"lead_id": "deal_id", "at": "paid_at", "recorded_at": "booked_at",
                 "amount": "sum"},
    "field_changes": {"lead_id": "deal_id", "at": "changed_at", "value": "new_value"},
}  # fmt: skip
Look = Callable[[str, bool], Inspection]


def inspected(settings: Settings) -> Inspection:
    """Look for leaks in the training snapshots of a source."""
    history = History(open_source(settings).read())
    snapshots = take(history, settings)
    rows = split(snapshots, settings).train
    moments, chosen = moments_at(snapshots, rows), snapshots[rows]
    catalog = discover(history, moments, settings)
    labels = chosen["label"].cast(pl.Float64).to_numpy()
    table = build(catalog, history, moments)
    return inspect(
        Scene(catalog, history, settings, moments, table, labels, leads_of(chosen))
    )


def leaks_of(real_data: Path, name: str) -> list[str]:
    """Read which columns of a set its publisher's notes call leaks."""
    return list(json.loads((real_data / name / "table.json").read_text())["leak"])


@pytest.fixture(scope="module")
def look(real_data: Path) -> Look:
    """Look at a flat table with all columns, or honestly."""

    def at(name: str, honest: bool) -> Inspection:  # noqa: FBT001
        source: dict[str, Any] = {
            "kind": "table", "path": str(real_data / name / "table.parquet"),
            "outcome": "y", "holdout": {"column": "split", "value": "test"},
            "exclude": leaks_of(real_data, name) if honest else [],
        }  # fmt: skip
        settings = {"source": source, "conversion": {"kind": "outcome"}}
        return inspected(Settings.model_validate(settings))

    return at


@pytest.mark.parametrize("name", SETS)
def test_every_leak_that_tells_something_is_named(
    name: str, look: Look, real_data: Path
) -> None:
    """With all columns left in, every leak that is no constant is kept out."""
    table = pl.read_parquet(real_data / name / "table.parquet")
    learned = table.filter(pl.col("split") == "train")
    leaks = {c for c in leaks_of(real_data, name) if learned[c].n_unique() > 1}
    found = look(name, False)  # noqa: FBT003

    kept_out = set(found.certain) | set(found.set_aside)
    assert leaks <= kept_out <= set(leaks_of(real_data, name))


@pytest.mark.parametrize("name", SETS)
def test_no_honest_field_is_suspected(name: str, look: Look) -> None:
    """Without the leaks every field stays in."""
    assert look(name, True).findings == ()  # noqa: FBT003


@pytest.mark.parametrize("field_history", [True, False])
def test_the_planted_fields_of_the_invented_company_are_named(
    field_history: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    """Closing reason and plan leak unless it is known when they were filled."""
    write(invent(2_000, 7, field_history=field_history), tmp_path)
    source: dict[str, Any] = {"kind": "files", "folder": str(tmp_path / "export")}
    source |= {name: {"columns": names} for name, names in COLUMNS.items()}
    found = inspected(Settings.model_validate({"source": source}))

    kept_out = set(found.certain) | set(found.set_aside)
    assert kept_out == (set() if field_history else {"close_reason", "plan"})
    assert ("close_reason" in found.certain) is not field_history
