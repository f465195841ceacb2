from __future__ import annotations

import numpy as np
import pytest

from model.learners.boosting import Matrix
from model.metrics import Codes
from model.outlook.amount import Amount
from model.outlook.amounts import learn_amount
from model.outlook.forecast import AMOUNT, Forecast
from model.outlook.ground import Ground
from model.outlook.sequels import Sequel
from model.outlook.spread import Spread

NAMES = ("seats", "noise", "pipeline")
NOTHING = Spread(None, 1.0, 0.0, 0.0, 0.0, 0.0)


def bought(count: int, *, seed: int) -> tuple[Ground, Sequel]:
    """Let the amount follow the seats, with tails so heavy that one sale is a year."""
    rng = np.random.default_rng(seed)
    seats = rng.integers(1, 30, count).astype(float)
    pipeline = rng.integers(1, 3, count).astype(float)
    amounts = 1e5 * seats * pipeline * rng.lognormal(-0.18, 0.6, count)
    amounts[rng.random(count) < 0.003] *= 30.0
    values = np.column_stack([seats, rng.normal(size=count), pipeline])
    every: Codes = np.arange(count)
    ground = Ground(
        matrix=Matrix(values, np.ones(count), (2,)),
        leads=every,
        folds=((every, every),),
        log_odds=np.zeros(count),
        linear=0.0,
        constant=True,
        seed=1,
    )
    return ground, Sequel(amounts * 0 + 1, amounts * 0 + 90, amounts, "RUB")


def expected(amount: Amount, text: str | None, values: np.ndarray) -> np.ndarray:
    """Say the money of certain leads: only the amount is left."""
    texts = {} if text is None else {AMOUNT: text}
    forecast = Forecast(NOTHING, None, amount, texts)
    count = len(values)
    said = forecast.outlooks(values, [0.0] * count, [1.0] * count)
    return np.array([outlook.expected_minor for outlook in said], dtype=float)


def test_amounts_are_calibrated_by_decile_on_leads_never_seen() -> None:
    """In every tenth of leads by what is said, what came is near what was said."""
    ground, sequel = bought(3_000, seed=1)
    fresh, came = bought(6_000, seed=2)

    learned = learn_amount(ground, sequel, NAMES)

    assert learned is not None
    said = expected(*learned, fresh.matrix.values)
    assert said.sum() == pytest.approx(came.amounts.sum(), rel=0.1)
    for tenth in np.array_split(np.argsort(said), 10):
        assert said[tenth].mean() == pytest.approx(came.amounts[tenth].mean(), rel=0.35)
    assert said.max() < 20 * said.mean()


def test_few_conversions_give_the_mean_of_the_pipeline_drawn_to_the_whole() -> None:
    """Below some two hundred there are no trees, only means that borrow."""
    ground, sequel = bought(60, seed=3)

    learned = learn_amount(ground, sequel, NAMES)

    assert learned is not None
    amount, text = learned
    assert text is None
    assert len(amount.means) == 2
    assert min(amount.means.values()) < amount.mean < max(amount.means.values())


def test_money_is_not_spoken_of_where_hardly_any_came() -> None:
    """Nineteen payers say nothing about the next."""
    ground, sequel = bought(19, seed=4)

    assert learn_amount(ground, sequel, NAMES) is None
