"""The four questions of the 50 % group: person, plan, budget, timing.

Three are card fields that people fill in, named in ``[criteria]``; the fourth is the
deal's age against the average cycle of its pipeline, from coming to the first payment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from leads.errors import BadConfig, Fault
from leads.history import History
from leads.settings import Criteria

ASKED: Final = ("right_person", "right_plan", "right_budget", "right_timing")
DAY: Final = 86_400_000_000
Answer = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Checked:
    """How many open leads of a stage answer one question how."""

    pipeline: str
    stage: str
    question: str
    yes: int
    no: int
    unknown: int


def cycles(history: History) -> Mapping[str, float]:
    """Give the mean days from coming to the first payment, by pipeline.

    ``""`` holds that of all, and of leads in no pipeline.
    """
    paid = (
        history.coded("payments")
        .filter(pl.col("amount_minor") > 0)
        .group_by("lead")
        .agg(paid_at=pl.col("at").min())
        .join(history.leads.select("lead", "created_at", "pipeline"), on="lead")
        .with_columns(days=(pl.col("paid_at") - pl.col("created_at")) / DAY)
        .filter(pl.col("days") >= 0)
    )
    if paid.is_empty():
        return {}
    means = paid.drop_nulls("pipeline").group_by("pipeline").agg(pl.col("days").mean())
    return {"": float(paid.select(pl.col("days").mean()).item()), **dict(means.rows())}


def answers(history: History, asked: Criteria, moments: pl.DataFrame) -> pl.DataFrame:
    """Answer the four questions about leads at their moments.

    Parameters
    ----------
    moments
        ``row``, ``lead_id``, ``moment`` (i64).

    Returns
    -------
    DataFrame
        ``lead_id`` and a column per question: "yes", "no" or "unknown".

    Raises
    ------
    BadConfig
        A card field is named that the cards do not have.
    """
    _check(history, asked)
    cards, usual = history.cards(moments), cycles(history)
    cycle = pl.col("pipeline").replace_strict(
        usual, default=usual.get(""), return_dtype=pl.Float64
    )
    age = (moments["moment"] - cards["created_at"]) / DAY
    late = cards.select(age > cycle * asked.late).to_series()
    told = {name: _told(cards, getattr(asked, name), asked.no) for name in ASKED[:3]}
    timing = pl.select(
        pl.when(late.is_null()).then(pl.lit("unknown"))
        .when(late).then(pl.lit("no")).otherwise(pl.lit("yes"))
    ).to_series()  # fmt: skip
    return moments.select("lead_id").with_columns(**told, right_timing=timing)


def count_answers(answered: pl.DataFrame) -> tuple[Checked, ...]:
    """Count the answers by stage; ``answered`` also has ``pipeline`` and ``stage``."""
    found = []
    for (pipeline, stage), part in sorted(answered.group_by("pipeline", "stage")):
        for question in ASKED:
            counts = dict(part[question].value_counts().iter_rows())
            told = (counts.get(answer, 0) for answer in ("yes", "no", "unknown"))
            found.append(Checked(str(pipeline), str(stage), question, *told))
    return tuple(found)


def _told(cards: pl.DataFrame, field: str, no: tuple[str, ...]) -> pl.Series:
    if not field:
        return pl.Series(["unknown"] * len(cards), dtype=pl.String)
    text = cards[field].cast(pl.String).str.strip_chars().str.to_lowercase()
    refused = [one.lower() for one in no]
    return pl.select(
        pl.when(text.is_null() | (text == "")).then(pl.lit("unknown"))
        .when(text.is_in(refused)).then(pl.lit("no")).otherwise(pl.lit("yes"))
    ).to_series()  # fmt: skip


def _check(history: History, asked: Criteria) -> None:
    there = history.tables.fields
    faults = [
        Fault("[criteria]", f"{name} = {field!r} is no card field",
              f"Name one of: {', '.join(sorted(there))}.")
        for name in ASKED[:3]
        if (field := getattr(asked, name)) and field not in there
    ]  # fmt: skip
    if faults:
        raise BadConfig.of("The criteria", faults)
