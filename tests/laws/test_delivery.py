"""Neither the order of delivery nor a doubled one changes what is known."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leads.conform import Rules, conform
from leads.conform.raw import RawTable
from leads.store import content_digest
from leads.tables import Tables

Rows = list[dict[str, Any]]
RULES = Rules(ZoneInfo("Europe/Moscow"), currency="RUB")
FEW = settings(max_examples=50, deadline=None)  # a company takes 20 ms to conform
IDS = ["a", "b", "c", "ё"]

day = st.integers(1, 28).map("2026-02-{:02d} 10:00".format)
recorded = st.none() | day
number = st.none() | st.integers(-3, 3).map(str) | st.just("2,5")
text = st.none() | st.sampled_from(["x", "y", "ü", "", "x y"])


def rows_of(**columns: st.SearchStrategy[Any]) -> st.SearchStrategy[Rows]:
    """Draw up to six rows of known leads."""
    row = st.fixed_dictionaries(
        {"lead_id": st.sampled_from(IDS), "at": day, "recorded_at": recorded, **columns}
    )
    return st.lists(row, min_size=1, max_size=6)


leads = st.tuples(*(st.tuples(st.just(i), number, text) for i in IDS)).map(
    lambda told: [
        {"lead_id": i, "created_at": "2026-02-01", "budget": n, "city": t}
        for i, n, t in told
    ]
)
company = st.fixed_dictionaries(
    {"leads": leads},
    optional={
        "events": rows_of(kind=st.sampled_from(["visit", "call"]), value=number),
        "stages": rows_of(stage=st.sampled_from(["new", "won"])),
        "payments": rows_of(amount=st.sampled_from(["1", "-1", "19.99"])),
        "field_changes": rows_of(
            field=st.sampled_from(["budget", "city", "note"]), value=number
        ),
    },
)


def delivered(source: dict[str, Rows]) -> Tables:
    """Take in rows just as they came."""
    raw = {
        name: RawTable.of(
            pl.DataFrame(rows, infer_schema_length=None), name, typed=False
        )
        for name, rows in source.items()
    }
    return conform(raw, RULES)


@FEW
@given(source=company, data=st.data())
def test_shuffled_and_doubled_rows_change_nothing(
    source: dict[str, Rows], data: st.DataObject
) -> None:
    """Any order and any repetition of the same rows give the same content digest."""
    again = {
        name: data.draw(
            st.permutations(rows + data.draw(st.lists(st.sampled_from(rows))))
        )
        for name, rows in source.items()
    }

    first, second = delivered(source), delivered(again)

    assert content_digest(first) == content_digest(second)


@FEW
@given(source=company, data=st.data())
def test_the_order_of_columns_changes_nothing(
    source: dict[str, Rows], data: st.DataObject
) -> None:
    """An export that moved a column says the same."""
    again = {}
    for name, rows in source.items():
        order = data.draw(st.permutations(list(rows[0])))
        again[name] = [{column: row[column] for column in order} for row in rows]

    assert content_digest(delivered(source)) == content_digest(delivered(again))


@FEW
@given(source=company)
def test_rows_are_unique_and_in_content_order(source: dict[str, Rows]) -> None:
    """Ties in time are broken by content, so that they break alike everywhere."""
    tables = delivered(source)

    for name in source:
        frame = tables[name]
        content = ["lead_id"] if name == "leads" else frame.columns
        assert frame.equals(frame.unique().sort(content))


@pytest.mark.parametrize("name", ["events", "stages", "payments", "field_changes"])
def test_one_row_more_changes_the_digest(name: str) -> None:
    """The digest is no constant: a single new row is seen in every table."""
    row = {
        "lead_id": "a", "at": "2026-02-02", "kind": "visit", "stage": "new",
        "amount": "1", "field": "budget", "value": "1",
    }  # fmt: skip
    later = {**row, "at": "2026-02-03"}
    told = [{"lead_id": "a", "created_at": "2026-02-01", "budget": "1"}]

    digests = {
        content_digest(delivered({"leads": told, name: rows}))
        for rows in ([row], [later], [row, later])
    }

    assert len(digests) == 3
