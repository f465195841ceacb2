"""The list of leads as a file for a spreadsheet, which must run nothing of it.

Whoever fills in a form on a web site decides what stands in a lead's source or in a
reason. A spreadsheet takes a cell that begins with ``=`` or the like for a formula, so
such a text is given an apostrophe in front and every text is quoted, as OWASP advises
("CSV Injection"). The same is done in XLSX, whose cells have a type and would be safe:
such a file is often saved as CSV later. Numbers are ours and stay numbers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from serve.pages.listing import Row
from serve.pages.wording import Wording

Cell = str | float | int | None

DANGEROUS: Final = tuple("=+-@\t\r\n＝＋－＠")
"""What a text may not begin with; spreadsheets take full-width signs, too."""

BYTE_ORDER: Final = "\ufeff"
"""Without it Excel does not take a CSV for UTF-8."""

COLUMNS: Final = (
    "col.lead", "col.tier", "col.chance", "col.low", "col.high", "col.money",
    "col.currency", "col.reason", "col.action", "col.due", "col.whom", "col.moved",
    "col.moved_since", "col.stage",
    "col.owner", "col.source", "col.pipeline", "col.active", "col.when",
    "col.override", "col.override_by", "col.override_until",
)  # fmt: skip
CHANCES: Final = frozenset({"col.chance", "col.low", "col.high", "col.moved"})
MOST_LETTERS: Final = 32_767
"""Letters that a cell of XLSX holds."""


def harmless(text: str) -> str:
    """Give a text that no spreadsheet takes for a formula.

    Examples
    --------
    >>> harmless("=1+1"), harmless("web"), harmless("-5 %")
    ("'=1+1", 'web', "'-5 %")
    """
    # Leading blanks are cut by some spreadsheets before they look.
    starts = text.lstrip(" \N{NO-BREAK SPACE}").startswith(DANGEROUS)
    return f"'{text}" if starts else text


def cells_of(row: Row, wording: Wording) -> list[Cell]:
    """Write one lead as cells, in the order of ``COLUMNS``."""
    money, reason, override = row.expected_minor, row.reason, row.override
    plan = row.plan
    cells: list[Cell] = [
        row.lead_id, wording.tier(row.tier), row.probability, row.low, row.high,
        None if money is None else money / 100, row.currency,
        None if reason is None else reason[wording.language],
        None if plan is None else wording.of(plan.action),
        None if plan is None else _day(plan.due_at, wording),
        None if plan is None else plan.whom, row.moved,
        _day(row.moved_since, wording), row.stage, row.owner, row.source, row.pipeline,
        _day(row.active_at, wording), _day(row.made_at, wording),
        None if override is None else wording.tier(override.tier),
        None if override is None else override.by,
        None if override is None else _day(override.until, wording),
    ]  # fmt: skip
    return [harmless(cell) if isinstance(cell, str) else cell for cell in cells]


def as_csv(rows: Iterable[Row], wording: Wording) -> bytes:
    """Write leads as CSV in UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(wording.say(column) for column in COLUMNS)
    for row in rows:
        writer.writerow(_nothing_for_none(cells_of(row, wording)))
    return (BYTE_ORDER + text.getvalue()).encode()


def as_xlsx(rows: Iterable[Row], wording: Wording) -> bytes:
    """Write leads as an XLSX workbook with one sheet."""
    import xlsxwriter  # only an export needs it; a service starts without

    content = io.BytesIO()
    options = {
        "in_memory": True, "constant_memory": True, "strings_to_formulas": False,
        "strings_to_urls": False, "strings_to_numbers": False,
        "nan_inf_to_errors": True,
    }  # fmt: skip
    with xlsxwriter.Workbook(content, options) as book:
        percent, bold = book.add_format({"num_format": "0.0%"}), {"bold": True}
        sheet = book.add_worksheet("Leadcast")
        names = [wording.say(column) for column in COLUMNS]
        sheet.write_row(0, 0, names, book.add_format(bold))
        sheet.freeze_panes(1, 1)
        sheet.set_column(0, len(COLUMNS) - 1, 16)
        for at, row in enumerate(rows, 1):
            for place, cell in enumerate(cells_of(row, wording)):
                is_chance = COLUMNS[place] in CHANCES
                if isinstance(cell, str):
                    sheet.write_string(at, place, cell[:MOST_LETTERS])
                elif cell is not None:
                    sheet.write_number(at, place, cell, percent if is_chance else None)
    return content.getvalue()


def _nothing_for_none(cells: Sequence[Cell]) -> list[Cell]:
    return ["" if cell is None else cell for cell in cells]


def _day(moment: datetime | None, wording: Wording) -> str | None:
    if moment is None:
        return None
    return f"{moment.astimezone(wording.zone):%Y-%m-%d %H:%M}"


KINDS: Final[Mapping[str, tuple[str, Callable[[Iterable[Row], Wording], bytes]]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "xlsx": (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", as_xlsx,
    ),
}  # fmt: skip
"""By the ending of the file: its media type, and what writes it."""
