"""What little data is worth: log-loss by conversions learned from, beside two peers.

From the training rows of public sets, and of the invented company, leads are drawn at
the set's own rate until there are 50, 100, 200, 500 and 1,000 conversions, by several
seeds. Ours is the default configuration; the peers are scikit-learn's logistic
regression (numbers standardised, texts one-hot, default penalty) and LightGBM's
defaults. All predict the same test rows. The rule: never worse than the better of the
two by more than two standard errors. The error adds what other test rows and what
other draws would change. Run by ``make bench-curve``; names of sets as arguments run
those alone.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import lightgbm
import numpy as np
import pandas as pd
import polars as pl
from rich.console import Console
from rich.table import Table
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tests.benchmarks.quality import DATA, MARKS, settings_of

from crm.export import open_source
from leads.history import History
from leads.settings import Settings, read_settings
from leads.synthetic import invent, write
from model.examples.snapshots import take
from model.examples.split import split
from model.features.batch import build
from model.features.catalog import Numbers
from model.features.discovery import discover
from model.learning import Trained
from model.metrics import row_losses
from model.training import moments_at, train

ROOT: Final = Path(__file__).resolve().parents[2]
SIZES: Final = (50, 100, 200, 500, 1_000)
SEEDS: Final = tuple(range(int(os.environ.get("LEADCAST_CURVE_SEEDS", "3"))))
MOST_TEST_ROWS: Final = 3_000
COMPANY: Final = "invented_company"
COMPANY_LEADS: Final = 12_000
AT: Final = "7d"
ID: Final = "number_of_row"


@dataclass(frozen=True)
class Flat:
    """A flat table with ``y`` and ``split``, and how it is read."""

    frame: pl.DataFrame
    settings: Settings

    @property
    def features(self) -> list[str]:
        """The columns that peers see: those that we see."""
        left_out = {*getattr(self.settings.source, "exclude", ()), "y", "split"}
        return [name for name in self.frame.columns if name not in left_out]

    def drawn(self, conversions: int, seed: int) -> pl.DataFrame | None:
        """Draw training rows at the set's own rate, in their order; None if too few."""
        rng = np.random.default_rng((seed, conversions))
        numbered = self.frame.with_row_index("row")
        train = numbered.filter(pl.col("split") == "train")
        won = train.filter(pl.col("y") == 1)["row"].to_numpy()
        lost = train.filter(pl.col("y") == 0)["row"].to_numpy()
        if len(won) < conversions:
            return None
        others = round(conversions * len(lost) / len(won))
        rows = np.concatenate(
            [
                rng.choice(won, conversions, replace=False),
                rng.choice(lost, min(others, len(lost)), replace=False),
                self._test_rows(numbered),
            ]
        )
        return self.frame[np.sort(rows)]

    def _test_rows(self, numbered: pl.DataFrame) -> Numbers:
        rows = numbered.filter(pl.col("split") == "test")["row"].to_numpy()
        thinned = np.linspace(0, len(rows) - 1, min(len(rows), MOST_TEST_ROWS))
        return np.asarray(rows[thinned.astype(np.intp)])


@dataclass(frozen=True)
class Point:
    """Mean losses at one size, and ours less the better peer's with its error."""

    conversions: int
    ours: float
    logistic: float
    lightgbm: float
    difference: float
    error: float

    @property
    def short(self) -> bool:
        """Whether we are worse beyond two standard errors."""
        return self.difference > 2.0 * self.error


def public(name: str, store: Path) -> Flat:
    """Read a public set, without what leaks."""
    mark = MARKS[name]
    frame = pl.read_parquet(DATA / mark.folder / f"{mark.file}.parquet")
    return Flat(frame, settings_of(mark, store))


def company(folder: Path) -> Flat:
    """Invent a company, and make a flat table of its leads' features at one age."""
    write(invent(COMPANY_LEADS, seed=7), folder / "company")
    demo = read_settings(ROOT / "pipelines" / "config" / "demo.toml")
    source = demo.source.model_copy(update={"folder": folder / "company" / "export"})
    looked_at = demo.snapshots.model_copy(update={"at": (AT,)})
    asked = demo.model_copy(update={"source": source, "snapshots": looked_at})
    history = History(open_source(asked).read())
    snapshots = take(history, asked)
    parts = split(snapshots, asked)
    catalog = discover(history, moments_at(snapshots, parts.train), asked)
    rows = np.concatenate([parts.train, parts.test])
    table = build(catalog, history, moments_at(snapshots, rows))
    numbers = {f"n{i}": column for i, column in enumerate(table.numbers.T)}
    texts = {f"t{i}": column.tolist() for i, column in enumerate(table.texts.T)}
    frame = pl.DataFrame(numbers | texts, nan_to_null=True).with_columns(
        y=snapshots[rows]["label"].cast(pl.Int64),
        split=pl.Series(["train"] * len(parts.train) + ["test"] * len(parts.test)),
    )
    return Flat(frame, flat_settings(folder))


def flat_settings(folder: Path) -> Settings:
    """Make the default settings of a flat table."""
    return Settings.model_validate(
        {
            "source": {
                "kind": "table",
                "path": str(folder / "flat.parquet"),
                "outcome": "y",
                "holdout": {"column": "split", "value": "test"},
            },
            "conversion": {"kind": "outcome"},
            "store": {"folder": str(folder)},
        }
    )


def ours(flat: Flat, drawn: pl.DataFrame, folder: Path) -> Trained:
    """Train by default on what was drawn."""
    path = folder / "drawn.parquet"
    # Ids that sort as the rows do, so that test rows come back in their order.
    numbers = pl.int_range(pl.len()).cast(pl.String).str.zfill(7)
    drawn.with_columns(numbers.alias(ID)).write_parquet(path)
    source = flat.settings.source.model_copy(update={"path": path, "id": ID})
    settings = flat.settings.model_copy(update={"source": source})
    history = History(open_source(settings).read())
    return train(history, settings, workdir=folder)


def logistic(train_rows: pl.DataFrame, test_rows: pl.DataFrame) -> Numbers:
    """Predict log-odds by scikit-learn's logistic regression, with its defaults."""
    texts = [n for n, kind in train_rows.schema.items() if not kind.is_numeric()]
    numbers = [n for n in train_rows.columns if n not in {*texts, "y"}]
    columns = make_column_transformer(
        (
            make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler()),
            numbers,
        ),
        (OneHotEncoder(handle_unknown="ignore"), texts),
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=2_000))
    model.fit(_frame(train_rows, texts), train_rows["y"].to_numpy())
    return np.asarray(model.decision_function(_frame(test_rows, texts)))


def boosted(train_rows: pl.DataFrame, test_rows: pl.DataFrame) -> Numbers:
    """Predict log-odds by LightGBM, with its defaults."""
    texts = [n for n, kind in train_rows.schema.items() if not kind.is_numeric()]
    both = _frame(pl.concat([train_rows, test_rows]), texts)
    both[texts] = both[texts].astype("category")
    model = lightgbm.LGBMClassifier(verbosity=-1, n_jobs=1)
    model.fit(both[: len(train_rows)], train_rows["y"].to_numpy())
    return np.asarray(model.predict(both[len(train_rows) :], raw_score=True))


def _frame(rows: pl.DataFrame, texts: list[str]) -> pd.DataFrame:
    filled = rows.drop("y").with_columns(pl.col(texts).cast(pl.String).fill_null(""))
    flags = [n for n, kind in filled.schema.items() if kind == pl.Boolean]
    return filled.with_columns(pl.col(flags).cast(pl.Int64)).to_pandas()


def curve(name: str, folder: Path) -> Iterator[Point]:
    """Measure one set at every size that it has conversions for."""
    flat = company(folder) if name == COMPANY else public(name, folder)
    for conversions in SIZES:
        losses = list(_losses(flat, conversions, folder))
        if losses:
            yield _point(conversions, np.array(losses))


def _losses(flat: Flat, conversions: int, folder: Path) -> Iterator[list[Numbers]]:
    """Yield per seed the test rows' losses of us, logistic and lightgbm."""
    for seed in SEEDS:
        drawn = flat.drawn(conversions, seed)
        if drawn is None:
            return
        trained = ours(flat, drawn, folder)
        columns = [*flat.features, "y"]
        parts = [drawn.filter(split=side).select(columns) for side in ("train", "test")]
        labels = parts[1]["y"].to_numpy().astype(float)
        if not np.array_equal(labels, trained.labels):
            raise ValueError("the peers' test rows are not ours")
        said = (trained.log_odds, logistic(*parts), boosted(*parts))
        yield [row_losses(log_odds, labels) for log_odds in said]


def _point(conversions: int, losses: Numbers) -> Point:
    """Sum up (seeds, 3, n) losses."""
    means = losses.mean(axis=(0, 2))
    better = 1 + int(np.argmin(means[1:]))
    worse = losses[:, 0] - losses[:, better]
    by_row, by_seed = worse.mean(axis=0), worse.mean(axis=1)
    variance = by_row.var(ddof=1) / len(by_row)
    if len(by_seed) > 1:
        variance += by_seed.var(ddof=1) / len(by_seed)
    return Point(
        conversions=conversions,
        ours=float(means[0]),
        logistic=float(means[1]),
        lightgbm=float(means[2]),
        difference=float(worse.mean()),
        error=float(np.sqrt(variance)),
    )


def row(name: str, point: Point) -> list[str]:
    """Write one line of the table."""
    verdict = "WORSE" if point.short else "holds"
    return [
        name,
        f"{point.conversions:,}",
        f"{point.ours:.4f}",
        f"{point.logistic:.4f}",
        f"{point.lightgbm:.4f}",
        f"{point.difference:+.4f} ± {point.error:.4f} {verdict}",
    ]


def main(names: list[str]) -> int:
    """Draw every curve and print the table; 0 if the rule holds everywhere."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    shown = Table("set", "conversions", "ours", "logistic", "lightgbm", "ours - better")
    shown.title = "Log-loss on the same test rows; ours - better with standard error"
    broken = 0
    for name in names or [*MARKS, COMPANY]:
        if name != COMPANY and not DATA.is_dir():
            console.print(f"REAL DATA ABSENT: {name} is not measured")
            continue
        with tempfile.TemporaryDirectory() as folder:
            for point in curve(name, Path(folder)):
                shown.add_row(*row(name, point))
                console.print(*row(name, point))
                broken += point.short
    console.print(shown)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
