from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from tests.by_hand import by_hand, moment

from leads.errors import UnknownLead
from leads.history import FieldChange, History, LeadHistory, parse
from leads.tables import FieldType

DUE = "2026-03-01T00:00:00+03:00"


def ask(*pairs: tuple[str, float]) -> pl.DataFrame:
    """Ask for (lead, day) pairs."""
    rows = [(n, lead, moment(day)) for n, (lead, day) in enumerate(pairs)]
    schema = {"row": pl.UInt32(), "lead_id": pl.String(), "moment": pl.Int64()}
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.mark.parametrize(("day", "count"), [(1.99, 0), (2, 1), (4.99, 1), (5, 2)])
def test_a_row_is_visible_from_the_later_of_its_two_times(
    day: float, count: int
) -> None:
    """A row that happened on day 1 and was recorded on day 5 is seen from day 5."""
    history = by_hand(events=[("a", 2, "click"), ("a", 1, "call", 5)])

    seen = history.visible("events", ask(("a", day))).collect()

    assert len(seen) == count
    assert len(history.lead("a").as_of(moment(day)).events) == count


def test_latest_is_the_last_that_happened_not_the_last_recorded() -> None:
    """A stage recorded late does not replace one that was entered after it."""
    history = by_hand(stages=[("a", 3, "talk"), ("a", 1, "new", 5)])

    stages = history.latest("stages", ask(("a", 6), ("a", 2), ("a", 3)))["stage"]

    assert stages.to_list() == ["talk", None, "talk"]


def test_latest_keeps_the_order_asked() -> None:
    """The last event of each lead, for moments in any order."""
    history = by_hand(
        ["a", "b"], events=[("a", 1, "call"), ("a", 2, "click"), ("b", 1, "click")]
    )
    asked = ask(("b", 9), ("a", 9), ("a", 0.5))

    events = history.latest("events", asked)

    assert events["row"].to_list() == [0, 1, 2]
    assert events["at"].to_list() == [moment(1), moment(2), None]


def test_a_changing_field_is_unknown_before_its_first_change() -> None:
    """What the card says today is not what it said before a change was seen."""
    history = by_hand(
        fields={"size": FieldType.NUMBER},
        changes=[("a", 3, "size", "10"), ("a", 5, "size", None), ("a", 7, "size", "x")],
    )

    cards = history.cards(ask(("a", 2), ("a", 3), ("a", 5), ("a", 7)))

    assert cards["size"].to_list() == [None, 10.0, None, None]


def test_a_field_without_changes_held_since_the_lead_was_recorded() -> None:
    """Another lead's changes do not make a field of this lead unknown."""
    history = by_hand(
        ["a", "b"],
        recorded={"b": 2},
        fields={"job": FieldType.TEXT},
        changes=[("a", 3, "job", "smith")],
    )
    leads = history.tables.leads.with_columns(job=pl.lit("clerk"))
    history = History(replace(history.tables, leads=leads))

    cards = history.cards(ask(("a", 1), ("b", 1), ("b", 2)))

    assert cards["job"].to_list() == [None, None, "clerk"]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("12.5", FieldType.NUMBER, 12.5),
        ("inf", FieldType.NUMBER, None),
        ("many", FieldType.NUMBER, None),
        ("TRUE", FieldType.FLAG, True),
        ("0", FieldType.FLAG, False),
        ("", FieldType.FLAG, None),
        (DUE, FieldType.TIME, 1_772_312_400_000_000),
        ("2026-02-28T21:00:00", FieldType.TIME, 1_772_312_400_000_000),
        ("soon", FieldType.TIME, None),
        ("", FieldType.TEXT, ""),
        (None, FieldType.TEXT, None),
    ],
)
def test_field_texts_are_read_by_type(
    text: str | None, kind: FieldType, value: object
) -> None:
    """A text that is no value of the type is not known; time without zone is UTC."""
    assert parse(text, kind) == value


def test_doubled_rows_of_one_lead_count_once_in_content_order() -> None:
    """A lead sent with doubled and shuffled rows is seen as if sent in order."""
    late, early = FieldChange(2, 2, "job", "smith"), FieldChange(2, 2, "job", None)
    lead = LeadHistory("a", 0, 0, None, None, None, {}, (), (), (), (late, early, late))

    seen = lead.as_of(2)

    assert seen.field_changes == (early, late)
    assert seen.fields == {"job": "smith"}


@pytest.mark.parametrize("absent", ["", "aa", "b"])
def test_an_unknown_lead_is_refused_by_name(absent: str) -> None:
    """No lead is taken for its neighbour in the sorted table."""
    history = by_hand(["a", "c"])

    with pytest.raises(UnknownLead, match=f"no lead '{absent}'"):
        history.lead(absent)
    with pytest.raises(UnknownLead, match=f"no lead '{absent}'"):
        history.cards(ask((absent, 1)))


def test_tables_out_of_content_order_are_not_trusted() -> None:
    """Rows of a lead that stand apart would be lost in silence; they are refused."""
    tables = by_hand(["a", "b"], events=[("a", 1, "call"), ("b", 1, "call")]).tables
    history = History(replace(tables, events=tables.events.reverse()))

    with pytest.raises(AssertionError, match="content order"):
        history.coded("events")


def test_a_lead_without_rows_has_an_empty_history() -> None:
    """No table need have a row of a lead."""
    lead = by_hand().lead("a").as_of(moment(1))

    assert (lead.events, lead.stages, lead.payments, lead.fields) == ((), (), (), {})


def test_codes_follow_ids_however_often_they_are_asked() -> None:
    """The code of a lead is its place among the sorted ids."""
    history = by_hand(["c", "a", "b"])

    codes = history.encode(ask(("c", 1), ("a", 1), ("c", 2)))["lead"]

    assert codes.to_list() == [2, 0, 2]
    assert codes.dtype == pl.UInt32
