from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from tests.model.invented_history import FIRST, invented_history

from leads.cycles import WHOLE, cycle_of, mean_cycles
from leads.errors import BadConfig
from leads.history import History, microseconds
from leads.settings import Criteria
from model.distance.criteria import answers, count_answers

ASKED = Criteria(right_person="source_of", right_budget="budget")


@pytest.fixture(scope="module")
def history() -> History:
    """Make the invented company, whose deals take five days."""
    return invented_history()


def at(history: History, days: float) -> pl.DataFrame:
    """Ask for the first three leads so many days after the first came."""
    moment = microseconds(FIRST + timedelta(days=days))
    ids = history.leads["lead_id"].head(3)
    return pl.DataFrame({"lead_id": ids}).with_row_index("row").with_columns(
        moment=pl.lit(moment)
    )  # fmt: skip


def test_timing_is_the_age_against_the_average_deal(history: History) -> None:
    """Within five days the time is right, later it is not; three times is allowed."""
    asked = Criteria(right_budget="budget")

    young = answers(history, asked, at(history, 4.0))["right_timing"]
    old = answers(history, asked, at(history, 14.0))["right_timing"]
    patient = Criteria(right_budget="budget", late=3.0)
    late = answers(history, patient, at(history, 14.0))["right_timing"]

    assert [set(young), set(old), set(late)] == [{"yes"}, {"no"}, {"yes"}]


def test_cycles_know_nothing_of_later(history: History) -> None:
    """What was paid after a moment is not known at it, and few deals tell nothing."""
    until = microseconds(FIRST + timedelta(days=40))

    early = mean_cycles(history, until=until)

    assert early[WHOLE] == pytest.approx(5.0)
    assert early == mean_cycles(history.until(until))
    assert not mean_cycles(history, until=microseconds(FIRST + timedelta(days=5)))
    assert cycle_of(early, "unheard of") == early[WHOLE]
    assert cycle_of({}, "main") is None


def test_fields_that_are_not_there_are_named(history: History) -> None:
    """The question and what there is instead are said."""
    with pytest.raises(BadConfig, match="right_person = 'source_of'"):
        answers(history, ASKED, at(history, 4.0))


def test_answers_are_counted_by_stage() -> None:
    """Yes, no and unknown of each question add up to the leads of the stage."""
    answered = pl.DataFrame(
        {
            "pipeline": ["p", "p", "p"], "stage": ["s", "s", "t"],
            "right_person": ["yes", "no", "yes"],
            **dict.fromkeys(
                ("right_plan", "right_budget", "right_timing"), ["unknown"] * 3
            ),
        }
    )  # fmt: skip

    found = count_answers(answered)

    first = found[0]
    assert (first.stage, first.question, first.yes, first.no) == (
        "s",
        "right_person",
        1,
        1,
    )
    assert len(found) == 8
    assert found[1].unknown == 2
