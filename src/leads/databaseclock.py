"""The time of the database, which everybody who shares it shares too."""

from __future__ import annotations

import sqlalchemy as sa


def database_micros(connection: sa.Connection) -> int:
    """Tell the time of the database; microseconds since the epoch.

    SQLite's has milliseconds only.
    """
    if connection.dialect.name == "sqlite":
        ask = "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000"
    else:
        ask = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    return int(connection.exec_driver_sql(ask).scalar_one())
