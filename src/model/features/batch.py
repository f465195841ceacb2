"""Features of many snapshots: an engine finds what each may see, numpy adds it up.

The engine does what is relational, written in narwhals (Polars here): which rows of
which table each snapshot may see, and what stages meant in their pipelines. What comes
out of it is counted into cells and derived by the code that the twin of one lead uses.
Snapshots are taken in chunks of neighbouring leads, so memory stays flat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import narwhals as nw
import numpy as np
import numpy.typing as npt
import polars as pl

from leads.answers import answer
from leads.errors import BadInput, Fault
from leads.funnel import NO_PIPELINE
from leads.history import History
from leads.marks import mail_kind
from model.features.catalog import Catalog, Feature, FeatureTable, Numbers, Texts
from model.features.cells import Cells, Integers, Stages, millionths
from model.features.contacts import has_phone
from model.features.derivation import Inputs, Plan, cycles_of, plan_of

CHUNK: Final = 8_192
"""Snapshots at a time: their cells fit the processor's cache."""

CENTS_TO_MILLIONTHS: Final = 10_000
MOST_CENTS: Final = 10**12


def build(catalog: Catalog, history: History, moments: pl.DataFrame) -> FeatureTable:
    """Compute the features of every snapshot.

    Parameters
    ----------
    moments
        ``lead_id`` and ``moment`` (microseconds) of n snapshots, in any order; other
        columns are ignored.

    Returns
    -------
    FeatureTable
        n rows, in the order of ``moments``; the same bits as
        ``model.features.twin.build_one``.

    Raises
    ------
    BadInput
        A card field of the catalog is not among the history's, or has another type.
    UnknownLead
        A lead of ``moments`` was not ingested.
    """
    plan = plan_of(catalog)
    n = len(moments)
    numbers = np.empty((n, plan.width))
    texts = np.empty((n, len(catalog.text_features)), dtype=object)
    for place, chunk in _chunks(history, moments):
        cards = nw.from_native(history.cards(chunk), eager_only=True)
        _refuse_absent(catalog, cards)
        cells, stage = _cells(catalog, history, chunk, cards)
        inputs = Inputs(
            moment=chunk["moment"].to_numpy(),
            created=cards["created_at"].to_numpy(),
            cycle=cycles_of(catalog, cards["pipeline"].to_list()),
            cells=cells,
            card=_card_numbers(plan, cards, catalog.refusals),
        )
        numbers[place] = plan.derive(inputs)
        for column, feature in enumerate(catalog.text_features):
            texts[place, column] = _texts(feature, cards, stage)
    return FeatureTable(numbers, texts)


def _chunks(
    history: History, moments: pl.DataFrame
) -> Iterator[tuple[npt.NDArray[np.intp], pl.DataFrame]]:
    """Deal out snapshots, neighbouring leads together, with their places."""
    asked = history.encode(moments.select("lead_id", "moment"))
    order = asked.select(pl.arg_sort_by("lead", "moment")).to_series().to_numpy()
    for start in range(0, len(asked), CHUNK):
        place = order[start : start + CHUNK].astype(np.intp)
        yield place, asked[place].with_row_index("row")


def _cells(
    catalog: Catalog, history: History, chunk: pl.DataFrame, cards: nw.DataFrame[Any]
) -> tuple[Cells, Texts]:
    """Fill the cells of a chunk; also name the stage (n,) that each lead is in."""
    plan = plan_of(catalog)
    cells = Cells.empty(len(chunk), plan.layout)
    _add_events(cells, _visible(history, "events", chunk))
    _add_payments(cells, _visible(history, "payments", chunk), catalog.currency)
    return cells, _add_stages(cells, plan, stages_seen(history, chunk, cards))


def _visible(history: History, name: str, chunk: pl.DataFrame) -> nw.LazyFrame[Any]:
    shown = nw.from_native(history.visible(name, chunk))
    return shown.with_columns(age=nw.col("moment") - nw.col("at"))


def _add_events(cells: Cells, shown: nw.LazyFrame[Any]) -> None:
    layout = cells.layout
    streams = pl.DataFrame(
        {
            "kind": layout.event_kinds,
            "stream": range(1, len(layout.event_kinds) + 1),
        },
        schema={"kind": pl.String(), "stream": pl.Int64()},
    )
    rows = (
        shown.join(nw.from_native(streams.lazy()), on="kind", how="left")
        .select(
            nw.col("row").cast(nw.Int64()),
            nw.col("stream").fill_null(layout.other),
            "age",
            nw.col("value").cast(nw.Float64()),
        )
        .collect()
    )
    cells.add(
        rows["row"].to_numpy(),
        rows["stream"].to_numpy(),
        rows["age"].to_numpy(),
        millionths(rows["value"].to_numpy()),
    )
    cells.add_all()


def _add_payments(cells: Cells, shown: nw.LazyFrame[Any], currency: str) -> None:
    """Count all payments; add up those in the catalog's currency."""
    amount = nw.col("amount_minor")
    rows = (
        shown.filter(amount != 0)
        .select(
            nw.col("row").cast(nw.Int64()),
            "age",
            stream=nw.when(amount > 0)
            .then(nw.lit(cells.layout.payments))
            .otherwise(nw.lit(cells.layout.refunds)),
            cents=nw.when(nw.col("currency") == currency)
            .then(amount.clip(-MOST_CENTS, MOST_CENTS))
            .otherwise(nw.lit(0)),
        )
        .collect()
    )
    cells.add(
        rows["row"].to_numpy(),
        rows["stream"].to_numpy().astype(np.int64),
        rows["age"].to_numpy(),
        rows["cents"].to_numpy() * CENTS_TO_MILLIONTHS,
    )


def stages_seen(
    history: History, moments: pl.DataFrame, cards: nw.DataFrame[Any]
) -> nw.DataFrame[Any]:
    """Show the stage changes before each snapshot, in content order.

    Returns ``row`` i64, ``age`` (microseconds), ``stage`` and ``pipeline``: that of the
    change itself, else of the lead's card, else ``NO_PIPELINE``.
    """
    known = cards.select("row", of_lead="pipeline").lazy()
    return (
        _visible(history, "stages", moments)
        .join(known, on="row", how="left")
        .select(
            nw.col("row").cast(nw.Int64()),
            "order",
            "age",
            "stage",
            pipeline=nw.coalesce("pipeline", "of_lead", nw.lit(NO_PIPELINE)),
        )
        .sort("row", "order")
        .drop("order")
        .collect()
    )


def _add_stages(cells: Cells, plan: Plan, rows: nw.DataFrame[Any]) -> Texts:
    row = rows["row"].to_numpy()
    cells.add_stages(row, rows["age"].to_numpy(), _meaning(plan, rows))
    stage = np.full(len(cells), None, dtype=object)
    stage[row] = rows["stage"].to_numpy()  # of several the last one stays
    return stage


def _meaning(plan: Plan, rows: nw.DataFrame[Any]) -> Stages:
    """Look up each stage once, not once a row."""
    names = rows.select("pipeline", "stage")
    kinds = names.unique().sort("pipeline", "stage").with_row_index("code")
    pairs = list(zip(kinds["pipeline"], kinds["stage"], strict=True))
    code = (
        names.with_row_index("_place")
        .join(kinds, on=["pipeline", "stage"], how="left")
        .sort("_place")["code"]
        .to_numpy()
        .astype(np.int64)
    )
    pipelines = {pipeline: i for i, (pipeline, _) in enumerate(pairs)}
    return Stages(
        code=code,
        pipeline=_looked_up([pipelines[p] for p, _ in pairs], code).astype(np.int64),
        position=_looked_up([plan.stages.get(pair) for pair in pairs], code),
        normal=_looked_up([plan.stage_normal.get(pair) for pair in pairs], code),
    )


def _looked_up(values: list[Any], code: Integers) -> Numbers:
    return np.array(values, dtype=np.float64)[code]


def _refuse_absent(catalog: Catalog, cards: nw.DataFrame[Any]) -> None:
    """Refuse a history whose card cannot give what the catalog reads."""
    faults = []
    for feature in catalog.features:
        takes = CARD_DTYPES.get(feature.kind)
        if takes is None:
            continue
        if feature.of not in cards.columns:
            what = f"the card has no field {feature.of!r}, which the model reads"
            faults.append(Fault("leads", what, "Ingest it, or train again without it."))
        elif not takes(cards.schema[feature.of]):
            what = (
                f"the card field {feature.of!r} holds {cards.schema[feature.of]},"
                f" not what feature {feature.name!r} was learned from"
            )
            faults.append(Fault("leads", what, "Ingest it as before, or train again."))
    if faults:
        raise BadInput.of("The table of leads", faults)


CARD_DTYPES: Final[Mapping[str, Callable[[nw.dtypes.DType], bool]]] = {
    "card_number": lambda dtype: dtype.is_numeric(),
    "card_flag": lambda dtype: dtype == nw.Boolean,
    "card_time_age": lambda dtype: dtype == nw.Int64,
    "card_text": lambda dtype: dtype == nw.String,
    "card_text_length": lambda dtype: dtype == nw.String,
    "card_filled": lambda _: True,
    "card_answer": lambda _: True,
    "contact_phone": lambda dtype: dtype == nw.String or dtype.is_numeric(),
    "contact_mail": lambda dtype: dtype == nw.String,
}


def _card_numbers(
    plan: Plan, cards: nw.DataFrame[Any], refusals: Sequence[str]
) -> Numbers:
    card = np.empty((len(cards), len(plan.card_features)))
    for column, feature in enumerate(plan.card_features):
        assert feature.of is not None
        values = cards[feature.of]
        card[:, column] = (
            answered(values.to_list(), refusals)
            if feature.kind == "card_answer"
            else _card_number(feature, values)
        )
    return card


def answered(values: Sequence[Any], refusals: Sequence[str]) -> Numbers:
    """Read values of a card as answers (n,): 1.0 yes, 0.0 no, NaN not answered.

    Examples
    --------
    >>> answered(["Head", "no", None], ("no",))
    array([ 1.,  0., nan])
    """
    told = [answer(value, refusals) for value in values]
    return np.array([np.nan if one is None else float(one) for one in told])


def _card_number(feature: Feature, values: nw.Series[Any]) -> Numbers:
    if feature.kind == "card_filled":
        return (~values.is_null()).cast(nw.Float64()).to_numpy()
    if feature.kind == "card_text_length":
        return values.str.len_chars().cast(nw.Float64()).to_numpy()
    if feature.kind == "contact_phone":
        return np.array([float(has_phone(as_text(v))) for v in values.to_list()])
    return values.cast(nw.Float64()).to_numpy()


def as_text(value: float | str | None) -> str | None:
    """Write a phone number that was read as a number in digits again.

    Examples
    --------
    >>> as_text(79123456789.0), as_text("8 (912)"), as_text(None)
    ('79123456789', '8 (912)', None)
    """
    return value if value is None or isinstance(value, str) else f"{value:.0f}"


def _texts(
    feature: Feature, cards: nw.DataFrame[Any], stage: Texts
) -> Texts | list[str | None]:
    if feature.kind == "stage":
        return stage
    if feature.kind == "contact_mail":
        assert feature.of is not None
        return [mail_kind(value) for value in cards[feature.of].to_list()]
    column = feature.of if feature.kind == "card_text" else feature.kind
    assert column is not None
    return cards[column].to_numpy()
