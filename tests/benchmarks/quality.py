"""How good the probabilities are on public data, beside the best of all peers.

Every set is trained on by the default configuration, through the functions that
``train`` calls, without its leaking columns and on its given split; the test rows are
predicted once, at the end. Marks are the best that any peer reached on the same split:
logistic regression, LightGBM, CatBoost, FLAML (60 s), AutoGluon ``best_quality``
(120 s), each figure by whichever is best at it. Run by ``make bench-quality``; names of
sets as arguments run those alone.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
from rich.console import Console
from rich.table import Table

from crm.export import open_source
from leads.history import History
from leads.settings import Settings
from model.learning import Trained
from model.promotion.evaluation import Judged, Verdict, against_base_rate
from model.training import train

DATA: Final = Path(__file__).resolve().parents[3] / "shared" / "data"
AUC_SLACK, ECE_SLACK = 0.005, 0.005
SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Mark:
    """The best of all peers on a set; ``refused`` if no model deserves to serve."""

    folder: str
    file: str
    logloss: float
    auc: float
    ece: float
    refused: bool = False


MARKS: Final = {
    "bpi2012": Mark("bpi2012", "table", 0.5637, 0.6934, 0.0295),
    "bank_marketing": Mark("bank_marketing", "table", 0.2710, 0.8034, 0.0074),
    "bank_marketing_temporal": Mark(
        "bank_marketing", "table_temporal", 0.5664, 0.6673, 0.0512
    ),
    "online_shoppers": Mark("online_shoppers", "table", 0.3593, 0.7789, 0.0142),
    "online_retail": Mark("online_retail", "table", 0.5925, 0.7440, 0.0627),
    "maven_crm": Mark("maven_crm", "table", 0.6635, 0.5, 0.0136, refused=True),
}


@dataclass(frozen=True)
class Run:
    """One set trained on: the bundle, whether it may serve, wall and CPU seconds."""

    trained: Trained
    verdict: Verdict
    seconds: float
    cpu: float


def settings_of(mark: Mark, store: Path) -> Settings:
    """Make the default settings of a set: only where it lies and what leaks."""
    path = DATA / mark.folder / f"{mark.file}.parquet"
    told = json.loads((DATA / mark.folder / "table.json").read_text(encoding="utf-8"))
    features = set(told["features"]) - set(told["leak"])
    columns = pl.read_parquet_schema(path)
    rest = [c for c in columns if c not in features | {"y", "split"}]
    return Settings.model_validate(
        {
            "source": {
                "kind": "table",
                "path": str(path),
                "outcome": "y",
                "exclude": rest,
                "holdout": {"column": "split", "value": "test"},
            },
            "conversion": {"kind": "outcome"},
            "store": {"folder": str(store)},
        }
    )


def run(mark: Mark, folder: Path) -> Run:
    """Take a set in, train on it by default, and ask whether the model may serve."""
    settings = settings_of(mark, folder)
    started, cpu = time.perf_counter(), _cpu()
    history = History(open_source(settings).read())
    trained = train(history, settings, workdir=folder)
    verdict = against_base_rate(
        Judged(trained.labels, trained.leads),
        trained.log_odds,
        trained.bundle.manifest.base_rate,
        seed=settings.model.seed,
    )
    return Run(trained, verdict, time.perf_counter() - started, _cpu() - cpu)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def faults(mark: Mark, done: Run) -> list[str]:
    """Name what falls short of the mark; empty if nothing does."""
    if mark.refused:
        short = ["not refused"] if done.verdict.passed else []
    else:
        value = {name: m.value for name, m in done.trained.metrics.items()}
        checks = {
            "refused": not done.verdict.passed,
            "log-loss": round(value["logloss"], 4) > mark.logloss,
            "AUC": round(value["auc"], 4) < mark.auc - AUC_SLACK,
            "ECE": round(value["ece15"], 4) > mark.ece + ECE_SLACK,
        }
        short = [name for name, missed in checks.items() if missed]
    return short + (["seconds"] if done.seconds > SECONDS else [])


def row(name: str, mark: Mark, done: Run) -> list[str]:
    """Write one line of the table: ours / the mark, and the verdict in words."""
    value = {name: m.value for name, m in done.trained.metrics.items()}
    short = faults(mark, done)
    met = "met, refused" if mark.refused else "met"
    return [
        name,
        f"{value['logloss']:.4f} / {mark.logloss:.4f}",
        f"{value['auc']:.4f} / {mark.auc:.4f}",
        f"{value['ece15']:.4f} / {mark.ece:.4f}",
        "short: " + ", ".join(short) if short else met,
        f"{done.seconds:.0f} ({done.cpu:.0f} CPU)",
    ]


def main(names: list[str]) -> int:
    """Run the sets and print the table; 0 if every mark is met."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    if not DATA.is_dir():
        console.print(f"REAL DATA ABSENT: no folder {DATA}; nothing proved on it")
        return 0
    shown = Table("set", "log-loss", "ROC-AUC", "ECE15", "verdict", "seconds")
    shown.title = "Ours / the best of all peers, test rows of the given split"
    missed = 0
    for name in names or MARKS:
        console.print(f"Training on {name} ...")
        with tempfile.TemporaryDirectory() as folder:
            done = run(MARKS[name], Path(folder))
            shown.add_row(*row(name, MARKS[name], done))
        missed += bool(faults(MARKS[name], done))
    console.print(shown)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
