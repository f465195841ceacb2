"""Money: first payments, refunds, and the payments of those who stay.

A first payment is wholly refunded with the chance that ``truth`` counts with, on one of
the days after it and never bought again; some get a part back. The bank tells of many
payments only hours or days later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from leads.synthetic.behaviour import Lives
from leads.synthetic.clock import DAY, HOUR, moments_in
from leads.synthetic.people import Floats, Ints, People
from leads.synthetic.truth import AGES, FULL_REFUNDS, REFUND_DAYS

PLANS: Final = ("start", "team", "business")
PRICES: Final = np.array([1490.0, 4990.0, 12900.0])  # roubles a month
PART_REFUNDS: Final = 0.03
STAYS: Final = 0.85  # chance of each further month
MOST_MONTHS: Final = 24
BOOKED_LATE: Final = 0.4


@dataclass(frozen=True)
class Ledger:
    """What the customers paid; one place for each payer, in order of leads."""

    payer: Ints  # place of the lead
    plan: Ints  # of every lead, payer or not: the plan it would take
    amount: Floats  # of every lead: the price of that plan
    paid_at: Ints
    booked_at: Ints
    refund_day: Ints  # day of life of a full refund, -1 for none
    refunded_at: Ints  # 0 for none
    rows: pl.DataFrame  # lead, at, recorded_at, amount

    def converts(self, lives: Lives, horizon: int) -> Floats:
        """Say who truly converts within the horizon of each age; shape (n, ages)."""
        ages = np.array(AGES)
        paid_on = lives.paid_on[:, None]
        refund = np.full(len(paid_on), np.iinfo(np.int64).max)
        refund[self.payer] = np.where(
            self.refund_day >= 0, self.refund_day, refund[self.payer]
        )
        within = (paid_on >= ages) & (paid_on < ages + horizon)
        return (within & (refund[:, None] >= ages + horizon)).astype(np.float64)


def keep_books(people: People, lives: Lives, rng: np.random.Generator) -> Ledger:
    """Draw what everybody pays and gets back."""
    plan, amount = _plans(people, rng)
    payer = np.flatnonzero(lives.paid_on >= 0)
    day, created = lives.paid_on[payer], people.created[payer]
    paid_at = moments_in(created, day, rng)
    booked_at = paid_at + _late(len(payer), rng)
    fate = rng.random(len(payer))
    full, part = fate < FULL_REFUNDS, (fate >= 1.0 - PART_REFUNDS)
    refund_day = day + rng.integers(1, REFUND_DAYS + 1, len(payer))
    refund_at = moments_in(created, refund_day, rng)
    refunded = full | part
    back = -amount[payer] * np.where(part, 0.5, 1.0)
    rows = pl.concat(
        [
            _rows(payer, paid_at, booked_at, amount[payer]),
            _rows(
                payer[refunded],
                refund_at[refunded],
                np.maximum(refund_at, booked_at)[refunded],
                back[refunded],
            ),
            _months(payer[~full], paid_at[~full], amount, rng),
        ]
    )
    return Ledger(
        payer=payer,
        plan=plan,
        amount=amount,
        paid_at=paid_at,
        booked_at=booked_at,
        refund_day=np.where(full, refund_day, -1),
        refunded_at=np.where(full, np.maximum(refund_at, booked_at), 0),
        rows=rows,
    )


def _plans(people: People, rng: np.random.Generator) -> tuple[Ints, Floats]:
    headcount = people.card["headcount"].fill_null(8).to_numpy()
    plan = np.digitize(headcount * rng.lognormal(0.0, 0.5, len(people)), [10, 60])
    seats = np.clip(np.ceil(headcount / 10), 1, 20)
    return plan, PRICES[plan] * seats


def _months(
    payer: Ints, first: Ints, amount: Floats, rng: np.random.Generator
) -> pl.DataFrame:
    """Let customers pay every month until they leave."""
    months = np.minimum(rng.geometric(1.0 - STAYS, len(payer)) - 1, MOST_MONTHS)
    lead, began = np.repeat(payer, months), np.repeat(first, months)
    number = np.arange(len(lead)) - np.repeat(np.cumsum(months) - months, months) + 1
    slack = rng.integers(0, 3 * DAY, len(lead))
    at = began + number * 30 * DAY + slack
    return _rows(lead, at, at + _late(len(lead), rng), amount[lead])


def _late(count: int, rng: np.random.Generator) -> Ints:
    """Draw how much later than paid a payment is booked: a card at once, a bill not."""
    delay = rng.integers(2 * HOUR, 48 * HOUR, count)
    return np.where(rng.random(count) < BOOKED_LATE, delay, 0)


def _rows(lead: Ints, at: Ints, recorded_at: Ints, amount: Floats) -> pl.DataFrame:
    return pl.DataFrame(
        {"lead": lead, "at": at, "recorded_at": recorded_at, "amount": amount}
    )
