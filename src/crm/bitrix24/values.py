"""Values of our fields, as the port has them and as Bitrix24 keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from crm.bitrix24.fields import Found
from crm.port import OurField, Value

EMPTY: Final[tuple[Any, ...]] = (None, "", False, [])
WHOLE: Final = frozenset(
    {OurField.PROBABILITY, OurField.EXPECTED_MONEY, OurField.VERSION}
)


def sent(name: OurField, value: Value, found: Found) -> Any:
    """Write a value for a portal; an option goes by the portal's own number."""
    if value is None:
        return ""
    if name is OurField.TIER:
        return found.options.get(str(value), str(value))
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return value


def shown(name: OurField, value: Any, found: Found) -> Value:
    """Read a value from a card; what is none of ours stays the text that it is."""
    if isinstance(value, list):
        value = value[0] if value else None
    # 0 is a value, though Python takes it for False.
    if value in EMPTY and not (isinstance(value, int) and value is not False):
        return None
    if name is OurField.TIER:
        return _tier(str(value), found)
    if name is OurField.AS_OF:
        return moment(value) or str(value)
    if name in WHOLE:
        return _whole(value)
    return str(value)


def moment(value: Any) -> datetime | None:
    """Read a time in the portal's offset as UTC; None if it is none.

    Examples
    --------
    >>> moment("2026-11-22T10:00:00+03:00").isoformat()
    '2026-11-22T07:00:00+00:00'
    >>> moment("") is None, moment("2026-11-22T10:00:00") is None
    (True, True)
    """
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    if read.tzinfo is None:
        return None
    return read.astimezone(UTC).replace(microsecond=0)


def is_taken(
    name: OurField, value: Value, item: Mapping[str, Any], found: Found
) -> bool:
    """Whether a card that came back holds what was sent."""
    if found.name not in item:
        return False
    there = shown(name, item[found.name], found)
    if isinstance(there, str) and isinstance(value, str):
        return " ".join(there.split()) == " ".join(value.split())
    return there == value


def _tier(text: str, found: Found) -> str:
    by_number = {number: tier for tier, number in found.options.items()}
    return by_number.get(text) or found.words.get(text, text)


def _whole(value: Any) -> Value:
    try:
        return round(float(str(value)))
    except (ValueError, OverflowError):
        return str(value)
