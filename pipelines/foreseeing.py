"""``funnel forecast`` and ``funnel proof``: what they do and print."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from leads.journal import Journal
from leads.settings import Settings
from model.backtest.foresight import (
    Distance,
    Proof,
    foresee,
    ground_of,
    prove_orders,
)
from model.backtest.replay import Watch
from model.benefit.calls import Benefit, Span
from model.bundle.whole import Bundle
from model.distance.hindsight import ALL
from model.distance.shelf import FORECAST, PROOF, keep
from model.promotion import champion
from pipelines.console import out, table
from pipelines.ingest import stored
from pipelines.lookback import look_back
from serve.giving import heldout_of
from serve.pages.stagewhy import explain
from serve.pages.wording import Wording
from serve.vocabulary import playbook_of

THOUSAND: Final = 100_000
"""A thousand of a currency in its smallest unit."""

WAYS: Final = {"model": "model", "hand": "stage per cent", "count": "stage counted"}
ORDERS: Final = {
    "plan": "playbook", "points": "points",
    "ours": "tiers, as listed", "money": "chance times amount",
    "arrival": "who came first", "newest": "who came last",
    "stage": "stage per cent",
}  # fmt: skip


def forecast_stored(settings: Settings, *, months: int, watch: Watch) -> Distance:
    """Forecast what is stored, back-test it, and keep both; safe to repeat.

    Raises
    ------
    NoModel
        None was ever promoted.
    DataRefused
        No whole month is mature.
    """
    history, digest = stored(settings)
    found = champion.read(settings.store.folder)
    bundle = Bundle.open(found.path, digest=found.digest)
    past = ground_of(history, settings, months=months, data_digest=digest, watch=watch)
    made = foresee(history, settings, bundle, past=past)
    keep(settings.store.folder, FORECAST, made)
    return made


def prove_stored(
    settings: Settings, *, months: int, per_week: int | None, watch: Watch
) -> Proof:
    """Hold orders of calls against each other over the past, and keep the result.

    Raises
    ------
    DataRefused
        No whole month is mature, or none had leads enough.
    """
    history, digest = stored(settings)
    past = ground_of(history, settings, months=months, data_digest=digest, watch=watch)
    book = None if settings.playbook is None else playbook_of(settings, history)
    said = look_back(
        history, settings, past, playbook=book, data_digest=digest, watch=watch
    )
    made = prove_orders(history, settings, past=said, per_week=per_week)
    with closing(Journal(settings.store.database)) as journal:
        journal.upgrade()
        found = heldout_of(settings, journal, history)
    made = replace(made, heldout=found)
    keep(settings.store.folder, PROOF, made)
    return made


def show_distance(made: Distance, settings: Settings, path: Path | None = None) -> None:
    """Print the table of stages, the forecast and what became of past ones."""
    rungs = table(
        "Distance to the deal",
        "pipeline", "stage", "open", "by hand", "paid in the end", "95 %",
        f"paid in {made.horizon_days} d", "model",
    )  # fmt: skip
    for one in made.rungs:
        ever = one.finally_
        rungs.add_row(
            one.pipeline or "-", one.stage, f"{one.here:,}",
            f"{one.percent} %" + ("?" if one.proposed else ""),
            _share(None if ever is None else ever.share),
            "-" if ever is None else f"{ever.low:.0%} to {ever.high:.0%}",
            _share(None if one.soon is None else one.soon.share), _share(one.model),
        )  # fmt: skip
    out.print(rungs)
    wording = Wording(settings.company.language, settings.company.zone)
    for one in made.rungs:
        where = " · ".join(filter(None, (one.pipeline, one.stage)))
        why = explain(asdict(one), wording, made.horizon_days)
        out.print(f"{where}: {one.percent} %. {why}", markup=False, soft_wrap=True)
    _show_ahead(made)
    _show_errors(made)
    if path is not None:
        out.print(f"json     {path}", markup=False, soft_wrap=True)


def _show_ahead(made: Distance) -> None:
    ahead = table(
        f"Expected of today's open leads within {made.horizon_days} days",
        "month", "pipeline", "open", "deals", "90 %", made.currency or "money", "90 %",
    )  # fmt: skip
    for one in made.ahead:
        ahead.add_row(
            "all" if one.month == ALL else one.month,
            "all" if one.pipeline == ALL else one.pipeline or "-",
            f"{one.leads:,}", f"{one.deals.expected:.1f}",
            f"{one.deals.low:.0f} to {one.deals.high:.0f}",
            _money(one.money.expected),
            f"{_money(one.money.low)} to {_money(one.money.high)}",
        )  # fmt: skip
    out.print(ahead)


def _show_errors(made: Distance) -> None:
    doubt = made.hindsight.doubt
    told = table(
        "Forecasts of past months against what was sold",
        "forecast by", "months", "deals off", "leaning", "held", "money off",
        "leaning", "held",
    )  # fmt: skip
    for one in made.hindsight.errors:
        told.add_row(
            WAYS[one.way], f"{one.months}", f"{one.off_deals:.0%}",
            f"{one.lean_deals:+.0%}", f"{one.cover_deals:.0%}",
            f"{one.off_money:.0%}", f"{one.lean_money:+.0%}", f"{one.cover_money:.0%}",
        )  # fmt: skip
    out.print(told)
    out.print(
        "held     the part of 90 % intervals, by month and pipeline, that held what"
        f" happened; drift {doubt.drift:.2f}, scatter of amounts {doubt.scatter:.2f}",
        soft_wrap=True,
    )


def show_proof(made: Proof) -> None:
    """Print what each order would have caught."""
    for one in made.benefits:
        more = f"{ORDERS[one.standard]} more by, 95 %"
        told = table(
            f"{one.per_week} calls a week, {one.weeks} weeks: {one.there_deals:,}"
            f" deals to catch among {one.leads:,} leads",
            "order", "deals", more, f"{made.currency or 'money'}, thousand", more,
        )  # fmt: skip
        for order in one.orders:
            told.add_row(
                ORDERS.get(order.order, order.order), f"{order.deals:,}",
                _more(order.more_deals, 1.0), _thousand(order.money),
                _more(order.more_money, THOUSAND),
            )  # fmt: skip
        out.print(told)
        _show_goals(one)
    out.print(
        "caught   a lead that was called and paid within the horizon; the past cannot"
        " tell who would have paid without the call: that is what the hold-out is for",
        soft_wrap=True,
    )
    held = made.heldout
    if held is None:
        out.print("held out nobody was drawn yet: playbook route does it")
    elif held.difference is None or held.low is None or held.high is None:
        out.print(
            f"held out {held.called:,} called and {held.held:,} not, of low tiers;"
            f" {held.waiting:,} still open: too few to tell"
        )
    else:
        out.print(
            f"held out calls changed low tiers by {held.difference:+.1%}"
            f" ({held.low:+.1%} to {held.high:+.1%}): {held.called_deals:,} of"
            f" {held.called:,} called, {held.held_deals:,} of {held.held:,} not"
        )
    if not made.by_capacity:
        why = "calls    no [tiers] hot_per_week: the hot and warm part of new leads"
        out.print(why, markup=False)


def _show_goals(one: Benefit) -> None:
    """Say which order fits which goal at this capacity."""
    deals = max(one.orders, key=lambda order: order.deals).order
    money = max(one.orders, key=lambda order: order.money).order
    out.print(f"most deals: {ORDERS[deals]}; most money: {ORDERS[money]}")


def _more(found: Span | None, unit: float) -> str:
    if found is None:
        return "-"
    value, low, high = (one / unit for one in (found.value, found.low, found.high))
    return f"{value:+,.0f} ({low:+,.0f} to {high:+,.0f})"


def _thousand(minor: float) -> str:
    return f"{minor / THOUSAND:,.0f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _money(minor: float) -> str:
    return f"{minor / 100:,.0f}"
