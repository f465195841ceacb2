"""The fixed columns of one raw table, each brought to its type, every fault kept.

It is separate from ``conform`` because that decides which columns a table has and how
tables agree with each other; here one column is read and nothing else is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from leads.conform.fields import REMEDIES, Read, as_text, read_numbers, read_times
from leads.conform.money import CURRENCIES, decimals_of, minor_of_float, minor_of_text
from leads.conform.numerals import plainly, style_of, tidy
from leads.conform.raw import RawTable, count_of
from leads.errors import Fault
from leads.tables import INSTANT, FieldType

YEARS: Final = (1970, 2100)
MIXED_REMEDY: Final = (
    "Write every time of the column with one offset, or all without any;"
    " times without an offset are read on the company's clock"
)


class Columns:
    """Reads columns of one raw table; what does not fit is null and in ``faults``."""

    def __init__(self, raw: RawTable, zone: ZoneInfo) -> None:
        self.raw = raw
        self.zone = zone
        self.faults: list[Fault] = []

    def has(self, name: str) -> bool:
        """Whether the source gave the column."""
        return name in self.raw.frame.columns

    def require(self, *names: str) -> bool:
        """Whether all the columns are there; a fault for each that is not."""
        absent = [name for name in names if not self.has(name)]
        self.faults += [missing(self.raw, name) for name in absent]
        return not absent

    def text(self, name: str, *, required: bool = False) -> pl.Series:
        """(n,) text, stripped; blank is null."""
        if not self.has(name):
            return self._nothing(name, pl.String())
        text = as_text(self.raw.frame[name]).alias(name)
        if required:
            self._refuse_empty(name, text)
        return text

    def instant(self, name: str, *, required: bool = False) -> pl.Series:
        """(n,) instants in UTC."""
        if not self.has(name):
            return self._nothing(name, INSTANT)
        values = self.raw.frame[name]
        read = read_times(values, self.zone)
        self.faults += misfits(self.raw, name, read, FieldType.TIME)
        self._refuse_far_years(name, read.values)
        if required:
            self._refuse_empty(name, as_text(values))
        return read.values.cast(INSTANT).alias(name)

    def number(self, name: str) -> pl.Series:
        """(n,) floats."""
        if not self.has(name):
            return self._nothing(name, pl.Float64())
        read = read_numbers(self.raw.frame[name])
        self.faults += misfits(self.raw, name, read, FieldType.NUMBER)
        return read.values.alias(name)

    def currency(self, default: str) -> pl.Series:
        """(n,) ISO 4217 codes; the default where the source says none."""
        code = self.text("currency").str.to_uppercase().fill_null(default)
        unknown = ~code.is_in(sorted(CURRENCIES))
        if unknown.any():
            what = f"{count_of(int(unknown.sum()), 'currency code')} of ISO 4217"
            samples = code.filter(unknown).unique().sort().head(3).to_list()
            self.faults.append(
                self.raw.fault(
                    "currency" if self.has("currency") else None,
                    f"{what} not known: {', '.join(map(repr, samples))}",
                    "Write codes like EUR or RUB; without a column,"
                    " set [source] currency.",
                    at=unknown,
                )
            )
        return code

    def money(self, currency: pl.Series) -> pl.Series:
        """(n,) integer minor units, from ``amount_minor`` or from ``amount``."""
        name = "amount_minor" if self.has("amount_minor") else "amount"
        values = self.raw.frame[name]
        decimals = decimals_of(currency)
        if name == "amount_minor":
            decimals = decimals * 0
        minor, known = _minor(values, decimals)
        bad = known & minor.is_null()
        if bad.any():
            self.faults.append(
                self.raw.fault(
                    name,
                    f"{count_of(int(bad.sum()), 'amount')} not finite or with more"
                    f" decimals than the currency has ({self.raw.samples(name, bad)})",
                    "Write each amount as a number such as 1234.50; round sums by sql.",
                    at=bad,
                )
            )
        self._refuse_empty(name, known.set(~known, None))
        return minor.alias("amount_minor")

    def _refuse_empty(self, name: str, values: pl.Series) -> None:
        empty = values.is_null()
        if empty.any():
            self.faults.append(
                self.raw.fault(
                    name,
                    f"{count_of(int(empty.sum()), 'row')} without a value",
                    "Fill it, or leave those rows out.",
                    at=empty,
                )
            )

    def _refuse_far_years(self, name: str, values: pl.Series) -> None:
        year = values.dt.year()
        far = ((year < YEARS[0]) | (year > YEARS[1])).fill_null(value=False)
        if far.any():
            self.faults.append(
                self.raw.fault(
                    name,
                    f"{count_of(int(far.sum()), 'time')} outside of the years"
                    f" {YEARS[0]} to {YEARS[1]} ({self.raw.samples(name, far)})",
                    "A date that stands for 'never' or 'unknown' must be left empty.",
                    at=far,
                )
            )

    def _nothing(self, name: str, dtype: pl.DataType) -> pl.Series:
        return pl.Series(name, [None], dtype=dtype).new_from_index(
            0, self.raw.frame.height
        )


def missing(raw: RawTable, name: str, also: Sequence[str] = ()) -> Fault:
    """Say that a column is not there, and which one may have been meant."""
    there = [raw.named(column) for column in raw.frame.columns]
    close = get_close_matches(name, there, n=1)
    hint = f" Was {close[0]!r} meant?" if close else ""
    options = " or ".join(repr(option) for option in (name, *also))
    return raw.fault(
        None,
        f"no column {options}; there are {', '.join(map(repr, there)) or 'none'}",
        f"Add it, or map it under [source] columns.{hint}",
    )


def misfits(raw: RawTable, name: str, read: Read, kind: FieldType) -> list[Fault]:
    """Say which values of a column did not fit its type."""
    faults = []
    if read.bad.any():
        what = (
            f"{count_of(int(read.bad.sum()), 'value')} not a {kind.value}"
            f" ({raw.samples(name, read.bad)})"
        )
        faults.append(raw.fault(name, what, REMEDIES[kind], at=read.bad))
    if read.mixed is not None and read.mixed.any():
        what = (
            f"{count_of(int(read.mixed.sum()), 'time')} of another time zone than the"
            f" rest (found: {', '.join(read.zones)})"
        )
        faults.append(raw.fault(name, what, f"{MIXED_REMEDY}.", at=read.mixed))
    return faults


def _minor(values: pl.Series, decimals: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Minor units, null where they do not fit, and where there was a value at all."""
    dtype = values.dtype
    known = values.is_not_null()
    if dtype == pl.Float64:
        return minor_of_float(values, decimals), known
    if dtype == pl.Float32 or dtype.is_integer() or dtype.is_decimal():
        # The shortest text of a 32-bit float is the amount that was meant.
        return minor_of_text(values.cast(pl.String), decimals), known
    if dtype != pl.String:
        return pl.repeat(None, len(values), dtype=pl.Int64, eager=True), known
    text = tidy(values)
    style = style_of(text)
    plain = plainly(text, style) if style else text.set(text.is_not_null(), None)
    return minor_of_text(plain, decimals), text.is_not_null()
