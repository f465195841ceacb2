"""Who stands behind each lead: the one table of personal data, apart from all else.

::

    folder/persons.parquet      one row a lead, for its owner's eyes alone (mode 600)

The canonical tables, and so snapshots, models and predictions, know a lead by its
number. What tells who it is (phones, mail addresses, tax numbers, names) is needed for
the clean-up of a dump and for finding a person who is to be erased, and for nothing
else. It is made anew by every ``ingest``, from what the CRM says of leads and of the
contacts behind them and from the card fields that ``[clean]`` names.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import polars as pl
from polars.exceptions import PolarsError

from leads.errors import Unavailable
from leads.history import History
from leads.marks import inns_of, mails_of, phones_of
from leads.settings import Clean
from leads.tombstones import buried, mark_of
from leads.wholefile import replace_whole

FILE: Final = "persons.parquet"
TEXTS: Final = pl.List(pl.String())
MARKS: Final[Mapping[str, str]] = {"phone": "phones", "email": "mails", "inn": "inns"}
"""Column of each mark that is read in one form, by the mark's name in ``[clean]``."""

SAID: Final = ("name", "company")
IDS: Final = ("contact_id", "company_id")
PERSONS: Final[Mapping[str, pl.DataType]] = {
    "lead_id": pl.String(),
    **dict.fromkeys(MARKS.values(), TEXTS),
    **dict.fromkeys((*SAID, *IDS), pl.String()),
}
"""Columns of the table; texts are empty where nothing is known."""


@dataclass(frozen=True, slots=True)
class Person:
    """What a CRM says of who a lead is, as it is written there.

    Several phones or addresses stand in one text, apart by ``;``.
    """

    lead_id: str
    phone: str = ""
    email: str = ""
    inn: str = ""
    name: str = ""
    company: str = ""
    contact_id: str = ""
    company_id: str = ""


def gathered(
    people: Iterable[Person], history: History, clean: Clean, now: int
) -> pl.DataFrame:
    """Put together what the CRM and the card fields say; one row a lead.

    Parameters
    ----------
    people
        Of a CRM; at most one a lead.
    history
        Whose cards are looked at.
    clean
        Names the card fields, and where numbers without a country code are from.
    now
        The moment that cards are looked at, in microseconds.

    Returns
    -------
    DataFrame
        As ``PERSONS``, in order of ``lead_id``; leads of whom nothing is known are
        absent.
    """
    cards = _of_cards(history, clean, now)
    told = pl.DataFrame(
        [asdict(one) for one in people], schema=dict.fromkeys(_SAYS, pl.String())
    )
    both = cards.join(told, on="lead_id", how="left", suffix="_crm").fill_null("")
    # The CRM's own word of a name comes first; of phones and the like all count.
    joined = both.select(
        "lead_id",
        *(pl.concat_str(f"{n}_crm", n, separator="; ").alias(n) for n in MARKS),
        *(
            pl.when(pl.col(f"{n}_crm") != "").then(f"{n}_crm").otherwise(n).alias(n)
            for n in SAID
        ),
        *IDS,
    )
    read: Mapping[str, Callable[[str], tuple[str, ...]]] = {
        "phone": lambda text: phones_of(text, clean.region),
        "email": mails_of,
        "inn": inns_of,
    }
    marks = [_read(joined[name], read[name]).alias(MARKS[name]) for name in MARKS]
    made = joined.with_columns(*marks).select(*PERSONS)
    known = [pl.col(name).list.len() > 0 for name in MARKS.values()]
    said = [pl.col(name) != "" for name in (*SAID, *IDS)]
    return made.filter(pl.any_horizontal(*known, *said)).sort("lead_id")


def known_fields(columns: Iterable[str], clean: Clean) -> dict[str, tuple[str, ...]]:
    """Say which columns of a card each mark is read from; none for a mark: unread."""
    there = {name.casefold(): name for name in columns}
    wanted = {name: getattr(clean, name) for name in (*MARKS, *SAID)}
    return {
        mark: tuple(there[n.casefold()] for n in names if n.casefold() in there)
        for mark, names in wanted.items()
    }


def keep(persons: pl.DataFrame, folder: Path) -> None:
    """Keep the table without whoever was erased; swapped whole, safe to repeat.

    Raises
    ------
    Unavailable
        It cannot be written; what was there stays.
    """
    marks = buried(folder)
    gone = [one for one in persons["lead_id"].to_list() if mark_of(one) in marks]
    left = persons.filter(~pl.col("lead_id").is_in(gone))
    body = io.BytesIO()
    left.write_parquet(body, compression="zstd")
    try:
        replace_whole(folder / FILE, body.getvalue())
    except OSError as error:
        raise Unavailable(
            f"{folder / FILE} cannot be written: {error}.",
            remedy="Free space on its disk, or grant the right to write there.",
        ) from error


def known_persons(folder: Path) -> pl.DataFrame | None:
    """Read the table; None if no ``ingest`` has made one.

    Raises
    ------
    Unavailable
        It is damaged.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        return pl.read_parquet(path)
    except (OSError, PolarsError) as error:
        raise Unavailable(f"{path} is damaged.", remedy="Run ingest again.") from error


def strike(folder: Path, lead_ids: Iterable[str]) -> int:
    """Strike leads out of the table; count the rows."""
    persons = known_persons(folder)
    if persons is None:
        return 0
    left = persons.filter(~pl.col("lead_id").is_in(list(lead_ids)))
    if left.height < persons.height:
        keep(left, folder)
    return persons.height - left.height


def reached_by(
    folder: Path, *, mails: Iterable[str] = (), last_digits: Iterable[str] = ()
) -> set[str]:
    """Find the leads of whoever has a mail address, or a phone that ends so."""
    persons = known_persons(folder)
    if persons is None:
        return set()
    ends = tuple(last_digits)
    wanted = {found for one in mails for found in mails_of(one)}
    return {
        lead_id
        for lead_id, phones, theirs in persons.select(
            "lead_id", "phones", "mails"
        ).iter_rows()
        if wanted.intersection(theirs)
        or any(phone.endswith(end) for phone in phones for end in ends)
    }


_SAYS: Final = ("lead_id", *MARKS, *SAID, *IDS)


def _of_cards(history: History, clean: Clean, now: int) -> pl.DataFrame:
    """Give what card fields say, as text; every lead has a row."""
    known = history.until(now)
    asked = known.leads.select("lead", "lead_id", moment=pl.lit(now)).with_row_index(
        "row"
    )
    cards = known.cards(asked)
    fields = known_fields(cards.columns, clean)
    texts = [_joined(cards, names).alias(mark) for mark, names in fields.items()]
    return asked.join(cards.select("row", *texts), on="row").select("lead_id", *fields)


def _joined(cards: pl.DataFrame, names: tuple[str, ...]) -> pl.Series:
    """Put the columns of one mark together; numbers are written in digits again."""
    if not names:
        return pl.repeat("", len(cards), eager=True, dtype=pl.String())
    parts = [
        pl.col(name).cast(pl.Decimal(38, 0), strict=False).cast(pl.String())
        if cards.schema[name].is_numeric()
        else pl.col(name).cast(pl.String())
        for name in names
    ]
    return cards.select(
        pl.concat_str(*parts, separator="; ", ignore_nulls=True)
    ).to_series()


def _read(texts: pl.Series, read: Callable[[str], tuple[str, ...]]) -> pl.Series:
    """Read each text once, however many leads say the same."""
    known = {text: list(read(text)) for text in texts.unique()}
    return pl.Series([known[text] for text in texts], dtype=TEXTS)
