"""From a source's columns to ours: reshape by SQL, rename, leave out the rest."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

import polars as pl
from polars.exceptions import PolarsError

from leads.conform.columns import missing
from leads.conform.raw import RawTable
from leads.errors import Fault
from leads.settings import TableMap
from leads.tables import SCHEMAS

NAMES: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(schema) | ({"amount"} if name == "payments" else frozenset())
    for name, schema in SCHEMAS.items()
}


def take(
    name: str, raw: RawTable, table_map: TableMap, exclude: Collection[str] = ()
) -> tuple[RawTable | None, list[Fault]]:
    """Bring a raw table under our column names.

    Parameters
    ----------
    name
        Which canonical table it is to become. Unmapped columns of ``leads`` are kept:
        they are card fields; those of other tables are left out.
    raw
        The table under the source's own names.
    table_map
        How to reshape it and what its columns are called.
    exclude
        Columns of leads that are left out.
    """
    unknown = sorted(set(table_map.columns) - NAMES[name]) if name != "leads" else []
    faults = [
        raw.fault(
            None,
            f"the map names {ours!r}, which {name} do not have",
            f"They have {', '.join(sorted(NAMES[name]))}.",
        )
        for ours in unknown
    ]
    absent = sorted(set(table_map.columns.values()) - set(raw.frame.columns))
    faults += [missing(raw, column) for column in absent]
    names = {
        ours: theirs
        for ours, theirs in table_map.columns.items()
        if theirs in raw.frame.columns
    }
    rest = _unmapped(name, raw, names, exclude)
    clash = sorted(set(rest) & set(names))
    faults += [
        raw.fault(
            column,
            f"{names[column]!r} is mapped to {column!r}, and there is a column"
            f" {column!r} as well",
            "List the other one under [source] exclude, or rename it by sql.",
        )
        for column in clash
    ]
    if faults:
        return None, faults
    mapped = [raw.frame[theirs].alias(ours) for ours, theirs in names.items()]
    frame = pl.DataFrame([*mapped, *(raw.frame[column] for column in rest)])
    left_out = frozenset(exclude) & set(raw.frame.columns)
    return replace(raw, frame=frame, names=names, left_out=left_out), []


def _unmapped(
    name: str, raw: RawTable, names: Mapping[str, str], exclude: Collection[str]
) -> list[str]:
    taken = set(names.values())
    return [
        column
        for column in raw.frame.columns
        if column not in taken
        and column not in exclude
        and (name == "leads" or column in NAMES[name])
    ]


def reshape(raw: RawTable, sql: str) -> tuple[RawTable | None, list[Fault]]:
    """Run a query over a table that it knows as ``file``.

    Examples
    --------
    >>> raw = RawTable.of(pl.DataFrame({"id": [1, 1, 2]}), "lines.csv")
    >>> made, _ = reshape(raw, "SELECT DISTINCT id AS lead_id FROM file ORDER BY id")
    >>> made.frame["lead_id"].to_list(), made.where
    ([1, 2], 'lines.csv reshaped by sql')
    """
    try:
        frame = pl.SQLContext(file=raw.frame).execute(sql, eager=True)
    except PolarsError as error:
        reason = str(error).splitlines()[0]
        return None, [
            raw.fault(
                None,
                f"the sql does not run: {reason}",
                "Mend it; the file is the table 'file', and columns of a CSV are text,"
                " so CAST them before any arithmetic.",
            )
        ]
    return RawTable.of(frame, f"{raw.where} reshaped by sql", typed=raw.typed), []
