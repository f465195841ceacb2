"""Outlooks of the invented company, whose true chances are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from tests.model.software import software_company

from leads.decision import Outlook
from model.examples.labels import funnel_of
from model.examples.snapshots import take
from model.examples.split import split
from model.features.batch import build
from model.learning import numbered
from model.outlook.sequels import Sequel, follow
from model.training import leads_of, moments_at, train


@dataclass(frozen=True)
class Judged:
    """Test snapshots: what was said, what followed, and what was true of them."""

    said: list[Outlook]
    chances: np.ndarray
    sequel: Sequel
    truth: np.ndarray
    leads: np.ndarray


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """Learn a company of 2,500 leads; a few seconds, shared by all tests here."""
    folder = tmp_path_factory.mktemp("company")
    history, settings = software_company(
        folder, 2_500, 11, events=15.0,
        snapshots={"at": ["creation", "3d", "14d"]},
        model={"learning_rate": 0.1, "rounds": 80, "folds": 3, "threads": 1},
    )  # fmt: skip
    bundle = train(history, settings, workdir=folder).bundle
    snapshots = take(history, settings)
    rows = split(snapshots, settings).test
    moments = moments_at(snapshots, rows)
    table = build(bundle.catalog, history, moments)
    log_odds = bundle.log_odds(table)
    funnel = funnel_of(history, settings)
    sequel = follow(history, settings, moments, funnel, until=history.cut_off)
    assert sequel is not None
    known = pl.read_parquet(folder / "truth" / "truth.parquet")
    moment = pl.col("moment").cast(pl.Datetime("us", "UTC"))
    truth = moments.with_columns(moment).join(
        known, on=["lead_id", "moment"], how="left", maintain_order="left"
    )["probability"]
    return Judged(
        said=[said for said in bundle.outlooks(table, log_odds.tolist()) if said],
        chances=1.0 / (1.0 + np.exp(-log_odds)),
        sequel=sequel,
        truth=truth.cast(pl.Float64).to_numpy(),
        leads=numbered(leads_of(snapshots[rows])),
    )


def error_of(values: np.ndarray, leads: np.ndarray) -> float:
    """Give the standard error of a mean whose rows are clustered by lead."""
    away = np.bincount(leads, weights=values - values.mean())
    return float(np.sqrt(np.sum(away**2))) / len(values)


def test_the_intervals_hold_the_truth(judged: Judged) -> None:
    """The truth knows each event's hour and the features do not: 80 to 98 %.

    What the features cannot tell apart moves the truth beside any prediction made of
    them, so fewer than nine in ten of the raw truths are held.
    """
    known = ~np.isnan(judged.truth)
    low = np.array([said.low for said in judged.said])[known]
    high = np.array([said.high for said in judged.said])[known]

    truth = judged.truth[known]
    held = (low <= truth) & (truth <= high)

    assert known.sum() > 500
    assert 0.80 <= held.mean() <= 0.98
    assert (high - low).mean() < 0.35


def test_every_step_of_the_curve_is_calibrated(judged: Judged) -> None:
    """By each step about as many converted as was said, in both halves of the leads."""
    for step in (7, 30, 90):
        watched = judged.sequel.watched >= step
        said = np.array([outlook.curve[step] for outlook in judged.said])[watched]
        with np.errstate(invalid="ignore"):
            came = (judged.sequel.days[watched] <= step).astype(float)
        for half in np.array_split(np.argsort(said), 2):
            noise = error_of(came[half] - said[half], judged.leads[watched][half])
            surplus = abs(came[half].mean() - said[half].mean())
            assert surplus < 4.0 * noise + 0.01


def test_the_curve_says_the_probability_at_the_horizon(judged: Judged) -> None:
    """Interval, curve and probability are of one mind."""
    for said, chance in zip(judged.said, judged.chances.tolist(), strict=True):
        assert said.curve[30] == pytest.approx(chance, abs=1e-12)
        assert said.low <= said.curve[30] <= said.high


def test_expected_money_is_calibrated_by_decile(judged: Judged) -> None:
    """In every tenth of leads by expected money about as much came as was said.

    Luck is what the chances themselves allow: a payment comes whole or not at all, and
    the snapshots of a lead, three at most, share it.
    """
    said = np.array([outlook.expected_minor for outlook in judged.said], dtype=float)
    came = np.nan_to_num(judged.sequel.amounts)

    assert {outlook.currency for outlook in judged.said} == {"RUB"}
    assert said.sum() == pytest.approx(came.sum(), rel=0.4)
    for tenth in np.array_split(np.argsort(said), 10):
        chance = judged.chances[tenth]
        luck = 3.0 * said[tenth] ** 2 * (1.0 - chance) / chance
        surplus = abs(came[tenth].mean() - said[tenth].mean())
        assert surplus < 3.0 * np.sqrt(luck.sum()) / len(tenth)


def test_sooner_is_said_of_those_who_came_sooner(judged: Judged) -> None:
    """Expected days rise with the days that conversions took."""
    came = ~np.isnan(judged.sequel.days)
    said = np.array([outlook.expected_days for outlook in judged.said], dtype=float)

    assert 0.0 < said.min() < said.max() < 90.0
    assert np.corrcoef(said[came], judged.sequel.days[came])[0, 1] > 0.1
