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
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import lightgbm
import numpy as np

from leads.decision import Outlook, Tier, probability_of
from leads.errors import DamagedBundle
from model.bundle.manifest import Manifest, checked
from model.bundle.reference import Reference
from model.features.catalog import Catalog, FeatureTable, Numbers
from model.learners.calibration import Calibrator
from model.learners.forest import NO_TREES
from model.learners.linear import Linear
from model.outlook.forecast import Forecast
from model.outlook.single import KINDS, SingleRow, What
from model.proof.record import Proof
from model.tiers.borders import Borders, money_of, pipelines_in

if TYPE_CHECKING:
    pass

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
        now = golden_answers(self, table)
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


def golden_answers(bundle: Bundle, table: FeatureTable) -> dict[str, list[float]]:
    """Predict golden rows: what a bundle must say of them wherever it is opened."""
    log_odds = bundle.log_odds(table).tolist()
    outlooks = [said for said in bundle.outlooks(table, log_odds) if said]
    return {
        "log_odds": log_odds,
        "contribution_sums": bundle.contributions(table).sum(axis=1).tolist(),
        "bounds": [bound for said in outlooks for bound in (said.low, said.high)],
        "curves": [chance for said in outlooks for chance in said.curve.values()],
    }


def _text(path: Path) -> str:
    return path.read_bytes().decode()
