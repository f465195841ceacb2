"""Filters of lists: operators in front of the name, nested logic, order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, Final

from crm.testing.bitrix24.account import PortalProfile, Switch
from crm.testing.bitrix24.refusals import Refusal
from crm.testing.bitrix24.schema import Field, Type
from crm.testing.bitrix24.state import CustomField, Record
from crm.testing.bitrix24.values import moment

# Longest first: "!=%" must not be read as "!=".
OPERATORS: Final = (
    "!=%",
    "!%=",
    ">=",
    "<=",
    "!@",
    "=%",
    "%=",
    "!%",
    "!=",
    ">",
    "<",
    "@",
    "%",
    "=",
    "!",
)
Known = Mapping[str, Field | CustomField]
Test = Callable[[Record], bool]


def split(key: str) -> tuple[str, str]:
    """Part operator and name.

    Examples
    --------
    >>> split(">=opportunity"), split("!=%title"), split("id")
    (('>=', 'opportunity'), ('!=%', 'title'), ('=', 'id'))
    """
    for operator in OPERATORS:
        if key.startswith(operator):
            return operator, key[len(operator) :]
    return "=", key


def condition(wanted: Any, known: Known, profile: PortalProfile) -> Test:
    """Make one test of a whole filter.

    Parameters
    ----------
    wanted
        Map of operator and name to value; a numbered key holds a nested map with its
        own ``logic``.
    known
        Fields by the names that the method uses. Record keys are ``Field.name``.

    Raises
    ------
    Refusal
        ``INVALID_ARG_VALUE`` for a name that is not known.
    """
    if isinstance(wanted, list):
        wanted = {str(place): each for place, each in enumerate(wanted)}
    tests = [
        condition(value, known, profile)
        if key.isdigit() and isinstance(value, Mapping | list)
        else _single(key, value, known, profile)
        for key, value in (wanted or {}).items()
        if key != "logic"
    ]
    joined = any if str((wanted or {}).get("logic", "AND")).upper() == "OR" else all
    return lambda record: joined(test(record) for test in tests) or not tests


def _single(key: str, value: Any, known: Known, profile: PortalProfile) -> Test:
    operator, name = split(key)
    field = known.get(name)
    if field is None:
        raise Refusal(
            400, "INVALID_ARG_VALUE", f"Invalid filter: field '{name}' is not allowed"
        )
    if field.type is Type.BOOLEAN and isinstance(field, CustomField):
        value = _flag(value, field, profile)
    operands = value if isinstance(value, list) else [value]
    wanted = [_operand(each, field) for each in operands]
    return lambda record: _holds(operator, record.get(field.name), wanted)


def _flag(value: Any, field: CustomField, profile: PortalProfile) -> Any:
    """Boolean custom fields are filtered by 1 and 0, though they read Y and N."""
    if str(value) in ("1", "0"):
        return "Y" if str(value) == "1" else "N"
    if profile.on(Switch.BOOLEAN_FILTER_REFUSES):
        text = f"Invalid filter: '{field.name}' takes 1 or 0"
        raise Refusal(400, "INVALID_ARG_VALUE", text)
    return "no such letter"


def _operand(value: Any, field: Field | CustomField) -> Any:
    if value is None or value == "" or isinstance(value, Mapping):
        return None
    try:
        if field.type in (Type.DATE, Type.DATETIME):
            return moment(value)
        if field.type in (
            Type.INTEGER, Type.USER, Type.LINK, Type.DOUBLE, Type.ENUMERATION,
        ):  # fmt: skip
            return float(value)
    except (TypeError, ValueError) as fault:
        raise Refusal(
            400, "INVALID_ARG_VALUE", f"Invalid filter: value of '{field.name}'"
        ) from fault
    return str(value)


def _holds(operator: str, own: Any, wanted: list[Any]) -> bool:
    if operator.startswith("!"):
        return not _holds(operator[1:] or "=", own, wanted)
    values = own if isinstance(own, list) else [own]
    if operator in ("=", "@"):
        return any(_equal(each, want) for each in values or [None] for want in wanted)
    want = wanted[0] if wanted else None
    if "%" in operator:
        return any(_like(operator, each, want) for each in values)
    return any(_ordered(operator, each, want) for each in values)


def _equal(own: Any, want: Any) -> bool:
    if want is None:
        return own in (None, "", 0, [])
    if isinstance(own, dict):
        own = own.get("VALUE")
    return own is not None and own == want


def _like(operator: str, own: Any, want: Any) -> bool:
    if isinstance(own, dict):
        own = own.get("VALUE")
    text, part = str(own or "").lower(), str(want or "").lower()
    if operator == "%":
        return part in text
    plain = part.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]")
    return fnmatchcase(text, plain.replace("%", "*").replace("_", "?"))


def _ordered(operator: str, own: Any, want: Any) -> bool:
    if own is None or want is None:
        return False
    match operator:
        case ">":
            return bool(own > want)
        case "<":
            return bool(own < want)
        case ">=":
            return bool(own >= want)
        case _:
            return bool(own <= want)


def in_order(rows: list[Record], order: Any, known: Known) -> list[Record]:
    """Sort by the fields named, the first counting most; by id where they are equal.

    Raises
    ------
    Refusal
        ``INVALID_ARG_VALUE`` for a name that is not known. The documents are silent;
        a list in an order nobody asked for would lose rows of a cursor.
    """
    ranked = sorted(rows, key=lambda row: row["id"])
    for name, direction in reversed(list((order or {}).items())):
        field = known.get(name)
        if field is None:
            text = f"Invalid order: field '{name}' is not allowed"
            raise Refusal(400, "INVALID_ARG_VALUE", text)
        falling = str(direction).upper() == "DESC"
        ranked.sort(key=partial(_rank, name=field.name), reverse=falling)
    return ranked


def _rank(row: Record, name: str) -> tuple[int, Any]:
    value = row.get(name)
    if value is None or isinstance(value, list | dict):
        return (0, 0)
    return (1, value.timestamp() if isinstance(value, datetime) else value)
