"""How fast predictions are served, beside ``mlflow models serve`` of the same model.

In one run, with the load in a process of its own: our service from raw events, with
reasons and without, and MLflow's server from ready features, which explains nothing and
records nothing. Then one explained prediction in process beside ``mlflow.pyfunc``, and
how long either server takes from its start until it is ready.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import polars as pl
import pytest
from rich.console import Console
from rich.table import Table
from tests.benchmarks.load import Load, load_apart
from tests.serve.company import invented_tables, learned, sent_of, settings_in
from tests.serve.service import Service, free_port, running, serving

from leads import store
from leads.history import History, microseconds
from leads.settings import Settings
from model.bundle.whole import Bundle
from model.bundle.writing import Contents, write_bundle
from model.examples.snapshots import take
from model.features.batch import build
from model.features.twin import build_one
from model.learners.boosting import Matrix, Recipe, Style, grow
from model.learners.linear import NOTHING
from model.promotion import champion
from serve.intake import checked, field_types, history_of, instant_of
from serve.jsontext import read_json
from serve.scoring import predict

TREES: Final = 300
LEAVES: Final = 31
EVENTS: Final = 50
SECONDS: Final = 3.0
CONNECTIONS: Final = (1, 16, 64)
NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)
CALLS: Final = 300

console = Console(width=100)


@dataclass(frozen=True)
class Stage:
    """A company with a promoted model of the agreed size, and one lead to ask about."""

    folder: Path
    settings: Settings
    bundle: Bundle
    lead: Path
    """The lead with its raw events, as the CRM sends it."""
    row: Path
    """The same lead's features, as MLflow's server takes them."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Learn 300 trees of 31 leaves, promote them, choose a lead of 50 events."""
    folder = tmp_path_factory.mktemp("bench")
    settings = settings_in(folder)
    tables = invented_tables(3_000, events=EVENTS)
    store.save(tables, settings.store.folder)
    history = History(tables)
    bundle = _grown(history, settings, folder)
    champion.set_champion(settings.store.folder, bundle.path, "1", NOW)
    counts = tables.events.group_by("lead_id").len().filter(pl.col("len") == EVENTS)
    lead_id = counts["lead_id"].sort()[0]
    sent = {**sent_of(history, lead_id), "as_of": tables.cut_off.isoformat()}
    lead, row = folder / "lead.json", folder / "row.json"
    lead.write_bytes(orjson.dumps(sent))
    moments = pl.DataFrame(
        {"lead_id": [lead_id], "moment": [microseconds(tables.cut_off)]}
    )
    table = build(bundle.catalog, history, moments)
    values = [*table.numbers[0].tolist(), *table.texts[0].tolist()]
    split = {"columns": bundle.catalog.names, "data": [values]}
    row.write_bytes(orjson.dumps({"dataframe_split": split}))  # NaN becomes null
    return Stage(folder, settings, bundle, lead, row)


def _grown(history: History, settings: Settings, folder: Path) -> Bundle:
    """Grow exactly so many trees into an otherwise learned bundle."""
    plain = learned(history.tables, settings, folder / "plain")
    taken = take(history, settings).drop_nulls("label")
    table = build(plain.catalog, history, taken)
    matrix = Matrix(
        plain.catalog.encode(table),
        taken["label"].cast(pl.Float64).to_numpy(),
        plain.catalog.text_columns,
    )
    model = settings.model.model_copy(update={"leaves": LEAVES, "threads": 2})
    manifest = plain.manifest
    facts = {part.name: getattr(manifest, part.name) for part in fields(manifest)}
    del facts["files"], facts["format"]
    contents = Contents(
        booster=grow(matrix, model, TREES, Recipe(Style.FREE)),
        linear=NOTHING,
        calibrator=plain.calibrator,
        catalog=plain.catalog,
        borders=plain.borders,
        reference=plain.reference,
        golden=table.rows(slice(0, 20)),
        facts=facts,
        forecast=plain.forecast,
    )
    return write_bundle(folder / "grown", contents)


@contextmanager
def mlflow_serving(stage: Stage) -> Iterator[Service]:
    """Run ``mlflow models serve`` of the same bundle."""
    with mlflow_saved(stage) as saved, _mlflow_on(saved) as service:
        yield service


@contextmanager
def _mlflow_on(saved: Path) -> Iterator[Service]:
    port = free_port()
    command = [
        str(Path(sys.executable).with_name("mlflow")), "models", "serve",
        "--model-uri", str(saved), "--env-manager", "local",
        "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    with running(command, port, "/ping") as service:
        yield service


def measured(service: Service, path: str, body: Path) -> list[Load]:
    """Load one address with ever more connections, warmed up before."""
    url = service.url + path
    load_apart(url, body, 4, 1.0)
    return [load_apart(url, body, count, SECONDS) for count in CONNECTIONS]


def test_requests_per_second(stage: Stage) -> None:
    """Over HTTP: ours with reasons and without, and MLflow's, at three loads."""
    with serving(stage.settings, stage.folder) as ours:
        ready_ours = ours.ready_after
        bare = measured(ours, "/v1/predict?reasons=false", stage.lead)
        explained = measured(ours, "/v1/predict", stage.lead)
    with mlflow_serving(stage) as theirs:
        ready_theirs = theirs.ready_after
        mlflow = measured(theirs, "/invocations", stage.row)

    _show_loads(bare, explained, mlflow)
    _show_start(ready_ours, ready_theirs)
    assert not any(load.failures for load in (*bare, *explained, *mlflow))


def _show_loads(bare: list[Load], explained: list[Load], mlflow: list[Load]) -> None:
    shown = Table(
        title=f"One lead of {EVENTS} raw events, {TREES} trees of {LEAVES} leaves",
        title_justify="left",
    )
    for column in ("served by", "connections", "requests/s", "p50 ms", "p99 ms"):
        shown.add_column(column, justify="left" if column == "served by" else "right")
    shown.add_column("times MLflow", justify="right")
    shown.add_column("mark", justify="right")
    for name, loads, marks in (
        ("ours, reasons", explained, (3, 5, None)),
        ("ours, no reasons", bare, (20, 20, None)),
        ("mlflow models serve", mlflow, (None, None, None)),
    ):
        for count, load, against, mark in zip(
            CONNECTIONS, loads, mlflow, marks, strict=True
        ):
            shown.add_row(
                name, str(count), f"{load.rate:,.0f}", f"{load.p50:.2f}",
                f"{load.p99:.1f}", f"{load.rate / against.rate:.1f}",
                f">= {mark}" if mark else ("p99 < 150" if load is loads[2] else ""),
            )  # fmt: skip
    console.print(shown)


def _show_start(ours: float, theirs: float) -> None:
    console.print(
        f"ready after: ours {ours:.1f} s, mlflow models serve {theirs:.1f} s,"
        f" ratio {ours / theirs:.2f} (mark <= 0.5)"
    )


def test_one_prediction_in_process(stage: Stage) -> None:
    """In process: from the bytes of a request to reasons, and pyfunc from features."""
    import mlflow
    import pandas as pd

    body, bundle = stage.lead.read_bytes(), stage.bundle
    types = field_types(bundle.catalog)
    split: dict[str, Any] = orjson.loads(stage.row.read_bytes())["dataframe_split"]
    with mlflow_saved(stage) as saved:
        loaded = mlflow.pyfunc.load_model(str(saved))
        frame = pd.DataFrame(split["data"], columns=split["columns"])
        frame = frame.astype({f.name: float for f in bundle.catalog.number_features})
        pyfunc = _median_ms(lambda: loaded.predict(frame))

    def answer(*, reasons: bool) -> object:
        lead = checked(read_json(body))
        history = history_of(lead, types, dated=True)
        moment = instant_of(str(lead["as_of"]), "as_of")
        table = build_one(bundle.catalog, history, moment)
        return predict(bundle, table, ["L"], [NOW], version="1", reasons=reasons)

    shown = Table(title="One prediction in process, median", title_justify="left")
    for column in ("what", "ms", "mark"):
        shown.add_column(column)
    explained = _median_ms(lambda: answer(reasons=True))
    shown.add_row(f"ours, from {EVENTS} raw events, reasons", f"{explained:.2f}", "< 3")
    bare = _median_ms(lambda: answer(reasons=False))
    shown.add_row(f"ours, from {EVENTS} raw events, no reasons", f"{bare:.2f}", "")
    shown.add_row("mlflow.pyfunc, from features", f"{pyfunc:.2f}", "")
    console.print(shown)


@contextmanager
def mlflow_saved(stage: Stage) -> Iterator[Path]:
    """Save the bundle as MLflow does."""
    import mlflow

    from model.promotion.registry import signature_of

    saved = stage.folder / "saved"
    shutil.rmtree(saved, ignore_errors=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow would like an example of its input
        mlflow.pyfunc.save_model(
            saved,
            loader_module="model.bundle.predictor",
            data_path=str(stage.bundle.path),
            pip_requirements=["lightgbm"],
            signature=signature_of(stage.bundle.catalog),
        )
        yield saved


def _median_ms(call: Callable[[], object]) -> float:
    call()
    seconds = []
    for _ in range(CALLS):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return 1e3 * statistics.median(seconds)
