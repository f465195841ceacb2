"""Learning all of an outlook at once: interval, curve, money."""

from __future__ import annotations

from collections.abc import Sequence

from model.outlook.amounts import learn_amount
from model.outlook.forecast import AMOUNT, HAZARD, SPREAD, Forecast
from model.outlook.ground import Ground
from model.outlook.hazard import learn_hazard
from model.outlook.sequels import Sequel
from model.outlook.uncertainty import learn_spread, plain_spread


def learn_outlook(
    ground: Ground,
    sequel: Sequel | None,
    names: Sequence[str],
    *,
    steps: Sequence[int],
    horizon: int,
) -> Forecast:
    """Learn outlooks; without a sequel they are intervals and nothing else.

    Parameters
    ----------
    ground
        The training rows, folds and out-of-fold predictions.
    sequel
        What followed the training rows, if that is known by time.
    names
        The features of the columns.
    steps, horizon
        Days at which a chance is wanted, and the one of them that is the horizon.
    """
    spread, trees = learn_spread(ground)
    texts = {} if trees is None else {SPREAD: trees}
    if sequel is None:
        return Forecast(spread, None, None, texts)
    curve, texts[HAZARD] = learn_hazard(ground, sequel, steps, horizon=horizon)
    money = learn_money(ground, sequel, names)
    return Forecast(spread, curve, money.amount, {**texts, **money.texts})


def learn_money(
    ground: Ground, sequel: Sequel | None, names: Sequence[str]
) -> Forecast:
    """Learn how much, but not when, and of how sure only what costs nothing."""
    found = None if sequel is None else learn_amount(ground, sequel, names)
    amount, trees = (None, None) if found is None else found
    texts = {} if trees is None else {AMOUNT: trees}
    return Forecast(plain_spread(ground), None, amount, texts)
