"""Bodies that would make or change cards, read strictly, one finding per fault.

Nothing of a request is applied while one of its records has one fault: that is how
amoCRM behaves, so all drafts of a request are read before the first is applied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from crm.testing.amocrm.account import Account
from crm.testing.amocrm.desk import request_id
from crm.testing.amocrm.fields import Reader, Value, whole
from crm.testing.amocrm.problems import (
    MISSING,
    NOT_A_CHOICE,
    NOT_EXPECTED,
    WRONG_TYPE,
    Finding,
    invalid,
)

Check = Callable[[Any], bool]


def text(value: Any) -> bool:
    """Say whether this is a text."""
    return isinstance(value, str)


def whole_or_none(value: Any) -> bool:
    """Say whether this is a whole number or null."""
    return value is None or whole(value)


PLAIN: Final[dict[str, dict[str, Check]]] = {
    "leads": {
        "name": text, "price": whole, "status_id": whole, "pipeline_id": whole,
        "responsible_user_id": whole, "loss_reason_id": whole_or_none,
        "closed_at": whole_or_none, "created_by": whole, "updated_by": whole,
        "created_at": whole, "updated_at": whole,
    },
    "contacts": {
        "name": text, "first_name": text, "last_name": text,
        "responsible_user_id": whole, "created_by": whole, "updated_by": whole,
        "created_at": whole, "updated_at": whole,
    },
    "companies": {
        "name": text, "responsible_user_id": whole, "created_by": whole,
        "updated_by": whole, "created_at": whole, "updated_at": whole,
    },
    "customers": {
        "name": text, "next_price": whole, "next_date": whole, "status_id": whole,
        "responsible_user_id": whole, "created_by": whole, "updated_by": whole,
        "created_at": whole, "updated_at": whole,
    },
}  # fmt: skip
"""Fields that may be written, by kind; whatever else comes is not expected."""

ELSEWHERE: Final = frozenset(
    {
        "id",
        "request_id",
        "custom_fields_values",
        "_embedded",
        "tags_to_add",
        "tags_to_delete",
    }
)
LINKABLE: Final = ("contacts", "companies")
AUTHORS: Final = ("responsible_user_id", "created_by", "updated_by")


@dataclass(slots=True)
class Draft:
    """One record of a body, read.

    ``id`` is ``None`` of a new one. ``tags`` replaces all tags unless ``None``;
    ``links`` are (kind, id, is it the main one).
    """

    request_id: str
    id: int | None
    plain: dict[str, Any]
    values: dict[int, list[Value] | None] = field(default_factory=dict)
    tags: list[str] | None = None
    tags_to_add: list[str] = field(default_factory=list)
    tags_to_delete: list[str] = field(default_factory=list)
    links: list[tuple[str, int, bool]] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)

    def fault(self, code: str, path: str) -> None:
        """Note a fault."""
        self.found.append(Finding(code, path))


def read(
    account: Account, kind: str, items: Sequence[Mapping[str, Any]], *, new: bool
) -> list[Draft]:
    """Read all records of a body; faults are in the drafts.

    Parameters
    ----------
    items
        The records; those to change must have an ``id``.
    new
        Whether they are to be made.
    """
    reading = _Reading(account, kind, new=new)
    return [reading.one(item, place) for place, item in enumerate(items)]


def refuse_faulty(drafts: Sequence[Draft]) -> None:
    """Refuse the whole request, 400, if any draft has a fault."""
    found = {draft.request_id: draft.found for draft in drafts if draft.found}
    if found:
        raise invalid(found)


class _Reading:
    def __init__(self, account: Account, kind: str, *, new: bool) -> None:
        self.account, self.kind, self.new = account, kind, new

    def one(self, item: Mapping[str, Any], place: int) -> Draft:
        draft = Draft(request_id(item, place), None, {})
        if not self.new:
            self._id(draft, item)
        self._plain(draft, item)
        reader = Reader(self.account.fields[self.kind], draft.found)
        reader.read(item.get("custom_fields_values"))
        draft.values = reader.values
        for name in ("tags_to_add", "tags_to_delete"):
            if item.get(name) is not None:
                setattr(draft, name, self._tags(draft, name, item[name]))
        self._embedded(draft, item.get("_embedded"))
        return draft

    def _id(self, draft: Draft, item: Mapping[str, Any]) -> None:
        key = item.get("id")
        if "id" not in item:
            draft.fault(MISSING, "id")
        elif not whole(key):
            draft.fault(WRONG_TYPE, "id")
        elif key not in self.account.cards[self.kind]:
            # How v4 names an unknown record in a list is not documented.
            draft.fault(NOT_A_CHOICE, "id")
        else:
            draft.id = key

    def _plain(self, draft: Draft, item: Mapping[str, Any]) -> None:
        known = PLAIN[self.kind]
        for name, value in item.items():
            if name in known:
                if known[name](value):
                    draft.plain[name] = value
                else:
                    draft.fault(WRONG_TYPE, name)
            elif name not in ELSEWHERE or (self.new and name == "id"):
                draft.fault(NOT_EXPECTED, name)
        for name in AUTHORS:
            value = draft.plain.get(name)
            if value not in (None, 0) and value not in self.account.users:
                draft.fault(NOT_A_CHOICE, name)

    def _embedded(self, draft: Draft, embedded: Any) -> None:
        if embedded is None:
            return
        if not isinstance(embedded, dict):
            draft.fault(WRONG_TYPE, "_embedded")
            return
        known = {"tags", *LINKABLE} if self.new else {"tags"}
        for name in embedded:
            if name not in known:
                draft.fault(NOT_EXPECTED, f"_embedded.{name}")
        if "tags" in embedded:
            draft.tags = self._tags(draft, "_embedded.tags", embedded["tags"] or [])
        for kind in LINKABLE if self.new else ():
            self._links(draft, kind, embedded.get(kind) or [])

    def _tags(self, draft: Draft, path: str, tags: Any) -> list[str]:
        if not isinstance(tags, list):
            draft.fault(WRONG_TYPE, path)
            return []
        names = []
        for place, tag in enumerate(tags):
            name = self._tag(tag)
            if name is None:
                draft.fault(WRONG_TYPE, f"{path}.{place}")
            else:
                names.append(name)
        return names

    def _tag(self, tag: Any) -> str | None:
        if not isinstance(tag, dict):
            return None
        if isinstance(tag.get("name"), str):
            return str(tag["name"])
        key = tag.get("id")
        return self.account.tags[self.kind].get(int(str(key))) if whole(key) else None

    def _links(self, draft: Draft, kind: str, rows: Any) -> None:
        for place, row in enumerate(rows if isinstance(rows, list) else [rows]):
            key = row.get("id") if isinstance(row, dict) else None
            if not whole(key) or key not in self.account.cards[kind]:
                draft.fault(NOT_A_CHOICE, f"_embedded.{kind}.{place}.id")
            else:
                draft.links.append((kind, int(key), bool(row.get("is_main"))))
