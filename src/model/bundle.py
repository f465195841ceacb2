"""The model artifact: a folder of plain files, checked before it is believed.

::

    manifest.json    SHA-256 of every other file, and where the model comes from
    booster.txt      the trees as LightGBM text, weighed
    linear.json      the scorecard of the logistic regression, weighed
    calibrator.json  the curve from raw to calibrated log-odds, as numbers
    catalog.json     what every feature is and how it is computed
    tiers.json       the borders between hot, warm and cold
    reference.json   the training leads, counted
    golden.json      rows with the log-odds they must give, to the bit
    proof.json       what was said of the test rows, and what happened
    outlook.json     the numbers of intervals, curve and money, where they were learned;
                     their trees are spread.txt, hazard.txt and amount.txt

There is no pickle and no code inside, and nothing here imports MLflow: a service opens
bundles while the registry is down. A damaged LightGBM text can kill the process that
parses it, so digests are compared first, and ``verify_in_child`` lets another process
parse it before this one does.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import lightgbm
import numpy as np

from leads.decision import Outlook, Tier, probability_of
from leads.errors import DamagedBundle
from model.features.catalog import Catalog, FeatureTable, Numbers
from model.learners.calibration import Calibrator
from model.learners.forest import NO_TREES
from model.learners.linear import Linear
from model.manifest import MANIFEST, Manifest, checked, damaged, sha256
from model.metrics import probabilities
from model.outlook.forecast import Forecast
from model.proof import NO_PROOF, Proof
from model.reference import Reference
from model.single import KINDS, SingleRow, What
from model.tiers import Borders, money_of, pipelines_in

if TYPE_CHECKING:
    import pandas as pd

UNSEEN: Final = "\0"
"""Stands in golden rows for every text that is no level; no text of a card has it."""

GOLDEN_TOLERANCE: Final = 1e-12
MANY_ROWS: Final = 1_000
"""From here on all cores predict; for fewer rows waking them costs more."""


@dataclass(frozen=True, eq=False)
class Bundle:
    """An opened bundle: features in, calibrated log-odds and contributions out."""

    path: Path
    digest: str
    manifest: Manifest
    catalog: Catalog
    borders: Borders
    reference: Reference
    calibrator: Calibrator
    linear: Linear
    booster: lightgbm.Booster | None
    """None where no trees deserve a weight."""
    forecast: Forecast | None = None
    """None in a bundle that was written without."""

    @classmethod
    def open(cls, path: Path, *, digest: str | None = None) -> Bundle:
        """Open a bundle after comparing every digest.

        Parameters
        ----------
        path
            The bundle's folder.
        digest
            The digest that it must have, where a pointer names one.

        Raises
        ------
        DamagedBundle
            A file is missing, was changed, or does not belong there; all are named.
        """
        manifest, found = checked(path, digest)
        texts = {name: _text(path / name) for name in manifest.files}
        tiers, calibrator = texts["tiers.json"], texts["calibrator.json"]
        trees = texts["booster.txt"]
        return cls(
            path=path,
            digest=found,
            manifest=manifest,
            catalog=Catalog.from_json(texts["catalog.json"]),
            borders=Borders.from_json(tiers),
            reference=Reference.from_json(texts["reference.json"]),
            calibrator=Calibrator.from_json(calibrator),
            linear=Linear.from_json(texts["linear.json"]),
            booster=None if trees == NO_TREES else lightgbm.Booster(model_str=trees),
            forecast=Forecast.from_files(texts),
        )

    @property
    def horizon_days(self) -> int:
        """Days after a snapshot in which a conversion counts."""
        return self.manifest.horizon_days

    @cached_property
    def base(self) -> float:
        """Calibrated log-odds before any reason: where every explanation starts."""
        return float(self.calibrator.apply(np.array([self._raw_base]))[0])

    @cached_property
    def _raw_base(self) -> float:
        nothing_known = np.full((1, len(self.catalog.features)), np.nan)
        trees = self._trees(nothing_known, "pred_contrib")[0, -1]
        return float(trees + self.linear.intercept)

    @cached_property
    def _single(self) -> dict[What, SingleRow]:
        assert self.booster is not None, "a bundle without trees asks none"
        return {what: SingleRow(self.booster, what) for what in KINDS}

    def tiers(
        self,
        table: FeatureTable,
        log_odds: Sequence[float],
        *,
        outlooks: Sequence[Outlook | None] = (),
        previous: Sequence[Tier | None] = (),
    ) -> list[Tier]:
        """Name the tier of each of n leads; of too little data there is none.

        Parameters
        ----------
        table, log_odds
            The leads, and what the bundle said of them.
        outlooks
            Theirs, if they are known already: borders may be cut by money.
        previous
            The tiers that they have now, if any (``Borders.tier_of``).
        """
        if not self.manifest.enough:
            return [Tier.NO_DATA] * len(table)
        count = len(table)
        if self.borders.by == "money" and not any(outlooks):
            outlooks = self.outlooks(table, log_odds)
        rows = zip(
            log_odds,
            pipelines_in(self.catalog, table),
            outlooks or [None] * count,
            previous or [None] * count,
            strict=True,
        )
        return [
            self.borders.tier_of(
                probability_of(odds), pipeline, money=money_of(outlook), previous=before
            )
            for odds, pipeline, outlook, before in rows
        ]

    def log_odds(self, table: FeatureTable) -> Numbers:
        """Predict calibrated log-odds, (n,)."""
        matrix = self.catalog.encode(table)
        return self._log_odds(matrix, self.linear.contributions(matrix))

    def contributions(self, table: FeatureTable) -> Numbers:
        """Explain predictions: (n, p) shares that add up to log-odds less ``base``.

        Exact Shapley values of the trees (Lundberg et al. 2020) and the scorecard's
        prices, which are the Shapley values of a sum, in the catalog's order, times the
        calibration's mean slope on the way from base to prediction (its Aumann-Shapley
        value, see ``learners.calibration``).
        """
        matrix = self.catalog.encode(table)
        return self._contributions(matrix, self.linear.contributions(matrix))

    def outlooks(
        self, table: FeatureTable, log_odds: Sequence[float]
    ) -> Sequence[Outlook | None]:
        """Say how sure, when and how much, for each lead; None where it is not known.

        ``log_odds`` is what the bundle said of the same table.
        """
        return self._outlooks(self.catalog.encode(table), log_odds)

    def explain(
        self, table: FeatureTable
    ) -> tuple[Numbers, Numbers, Sequence[Outlook | None]]:
        """Give log-odds, contributions and outlooks at once: the same bits, sooner."""
        matrix = self.catalog.encode(table)
        prices = self.linear.contributions(matrix)
        log_odds = self._log_odds(matrix, prices)
        outlooks = self._outlooks(matrix, log_odds.tolist())
        return log_odds, self._contributions(matrix, prices), outlooks

    def raw(self, matrix: Numbers) -> Numbers:
        """Predict log-odds before calibration, (n,), of rows as encoded (n, p)."""
        return self._raw(matrix, self.linear.contributions(matrix))

    def _log_odds(self, matrix: Numbers, prices: Numbers) -> Numbers:
        return self.calibrator.apply(self._raw(matrix, prices))

    def _raw(self, matrix: Numbers, prices: Numbers) -> Numbers:
        trees = self._trees(matrix, "raw_score")
        return np.asarray(trees + (prices.sum(axis=1) + self.linear.intercept))

    def _contributions(self, matrix: Numbers, prices: Numbers) -> Numbers:
        trees = self._trees(matrix, "pred_contrib")[:, :-1]
        shares = trees + prices
        base = self._raw_base
        scales = self.calibrator.scales(shares.sum(axis=1) + base, base)
        return np.asarray(shares * scales[:, None])

    def _outlooks(
        self, matrix: Numbers, log_odds: Sequence[float]
    ) -> Sequence[Outlook | None]:
        if self.forecast is None:
            return [None] * len(matrix)
        chances = [probability_of(odds) for odds in log_odds]
        return self.forecast.outlooks(matrix, log_odds, chances)

    def _trees(self, matrix: Numbers, what: What) -> Numbers:
        if self.booster is None or not len(matrix):
            rows, width = len(matrix), matrix.shape[1] + 1
            return np.zeros((rows, width) if what == "pred_contrib" else rows)
        if len(matrix) == 1:
            return self._single[what].predict(matrix)
        threads = 1 if len(matrix) < MANY_ROWS else (os.cpu_count() or 1)
        asked: dict[str, bool] = {what: True}
        return np.asarray(self.booster.predict(matrix, num_threads=threads, **asked))

    def read_proof(self) -> Proof:
        """Read what was measured of it when it was trained."""
        return Proof.from_json(_text(self.path / "proof.json"))

    def check_golden_rows(self) -> None:
        """Predict the golden rows again; refuse the bundle if anything moved.

        Raises
        ------
        DamagedBundle
            A log-odds or a sum of contributions differs by more than 1e-12.
        """
        golden = json.loads(_text(self.path / "golden.json"))
        table = self.catalog.table_of(golden["columns"])
        now = _golden_answers(self, table)
        worst = max(
            float(np.max(np.abs(np.subtract(now[name], golden[name])), initial=0.0))
            for name in now
        )
        # Written so that NaN, which compares false, is refused too.
        if not worst <= GOLDEN_TOLERANCE:
            raise DamagedBundle(
                f"The golden rows of {self.path.name} moved by {worst:.3g}.",
                remedy="Install the LightGBM it was trained with, or train anew.",
            )


@dataclass(frozen=True)
class Contents:
    """What goes into a bundle, before it has a digest."""

    booster: str
    linear: Linear
    calibrator: Calibrator
    catalog: Catalog
    borders: Borders
    reference: Reference
    golden: FeatureTable
    facts: Mapping[str, Any]
    """Every field of ``Manifest`` but ``files`` and ``format``."""
    proof: Proof = NO_PROOF
    forecast: Forecast | None = None


def write_bundle(folder: Path, contents: Contents) -> Bundle:
    """Write a bundle as a new folder that appears whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder.parent))
    try:
        _write_files(work, contents)
        shutil.rmtree(folder, ignore_errors=True)
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Bundle.open(folder)


def _write_files(folder: Path, contents: Contents) -> None:
    texts = {
        "booster.txt": contents.booster,
        "linear.json": contents.linear.to_json(),
        "calibrator.json": contents.calibrator.to_json(),
        "catalog.json": contents.catalog.to_json(),
        "reference.json": contents.reference.to_json(),
        "tiers.json": _json(asdict(contents.borders)),
        "golden.json": "{}",
        "proof.json": contents.proof.to_json(),
        **(contents.forecast.files() if contents.forecast else {}),
    }
    _write_all(folder, texts, contents.facts)
    unproved = Bundle.open(folder)
    texts["golden.json"] = _json(
        {"columns": _columns(contents.catalog, contents.golden)}
        | _golden_answers(unproved, contents.golden)
    )
    _write_all(folder, texts, contents.facts)


def _write_all(
    folder: Path, texts: Mapping[str, str], facts: Mapping[str, Any]
) -> None:
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode())
    files = {name: sha256(text.encode()) for name, text in texts.items()}
    (folder / MANIFEST).write_bytes(Manifest(files=files, **facts).to_json().encode())


def _golden_answers(bundle: Bundle, table: FeatureTable) -> dict[str, list[float]]:
    log_odds = bundle.log_odds(table).tolist()
    outlooks = [said for said in bundle.outlooks(table, log_odds) if said]
    return {
        "log_odds": log_odds,
        "contribution_sums": bundle.contributions(table).sum(axis=1).tolist(),
        "bounds": [bound for said in outlooks for bound in (said.low, said.high)],
        "curves": [chance for said in outlooks for chance in said.curve.values()],
    }


def _columns(catalog: Catalog, table: FeatureTable) -> dict[str, list[Any]]:
    numbers = table.numbers.astype(object)
    numbers[np.isnan(table.numbers)] = None
    texts = [
        [_as_seen(text, catalog.levels[feature.name]) for text in column]
        for feature, column in zip(catalog.text_features, table.texts.T, strict=True)
    ]
    columns = [*numbers.T.tolist(), *texts]
    return dict(zip(catalog.names, columns, strict=True))


def _as_seen(text: str | None, levels: Sequence[str]) -> str | None:
    """Leave a text out that is no level: the model does not see it, others could."""
    return text if text is None or text in levels else UNSEEN


def verify_in_child(path: Path, *, seconds: float = 120.0) -> None:
    """Let another process open a bundle and predict its golden rows.

    Raises
    ------
    DamagedBundle
        The child refused it, crashed on it, or did not end in time.
    """
    # The child finds this very code, whether it is installed or on a test's path.
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-m", "model.bundle_check", str(path)]
    try:
        child = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False,
            timeout=seconds,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise damaged(path, f"opening it took over {seconds:g} s") from error
    if child.returncode:
        last = (child.stderr.strip().splitlines() or ["no word"])[-1]
        raise damaged(path, f"a trial process ended with {child.returncode}: {last}")


def _text(path: Path) -> str:
    return path.read_bytes().decode()


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(
        value, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False
    )


class Predictor:
    """A bundle in the shape that ``mlflow.pyfunc`` calls."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def predict(
        self, frame: pd.DataFrame, params: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """Predict a frame whose columns are the catalog's features, in any order.

        Raises
        ------
        BadInput
            Feature columns are missing, by name. Columns beyond them are ignored.
        """
        import pandas as pd  # a service that never comes here does without pandas

        del params  # MLflow passes it; there is nothing to set
        columns = {str(name): frame[name].tolist() for name in frame.columns}
        table = self.bundle.catalog.table_of(columns)
        log_odds = self.bundle.log_odds(table)
        chances = probabilities(log_odds)
        tiers = [tier.value for tier in self.bundle.tiers(table, log_odds.tolist())]
        return pd.DataFrame(
            {"probability": chances, "log_odds": log_odds, "tier": tiers},
            index=frame.index,
        )


def _load_pyfunc(path: str) -> Predictor:
    """Open a bundle for ``mlflow.pyfunc``, which looks for this name."""
    return Predictor(Bundle.open(Path(path)))
