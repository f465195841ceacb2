"""Custom fields: their definitions, which values they take, how these read back.

What is stored of a value is the least that says it: ``{"enum_id": 4001}`` of a choice,
``{"value": 37}`` of a number. Reading adds the words, as they are at that time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from crm.testing.amocrm.problems import (
    MISSING,
    NOT_A_CHOICE,
    NOT_EXPECTED,
    WRONG_TYPE,
    Finding,
)

Value = dict[str, Any]

CHOICES: Final = frozenset({"select", "multiselect", "radiobutton"})
TEXTS: Final = frozenset({"text", "textarea", "url", "streetaddress", "tracking_data"})
DATES: Final = frozenset({"date", "date_time", "birthday"})
NUMBERS: Final = frozenset({"numeric", "monetary"})
TYPES: Final = (
    CHOICES | TEXTS | DATES | NUMBERS | {"checkbox", "multitext", "smart_address",
    "chained_list", "file", "items", "payer", "supplier", "legal_entity"}
)  # fmt: skip
SEVERAL: Final = frozenset({"multiselect", "multitext", "smart_address", "items"})
ENTRY_KEYS: Final = frozenset({"field_id", "field_code", "values"})


@dataclass(slots=True)
class Option:
    """One choice of a field."""

    id: int
    value: str
    sort: int
    code: str | None

    def shown(self) -> dict[str, Any]:
        """Show it as the API does."""
        return {
            "id": self.id, "value": self.value, "sort": self.sort, "code": self.code
        }  # fmt: skip


@dataclass(slots=True)
class Field:
    """One custom field.

    ``required_statuses`` and ``hidden_statuses`` are pairs of pipeline and status.
    """

    id: int
    name: str
    type: str
    code: str | None = None
    sort: int = 500
    is_api_only: bool = False
    options: list[Option] = field(default_factory=list)
    required_statuses: list[tuple[int, int]] = field(default_factory=list)
    hidden_statuses: list[tuple[int, int]] = field(default_factory=list)

    @property
    def key(self) -> str:
        """What the ledger calls it: its code, or its number without one."""
        return self.code or f"field_{self.id}"

    def option(self, name: str, wanted: Any) -> Option | None:
        """Find a choice by its ``value``, ``enum_id`` or ``enum_code``."""
        own = {"value": "value", "enum_id": "id", "enum_code": "code"}[name]
        return next((o for o in self.options if getattr(o, own) == wanted), None)

    def shown(self, kind: str, account_id: int) -> dict[str, Any]:
        """Show the definition as the API does."""
        options = [each.shown() for each in self.options]
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "code": self.code,
            "sort": self.sort,
            "entity_type": kind,
            "is_api_only": self.is_api_only,
            "is_computed": False,
            "enums": options or None,
            "required_statuses": _pairs(self.required_statuses),
            "hidden_statuses": _pairs(self.hidden_statuses),
            "account_id": account_id,
        }

    def read(self, values: Sequence[Value], *, numbers: bool) -> dict[str, Any]:
        """Show values of a card; ``numbers`` keeps numbers from turning into text."""
        return {
            "field_id": self.id,
            "field_name": self.name,
            "field_code": self.code,
            "field_type": self.type,
            "values": [self._worded(value, numbers=numbers) for value in values],
        }

    def plain(self, values: Sequence[Value] | None) -> Any:
        """Give the bare value, a list of a field that takes several; for the ledger."""
        if not values:
            return None
        bare = [self._worded(value, numbers=True)["value"] for value in values]
        return bare if self.type in SEVERAL else bare[0]

    def _worded(self, value: Value, *, numbers: bool) -> dict[str, Any]:
        if "enum_id" not in value:
            text = self.type in NUMBERS and not numbers
            return {"value": str(value["value"]) if text else value["value"]}
        option = self.option("enum_id", value["enum_id"])
        if option is None:
            return dict(value)
        words = {"enum_id": option.id, "enum_code": option.code}
        return {"value": value.get("value", option.value), **words}


class Reader:
    """Reads ``custom_fields_values`` of one record and collects what is wrong with it.

    Attributes
    ----------
    values
        By field id; ``None`` clears the field.
    """

    def __init__(self, fields: Mapping[int, Field], found: list[Finding]) -> None:
        self.values: dict[int, list[Value] | None] = {}
        self._fields, self._found = fields, found

    def read(self, entries: Any) -> None:
        """Take in all entries; ``null`` and an empty list change nothing."""
        if entries is None:
            return
        if not isinstance(entries, list):
            self._fault(WRONG_TYPE, "custom_fields_values")
            return
        for place, entry in enumerate(entries):
            self._entry(f"custom_fields_values.{place}", entry)

    def _entry(self, path: str, entry: Any) -> None:
        if not isinstance(entry, dict):
            self._fault(WRONG_TYPE, path)
            return
        extra = sorted(set(entry) - ENTRY_KEYS)
        for name in extra:
            self._fault(NOT_EXPECTED, f"{path}.{name}")
        chosen = self._field(path, entry)
        if chosen is None or extra:
            return
        if "values" not in entry:
            self._fault(MISSING, f"{path}.values")
        elif entry["values"] is None:
            self.values[chosen.id] = None
        else:
            self._several(chosen, f"{path}.values", entry["values"])

    def _field(self, path: str, entry: Mapping[str, Any]) -> Field | None:
        if "field_id" in entry:
            name, wanted = "field_id", entry["field_id"]
            chosen = self._fields.get(wanted) if whole(wanted) else None
        elif "field_code" in entry:
            name, wanted = "field_code", entry["field_code"]
            codes = (f for f in self._fields.values() if f.code and f.code == wanted)
            chosen = next(codes, None)
        else:
            self._fault(MISSING, f"{path}.field_id")
            return None
        if chosen is None:
            self._fault(NOT_A_CHOICE, f"{path}.{name}")
        return chosen

    def _several(self, chosen: Field, path: str, values: Any) -> None:
        # Not documented: an empty list clears nothing, and one field, one value.
        right = isinstance(values, list) and values
        if not right or (len(values) > 1 and chosen.type not in SEVERAL):
            self._fault(WRONG_TYPE, path)
            return
        before = len(self._found)
        read = [
            self._value(chosen, f"{path}.{place}", value)
            for place, value in enumerate(values)
        ]
        if len(self._found) == before:
            self.values[chosen.id] = [value for value in read if value is not None]

    def _value(self, chosen: Field, path: str, value: Any) -> Value | None:
        if not isinstance(value, dict):
            self._fault(WRONG_TYPE, path)
            return None
        choosing = chosen.type in CHOICES or chosen.type == "multitext"
        known = {"value", "enum_id", "enum_code"} if choosing else {"value"}
        extra = sorted(set(value) - known)
        for name in extra:
            self._fault(NOT_EXPECTED, f"{path}.{name}")
        if extra:
            return None
        if chosen.type in CHOICES:
            return self._choice(chosen, path, value)
        if chosen.type == "multitext":
            return self._labelled(chosen, path, value)
        return self._bare(chosen, path, value)

    def _choice(self, chosen: Field, path: str, value: Value) -> Value | None:
        name = next((n for n in ("enum_id", "enum_code", "value") if n in value), None)
        if name is None:
            self._fault(MISSING, f"{path}.value")
            return None
        option = chosen.option(name, value[name])
        if option is None or value[name] is None:
            self._fault(NOT_A_CHOICE, f"{path}.{name}")
            return None
        return {"enum_id": option.id}

    def _labelled(self, chosen: Field, path: str, value: Value) -> Value | None:
        if not isinstance(value.get("value"), str):
            self._fault(WRONG_TYPE, f"{path}.value")
            return None
        label = {k: v for k, v in value.items() if k != "value"}
        if not label:
            label = {"enum_id": chosen.options[0].id}
        choice = self._choice(chosen, path, label)
        return None if choice is None else {"value": value["value"], **choice}

    def _bare(self, chosen: Field, path: str, value: Value) -> Value | None:
        read = _read(chosen.type, value.get("value"))
        if read is None:
            self._fault(WRONG_TYPE, f"{path}.value")
            return None
        return {"value": read}

    def _fault(self, code: str, path: str) -> None:
        self._found.append(Finding(code, path))


def whole(value: Any) -> bool:
    """Say whether this is a whole number; truth values are none.

    Examples
    --------
    >>> whole(5), whole(True), whole("5")
    (True, False, False)
    """
    return isinstance(value, int) and not isinstance(value, bool)


def moment(value: Any) -> int | None:
    """Read a date as amoCRM takes it, RFC 3339 or seconds since 1970.

    Examples
    --------
    >>> moment("2026-11-22T10:00:00+03:00"), moment(1795300000), moment("soon")
    (1795330800, 1795300000, None)
    """
    if whole(value):
        return int(value)
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    return int(read.timestamp()) if read.tzinfo else None


def _read(type_: str, value: Any) -> Any:
    if type_ in NUMBERS:
        return _number(value)
    if type_ in DATES:
        return moment(value)
    if type_ == "checkbox":
        return value if isinstance(value, bool) else None
    if type_ in TEXTS:
        return value if isinstance(value, str) else None
    return value


def _number(value: Any) -> int | float | None:
    if isinstance(value, str):
        try:
            read = float(value)
        except ValueError:
            return None
        return int(read) if read.is_integer() else read
    return value if whole(value) or isinstance(value, float) else None


def _pairs(pairs: Sequence[tuple[int, int]]) -> list[dict[str, int]]:
    return [{"pipeline_id": line, "status_id": status} for line, status in pairs]
