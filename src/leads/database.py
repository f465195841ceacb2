"""The database of the journal: SQLite (the default) or PostgreSQL, by URL.

What differs between the two is known here alone: how they are opened, how writers take
turns, how a text is found in another, how ids are reserved. What is kept in it is said
in ``leads.records``, and the journal reads and writes that.
"""

from __future__ import annotations

import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError

from leads.errors import BadConfig, Unavailable, Unwritable
from leads.wholefile import NO_ROOM

UPGRADE_LOCK: Final = 7_236_111_905  # any fixed number: PostgreSQL's advisory lock
BUSY_SECONDS: Final = 30.0
CANNOT_WRITE: Final = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, "53100"}
"""After these the transaction is surely undone; "53100" is PostgreSQL's full disk."""

ROOM: Final = 262_144
"""Bytes that there should be room for: some dozens of predictions."""

WRITE_MUCH: Final = (
    "CREATE TEMPORARY TABLE leadcast_room ON COMMIT DROP AS"
    f" SELECT repeat('x', 1024) FROM generate_series(1, {ROOM // 1024})"
)

_UPGRADING: Final = threading.Lock()  # Alembic keeps its context in module globals


class Database:
    """One SQLite file or PostgreSQL database; safe to share between threads.

    Parameters
    ----------
    url
        An SQLAlchemy URL of either.

    Raises
    ------
    BadConfig
        The URL is neither. Every method raises ``Unavailable`` if the database does not
        answer.
    """

    def __init__(self, url: str) -> None:
        self._url = _url_of(url)
        self.is_file: Final = self._url.get_backend_name() == "sqlite"
        self._engine = _open_file(self._url) if self.is_file else _open(self._url)
        self._writer = self._engine.execution_options(begin="IMMEDIATE")
        # SQLite lets waiting writers sleep and race; a lock serves them in turn.
        self._writing = threading.Lock()

    def upgrade(self) -> None:
        """Bring the database to the newest shape; many may start at once."""
        from alembic import command  # loaded only by who opens a journal
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", "leads:migrations")
        if self.is_file:
            Path(str(self._url.database)).parent.mkdir(parents=True, exist_ok=True)
        with _UPGRADING, self.writing() as connection:
            if not self.is_file:
                lock = sa.func.pg_advisory_xact_lock(UPGRADE_LOCK)
                connection.execute(sa.select(lock))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        if self.is_file:
            self._let_readers_through()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a transaction that reads."""
        with _answering(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Open a transaction that writes; on SQLite no other writer runs beside it."""
        if not self.is_file:
            with self.reading() as connection:
                yield connection
            return
        with _answering(), self._writing, self._writer.begin() as connection:
            yield connection

    @contextmanager
    def cursor(self, connection: sa.Connection) -> Iterator[DBAPICursor]:
        """Speak to the driver itself, which takes a third of the time.

        Every answer of the service waits for ``record``; nothing else needs this.
        """
        driver = self._engine.dialect.loaded_dbapi
        cursor = connection.connection.cursor()
        try:
            yield cursor
        except driver.Error as error:
            raise _away(error) from error
        finally:
            cursor.close()

    def words_of(self, statement: sa.Insert | sa.Select[Any]) -> str:
        """Word a statement for ``cursor``, once for many calls."""
        return str(statement.compile(dialect=self._engine.dialect))

    def insert(self, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
        """Begin an insert that knows what to do about rows that are there already."""
        return sqlite.insert(table) if self.is_file else postgresql.insert(table)

    def has_room(self) -> bool | None:
        """Find out whether there is room to write now; None if that cannot be told.

        Something is really written, where the journal lies, and at once given back. It
        waits for no writer, so it may be asked at any time.
        """
        if self.is_file:
            return _room_beside(Path(str(self._url.database)))
        try:
            with self.writing() as connection:
                connection.exec_driver_sql(WRITE_MUCH)
        except Unwritable:
            return False
        except Unavailable:
            return None
        return True

    def leave_no_trace(self) -> None:
        """Have a SQLite file overwrite what was deleted, in its log as well."""
        if not self.is_file:
            return  # PostgreSQL's own vacuum frees deleted rows
        with _answering(), self._writing, self._engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("VACUUM")
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def shut_out_others(self) -> None:
        """Close a SQLite file to other users of the machine; its log goes with it."""
        if not self.is_file:
            return  # PostgreSQL has roles for that
        for ending in ("", "-wal", "-shm"):
            file = Path(f"{self._url.database}{ending}")
            if file.exists():
                file.chmod(0o600)

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()

    def _let_readers_through(self) -> None:
        """Switch to write-ahead logging, which the file remembers from then on."""
        with _answering(), self._writing, self._engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            # SQLite does not wait here as it does elsewhere: it refuses at once.
            patience = time.monotonic() + BUSY_SECONDS
            while True:
                try:
                    driver.execute("PRAGMA journal_mode = WAL")
                except sqlite3.OperationalError:
                    if time.monotonic() > patience:
                        raise
                    time.sleep(0.01)
                else:
                    return


def _url_of(text: str) -> sa.URL:
    remedy = (
        "Write [store] database as 'sqlite:///folder/leadcast.db' or"
        " 'postgresql://user:password@host/database'."
    )
    try:
        url = sa.make_url(text)
    except ArgumentError as error:
        raise BadConfig("The journal's URL cannot be read.", remedy=remedy) from error
    backend = url.get_backend_name()
    if backend == "postgresql" or url.drivername == "postgres":
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and url.database not in {None, "", ":memory:"}:
        return url
    raise BadConfig(
        "The journal needs a SQLite file or PostgreSQL,"
        f" not {url.render_as_string(hide_password=True)!r}.",
        remedy=remedy,
    )


def _open(url: sa.URL, **options: Any) -> sa.Engine:
    return sa.create_engine(
        url,
        json_deserializer=orjson.loads,
        pool_size=8,
        max_overflow=32,  # FastAPI runs up to 40 threads
        pool_pre_ping=url.get_backend_name() == "postgresql",
        **options,
    )


def _open_file(url: sa.URL) -> sa.Engine:
    engine = _open(url, paramstyle="named")

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where ``begin`` says
        for pragma in (
            f"busy_timeout = {BUSY_SECONDS * 1000:.0f}",
            "foreign_keys = ON",
            "synchronous = NORMAL",  # with WAL nothing is lost when the process dies
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        how = connection.get_execution_options().get("begin", "DEFERRED")
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute(f"BEGIN {how}")

    return engine


def _room_beside(file: Path) -> bool | None:
    """Write a nameless file beside the journal's own."""
    try:
        with tempfile.TemporaryFile(dir=file.parent) as scratch:
            scratch.write(bytes(ROOM))
    except OSError as error:
        return False if error.errno in NO_ROOM else None
    return True


@contextmanager
def _answering() -> Iterator[None]:
    """Turn a database that is away, locked or not prepared into ``Unavailable``."""
    try:
        yield
    except (OperationalError, InterfaceError, sa.exc.ProgrammingError) as error:
        raise _away(error.orig) from error


def _away(error: BaseException | None) -> Unavailable:
    # Extended codes of SQLite hold the plain one in their lowest byte.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in CANNOT_WRITE or getattr(error, "sqlstate", None) in CANNOT_WRITE:
        return Unwritable(
            "The journal cannot be written: its disk is full or read-only.",
            remedy="Make room where [store] database is; all goes on by itself.",
        )
    return Unavailable(
        f"The journal's database did not answer ({type(error).__name__}).",
        remedy="Start it, mend [store] database, or run upgrade() on it first.",
    )
