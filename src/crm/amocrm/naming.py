"""What people call things in an account: stages, pipelines, managers, fields.

Names are what a company talks in, so tables carry names; where two things share one,
or a name means something else to us, its number is added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from crm.amocrm.shelf import Shelf
from leads.tables import INSTANT, LEADS

WON: Final = "142"
LOST: Final = "143"
NUMBERS: Final = frozenset({"numeric", "monetary"})
DATES: Final = frozenset({"date", "date_time", "birthday"})
FLAGS: Final = frozenset({"checkbox"})
SKIPPED: Final = frozenset(
    {"file", "items", "payer", "supplier", "legal_entity", "chained_list"}
)
REACH: Final = ("has_phone", "email_kind")
"""What is told of how a contact can be reached, but for the number and the address."""

OWN_COLUMNS: Final = frozenset({*LEADS, "price", *REACH, "row", "moment", "lead"})
PERSONAL: Final = frozenset({"PHONE", "EMAIL", "IM"})
"""Codes of fields of contacts and companies that say who somebody is: no columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """One custom field as a column of leads."""

    name: str
    type: str

    @property
    def dtype(self) -> pl.DataType:
        """The type of the column."""
        if self.type in NUMBERS:
            return pl.Float64()
        if self.type in DATES:
            return INSTANT
        return pl.Boolean() if self.type in FLAGS else pl.String()

    def read(self, values: list[Any] | None) -> Any:
        """Read what a card holds; what does not fit its own type is nothing."""
        filled = [value for value in values or [] if value not in (None, "")]
        if not filled:
            return None
        if self.type in NUMBERS:
            return _number(filled[0])
        if self.type in DATES:
            return moment(filled[0])
        if self.type in FLAGS:
            return str(filled[0]).lower() in {"1", "true"}
        return ", ".join(str(value) for value in filled)

    def parsed(self, text: str | None) -> Any:
        """Read a value back from its text."""
        if text is None or self.type not in DATES:
            return self.read(None if text is None else [text])
        return datetime.fromisoformat(text)

    def text(self, value: Any) -> str | None:
        """Write a value as ``field_changes`` hold it."""
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.isoformat()
        if isinstance(value, bool):
            return str(value).lower()
        return str(value)


@dataclass(frozen=True)
class Names:
    """Names of an account; ids are text.

    ``columns`` go by kind of card (``leads``, ``contacts``, ``companies``), then by the
    field's id. ``stages`` go by pipeline and status.
    """

    currency: str | None
    pipelines: Mapping[str, str]
    stages: Mapping[tuple[str, str], str]
    users: Mapping[str, str]
    columns: Mapping[str, Mapping[str, Column]]
    utm_source: str | None = None
    phone: str | None = None
    email: str | None = None
    """Fields of contacts that hold phones and mail addresses."""

    def pipeline(self, key: Any) -> str:
        """Name a pipeline; one that is gone by its number."""
        return self.pipelines.get(str(key), f"pipeline {key}")

    def stage(self, pipeline: Any, status: Any) -> str:
        """Name a stage; one that is gone by its number."""
        return self.stages.get((str(pipeline), str(status)), f"stage {status}")

    def user(self, key: Any) -> str | None:
        """Name a user; None for the robot."""
        return self.users.get(str(key), f"user {key}") if key else None


def names_of(shelf: Shelf) -> Names:
    """Read the names off a shelf."""
    account: Mapping[str, Any] = next((one.body for one in shelf.newest("account")), {})
    lines = {one.id: one.body for one in shelf.newest("pipeline")}
    pipelines = _apart({key: body["name"] for key, body in lines.items()})
    stages: dict[tuple[str, str], str] = {}
    for key, body in lines.items():
        named = _apart(body["statuses"])
        stages |= {(key, status): name for status, name in named.items()}
    fields = {
        kind: {one.id: one.body for one in shelf.newest(f"field:{kind}")}
        for kind in ("leads", "contacts", "companies")
    }
    coded = {body["code"]: key for key, body in fields["leads"].items()}
    reached = {body["code"]: key for key, body in fields["contacts"].items()}
    return Names(
        currency=account.get("currency") or None,
        pipelines=pipelines,
        stages=stages,
        users=_apart({one.id: one.body["name"] for one in shelf.newest("user")}),
        columns={
            "leads": _columns(fields["leads"], ""),
            "contacts": _columns(fields["contacts"], "contact: "),
            "companies": _columns(fields["companies"], "company: "),
        },
        utm_source=coded.get("UTM_SOURCE"),
        phone=reached.get("PHONE"),
        email=reached.get("EMAIL"),
    )


def moment(seconds: Any) -> datetime | None:
    """Read seconds since 1970, also as text; None for what is none.

    Examples
    --------
    >>> moment("1795300000").isoformat(), moment("soon")
    ('2026-11-21T22:26:40+00:00', None)
    """
    number = _number(seconds)
    if number is None:
        return None
    try:
        return datetime.fromtimestamp(int(number), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _columns(fields: Mapping[str, Any], before: str) -> dict[str, Column]:
    read = {
        key: body
        for key, body in fields.items()
        if body["type"] not in SKIPPED and not (before and body["code"] in PERSONAL)
    }
    wanted = {key: before + (body["name"] or "").strip() for key, body in read.items()}
    named = _apart(wanted, taken=frozenset() if before else OWN_COLUMNS)
    return {key: Column(named[key], read[key]["type"]) for key in read}


def _apart(
    names: Mapping[str, str], taken: frozenset[str] = frozenset()
) -> dict[str, str]:
    """Add the number to names that are not unlike each other, or that are taken."""
    often = Counter(names.values())
    return {
        key: f"{name} ({key})" if often[name] > 1 or name in taken or not name else name
        for key, name in names.items()
    }


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
