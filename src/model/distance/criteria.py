"""The four questions of the 50 % group: person, plan, budget, timing.

Three are card fields that people fill in, named in ``[criteria]``; the fourth is the
deal's age against the average cycle of its pipeline, from coming to the first payment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from leads.answers import answer
from leads.cycles import DAY, cycle_of, mean_cycles
from leads.errors import BadConfig, Fault
from leads.history import History
from leads.settings import Criteria
from leads.settings.distance import OF_CARD

ASKED: Final = (*OF_CARD, "right_timing")


@dataclass(frozen=True, slots=True)
class Checked:
    """How many open leads of a stage answer one question how."""

    pipeline: str
    stage: str
    question: str
    yes: int
    no: int
    unknown: int


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
    check_criteria(history, asked)
    cards, usual = history.cards(moments), mean_cycles(history)
    named, no = asked.fields, asked.refusals
    told = {
        name: _words([answer(v, no) for v in cards[named[name]].to_list()])
        if name in named else _words([None] * len(cards))
        for name in OF_CARD
    }  # fmt: skip
    ages = ((moments["moment"] - cards["created_at"]) / DAY).to_list()
    cycle = [cycle_of(usual, name) for name in cards["pipeline"].to_list()]
    timing = [
        None if days is None else age <= days * asked.late
        for age, days in zip(ages, cycle, strict=True)
    ]
    return moments.select("lead_id").with_columns(**told, right_timing=_words(timing))


def count_answers(answered: pl.DataFrame) -> tuple[Checked, ...]:
    """Count the answers by stage; ``answered`` also has ``pipeline`` and ``stage``."""
    found = []
    for (pipeline, stage), part in sorted(answered.group_by("pipeline", "stage")):
        for question in ASKED:
            counts = dict(part[question].value_counts().iter_rows())
            told = (counts.get(answer, 0) for answer in ("yes", "no", "unknown"))
            found.append(Checked(str(pipeline), str(stage), question, *told))
    return tuple(found)


def _words(answered: Sequence[bool | None]) -> pl.Series:
    words = {True: "yes", False: "no", None: "unknown"}
    return pl.Series([words[one] for one in answered], dtype=pl.String)


def check_criteria(history: History, asked: Criteria) -> None:
    """Refuse criteria that name no card field.

    Raises
    ------
    BadConfig
        With every one of them.
    """
    there = history.tables.fields
    faults = [
        Fault("[criteria]", f"{name} = {field!r} is no card field",
              f"Name one of: {', '.join(sorted(there))}.")
        for name, field in asked.fields.items()
        if field not in there
    ]  # fmt: skip
    if faults:
        raise BadConfig.of("The criteria", faults)
