"""Raw pages as they came, with a cursor that says how far they reach.

::

    folder/cursor.json               how far each stream is read, replaced last
    folder/pages/00000042.json.gz    rows of one stream: when seen, in which read

A page is whole on disk before the cursor names it, so a run that dies anywhere goes on
where the cursor stands; what lies beyond it is written over. Pages hold names, phones
and addresses, for their owner's eyes alone. Rows of erased persons are struck out of
them, and ``folder/erased.json`` keeps them out of later ones.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import orjson

from crm.bitrix24.subjects import Subject, subjects_of
from crm.likeness import forget
from leads.errors import Unavailable
from leads.tombstones import buried, bury, mark_of
from leads.wholefile import replace_whole

FORMAT: Final = 1
PACKING: Final = 1


@dataclass(frozen=True, slots=True)
class Place:
    """How far one stream is read in the read that is under way."""

    last: int = 0
    rows: int = 0
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far everything is read.

    ``since`` is what this read asks from, None in the first; ``began`` is when it
    began, by the portal's own clock. ``tops`` keeps the greatest id ever seen.
    """

    read: int = 0
    began: str = ""
    since: str | None = None
    is_done: bool = True
    pages: int = 0
    places: Mapping[str, Place] = field(default_factory=dict)
    tops: Mapping[str, int] = field(default_factory=dict)

    def at(self, stream: str) -> Place:
        """How far one stream is read."""
        return self.places.get(stream, Place())

    def moved(self, stream: str, place: Place) -> Cursor:
        """Stand further on in one stream."""
        top = max(self.tops.get(stream, 0), place.last)
        return replace(
            self,
            places={**self.places, stream: place},
            tops={**self.tops, stream: top},
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one stream as they came."""

    stream: str
    read: int
    seen: str
    rows: list[dict[str, Any]]


class Shelf:
    """Pages and cursor of one account in one folder; one process at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pages = folder / "pages"

    def cursor(self) -> Cursor:
        """Read how far everything is read.

        Raises
        ------
        Unavailable
            The cursor is damaged or of another format.
        """
        try:
            told = orjson.loads((self.folder / "cursor.json").read_bytes())
        except FileNotFoundError:
            return Cursor()
        except (orjson.JSONDecodeError, OSError) as error:
            raise self._damaged() from error
        if told.pop("format", None) != FORMAT:
            raise self._damaged()
        places = {name: Place(**one) for name, one in told.pop("places").items()}
        return Cursor(**told, places=places)

    def put(self, page: Page, cursor: Cursor) -> Cursor:
        """Keep a page, then the cursor that knows of it."""
        number = cursor.pages + 1
        self._write(number, self._spared(page, buried(self.folder)))
        return self.stand(replace(cursor, pages=number))

    def strike(self, subjects: Iterable[Subject]) -> int:
        """Strike out every row about some cards, now and in later pages; count them.

        Raises
        ------
        Unavailable
            A page is not there, not whole, or cannot be written; repeat it then.
        """
        bury(self.folder, map(_named, subjects))
        forget(self.folder)
        marks, gone = buried(self.folder), 0
        for number, page in enumerate(self.pages(), start=1):
            left = self._spared(page, marks)
            if len(left.rows) < len(page.rows):
                self._write(number, left)
                gone += len(page.rows) - len(left.rows)
        return gone

    def stand(self, cursor: Cursor) -> Cursor:
        """Keep the cursor."""
        body = orjson.dumps({"format": FORMAT, **_plain(cursor)})
        self._replace(self.folder / "cursor.json", body)
        return cursor

    def pages(self, only: str = "") -> Iterator[Page]:
        """Give every page that the cursor knows, in the order they came.

        Parameters
        ----------
        only
            The stream whose pages are wanted; those of others are not parsed.

        Raises
        ------
        Unavailable
            One of them is not there or not whole.
        """
        for number in range(1, self.cursor().pages + 1):
            try:
                body = gzip.decompress((self._pages / _name(number)).read_bytes())
                if only and not body.startswith(b'{"stream":"%b",' % only.encode()):
                    continue
                yield Page(**orjson.loads(body))
            except (OSError, EOFError, orjson.JSONDecodeError, TypeError) as error:
                raise self._damaged() from error

    def _spared(self, page: Page, marks: Set[str]) -> Page:
        """Leave out the rows about erased cards."""
        if not marks:
            return page
        rows = [
            row
            for row in page.rows
            if not any(
                mark_of(_named(one)) in marks for one in subjects_of(page.stream, row)
            )
        ]
        return replace(page, rows=rows)

    def _write(self, number: int, page: Page) -> None:
        packed = gzip.compress(
            orjson.dumps(page, option=orjson.OPT_NON_STR_KEYS), PACKING, mtime=0
        )
        self._replace(self._pages / _name(number), packed)

    def _replace(self, path: Path, body: bytes) -> None:
        try:
            replace_whole(path, body)
        except OSError as error:
            raise Unavailable(
                f"The raw pages in {self.folder} cannot be written: {error}.",
                remedy="Free space on the disk, or grant the right to write there.",
            ) from error

    def _damaged(self) -> Unavailable:
        return Unavailable(
            f"The raw pages in {self.folder} are damaged.",
            remedy="Restore that folder, or remove it and read everything anew: when"
            " values were first seen is then forgotten.",
        )


def _named(subject: Subject) -> str:
    kind, number = subject
    return f"{kind}:{number}"


def _name(number: int) -> str:
    return f"{number:08}.json.gz"


def _plain(cursor: Cursor) -> dict[str, Any]:
    told: dict[str, Any] = orjson.loads(orjson.dumps(cursor))
    return told
