"""What each card field is good for: a number, levels, a length, a contact, or nothing.

Judged by what leads hold in it, one value a lead, so that a new company needs no code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from leads.tables import FieldType
from model.features.catalog import Kind
from model.features.contacts import contact_type

ENOUGH_LEADS: Final = 20
"""With fewer filled values nothing can be said about how they repeat."""

MOSTLY_UNIQUE: Final = 0.9
OFTEN_UNIQUE: Final = 0.5
SHORTEST_PROSE: Final = 25
"""Texts this long (in the median) are written by hand, not picked or numbered."""

CONTACTS_LOOKED_AT: Final = 300

NAMES_OF_IDS: Final = re.compile(
    r"(^|[_\s.])(id|uuid|guid|no|nr|num|inn|код|ид|инн)$|(?<=[a-z])(Id|ID)$|^№"
)


@dataclass(frozen=True)
class FieldUse:
    """The kinds of features that a field gives, or why it gives none."""

    kinds: tuple[Kind, ...]
    note: str | None = None


def use_of(values: pl.Series, kind: FieldType, *, region: str | None) -> FieldUse:
    """Judge a card field by its values, one a lead, in the order of creation.

    Parameters
    ----------
    region
        Where phone numbers without a country code are from.

    Examples
    --------
    >>> contract = pl.Series("contract_id", [f"C-{i}" for i in range(100)])
    >>> use_of(contract, FieldType.TEXT, region=None)
    FieldUse(kinds=('card_filled',), note="'contract_id' differs for every lead: an id")
    >>> use_of(pl.Series("size", [1.0, 2.0] * 50), FieldType.NUMBER, region=None)
    FieldUse(kinds=('card_number',), note=None)
    """
    filled = values.drop_nulls()
    if filled.is_empty():
        return FieldUse((), f"{values.name!r} is never filled at a training moment")
    if kind is FieldType.TEXT:
        return _use_of_texts(filled, region=region)
    if kind is FieldType.NUMBER:
        return _use_of_numbers(filled, region=region)
    return FieldUse(("card_flag",) if kind is FieldType.FLAG else ("card_time_age",))


def _use_of_texts(filled: pl.Series, *, region: str | None) -> FieldUse:
    contact = contact_type(_some(filled), region=region)
    if contact is not None:
        return FieldUse(("contact_mail" if contact == "mail" else "contact_phone",))
    unique = _uniqueness(filled)
    length = filled.str.len_chars().median()
    assert isinstance(length, float)
    if unique > OFTEN_UNIQUE and length >= SHORTEST_PROSE:
        return FieldUse(("card_text_length", "card_filled"))
    if unique > MOSTLY_UNIQUE:
        return FieldUse(("card_filled",), _is_id(filled))
    return FieldUse(("card_text",))


def _use_of_numbers(filled: pl.Series, *, region: str | None) -> FieldUse:
    whole = bool((filled == filled.floor()).all())
    if not whole:
        return FieldUse(("card_number",))
    digits = filled.cast(pl.Decimal(38, 0), strict=False).cast(pl.String)
    if contact_type(_some(digits.drop_nulls()), region=region) == "phone":
        return FieldUse(("contact_phone",))
    if _uniqueness(filled) > MOSTLY_UNIQUE and (
        NAMES_OF_IDS.search(filled.name) or _climbs(filled)
    ):
        return FieldUse((), _is_id(filled))
    return FieldUse(("card_number",))


def _uniqueness(filled: pl.Series) -> float:
    """Tell which part of the values is different; 0 where too few to say."""
    if len(filled) < ENOUGH_LEADS:
        return 0.0
    return filled.n_unique() / len(filled)


def _climbs(filled: pl.Series) -> bool:
    """Say whether numbers only grow from lead to lead, as counters do."""
    steps = filled.diff().drop_nulls()
    return bool((steps > 0).all())


def _some(filled: pl.Series) -> Sequence[str]:
    unique = filled.unique().sort()
    return unique.gather_every(max(1, len(unique) // CONTACTS_LOOKED_AT)).to_list()


def _is_id(filled: pl.Series) -> str:
    return f"{filled.name!r} differs for every lead: an id"
