"""The plan as a file that a person reviews: CSV, XLSX or YAML, by its ending.

A row is carried out only if ``approve`` says yes; a person may change ``act`` and
``target``, too. What the file says of who somebody is, is personal data: it is for the
reviewer, and nothing reads it back.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from leads.errors import BadInput, Fault
from leads.yamlrows import NotRows, rows_in_text, text_of_rows
from model.cleaning.advice import Act, Plan
from model.cleaning.words import reason

COLUMNS: Final = (
    "approve", "act", "lead", "target", "confidence", "reason", "again", "client",
    "card", "target_card", "rule",
)  # fmt: skip
YES: Final = frozenset({"yes", "y", "да", "1", "true", "+", "x"})
NO: Final = frozenset({"", "no", "n", "нет", "0", "false", "-", "none"})
ENDINGS: Final = (".csv", ".xlsx", ".yaml", ".yml")
DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "|")
BYTE_ORDER: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Approved:
    """A row that somebody said yes to."""

    lead_id: str
    act: Act
    target: str
    why: str
    """The rule, or the empty text if the file names none."""


def write_plan(plan: Plan, path: Path, *, language: str) -> None:
    """Write a plan for review; acts first, the surest of each first.

    Raises
    ------
    BadInput
        The file's ending is none of ``ENDINGS``, or it cannot be written.
    """
    rows = [
        dict(zip(COLUMNS, (
            "", one.act.value, one.lead_id, one.target, round(one.confidence, 3),
            reason(one, language), one.again, "yes" if one.client else "",
            one.card, one.target_card, one.why,
        ), strict=True))
        for one in plan.rows
    ]  # fmt: skip
    content = _writer(path)(rows)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BadInput(
            f"{path} cannot be written: {error.strerror}.",
            remedy="Name a file in a folder that is there.",
        ) from error


def read_plan(path: Path) -> tuple[Approved, ...]:
    """Read which rows were approved.

    Raises
    ------
    BadInput
        With every fault of the file: an unknown act or answer, a merge or link without
        a target, a lead twice, a chain of merges.
    """
    rows = _read(path)
    faults = [
        Fault(path.name, what, remedy, column, (at,))
        for at, row in enumerate(rows, 2)
        for column, what, remedy in _faults(row)
    ]
    faults += _faults_between(rows, path.name)
    if faults:
        raise BadInput.of(path.name, faults)
    return tuple(
        Approved(
            row["lead"], Act(row["act"].lower()), row["target"], row.get("rule", "")
        )
        for row in rows
        if row["approve"].lower() in YES
    )


def _faults(row: Mapping[str, str]) -> list[tuple[str, str, str]]:
    found, act = [], row["act"].lower()
    if row["approve"].lower() not in YES | NO:
        said = f"{row['approve']!r} is neither yes nor no"
        found.append(("approve", said, "Write yes, or leave it empty."))
    if act not in set(Act):
        told = ", ".join(each.value for each in Act)
        found.append(("act", f"{act!r} is no act", f"Write one of {told}."))
    if not row["lead"]:
        found.append(("lead", "is empty", "Bring the row back as it was written."))
    if row["approve"].lower() in YES:
        if act in {"merge", "link"} and not row["target"]:
            found.append(("target", "is empty", "Name the lead it belongs to."))
        if act in {"merge", "link"} and row["target"] == row["lead"] != "":
            found.append(("target", "is the lead itself", "Name the other lead."))
        if act == "look":
            said = "'look' cannot be carried out"
            found.append(("act", said, "Decide: merge, link, close or keep."))
    return found


def _faults_between(rows: Sequence[Mapping[str, str]], name: str) -> list[Fault]:
    found = []
    times = Counter(row["lead"] for row in rows)
    twice = [
        at for at, row in enumerate(rows, 2) if row["lead"] and times[row["lead"]] > 1
    ]
    if twice:
        said = "the same lead stands in several rows"
        found.append(Fault(name, said, "Keep one of them.", "lead", twice))
    gone = {
        row["lead"]
        for row in rows
        if row["approve"].lower() in YES and row["act"].lower() in {"merge", "close"}
    }
    chained = [
        at
        for at, row in enumerate(rows, 2)
        if row["approve"].lower() in YES and row["act"].lower() == "merge"
        and row["target"] in gone
    ]  # fmt: skip
    if chained:
        said = "the target is itself merged or closed by this plan"
        found.append(Fault(name, said, "Name the lead that stays.", "target", chained))
    return found


def _read(path: Path) -> list[dict[str, str]]:
    try:
        raw = _reader(path)(path)
    except FileNotFoundError as error:
        raise BadInput(
            f"There is no plan {path}.",
            remedy="Write one first: funnel clean --plan FILE.",
        ) from error
    except (UnicodeDecodeError, NotRows, OSError, pl.exceptions.PolarsError,
            csv.Error) as error:  # fmt: skip
        raise BadInput(
            f"{path.name} is no plan: {error}.", remedy="Save it as it was written."
        ) from error
    needed = ("approve", "act", "lead", "target")
    missing = [name for name in needed if raw and name not in raw[0]]
    if missing:
        fault = Fault(path.name, f"no column {', '.join(missing)}", "Bring it back.")
        raise BadInput.of(path.name, [fault])
    return [{k: _text(row.get(k)) for k in COLUMNS} for row in raw]


def _text(value: object) -> str:
    """Read a cell back: lead numbers stay digits, guards of formulas go."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    return text[1:] if text[:1] == "'" and text[1:2] in DANGEROUS else text


def _harmless(value: object) -> object:
    """Give a cell that no spreadsheet takes for a formula."""
    is_odd = isinstance(value, str) and value.lstrip().startswith(DANGEROUS)
    return f"'{value}" if is_odd else value


def _as_csv(rows: Sequence[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows({k: _harmless(v) for k, v in row.items()} for row in rows)
    return (BYTE_ORDER + text.getvalue()).encode()


def _as_xlsx(rows: Sequence[Row]) -> bytes:
    import xlsxwriter  # only a plan as a workbook needs it

    content = io.BytesIO()
    plain = {"strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(content, {"in_memory": True, **plain}) as book:
        sheet = book.add_worksheet("plan")
        sheet.write_row(0, 0, COLUMNS, book.add_format({"bold": True}))
        sheet.freeze_panes(1, 3)
        sheet.autofilter(0, 0, max(len(rows), 1), len(COLUMNS) - 1)
        sheet.set_column(0, len(COLUMNS) - 1, 16)
        for at, row in enumerate(rows, 1):
            for place, name in enumerate(COLUMNS):
                value = row[name]
                write = sheet.write_string if isinstance(value, str) else sheet.write
                write(at, place, value)
    return content.getvalue()


def _as_yaml(rows: Sequence[Row]) -> bytes:
    return text_of_rows(rows).encode()


def _from_csv(path: Path) -> list[Row]:
    text = path.read_text(encoding="utf-8-sig")
    first = text.partition("\n")[0]
    # A Russian Excel saves with semicolons.
    separator = ";" if first.count(";") > first.count(",") else ","
    return list(csv.DictReader(io.StringIO(text), delimiter=separator))


def _from_xlsx(path: Path) -> list[Row]:
    frame = pl.read_excel(path.read_bytes(), infer_schema_length=0)
    return frame.to_dicts()


def _from_yaml(path: Path) -> list[Row]:
    found = rows_in_text(path.read_text(encoding="utf-8"))
    if not all(isinstance(row, dict) for row in found):
        raise NotRows("not a list of rows")
    return [{**row, "approve": _said(row.get("approve"))} for row in found]


def _said(value: object) -> object:
    """Read an answer; who writes true means yes."""
    return ("yes" if value else "no") if isinstance(value, bool) else value


_KINDS: Final[
    Mapping[str, tuple[Callable[[Sequence[Row]], bytes], Callable[[Path], list[Row]]]]
] = {
    ".csv": (_as_csv, _from_csv),
    ".xlsx": (_as_xlsx, _from_xlsx),
    ".yaml": (_as_yaml, _from_yaml),
    ".yml": (_as_yaml, _from_yaml),
}


def _kind(
    path: Path,
) -> tuple[Callable[[Sequence[Row]], bytes], Callable[[Path], list[Row]]]:
    try:
        return _KINDS[path.suffix.lower()]
    except KeyError:
        raise BadInput(
            f"A plan cannot be a file like {path.name}.",
            remedy=f"Name it with one of {', '.join(ENDINGS)}.",
        ) from None


def _writer(path: Path) -> Callable[[Sequence[Row]], bytes]:
    return _kind(path)[0]


def _reader(path: Path) -> Callable[[Path], list[Row]]:
    return _kind(path)[1]
