"""Many rows are quick to write and read, and are the same YAML to any other reader."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from leads import yamlrows
from leads.yamlrows import MOST_APART, NotRows, rows_in_text, text_of_rows

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["yes", "07", "\x85", "\u2028", "\ufeff", "#", "- ", "'=1", "a: b", '"', "\\"]
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"approve": TEXTS, "lead": TEXTS, "again": st.integers(0, 9),
         "confidence": st.floats(0.0, 1.0)}
    ),
    min_size=1, max_size=4,
)  # fmt: skip


def many(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Repeat rows until each of them stands on a line of its own."""
    return rows * (MOST_APART // len(rows) + 1)


@given(ROWS)
@settings(deadline=None, max_examples=60)
def test_a_row_on_a_line_is_the_same_to_us_and_to_any_reader_of_yaml(
    rows: list[dict[str, Any]],
) -> None:
    """Whatever letters there are: what is written comes back, by JSON and by YAML."""
    lines = text_of_rows(many(rows)).split("\n")[: len(rows)]
    text = "\n".join(lines)

    assert len(lines) == len(rows)
    assert rows_in_text(text) == rows
    assert YAML(typ="safe", pure=True).load(text) == rows


def test_a_long_list_is_not_read_as_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of YAML takes a millisecond a row; untouched rows never come to it."""
    rows = many([{"approve": "", "lead": "7", "confidence": 0.95}])
    text = text_of_rows(rows).replace('"approve": ""', '"approve": "yes"')
    monkeypatch.setattr(yamlrows, "YAML", None)

    assert {row["approve"] for row in rows_in_text(text)} == {"yes"}


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("- {approve: yes, lead: '7'}", {"approve": "yes", "lead": "7"}),
        ('- {"approve": true, "lead": "7"} # ask', {"approve": True, "lead": "7"}),
        ('- {"approve": NaN}', {"approve": "NaN"}),
        ('- {"approve": "yes",\n   lead: "7"}', {"approve": "yes", "lead": "7"}),
        ("- approve: no", {"approve": "no"}),
    ],
)
def test_a_line_that_a_person_wrote_is_read_as_yaml(
    line: str, read: dict[str, Any]
) -> None:
    """It may go on in the next line, and the rows around it stay as they are."""
    around = '- {"approve": "", "lead": "1"}'

    found = rows_in_text("\n".join([around, line, around, ""]))

    assert found[1] == read
    assert found[0] == found[2] == {"approve": "", "lead": "1"}


@pytest.mark.parametrize("text", ['- {"a": 1, "a": 2}', '- {"a": 1', "a: 1", "- {a: ["])
def test_what_is_no_list_of_rows_is_refused(text: str) -> None:
    """A key that stands twice is no row: one of its values would be lost."""
    with pytest.raises(NotRows):
        rows_in_text(text)
