"""The journal: every prediction ever made, and which one is each lead's latest.

One class over SQLite (the default) or PostgreSQL (by URL), with the same answers on
both. A lead's latest prediction is the one made last: the greatest ``made_at``, and
among equals the one written last. The moment it looks at (``as_of``) has no say, so a
lead predicted again by a newer model shows the newer model's word. A fall is kept like
a rise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

from leads.database import Database
from leads.decision import Prediction, Tier
from leads.errors import BadInput
from leads.latest import keeping_latest, latest_of
from leads.records import (
    LATEST,
    PREDICTIONS,
    Stored,
    micros,
    moment_of,
    rows_of,
    stored_of,
    text_fault,
)

__all__ = ["Also", "Journal", "Stored"]

Also = Callable[[sa.Connection, Sequence[Prediction]], None]
"""Adds rows to the transaction that records these predictions, or fails with it."""

MOST_BIGINT: Final = 2**63 - 1
MOST_ASKED: Final = 10_000  # values in one question; SQLite takes 32,766
LAST_ID: Final = "SELECT coalesce(max(id), 0) FROM predictions"
NEXT_IDS: Final = """
    SELECT nextval(pg_get_serial_sequence('predictions', 'id'))
    FROM generate_series(1, %(count)s)
"""


class Journal:
    """Every prediction ever made; safe to share between threads.

    Parameters
    ----------
    url
        An SQLAlchemy URL of a SQLite file or a PostgreSQL database.
    also
        Called inside every transaction that records: what it adds is committed with the
        predictions, or with them is not.

    Raises
    ------
    BadConfig
        The URL is neither. Every method raises ``Unavailable`` if the database does not
        answer.
    """

    def __init__(self, url: str, *, also: Also | None = None) -> None:
        self._also = also
        self._recorded: list[Callable[[], None]] = []
        self._database = Database(url)
        # Worded once: wording them at every call costs more than the database does.
        self._add = self._database.words_of(sa.insert(PREDICTIONS))
        self._keep_latest = self._database.words_of(keeping_latest(self._database))

    def upgrade(self) -> None:
        """Bring the database to the newest shape; many may start at once."""
        self._database.upgrade()

    def has_room(self) -> bool | None:
        """Find out whether there is room to record; None if that cannot be told."""
        return self._database.has_room()

    def on_recorded(self, tell: Callable[[], None]) -> None:
        """Have somebody told after each transaction that recorded; it must be quick."""
        self._recorded.append(tell)

    def record(
        self,
        predictions: Sequence[Prediction],
        *,
        made_at: datetime,
        inputs: Sequence[bytes | None] | None = None,
        channel: str,
        also: Also | None = None,
    ) -> None:
        """Add predictions in one transaction: all of them or none.

        Parameters
        ----------
        predictions
            In the order they were made: of two about one lead the later one counts.
        made_at
            When they were made; with a time zone.
        inputs
            What each was made from, as bytes to keep, in the same order.
        channel
            Who asked, such as ``"api"`` or ``"score"``.
        also
            Called inside this transaction, before what every transaction calls.

        Raises
        ------
        BadInput
            Something no database can hold as it is; every fault is named.
        """
        rows = rows_of(predictions, made_at=made_at, channel=channel, inputs=inputs)
        if not rows:
            return
        with self.writing() as connection, self._database.cursor(connection) as cursor:
            for row, number in zip(rows, self._ids(cursor, len(rows)), strict=True):
                row["id"] = number
            cursor.executemany(self._add, rows)
            cursor.executemany(self._keep_latest, latest_of(rows))
            for add in (also, self._also):
                if add is not None:
                    add(connection, predictions)
        for tell in self._recorded:  # committed: whoever is told finds it
            tell()

    def latest(self, lead_id: str) -> Prediction | None:
        """Give the prediction of this lead that was made last."""
        _check_text(lead_id)
        query = (
            sa.select(PREDICTIONS)
            .join(LATEST, LATEST.c.prediction_id == PREDICTIONS.c.id)
            .where(LATEST.c.lead_id == lead_id)
        )
        with self.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else stored_of(row).prediction

    def standing(self, lead_ids: Sequence[str]) -> dict[str, tuple[Tier, datetime]]:
        """Give the tier that each lead has now, and as of when; unknown ones absent."""
        for lead_id in lead_ids:
            _check_text(lead_id)
        columns = (PREDICTIONS.c.lead_id, PREDICTIONS.c.tier, PREDICTIONS.c.as_of)
        query = sa.select(*columns).join(
            LATEST, LATEST.c.prediction_id == PREDICTIONS.c.id
        )
        ids = sorted(set(lead_ids))
        found: dict[str, tuple[Tier, datetime]] = {}
        with self.reading() as connection:
            for start in range(0, len(ids), MOST_ASKED):
                some = LATEST.c.lead_id.in_(ids[start : start + MOST_ASKED])
                for lead_id, tier, as_of in connection.execute(query.where(some)):
                    found[lead_id] = (Tier(tier), moment_of(as_of))
        return found

    def history(
        self, lead_id: str, *, limit: int = 50, before: int | None = None
    ) -> list[Stored]:
        """List what was said about this lead, newest entry first.

        ``before`` is the id of the last entry already seen.
        """
        _check_text(lead_id)
        _check_counts(limit=limit, before=before or 0)
        query = sa.select(PREDICTIONS).where(PREDICTIONS.c.lead_id == lead_id)
        if before is not None:
            query = query.where(PREDICTIONS.c.id < before)
        query = query.order_by(PREDICTIONS.c.id.desc()).limit(limit)
        with self.reading() as connection:
            return [stored_of(row) for row in connection.execute(query)]

    def recorded(self, predictions: Sequence[Prediction]) -> set[int]:
        """Say which of these are in the journal already, by their places.

        The same lead at the same moment by the same bundle is the same prediction,
        whoever asked and whether or not it was explained.
        """
        wanted = {
            (made.lead_id, micros(made.as_of), made.bundle_digest): place
            for place, made in enumerate(predictions)
        }
        columns = ("lead_id", "as_of", "bundle_digest")
        query = sa.select(*(PREDICTIONS.c[name] for name in columns)).distinct()
        ids = sorted({made.lead_id for made in predictions})
        found: set[int] = set()
        with self.reading() as connection:
            for start in range(0, len(ids), MOST_ASKED):
                some = PREDICTIONS.c.lead_id.in_(ids[start : start + MOST_ASKED])
                keys = map(tuple, connection.execute(query.where(some)))
                found.update(wanted[key] for key in keys if key in wanted)
        return found

    def entry(self, lead_id: str, prediction_id: int) -> Stored | None:
        """Give one entry of this lead by its id."""
        _check_text(lead_id)
        _check_counts(prediction_id=prediction_id)
        query = sa.select(PREDICTIONS).where(
            PREDICTIONS.c.id == prediction_id, PREDICTIONS.c.lead_id == lead_id
        )
        with self.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else stored_of(row)

    def inputs(self, prediction_id: int) -> bytes | None:
        """Give what an entry was made from, if it was kept."""
        _check_counts(prediction_id=prediction_id)
        query = sa.select(PREDICTIONS.c.inputs).where(PREDICTIONS.c.id == prediction_id)
        with self.reading() as connection:
            return connection.execute(query).scalar()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a transaction that reads, for tables that share this database."""
        with self._database.reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Open a transaction that writes; on SQLite no other writer runs beside it."""
        with self._database.writing() as connection:
            yield connection

    @property
    def is_file(self) -> bool:
        """Whether this is SQLite."""
        return self._database.is_file

    def mark(self) -> tuple[int, int]:
        """Say how far the journal has come: its last entry, and how many leads it has.

        What was listed before is as it was while this says the same; on PostgreSQL an
        entry may still come in below the last one, when its writer was overtaken.
        """
        last = sa.select(sa.func.coalesce(sa.func.max(PREDICTIONS.c.id), 0))
        leads = sa.select(sa.func.count()).select_from(LATEST)
        with self.reading() as connection:
            return connection.execute(last).scalar_one(), connection.execute(
                leads
            ).scalar_one()

    def ranking(self) -> list[tuple[str, int, float, str]]:
        """List every lead by its latest prediction, the likeliest first.

        Returns
        -------
        list
            Lead id, the id of the entry (see ``entries``), probability and tier.
        """
        columns = ("lead_id", "prediction_id", "probability", "tier")
        query = self._database.words_of(
            sa.select(*(LATEST.c[name] for name in columns)).order_by(
                LATEST.c.probability.desc(), LATEST.c.lead_id
            )
        )
        with self.reading() as connection, self._database.cursor(connection) as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def entries(self, ids: Sequence[int]) -> dict[int, Stored]:
        """Give entries by their ids; those that are no longer there are absent."""
        found: dict[int, Stored] = {}
        with self.reading() as connection:
            for start in range(0, len(ids), MOST_ASKED):
                some = PREDICTIONS.c.id.in_(ids[start : start + MOST_ASKED])
                rows = connection.execute(sa.select(PREDICTIONS).where(some))
                found.update((row.id, stored_of(row)) for row in rows)
        return found

    def close(self) -> None:
        """Give back every connection."""
        self._database.close()

    def leave_no_trace(self) -> None:
        """Have a SQLite file overwrite what was deleted, in its log as well."""
        self._database.leave_no_trace()

    def shut_out_others(self) -> None:
        """Close a SQLite file to other users of the machine."""
        self._database.shut_out_others()

    def _ids(self, cursor: DBAPICursor, count: int) -> Sequence[int]:
        """Reserve ids in ascending order, the way of each database."""
        if self.is_file:  # BEGIN IMMEDIATE already keeps other writers out
            cursor.execute(LAST_ID)
            ((last,),) = cursor.fetchall()
            return range(last + 1, last + 1 + count)
        cursor.execute(NEXT_IDS, {"count": count})
        return sorted(number for (number,) in cursor.fetchall())


def _check_text(text: str) -> None:
    fault = text_fault(text)
    if fault:
        raise BadInput(
            f"A lead id or a search text {fault}.", remedy="Send plain text."
        )


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        if not 0 <= count <= MOST_BIGINT:
            raise BadInput(
                f"{name} must be between 0 and {MOST_BIGINT}, got {count}.",
                remedy="Send a smaller whole number.",
            )
