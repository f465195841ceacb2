import gzip
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from crm.files import find_file, read_file
from leads.conform.raw import RawTable
from leads.errors import Fault


def write(path: Path, content: bytes) -> Path:
    """Write bytes, packed if the name says so."""
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def sound(path: Path) -> RawTable:
    """Read a file that must be whole."""
    raw, faults = read_file(path)
    assert faults == []
    assert raw is not None
    return raw


def fault_of(path: Path) -> Fault:
    """Read a file that must be refused."""
    raw, faults = read_file(path)
    assert raw is None
    assert len(faults) == 1
    return faults[0]


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_csv_is_read_whatever_its_separator(
    tmp_path: Path, name: str, separator: str, mark: bytes
) -> None:
    """Separator, byte order mark and packing are found, not configured."""
    text = f'lead_id{separator}"city, or ; town"\r\nü{separator}"a\tb|c;d,e"\r\n'
    path = write(tmp_path / name, mark + text.encode())

    frame = sound(path).frame

    assert frame.to_dict(as_series=False) == {
        "lead_id": ["ü"], "city, or ; town": ["a\tb|c;d,e"],
    }  # fmt: skip


def test_rows_of_csv_are_the_lines_a_person_sees(tmp_path: Path) -> None:
    """Blank lines and line breaks inside of quotes count, as in an editor."""
    path = write(tmp_path / "t.csv", b'id,note\na,x\n\nb,"one\ntwo"\nc,y\n')

    raw = sound(path)

    assert raw.frame["id"].to_list() == ["a", "b", "c"]
    assert raw.rows.to_list() == [2, 4, 6]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "Иванова Мария"),
        ("koi8-r", "Тверская область"),
        ("cp866", "Новосибирск"),
        ("cp1252", "Müller"),
        ("utf-16", "Иванова"),
    ],
)
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_another_encoding_is_refused_by_its_name(
    tmp_path: Path, encoding: str, text: str, name: str
) -> None:
    """A guess would spoil names in silence, so the remedy is told instead."""
    path = write(tmp_path / name, f"id,name\n1,x\n2,{text}\n".encode(encoding))

    fault = fault_of(path)

    assert "UTF-8" in fault.what
    assert f"iconv -f {encoding}" in fault.remedy
    assert list(fault.rows) == ([] if encoding == "utf-16" else [3])


def test_a_heading_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """Names of columns are text as well."""
    path = write(tmp_path / "t.csv", "номер,имя сделки\n1,2\n".encode("cp1251"))

    fault = fault_of(path)

    assert "cp1251" in fault.what
    assert list(fault.rows) == [1]


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("t.csv", b"", "empty"),
        ("t.csv", b"a,a\n1,2\n", "twice: 'a'"),
        ("t.csv", b'a,b\n1,"2\n', "not a whole CSV"),
        ("t.parquet", b"PAR1", "not a whole Parquet"),
        ("t.xlsx", b"PK", "not a whole XLSX"),
        ("t.json", b"{}", "a file of this kind"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(
    tmp_path: Path, name: str, content: bytes, what: str
) -> None:
    """Whatever is wrong with a file is a fault with a way out, not a crash."""
    fault = fault_of(write(tmp_path / name, content))

    assert what in fault.what
    assert fault.where == name


def test_a_gzip_file_that_is_none_is_told(tmp_path: Path) -> None:
    """An ending does not make a file what it is called."""
    path = tmp_path / "t.csv.gz"
    path.write_bytes(b"a,b\n1,2\n")

    assert "not a whole gzip" in fault_of(path).what


def test_longer_rows_are_told_by_line(tmp_path: Path) -> None:
    """A stray separator moves all values after it, so the row is refused."""
    path = write(tmp_path / "t.csv", b"a,b\n1,2\n1,2,3\n4,5\n")

    assert list(fault_of(path).rows) == [3]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """The path in the configuration is wrong, and the words say so."""
    assert "no such file" in fault_of(tmp_path / "t.csv").what


def test_columns_without_a_name_are_left_out(tmp_path: Path) -> None:
    """The index that a data frame wrote beside itself is no card field."""
    path = write(tmp_path / "t.csv", b",id\n0,a\n")

    assert sound(path).frame.columns == ["id"]

    path = tmp_path / "t.parquet"
    pl.DataFrame({"id": ["a"], "__index_level_0__": [0]}).write_parquet(path)
    assert sound(path).frame.columns == ["id"]


def test_xlsx_keeps_types_text_and_lines(tmp_path: Path) -> None:
    """A column of numbers with one word far below is text, and loses nothing."""
    path = tmp_path / "t.xlsx"
    rows = 200
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "day", "mixed"])
        for row in range(1, rows + 1):
            sheet.write_row(row + (row > 1), 0, [row, date(2026, 1, 1), row])
        sheet.write(rows + 1, 2, "many")

    raw = sound(path)

    assert raw.frame["id"].cast(pl.Int64).to_list() == list(range(1, rows + 1))
    assert raw.frame["day"].cast(pl.Date).unique().to_list() == [date(2026, 1, 1)]
    assert raw.frame["mixed"].to_list()[-2:] == ["199", "many"]
    assert raw.rows.to_list()[:3] == [2, 4, 5]  # line 3 is blank
    assert not raw.typed


def test_two_files_of_one_table_are_refused(tmp_path: Path) -> None:
    """Nobody could tell which of them counts."""
    write(tmp_path / "leads.csv", b"a\n1\n")
    write(tmp_path / "leads.csv.gz", b"a\n1\n")

    found, faults = find_file(tmp_path, "leads")

    assert found is None
    assert faults[0].where == "leads.csv and leads.csv.gz"
