"""Files as tables: CSV (also gzipped), Parquet and XLSX, with the faults of each.

CSV comes in as text throughout, so that nothing is lost before types are decided; the
separator is found in the heading. Only UTF-8 is read, because a wrong guess of the
encoding spoils names without anybody noticing.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from pathlib import Path
from typing import Final

import fastexcel
import polars as pl
from polars.exceptions import PolarsError

from leads.conform.raw import RawTable
from leads.errors import Fault

ENDINGS: Final = (".parquet", ".csv", ".csv.gz", ".xlsx")
SEPARATORS: Final = (",", ";", "\t", "|")
HEAD_BYTES: Final = 1 << 16
RUSSIAN: Final = frozenset("оеаинтсрвлкмдп")
"""The commonest letters: in the right encoding they are most of what is not ASCII."""
MOSTLY: Final = 0.4
TWICE: Final = re.compile(r"(.*)_duplicated_\d+")


class Unreadable(Exception):
    """Carries the fault of a file to ``read_file``, and never out of this module."""

    def __init__(self, what: str, remedy: str, rows: list[int] | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.rows = rows or []


def find_file(folder: Path, name: str) -> tuple[Path | None, list[Fault]]:
    """Find the file of a table by its name; two of them are a fault."""
    found = [folder / f"{name}{ending}" for ending in ENDINGS]
    found = [path for path in found if path.is_file()]
    if len(found) < 2:
        return (found[0] if found else None), []
    names = " and ".join(path.name for path in found)
    return None, [
        Fault(names, "both hold the same table", "Keep one, or set file in the map.")
    ]


def read_file(path: Path) -> tuple[RawTable | None, list[Fault]]:
    """Read a file by its ending.

    Returns
    -------
    tuple
        The table under the file's own column names, or None and the faults.
    """
    try:
        if not path.is_file():
            raise Unreadable("no such file", "Mend the path in the configuration.")
        if path.stat().st_size == 0:
            raise Unreadable("the file is empty", "Export it again.")
        raw = _read(path)
    except Unreadable as refusal:
        fault = Fault(path.name, refusal.what, refusal.remedy, rows=refusal.rows)
        return None, [fault]
    nameless = [name for name in raw.frame.columns if _is_nameless(name)]
    return _with(raw, raw.frame.drop(nameless), raw.rows), []


def _is_nameless(name: str) -> bool:
    """Whether a column is only there because a data frame wrote its index."""
    return not name.strip() or name.startswith("__index_level_")


def _read(path: Path) -> RawTable:
    name = path.name.lower()
    if name.endswith(".parquet"):
        return _read_parquet(path)
    if name.endswith(".xlsx"):
        return _read_xlsx(path)
    if name.endswith((".csv", ".csv.gz")):
        return _read_csv(path)
    raise Unreadable(
        "a file of this kind is not read", f"Use one of {', '.join(ENDINGS)}."
    )


def _read_parquet(path: Path) -> RawTable:
    try:
        return RawTable.of(pl.read_parquet(path), path.name)
    except (PolarsError, OSError) as error:
        raise Unreadable(
            f"not a whole Parquet file ({error})", "Write it again."
        ) from error


def _read_xlsx(path: Path) -> RawTable:
    try:
        frame = pl.read_excel(
            path, infer_schema_length=None, drop_empty_rows=False, raise_if_empty=False
        )
    except fastexcel.FastExcelError as error:
        raise Unreadable("not a whole XLSX file", "Save it again as XLSX.") from error
    unnamed = [name for name in frame.columns if name.startswith("__UNNAMED__")]
    return _from_lines(path, frame.drop(unnamed))


def _read_csv(path: Path) -> RawTable:
    head = _head(path)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head:
        raise Unreadable("the encoding is UTF-16, not UTF-8", _as_utf8(path, "utf-16"))
    separator = sniff_separator(head)
    try:
        frame = pl.read_csv(
            path, separator=separator, infer_schema=False, raise_if_empty=False
        )
    except (PolarsError, OSError) as error:
        raise _diagnosis(path, separator, error) from error
    if not _is_utf8(head):
        raise _diagnosis(path, separator, None)
    doubled = [n for n in frame.columns if _original(n) in frame.columns]
    if doubled:
        names = ", ".join(repr(_original(name)) for name in doubled)
        raise Unreadable(f"a heading is there twice: {names}", "Rename one of them.")
    return _from_lines(path, frame)


def _from_lines(path: Path, frame: pl.DataFrame) -> RawTable:
    """Tell each row by the line it begins on, and leave out blank lines."""
    rows = pl.int_range(2, frame.height + 2, dtype=pl.UInt32, eager=True)
    texts = frame.select(pl.col(pl.String).str.count_matches("\n", literal=True))
    if texts.width and not frame.is_empty():
        breaks = texts.sum_horizontal().fill_null(0)
        rows = rows + (breaks.cum_sum() - breaks).cast(pl.UInt32)
    raw = RawTable(frame, path.name, rows, typed=False)
    if frame.is_empty() or not frame.width:
        return raw
    blank = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
    return _with(raw, frame.filter(~blank), rows.filter(~blank))


def _with(raw: RawTable, frame: pl.DataFrame, rows: pl.Series) -> RawTable:
    return RawTable(frame, raw.where, rows, raw.names, typed=raw.typed)


def _original(name: str) -> str | None:
    """Undo what Polars does to a heading that is there twice."""
    found = TWICE.fullmatch(name)
    return found[1] if found else None


def _head(path: Path) -> bytes:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except (gzip.BadGzipFile, EOFError) as error:
        raise Unreadable("not a whole gzip file", "Pack it again.") from error


def sniff_separator(head: bytes) -> str:
    r"""Find the separator that cuts the heading into the most columns.

    Examples
    --------
    >>> sniff_separator(b'id;"city, country";amount\n1;Perm;2,5')
    ';'
    """
    heading = head.decode("utf-8", "replace").lstrip("\ufeff").split("\n", 1)[0]
    bare = "".join(heading.split('"')[::2])
    return max(SEPARATORS, key=bare.count)


def _is_utf8(data: bytes) -> bool:
    try:
        data[: data.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _diagnosis(path: Path, separator: str, error: Exception | None) -> Unreadable:
    """Say why a CSV file was not read; slow, and only run once it was not."""
    try:
        packed = path.read_bytes()
        data = gzip.decompress(packed) if path.suffix == ".gz" else packed
    except (gzip.BadGzipFile, EOFError):
        return Unreadable("not a whole gzip file", "Pack it again.")
    foreign = [
        number
        for number, line in enumerate(data.split(b"\n"), 1)
        if not _is_utf8(line + b"\n")
    ]
    if foreign:
        guess = guess_encoding(data)
        what = f"the encoding is not UTF-8, probably {guess}"
        return Unreadable(what, _as_utf8(path, guess), foreign)
    reader = csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=separator)
    width = len(next(reader))
    longer = [reader.line_num for row in reader if len(row) > width]
    if longer:
        what = f"rows with more than the {width} columns of the heading"
        return Unreadable(what, "Quote text that holds the separator.", longer)
    reason = str(error).splitlines()[0] if error else "no reason given"
    return Unreadable(f"not a whole CSV file ({reason})", "Export it again.")


def guess_encoding(data: bytes) -> str:
    """Guess the encoding of text that is not UTF-8: Russian ones by their letters.

    Examples
    --------
    >>> [guess_encoding("Иванова Мария, Тверь".encode(e)) for e in ("cp1251", "cp866")]
    ['cp1251', 'cp866']
    >>> guess_encoding("Müller".encode("cp1252"))
    'cp1252'
    """
    foreign = bytes(byte for byte in data[: 1 << 20] if byte > 127)

    def share(encoding: str) -> float:
        letters = foreign.decode(encoding, "replace")
        return sum(letter in RUSSIAN for letter in letters) / max(len(letters), 1)

    best = max(("cp1251", "koi8-r", "cp866"), key=share)
    return best if share(best) >= MOSTLY else "cp1252"


def _as_utf8(path: Path, encoding: str) -> str:
    return f"Save it as UTF-8: iconv -f {encoding} -t utf-8 {path.name} > new.csv."
