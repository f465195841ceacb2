"""Values of our fields, as the port has them and as amoCRM keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from crm.amocrm.fields import Found
from crm.amocrm.naming import moment
from crm.port import OurField, Value

WHOLE: Final = frozenset(
    {OurField.PROBABILITY, OurField.EXPECTED_MONEY, OurField.VERSION}
)


def sent(name: OurField, value: Value, found: Found) -> dict[str, Any]:
    """Word one entry of ``custom_fields_values``; None empties the field.

    Nothing of an object that was read is ever given back: keys of it are refused.

    Raises
    ------
    KeyError
        A tier that has no option.
    """
    if value is None:
        return {"field_id": found.id, "values": None}
    if name is OurField.TIER:
        told: dict[str, Any] = {"enum_id": found.options[str(value)]}
    elif isinstance(value, datetime):
        told = {"value": int(value.timestamp())}
    elif isinstance(value, str):
        told = {"value": _clean(value)}
    else:
        told = {"value": value}
    return {"field_id": found.id, "values": [told]}


def shown(name: OurField, values: Sequence[Mapping[str, Any]], found: Found) -> Value:
    """Read a value from a card; what is none of ours stays the text that it is."""
    first = values[0] if values else {}
    value = first.get("value")
    if value is None or value == "":
        return None
    if name is OurField.TIER:
        option = first.get("enum_id")
        words = [word for word, key in found.options.items() if key == option]
        return words[0] if words else str(value)
    if name is OurField.AS_OF:
        return moment(value) or str(value)
    return _whole(value) if name in WHOLE else str(value)


def _whole(value: Any) -> Value:
    """Read a whole number, also from text.

    Examples
    --------
    >>> _whole("37"), _whole(37.0), _whole("37.5"), _whole("many")
    (37, 37, '37.5', 'many')
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return int(number) if number.is_integer() else str(value)


def _clean(text: str) -> str:
    """Leave out what JSON cannot carry or amoCRM cannot keep."""
    return text.encode("utf-8", "replace").decode().replace("\0", " ")
