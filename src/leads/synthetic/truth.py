r"""The true probability of payment, exact, and what each thing seen truly says.

Let z be the hidden kind of a lead (1 buyer, 0 onlooker), x its card, and h all that
happened up to a whole number of days a after its creation, without a payment. By Bayes

.. math::

    \log\frac{P(z=1 \mid x, h)}{P(z=0 \mid x, h)} = \alpha + \sum_f \beta_f(x_f)
      + \sum_{d<a} \log\frac{P_1(s_{d+1} \mid s_d)}{P_0(s_{d+1} \mid s_d)}
      + \sum_k \Big[\sum_{e \in k} \log\frac{\lambda_1}{\lambda_0}
      - \sum_{d<a} (\lambda_1 - \lambda_0)\Big],

with states s, and Poisson rates :math:`\lambda_z` of kind k at that state and day. Each
term belongs to one thing that can be seen: these are the *drivers*. A visible state and
the kind z are all that the future depends on, so the chance V of a first payment in the
days a .. a + H - 1 that is not wholly refunded by then follows backwards from the
horizon's end,

.. math::

    V_d(z, s) = p\,w_d + (1 - p)\,[m V_{d+1}(z, s + 1) + (1 - m) V_{d+1}(z, s)],

with p the chance to pay, m to move on, and :math:`w_d` the chance that a payment of day
d is not refunded in full before the horizon ends. The truth is the mean of V over the
two kinds. It is conditioned on what *happened*; the kinds of events that are recorded
late have the same rates for both z, so whoever sees only what was recorded by then
knows no less. A lead whose payment is made but not yet booked has no row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from leads.synthetic.behaviour import KINDS, LIFE, Lives, World
from leads.synthetic.clock import DAY
from leads.synthetic.people import Floats, Ints, People

AGES: Final = (0, 1, 3, 7, 14, 30)  # days
FULL_REFUNDS: Final = 0.04  # of first payments
REFUND_DAYS: Final = 20  # the refund comes 1 to this many days after


@dataclass(frozen=True)
class Evidence:
    """Log-odds of being a buyer, by the thing seen; shape (n, ages) each."""

    seen: Mapping[str, Floats]

    def total(self) -> Floats:
        """Add up what was seen since the creation."""
        return np.asarray(np.sum(list(self.seen.values()), axis=0))


def weigh(people: People, lives: Lives, world: World) -> Evidence:
    """Weigh what each lead did up to each age."""
    seen = {"stage": _of_states(people, lives, world)}
    days, last = np.arange(max(AGES)), max(AGES)
    state = lives.state[:, :last]
    bustle = world.bustle[world.calendar(people.created)[:, None] + days]
    young = lives.event_day < last
    lead, day = lives.event_lead[young], lives.event_day[young]
    kinds = lives.event_kind[young]
    ratio = np.log(world.rate[1] / world.rate[0])
    excess = world.rate[1] - world.rate[0]
    for place, (kind, *_) in enumerate(KINDS):
        mine = kinds == place
        told = np.bincount(
            lead[mine] * last + day[mine],
            weights=ratio[state[lead[mine], day[mine]], day[mine], place],
            minlength=state.size,
        ).reshape(state.shape)
        seen[kind] = _up_to_ages(told - excess[state, days, place] * bustle)
    return Evidence(seen)


def true_chances(
    people: People, world: World, evidence: Evidence, lives: Lives, horizon: int
) -> Floats:
    """Give the true probability at each age, shape (n, ages).

    Rows of leads that had paid by that age mean nothing.
    """
    odds = people.log_odds[:, None] + evidence.total()
    weight = 1.0 / (1.0 + np.exp(-odds))
    calendar = world.calendar(people.created)
    first = int(calendar.min(initial=0))
    days = np.arange(first, int(calendar.max(initial=0)) + 1)
    chances = np.empty(odds.shape)
    for place, age in enumerate(AGES):
        value = _value(world, days, age=age, horizon=horizon)
        state = lives.state[:, age]
        onlooker, buyer = (
            value[calendar - first, people.pipeline, z, state] for z in (0, 1)
        )
        mine = weight[:, place]
        chances[:, place] = mine * buyer + (1.0 - mine) * onlooker
    return chances


def truth_frames(
    people: People, lives: Lives, evidence: Evidence, chances: Floats, paid: Floats
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lay out chances and drivers, one row per lead and age at which it had not paid.

    ``paid`` says whether the lead truly converts within the horizon, shape (n, ages).
    """
    ages = np.array(AGES)
    unpaid = (lives.paid_on < 0)[:, None] | (lives.paid_on[:, None] >= ages)
    lead, place = np.nonzero(unpaid)
    head = pl.DataFrame(
        {
            "lead_id": people.lead_id.gather(lead),
            "moment": pl.Series(people.created[lead] + ages[place] * DAY).cast(
                pl.Datetime("us", "UTC")
            ),
            "kind": pl.Series(
                ["creation" if age == 0 else f"{age}d" for age in AGES]
            ).gather(place),
        }
    )
    truth = head.with_columns(
        probability=pl.Series(chances[lead, place]),
        converted=pl.Series(paid[lead, place].astype(bool)),
        buyer=pl.Series(lives.buyer[lead]),
    )
    drivers = {
        **{name: amount[lead] for name, amount in people.evidence.items()},
        **{name: amount[lead, place] for name, amount in evidence.seen.items()},
    }
    return truth, head.with_columns(
        pl.Series(name, amount.astype(np.float32)) for name, amount in drivers.items()
    )


def kept(days_left: Ints) -> Floats:
    """Give the chance that a payment is not wholly refunded in the days left."""
    refunds: Floats = FULL_REFUNDS * np.clip(days_left, 0, REFUND_DAYS) / REFUND_DAYS
    return 1.0 - refunds


def _value(world: World, days: Ints, *, age: int, horizon: int) -> Floats:
    """Walk back from the horizon's end; shape (calendar days, p, z, s)."""
    pipelines, kinds, states, _ = world.pay.shape
    value = np.zeros((len(days), pipelines, kinds, states))
    end = age + horizon
    for day in reversed(range(age, min(end, LIFE))):
        season = world.season[days + day][:, None, None, None]
        pay, move = world.pay[..., day] * season, world.move[..., day]
        ahead = np.concatenate([value[..., 1:], value[..., -1:]], axis=-1)
        stays = move * ahead + (1.0 - move) * value
        value = pay * kept(np.array(end - 1 - day)) + (1.0 - pay) * stays
    return value


def _of_states(people: People, lives: Lives, world: World) -> Floats:
    """Weigh each day's step: paid never, moved on or not."""
    days = np.arange(max(AGES))
    state = lives.state[:, days].astype(np.int64)
    moved = lives.state[:, days + 1] > state
    pipeline = people.pipeline[:, None]
    season = world.season[world.calendar(people.created)[:, None] + days]
    steps = []
    for z in (0, 1):
        pay = world.pay[pipeline, z, state, days] * season
        move = world.move[pipeline, z, state, days]
        with np.errstate(divide="ignore"):  # the unlikely branch is not taken
            step = np.where(moved, np.log(move), np.log1p(-move))
        steps.append(step + np.log1p(-pay))
    with np.errstate(invalid="ignore"):  # days after the payment: never asked for
        told = steps[1] - steps[0]
    return _up_to_ages(np.nan_to_num(told, posinf=0.0, neginf=0.0))


def _up_to_ages(told: Floats) -> Floats:
    """Add up days (n, days) to what was told before each age (n, ages)."""
    so_far = np.concatenate([np.zeros((len(told), 1)), np.cumsum(told, axis=1)], axis=1)
    return so_far[:, list(AGES)]
