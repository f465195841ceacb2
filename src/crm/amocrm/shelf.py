"""What was read of an account, kept beside the store: pages and how far they go.

An SQLite file of its own, so that a page and the place it was read up to are one
transaction: a run that is killed at any moment goes on where it was, and nothing is
read twice or left out. Of a card every version that we saw is kept, since the CRM
itself overwrites; names of leads and texts of notes are never kept at all. Cards of
erased persons are struck out, and ``erased.json`` beside the file keeps them out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from crm.likeness import forget
from leads.errors import Unavailable
from leads.tombstones import buried, bury, mark_of

FILE: Final = "amocrm.db"
PRIVATE: Final = 0o600
LAYOUT: Final = """
CREATE TABLE IF NOT EXISTS kept (
    kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
    at INTEGER NOT NULL, known_at INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (kind, id, version)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS places (
    stream TEXT PRIMARY KEY, place BLOB NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """One version of one thing.

    ``at`` is its own time, ``known_at`` when we could first know this version; both in
    seconds since 1970.
    """

    kind: str
    id: str
    at: int
    known_at: int
    body: Any
    version: int = 0


Subject = tuple[str, str]
"""A kind of thing and its id, as in ``Kept``."""

OWNERS: Final[Mapping[str, tuple[str, str]]] = {
    "lead_note": ("lead", "entity_id"),
    "contact_note": ("contact", "entity_id"),
    "purchase": ("customer", "customer_id"),
}
"""Of what hangs on a card: the card's kind, and the key with its id."""


def subjects_of(kind: str, id_: str, body: Any) -> Iterator[Subject]:
    """Name the cards that a thing is, or hangs on.

    Examples
    --------
    >>> list(subjects_of("entry", "e1", {"entity": "contact", "entity_id": 7}))
    [('entry', 'e1'), ('contact', '7')]
    """
    yield kind, id_
    if kind == "entry":
        yield str(body["entity"]), str(body["entity_id"])
    elif kind in OWNERS:
        owner, key = OWNERS[kind]
        yield owner, str(body[key])


class Shelf:
    """The pages of one account.

    Parameters
    ----------
    folder
        The store; made if absent.

    Raises
    ------
    Unavailable
        The file cannot be opened or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # It holds phones and names; what SQLite lays beside it takes its mode.
            (folder / FILE).touch(mode=PRIVATE)
            (folder / FILE).chmod(PRIVATE)
            self._file = sqlite3.connect(folder / FILE, isolation_level=None)
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.executescript(LAYOUT)
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(
                f"{folder / FILE} cannot be opened: {error}.",
                remedy="Free space on its disk, or grant the right to write there.",
            ) from error

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def place(self, stream: str) -> Any:
        """Give how far a stream was read; None if never."""
        query = "SELECT place FROM places WHERE stream = ?"
        row = self._file.execute(query, (stream,)).fetchone()
        return None if row is None else orjson.loads(row[0])

    def put(self, stream: str, rows: Iterable[Kept], place: Any) -> int:
        """Keep a page and how far it goes, both or neither; give how many were new."""
        marks = buried(self.folder)
        self._file.execute("BEGIN IMMEDIATE")
        try:
            spared = (row for row in rows if not _is_struck(row, marks))
            new = sum(self._keep(row) for row in spared)
            told = (stream, orjson.dumps(place))
            self._file.execute("INSERT OR REPLACE INTO places VALUES (?, ?)", told)
        except BaseException:  # an interrupt, too, must leave no half of a page
            self._file.execute("ROLLBACK")
            raise
        self._file.execute("COMMIT")
        return new

    def versions(self, kind: str) -> Iterator[list[Kept]]:
        """Give every thing of a kind, in order of id, with its versions in order."""
        query = (
            "SELECT kind, id, at, known_at, body, version FROM kept WHERE kind = ?"
            " ORDER BY id, version"
        )
        group: list[Kept] = []
        for kind_, id_, at, known_at, body, version in self._file.execute(
            query, (kind,)
        ):
            if group and group[0].id != id_:
                yield group
                group = []
            told = orjson.loads(body)
            group.append(Kept(kind_, id_, at, known_at, told, version))
        if group:
            yield group

    def newest(self, kind: str) -> Iterator[Kept]:
        """Give the last version of everything of a kind."""
        return (versions[-1] for versions in self.versions(kind))

    def ids(self, kind: str) -> set[str]:
        """Give the ids of a kind."""
        query = "SELECT DISTINCT id FROM kept WHERE kind = ?"
        return {row[0] for row in self._file.execute(query, (kind,))}

    def strike(self, subjects: Iterable[Subject]) -> int:
        """Strike out every version about some cards, now and later; count them.

        The file is written anew, so that nothing of them is left in free pages.
        """
        bury(self.folder, map(_named, subjects))
        forget(self.folder)
        marks = buried(self.folder)
        query = "SELECT kind, id, at, known_at, body, version FROM kept"
        gone = [
            (kind, id_, version)
            for kind, id_, at, known_at, body, version in self._file.execute(query)
            if _is_struck(Kept(kind, id_, at, known_at, orjson.loads(body)), marks)
        ]
        self._file.execute("BEGIN IMMEDIATE")
        self._file.executemany(
            "DELETE FROM kept WHERE kind = ? AND id = ? AND version = ?", gone
        )
        self._file.execute("COMMIT")
        self._file.execute("VACUUM")
        self._file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return len(gone)

    def earliest(self, kind: str) -> int | None:
        """Give when the first of a kind was known."""
        query = "SELECT min(known_at) FROM kept WHERE kind = ? AND version = 0"
        found = self._file.execute(query, (kind,)).fetchone()[0]
        return None if found is None else int(found)

    def _keep(self, row: Kept) -> bool:
        """Keep a version unless it says what the last one said."""
        query = (
            "SELECT version, body FROM kept WHERE kind = ? AND id = ?"
            " ORDER BY version DESC LIMIT 1"
        )
        last = self._file.execute(query, (row.kind, row.id)).fetchone()
        body = orjson.dumps(row.body, option=orjson.OPT_SORT_KEYS)
        if last is not None and last[1] == body:
            return False
        version = 0 if last is None else last[0] + 1
        told = (row.kind, row.id, version, row.at, row.known_at, body)
        self._file.execute("INSERT INTO kept VALUES (?, ?, ?, ?, ?, ?)", told)
        return True


def _is_struck(row: Kept, marks: Set[str]) -> bool:
    return bool(marks) and any(
        mark_of(_named(one)) in marks for one in subjects_of(row.kind, row.id, row.body)
    )


def _named(subject: Subject) -> str:
    return ":".join(subject)
