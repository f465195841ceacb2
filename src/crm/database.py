"""Tables out of any database that SQLAlchemy reaches."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import sqlalchemy as sa
from polars.exceptions import PolarsError
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from leads.conform.raw import RawTable
from leads.errors import BadConfig, Fault
from leads.settings import TableMap


def connect(url: str) -> sa.Engine:
    """Make the engine of a database; nothing is asked of it yet.

    Raises
    ------
    BadConfig
        The URL is not one, or its driver is not installed.
    """
    try:
        made = sa.make_url(url)
        _refuse_absent_file(made)
        return sa.create_engine(made)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise BadConfig(
            "[source] url is not the URL of a database that can be reached.",
            remedy="Write one like postgresql+psycopg://user@host/name.",
        ) from error


def _refuse_absent_file(url: sa.URL) -> None:
    """Refuse a SQLite file that is not there; SQLite itself would make an empty one."""
    name = url.database
    if url.get_backend_name() != "sqlite" or not name or name == ":memory:":
        return
    if not name.startswith("file:") and not Path(name).is_file():
        raise BadConfig(
            f"There is no database file {name}.", remedy="Mend [source] url."
        )


def read_table(
    connection: sa.Connection, name: str, table_map: TableMap
) -> tuple[RawTable | None, list[Fault]]:
    """Read one table, or what its query gives.

    Parameters
    ----------
    connection
        Of the source.
    name
        Which canonical table it is to become; the table's name if the map has none.
    table_map
        Its ``sql`` is run as it stands; else its ``table`` is read whole, which may be
        written ``schema.table``.
    """
    schema, _, table = (table_map.table or name).rpartition(".")
    where = f"table {table_map.table or name}"
    query: sa.Executable
    if table_map.sql:
        where, query = f"sql of {name}", sa.text(table_map.sql)
    elif sa.inspect(connection).has_table(table, schema=schema or None):
        query = sa.select(sa.text("*")).select_from(
            sa.table(table, schema=schema or None)
        )
    else:
        remedy = f"Set [source.{name}] table, or grant the right to read it."
        return None, [Fault(where, "the database has no such table", remedy)]
    try:
        frame = pl.read_database(query, connection, infer_schema_length=None)
    except (DBAPIError, PolarsError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        return None, [Fault(where, f"the query failed: {reason}", "Mend the sql.")]
    return RawTable.of(frame, where), []


def has_table(connection: sa.Connection, name: str) -> bool:
    """Whether the database has a table or a view of that name."""
    return sa.inspect(connection).has_table(name)
