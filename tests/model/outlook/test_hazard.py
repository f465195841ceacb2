from __future__ import annotations

import numpy as np

from model.learners.boosting import Matrix
from model.metrics import log_odds_of
from model.outlook.ground import Ground
from model.outlook.hazard import intervals_of, known_steps, learn_hazard
from model.outlook.sequels import Sequel

NAN = float("nan")
EDGES = (0, 1, 3, 7, 14, 30, 60, 90)


def sequel_of(days: list[float], watched: list[float]) -> Sequel:
    """Follow some snapshots."""
    nothing = np.full(len(days), NAN)
    return Sequel(np.array(days), np.array(watched), nothing, None)


def test_what_is_censored_is_neither_lost_nor_won() -> None:
    """A snapshot stands in an interval only if it was watched until its end."""
    sequel = sequel_of([NAN, 5.0, NAN, 20.0], [10.0, 90.0, 90.0, 25.0])

    stands, converts = intervals_of(sequel, EDGES)

    assert stands.astype(int).tolist() == [
        [1, 1, 1, 0, 0, 0, 0],  # watched for 10 days: 7 to 14 is not over
        [1, 1, 1, 0, 0, 0, 0],  # converted on day 5, then gone
        [1, 1, 1, 1, 1, 1, 1],
        [1, 1, 1, 1, 0, 0, 0],  # converted, yet those who did not are not known
    ]
    assert np.argwhere(converts).tolist() == [[1, 2]]


def test_steps_that_nobody_was_watched_for_are_not_said() -> None:
    """Beyond the horizon a step needs snapshots watched so long, and conversions."""
    count = 400
    leads = np.arange(count)
    days = np.where(leads % 2 == 0, 20.0, np.where(leads % 4 == 1, 50.0, NAN))
    young = Sequel(days, np.full(count, 40.0), days, None)
    old = Sequel(days, np.full(count, 90.0), days, None)

    assert known_steps(young, leads, (7, 30, 90), 30) == (7, 30)
    assert known_steps(old, leads, (7, 30, 90), 30) == (7, 30, 90)
    fast = Sequel(np.where(days > 30, NAN, days), old.watched, days, None)
    assert known_steps(fast, leads, (7, 30, 90), 30) == (7, 30)


def exponential(count: int, *, seed: int) -> tuple[Ground, Sequel, np.ndarray]:
    """Let leads convert at a daily rate that their one feature tells."""
    rng = np.random.default_rng(seed)
    feature = rng.normal(size=count)
    rate = 0.01 * np.exp(0.8 * feature)
    days = rng.exponential(1.0 / rate)
    watched = rng.uniform(30.0, 90.0, count)
    labels = (days <= 30).astype(float)
    chance = -np.expm1(-30.0 * rate)
    fold = np.arange(count) % 3
    folds = tuple(
        (np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)
    )
    unseen = np.array([log_odds_of(float(p)) for p in chance])
    ground = Ground(
        matrix=Matrix(feature[:, None], labels, ()),
        leads=np.arange(count),
        folds=folds,
        log_odds=unseen[np.concatenate([judged for _, judged in folds])],
        linear=0.5,
        constant=False,
        seed=1,
    )
    days = np.where(days <= watched, days, NAN)
    return ground, Sequel(days, watched, np.full(count, NAN), None), rate


def test_every_step_is_calibrated_despite_censoring() -> None:
    """Half of the windows are cut short, and yet each step says what is true."""
    ground, sequel, rate = exponential(6_000, seed=5)
    watched_full = sequel.watched >= 60
    assert 0.3 < watched_full.mean() < 0.7

    curve, text = learn_hazard(ground, sequel, (7, 30, 60), horizon=30)

    from model.outlook.forecast import HAZARD, Forecast
    from model.outlook.spread import Spread

    forecast = Forecast(Spread(None, 1, 0, 0, 0, 0), curve, None, {HAZARD: text})
    chance = -np.expm1(-30.0 * rate)
    log_odds = [log_odds_of(float(p)) for p in chance]
    said = forecast.outlooks(ground.matrix.values, log_odds, chance.tolist())
    for step in (7, 60):
        told = np.array([outlook.curve[step] for outlook in said])
        truth = -np.expm1(-step * rate)
        assert abs(told.mean() - truth.mean()) < 0.015
        assert np.abs(told - truth).mean() < 0.03
