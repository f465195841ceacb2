"""Making the distance to the deal and the proof of an order of calls.

Both rest on the same replay of past months (``model.backtest.replay``), which costs a
training per month that was not replayed before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from leads.errors import DataRefused
from leads.history import History
from leads.settings import Settings
from model.backtest.replay import Watch, replay
from model.benefit.calls import Benefit, hold_orders
from model.benefit.heldout import Heldout
from model.benefit.orders import OURS, PLAN, said_orders, usual_orders
from model.bundle.whole import Bundle
from model.distance.ahead import Cell, curve_of, look_ahead, months_ahead
from model.distance.criteria import Checked, answers, count_answers
from model.distance.hindsight import Hindsight, hold_against
from model.distance.ladder import Rung, climb
from model.examples.snapshots import open_leads
from model.features.batch import build
from model.metrics import probabilities
from model.stages import Stages, pass_stages
from model.tiers.capacity import recent_inflow

SEED = 7


@dataclass(frozen=True, slots=True)
class Distance:
    """How far today's open leads are from the deal; money in minor units.

    ``as_of`` is in microseconds, ``bundle`` the digest of the model in use.
    """

    as_of: int
    horizon_days: int
    bundle: str
    currency: str
    rungs: tuple[Rung, ...]
    checked: tuple[Checked, ...]
    ahead: tuple[Cell, ...]
    hindsight: Hindsight


@dataclass(frozen=True, slots=True)
class Proof:
    """What orders caught at the team's capacity, and at other ones."""

    as_of: int
    horizon_days: int
    currency: str
    months: tuple[str, ...]
    by_capacity: bool
    benefits: tuple[Benefit, ...]
    heldout: Heldout | None = None


def foresee(
    history: History, settings: Settings, bundle: Bundle, *, past: pl.DataFrame
) -> Distance:
    """Lay stages, model and forecast side by side.

    Parameters
    ----------
    past
        What ``model.backtest.replay.replay`` gave.
    """
    stages = pass_stages(history, settings)
    asked = _open(history, settings, bundle)
    hindsight = hold_against(past, settings.stage_map, _order(stages), seed=SEED)
    ends = months_ahead(history.cut_off, bundle.horizon_days, settings.company.zone)
    answered = answers(history, settings.criteria, asked)
    answered = answered.with_columns(asked["pipeline"], asked["stage"])
    return Distance(
        as_of=history.cut_off,
        horizon_days=bundle.horizon_days,
        bundle=bundle.digest,
        currency=currency_of(history),
        rungs=climb(stages, settings, asked),
        checked=count_answers(answered),
        ahead=look_ahead(asked, hindsight.doubt, ends=ends, seed=SEED),
        hindsight=hindsight,
    )


def prove_orders(
    history: History, settings: Settings, *, past: pl.DataFrame, per_week: int | None
) -> Proof:
    """Hold orders of calls against each other, at one capacity, half and twice it.

    The playbook's order is the standard where ``past`` says what it said
    (whoever knows the playbook adds it), else that of the tiers.

    Raises
    ------
    DataRefused
        No past month had a model.
    """
    if past.is_empty():
        raise DataRefused(
            "No past month had leads enough for a model.",
            remedy="Wait for outcomes, or name fewer months.",
        )
    number, known = capacity_of(history, settings, per_week)
    stages = _order(pass_stages(history, settings))
    orders = {
        **said_orders(past),
        **usual_orders(settings.stage_map, stages, by=settings.tiers.by),
    }
    standard = PLAN if PLAN in orders else OURS
    sizes = dict.fromkeys((number, max(number // 2, 1), number * 2))
    return Proof(
        as_of=history.cut_off,
        horizon_days=settings.conversion.horizon_days,
        currency=currency_of(history),
        months=tuple(past["month"].unique().sort()),
        by_capacity=known,
        benefits=tuple(
            hold_orders(past, orders, per_week=size, seed=SEED, standard=standard)
            for size in sizes
        ),
    )


def capacity_of(
    history: History, settings: Settings, per_week: int | None
) -> tuple[int, bool]:
    """Say how many leads the team calls in a week, and whether somebody said so.

    Without a word the part of new leads that tiers call hot or warm stands in.
    """
    told = per_week or settings.tiers.hot_per_week
    if told:
        return (sum(told.values()) if isinstance(told, dict) else told), True
    inflow = sum(recent_inflow(history.leads).values())
    return max(round(settings.tiers.warm * inflow), 1), False


def currency_of(history: History) -> str:
    """Name the commonest currency of payments; empty without any."""
    found = history.tables.payments["currency"].mode().sort()
    return str(found[0]) if len(found) else ""


def ground_of(
    history: History, settings: Settings, *, months: int, data_digest: str, watch: Watch
) -> pl.DataFrame:
    """Replay the past months that both rest on."""
    return replay(
        history, settings, months=months, data_digest=data_digest, watch=watch
    )


def _order(stages: Stages) -> dict[str, list[str]]:
    return {
        name: [one.stage for one in stages.of(name) if one.state == "open"]
        for name in stages.pipelines
    }


def _open(history: History, settings: Settings, bundle: Bundle) -> pl.DataFrame:
    asked = open_leads(history, settings)
    table = build(bundle.catalog, history, asked)
    log_odds = bundle.log_odds(table)
    chances = probabilities(np.asarray(log_odds))
    outlooks = bundle.outlooks(table, log_odds.tolist())
    told = list(zip(outlooks, chances.tolist(), strict=True))
    amounts = [
        None if one is None or one.expected_minor is None else one.expected_minor / p
        for one, p in told
    ]
    curves = [curve_of(one, p, bundle.horizon_days) for one, p in told]
    return asked.with_columns(
        pipeline=history.cards(asked)["pipeline"].fill_null(""),
        stage=history.latest("stages", asked)["stage"].fill_null(""),
        chance=pl.Series(chances),
        amount=pl.Series(amounts, dtype=pl.Float64),
        curve=pl.Series(curves),
    )
