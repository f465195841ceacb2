"""Values on their way in and out: strings to the classic methods, types to the others.

Inside, a date is an aware ``datetime``, a boolean ``Y`` or ``N``, an empty link 0, and
whatever else is empty ``None``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from crm.testing.bitrix24.account import PortalProfile, Switch
from crm.testing.bitrix24.refusals import Refusal, not_valid
from crm.testing.bitrix24.schema import Field, Type
from crm.testing.bitrix24.state import CustomField

YES: Final = ("Y", "1", 1, True)
NO: Final = ("N", "0", 0, False, "", None)
NUMBERS: Final = (Type.INTEGER, Type.USER, Type.LINK)
EMPTY: Final[tuple[Any, ...]] = (None, "", False, [])


def read(value: Any, field: Field | CustomField, profile: PortalProfile) -> Any:
    """Bring a value that was sent into the form it is kept in.

    Raises
    ------
    Refusal
        The value does not fit the field.
    """
    if isinstance(field, CustomField) and field.multiple:
        if value in EMPTY:
            return []
        if not isinstance(value, list):
            raise Refusal(400, "100", f"Invalid value: {field.name} expects an array")
        return [_one(each, field, profile) for each in value]
    return _one(value, field, profile)


def _one(value: Any, field: Field | CustomField, profile: PortalProfile) -> Any:
    kind = field.type
    if kind is Type.BOOLEAN:
        return _letter(value, field.name)
    if kind is Type.LINKS or kind is Type.MULTIFIELD:
        return value if isinstance(value, list) else []
    if value in EMPTY and not (isinstance(value, int | float) and value == 0):
        return 0 if kind in (Type.LINK, Type.USER) else None
    if kind is Type.ENUMERATION:
        return _option(value, field, profile)
    try:
        return _READERS.get(kind, str)(value)
    except (TypeError, ValueError) as fault:
        raise not_valid(field.name) from fault


def _letter(value: Any, name: str) -> str:
    if isinstance(value, list | dict):
        raise not_valid(name)
    if value in YES:
        return "Y"
    if value in NO:
        return "N"
    raise not_valid(name)


def _option(value: Any, field: Field | CustomField, profile: PortalProfile) -> Any:
    known = [each.id for each in getattr(field, "options", [])]
    if str(value) in map(str, known):
        return int(value)
    if profile.on(Switch.UNKNOWN_OPTION_DROPPED):
        return None
    raise not_valid(field.name)


def moment(text: Any) -> datetime:
    """Read a time; without an offset it is refused, as we must never send one."""
    found = datetime.fromisoformat(str(text))
    if found.tzinfo is None and len(str(text)) > len("2026-01-01"):
        raise ValueError(f"{text!r} has no offset.")
    return found if found.tzinfo else found.astimezone()


def _whole(value: Any) -> int:
    if float(value) != int(float(value)):
        raise ValueError(f"{value!r} is no whole number.")
    return int(float(value))


def _number(value: Any) -> float:
    found = float(value)
    if found - found != 0:  # infinite or no number
        raise ValueError(f"{value!r} is no number.")
    return found


_READERS: Final[dict[Type, Callable[[Any], Any]]] = {
    Type.INTEGER: _whole,
    Type.USER: _whole,
    Type.LINK: _whole,
    Type.DOUBLE: _number,
    Type.DATE: moment,
    Type.DATETIME: moment,
}


def universal(value: Any, field: Field | CustomField, profile: PortalProfile) -> Any:
    """Write a value as ``crm.item.*`` does: numbers stay numbers."""
    if isinstance(field, CustomField):
        if field.multiple and value:
            return [_universal(each, field, profile) for each in value]
        if value in (None, []):
            empty_list = field.multiple and not profile.on(Switch.EMPTY_IS_FALSE)
            return _empty(profile) if not empty_list else []
    return _universal(value, field, profile)


def _empty(profile: PortalProfile) -> Any:
    return False if profile.on(Switch.EMPTY_IS_FALSE) else None


def _universal(value: Any, field: Field | CustomField, profile: PortalProfile) -> Any:
    if isinstance(value, datetime):
        return profile.local(value).isoformat()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None and field.type is Type.LINK:
        return 0
    return value


def classic(value: Any, field: Field | CustomField, profile: PortalProfile) -> Any:
    """Write a value as the classic methods do: every scalar is a string."""
    if isinstance(field, CustomField) and (value is None or value == []):
        # The samples show both for empty custom fields: lists as false, others null.
        return False if field.multiple else None
    if isinstance(value, list):
        return [_classic(each, field, profile) for each in value]
    return _classic(value, field, profile)


def _classic(value: Any, field: Field | CustomField, profile: PortalProfile) -> Any:
    if isinstance(value, dict):
        return value
    if value is None:
        return "" if field.type in (Type.DATE, Type.DATETIME) else None
    if isinstance(value, datetime):
        return profile.local(value).isoformat()
    if field.type is Type.DOUBLE and isinstance(field, Field):
        return f"{value:.2f}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
