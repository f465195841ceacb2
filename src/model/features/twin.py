"""Features of one lead, in plain Python: no engine, no fixed cost of a query plan.

An engine needs 10 to 20 ms to start on any question; a lead has some dozens of rows.
The twin walks over them and fills the cells that the engine would have filled; what
the cells mean is derived by the same code.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from leads.errors import BadInput, Fault
from leads.funnel import NO_PIPELINE
from leads.history import LeadHistory, Payment, Value
from leads.marks import mail_kind
from model.features.batch import (
    CENTS_TO_MILLIONTHS,
    MOST_CENTS,
    answered,
    as_text,
)
from model.features.catalog import Catalog, Feature, FeatureTable, Numbers, Texts
from model.features.cells import Cells, Integers, Stages, millionths
from model.features.contacts import has_phone
from model.features.derivation import Inputs, Plan, cycles_of, plan_of


def build_one(catalog: Catalog, lead: LeadHistory, moment: int) -> FeatureTable:
    """Compute the features of one lead at a moment (microseconds).

    Returns
    -------
    FeatureTable
        One row, the same bits as ``model.features.batch.build`` gives for it.

    Raises
    ------
    BadInput
        A card field holds something of another type than the catalog reads.
    """
    plan = plan_of(catalog)
    seen = lead.as_of(moment)
    cells = Cells.empty(1, plan.layout)
    _add_rows(cells, seen, moment, catalog.currency)
    _add_stages(cells, plan, seen, moment)
    inputs = Inputs(
        moment=np.array([moment]),
        created=np.array([seen.created_at]),
        cycle=cycles_of(catalog, [seen.pipeline]),
        cells=cells,
        card=_card(plan, seen, catalog.refusals),
    )
    return FeatureTable(plan.derive(inputs), _texts(catalog, seen))


def _add_rows(cells: Cells, seen: LeadHistory, moment: int, currency: str) -> None:
    """Count events and payments, both at once."""
    layout, events = cells.layout, seen.events
    payments = [payment for payment in seen.payments if payment.amount_minor != 0]
    if not (events or payments):
        return
    places, other = layout.places, layout.other
    streams = [places.get(event.kind, other) for event in events]
    streams += [
        layout.payments if payment.amount_minor > 0 else layout.refunds
        for payment in payments
    ]
    cells.add(
        np.zeros(len(streams), dtype=np.int64),
        np.array(streams),
        moment - np.array([e.at for e in events] + [p.at for p in payments]),
        _amounts(seen, payments, currency),
    )
    cells.add_all()


def _amounts(seen: LeadHistory, payments: Sequence[Payment], currency: str) -> Integers:
    """Make values of events and money in the catalog's currency exact."""
    unknown = math.nan
    values = [unknown if e.value is None else e.value for e in seen.events]
    cents = [
        max(-MOST_CENTS, min(MOST_CENTS, payment.amount_minor))
        if payment.currency == currency
        else 0
        for payment in payments
    ]
    exact = millionths(np.array(values, dtype=np.float64))
    if not cents:
        return exact
    return np.concatenate([exact, np.array(cents) * CENTS_TO_MILLIONTHS])


def _add_stages(cells: Cells, plan: Plan, seen: LeadHistory, moment: int) -> None:
    changes = seen.stages
    if not changes:
        return
    of_lead = seen.pipeline if seen.pipeline is not None else NO_PIPELINE
    pairs = [
        (of_lead if change.pipeline is None else change.pipeline, change.stage)
        for change in changes
    ]
    codes = {pair: code for code, pair in enumerate(dict.fromkeys(pairs))}
    names = dict.fromkeys(pipeline for pipeline, _ in pairs)
    pipelines = {name: code for code, name in enumerate(names)}
    stages = Stages(
        code=np.array([codes[pair] for pair in pairs]),
        pipeline=np.array([pipelines[name] for name, _ in pairs]),
        position=_known(plan.stages, pairs),
        normal=_known(plan.stage_normal, pairs),
    )
    age = moment - np.array([change.at for change in changes])
    cells.add_stages(np.zeros(len(changes), dtype=np.int64), age, stages)


def _known(
    values: Mapping[tuple[str, str], float], pairs: Sequence[tuple[str, str]]
) -> Numbers:
    return np.array([values.get(pair, math.nan) for pair in pairs], dtype=np.float64)


def _card(plan: Plan, seen: LeadHistory, refusals: Sequence[str]) -> Numbers:
    card = np.empty((1, len(plan.card_features)))
    for column, feature in enumerate(plan.card_features):
        value = _value(seen, feature)
        card[0, column] = (
            answered([value], refusals)[0]
            if feature.kind == "card_answer"
            else _card_number(feature, value)
        )
    return card


def _value(seen: LeadHistory, feature: Feature) -> Value:
    """Read a card field; one that the CRM did not send is not known."""
    assert feature.of is not None
    return seen.owner if feature.of == "owner" else seen.fields.get(feature.of)


def _card_number(feature: Feature, value: Value) -> float:
    if feature.kind == "card_filled":
        return float(value is not None)
    if feature.kind == "contact_phone":
        if isinstance(value, bool):
            raise _wrong_type(feature, value)
        return float(has_phone(as_text(value)))
    if value is None:
        return math.nan
    if feature.kind == "card_text_length":
        if not isinstance(value, str):
            raise _wrong_type(feature, value)
        return float(len(value))
    is_flag = feature.kind == "card_flag"
    if isinstance(value, str) or isinstance(value, bool) != is_flag:
        raise _wrong_type(feature, value)
    return float(value)


def _texts(catalog: Catalog, seen: LeadHistory) -> Texts:
    texts = np.full((1, len(catalog.text_features)), None, dtype=object)
    for column, feature in enumerate(catalog.text_features):
        texts[0, column] = _text(feature, seen)
    return texts


def _text(feature: Feature, seen: LeadHistory) -> str | None:
    if feature.kind == "stage":
        return seen.stages[-1].stage if seen.stages else None
    if feature.kind == "source":
        return seen.source
    if feature.kind == "pipeline":
        return seen.pipeline
    value = _value(seen, feature)
    if not (value is None or isinstance(value, str)):
        raise _wrong_type(feature, value)
    return mail_kind(value) if feature.kind == "contact_mail" else value


def _wrong_type(feature: Feature, value: Value) -> BadInput:
    what = (
        f"the card field {feature.of!r} holds {type(value).__name__}, not what"
        f" feature {feature.name!r} was learned from"
    )
    return BadInput.of("The lead", [Fault("lead", what, "Send it as it was ingested.")])
