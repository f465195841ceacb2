"""The event log: who changed what, when, from what to what.

Unlike Bitrix24's stage history it names the author (0 is the robot). It is what stage
history is learned from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from crm.testing.amocrm.account import SINGULAR, Account, Change
from crm.testing.amocrm.fields import Field

CALLS: Final = {"call_in": "incoming_call", "call_out": "outgoing_call"}
CARDS: Final = ("leads", "contacts", "companies")
BASE32: Final = "0123456789abcdefghjkmnpqrstvwxyz"

Values = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the log; values as the API shows them."""

    number: int
    type: str
    kind: str
    key: int
    by: int
    at: int
    after: Values
    before: Values

    @property
    def id(self) -> str:
        """Its id, of 26 letters that sort by time."""
        return _base32(self.at * 1000, 10) + _base32(self.number, 16)

    def shown(self, account_id: int) -> dict[str, Any]:
        """Show it as the API does."""
        return {
            "id": self.id,
            "type": self.type,
            "entity_id": self.key,
            "entity_type": SINGULAR[self.kind],
            "created_by": self.by,
            "created_at": self.at,
            "value_after": self.after,
            "value_before": self.before,
            "account_id": account_id,
        }


class EventLog:
    """All events of an account, in order of time."""

    def __init__(self, account: Account) -> None:
        self.entries: list[Event] = []
        self._account = account
        account.listeners.append(self.hear)

    def hear(self, change: Change) -> None:
        """Write down what a change means."""
        if change.kind in CARDS:
            self._card(change)
        elif change.kind == "tasks":
            self._task(change)
        elif change.kind == "notes" and change.action == "add":
            self._note(change)

    def add(
        self,
        type_: str,
        about: tuple[str, int],
        *,
        by: int,
        at: int | None = None,
        values: tuple[Values, Values] = ([], []),
    ) -> Event:
        """Write one event down; ``values`` are after and before."""
        kind, key = about
        when = self._account.now if at is None else at
        after, before = values
        number = len(self.entries) + 1
        event = Event(number, type_, kind, key, by, when, after, before)
        self.entries.append(event)
        return event

    def _card(self, change: Change) -> None:
        if change.action != "update":
            done = {"add": "added", "delete": "deleted", "restore": "restored"}
            self._of(change, f"{SINGULAR[change.kind]}_{done[change.action]}")
            return
        if change.differs("status_id") or change.differs("pipeline_id"):
            self._both(change, "lead_status_changed", _status)
        if change.differs("price"):
            self._both(change, "sale_field_changed", _price)
        if change.differs("responsible_user_id"):
            self._both(change, "entity_responsible_changed", _responsible)
        for each in self._account.fields[change.kind].values():
            if change.differs(each.key):
                self._custom(change, each)

    def _custom(self, change: Change, field: Field) -> None:
        def value(flat: Mapping[str, Any]) -> Values:
            bare = flat.get(field.key)
            if bare is None:
                return []
            told = {"field_id": field.id, "field_type": field.type, "text": str(bare)}
            return [{"custom_field_value": told}]

        self._both(change, f"custom_field_{field.id}_value_changed", value)

    def _task(self, change: Change) -> None:
        owner = (change.after["entity_type"], change.after["entity_id"])
        if owner[0] not in SINGULAR:
            return
        if change.action == "add":
            self.add("task_added", owner, by=change.hand.user_id)
        elif change.differs("is_completed") and change.after["is_completed"]:
            self.add("task_completed", owner, by=change.hand.user_id)

    def _note(self, change: Change) -> None:
        owner = (change.after["entity_type"], change.after["entity_id"])
        type_ = CALLS.get(change.after["note_type"])
        if type_ and owner[0] in SINGULAR:
            note: Values = [{"note": {"id": change.key}}]
            self.add(type_, owner, by=change.hand.user_id, values=(note, []))

    def _both(self, change: Change, type_: str, value: Any) -> None:
        self._of(change, type_, (value(change.after), value(change.before)))

    def _of(
        self, change: Change, type_: str, values: tuple[Values, Values] = ([], [])
    ) -> None:
        about = (change.kind, int(change.key))
        self.add(type_, about, by=change.hand.user_id, values=values)


def _status(flat: Mapping[str, Any]) -> Values:
    told = {"id": flat["status_id"], "pipeline_id": flat["pipeline_id"]}
    return [{"lead_status": told}]


def _price(flat: Mapping[str, Any]) -> Values:
    return [{"sale_field_value": {"sale": flat["price"]}}]


def _responsible(flat: Mapping[str, Any]) -> Values:
    return [{"responsible_user": {"id": flat["responsible_user_id"]}}]


def _base32(number: int, width: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number, 32)
        letters = BASE32[rest] + letters
    return letters.rjust(width, "0")
