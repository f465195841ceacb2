"""Webhooks: who subscribed to what, forms under the old names, repeats, switching off.

A body is a form of strings and carries no signature. It holds data and the author
(``modified_user_id``), also of what we ourselves have written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from crm.testing.amocrm.account import SINGULAR, Account, Card, Change
from crm.testing.amocrm.fields import DATES
from crm.testing.brackets import encode
from crm.testing.pump import Message, Poster, Pump

PATIENCE_SECONDS: Final = 2.0
FIRST_WAITS: Final = (300.0, 900.0)  # before the 2nd and the 3rd try
LAST_WAITS: Final = (900.0, 3600.0)  # before the 4th and 5th: only 499 and 5xx
MOST_INVALID: Final = 100
COUNTED_SECONDS: Final = 7200.0
CARDS: Final = ("lead", "contact", "company")
SETTINGS: Final = frozenset(
    f"{action}_{entity}"
    for entity in CARDS
    for action in ("add", "update", "delete", "restore", "responsible", "note")
) | {"status_lead", "add_task", "update_task", "delete_task", "responsible_task"}


class Hooks:
    """Turns changes into messages for those who subscribed.

    Attributes
    ----------
    pump
        Holds and posts the messages; its weather may be replaced.
    """

    def __init__(
        self, account: Account, post: Poster, *, seed: int, patience_seconds: float
    ) -> None:
        self.pump = Pump(
            account.clock,
            post,
            seed=seed,
            again=self._again,
            patience_seconds=patience_seconds,
        )
        self._account = account
        account.listeners.append(self.hear)

    @property
    def subscriptions(self) -> dict[int, dict[str, Any]]:
        """Subscriptions by id, as the API shows them."""
        return self._account.records["webhooks"]

    def subscribe(
        self, destination: str, settings: list[str], *, by: int
    ) -> dict[str, Any]:
        """Subscribe an address; one known already is told anew and switched on."""
        now = self._account.now
        hook = self.at(destination) or {
            "id": self._account.next_id("webhooks"),
            "destination": destination,
            "created_at": now,
            "created_by": by,
            "account_id": self._account.profile.account_id,
            "sort": 1,
        }
        hook.update(settings=settings, disabled=False, updated_at=now)
        self.subscriptions[hook["id"]] = hook
        return hook

    def at(self, destination: str) -> dict[str, Any] | None:
        """Find the subscription of an address."""
        hooks = self.subscriptions.values()
        return next((h for h in hooks if h["destination"] == destination), None)

    def hear(self, change: Change) -> None:
        """Send what a change means to all who asked for it."""
        for setting, key, action, row in self._told(change):
            body = encode(
                {
                    key: {action: [row]},
                    "account": {
                        "id": self._account.profile.account_id,
                        "subdomain": self._account.profile.subdomain,
                        "_links": {"self": f"https://{self._account.profile.domain}"},
                    },
                }
            )
            for hook in self.subscriptions.values():
                if setting in hook["settings"] and not hook["disabled"]:
                    name = f"{key}[{action}] {change.key}"
                    self.pump.send(Message(hook["destination"], body, name))

    def _told(self, change: Change) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
        if change.kind == "tasks":
            action = "add" if change.action == "add" else "update"
            yield f"{action}_task", "task", action, _task(change)
        elif change.kind == "notes" and change.action == "add":
            kind = change.after["entity_type"]
            if kind in ("leads", "contacts", "companies"):
                row = {"note": _note(change)}
                yield f"note_{SINGULAR[kind]}", _key(kind), "note", row
        elif change.kind in ("leads", "contacts", "companies"):
            entity, row = SINGULAR[change.kind], self._row(change)
            for action in _actions(change):
                yield f"{action}_{entity}", _key(change.kind), action, row

    def _row(self, change: Change) -> dict[str, Any]:
        after, card = change.after, self._account.cards[change.kind][int(change.key)]
        row = {"id": change.key, "name": after["name"]}
        if change.kind == "leads":
            row |= {"status_id": after["status_id"], "price": after["price"]}
            if change.differs("status_id") and change.before:
                row["old_status_id"] = change.before["status_id"]
            if change.differs("pipeline_id") and change.before:
                row["old_pipeline_id"] = change.before["pipeline_id"]
        else:
            row["type"] = SINGULAR[change.kind]
        if change.differs("responsible_user_id") and change.before:
            row["old_responsible_user_id"] = change.before["responsible_user_id"]
        row |= {
            "responsible_user_id": after["responsible_user_id"],
            "last_modified": after["updated_at"],
            "modified_user_id": change.hand.user_id,
            "created_user_id": after["created_by"],
            "date_create": after["created_at"],
            "account_id": self._account.profile.account_id,
        }
        if change.kind == "leads":
            row["pipeline_id"] = after["pipeline_id"]
        return row | self._lists(card)

    def _lists(self, card: Card) -> dict[str, Any]:
        tags = [
            {"id": tag, "name": self._account.tags[card.kind][tag]} for tag in card.tags
        ]
        custom = []
        for shown in self._account.custom(card) or []:
            dated = shown["field_type"] in DATES
            values = [
                each["value"] if dated else _value(each) for each in shown["values"]
            ]
            custom.append(
                {"id": shown["field_id"], "name": shown["field_name"], "values": values}
            )
        lists = {"tags": tags, "custom_fields": custom}
        return {name: rows for name, rows in lists.items() if rows}

    def _again(self, status: int, attempt: int) -> float | None:
        destination = self.pump.deliveries[-1].message.url
        hook = self.at(destination)
        if hook is None or hook["disabled"]:
            return None
        if self._invalid(destination) > MOST_INVALID:
            hook["disabled"] = True
            return None
        return wait_after(status, attempt)

    def _invalid(self, destination: str) -> int:
        since = self._account.clock.elapsed - COUNTED_SECONDS
        count = 0
        for tried in reversed(self.pump.deliveries):
            if tried.at < since:
                break
            count += tried.message.url == destination and not 100 <= tried.status < 300
        return count


def wait_after(status: int, attempt: int) -> float | None:
    """Say how long after a failed try the next one comes; ``None`` ends it.

    Examples
    --------
    >>> [wait_after(404, attempt) for attempt in (1, 2, 3)]
    [300.0, 900.0, None]
    >>> [wait_after(502, attempt) for attempt in (1, 2, 3, 4, 5)]
    [300.0, 900.0, 900.0, 3600.0, None]
    """
    if 100 <= status < 300:
        return None
    if attempt <= len(FIRST_WAITS):
        return FIRST_WAITS[attempt - 1]
    place = attempt - len(FIRST_WAITS) - 1
    stubborn = status == 499 or 500 <= status < 600
    return LAST_WAITS[place] if stubborn and place < len(LAST_WAITS) else None


def _key(kind: str) -> str:
    return "leads" if kind == "leads" else "contacts"  # companies come as contacts


def _actions(change: Change) -> Iterator[str]:
    if change.action != "update":
        yield change.action
        return
    # Whether a move is told as an update too is not documented: more is stricter.
    yield "update"
    if change.kind == "leads" and (
        change.differs("status_id") or change.differs("pipeline_id")
    ):
        yield "status"
    if change.differs("responsible_user_id"):
        yield "responsible"


def _value(shown: Mapping[str, Any]) -> dict[str, Any]:
    told = {"value": _text(shown["value"])}
    if "enum_id" in shown:
        told["enum"] = shown["enum_id"]
    return told


def _text(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def _task(change: Change) -> dict[str, Any]:
    task = change.after
    entity = {"leads": 2, "contacts": 1, "companies": 3, "customers": 12}
    row = {
        "id": change.key,
        "element_id": task["entity_id"],
        "element_type": entity.get(task["entity_type"], 0),
        "task_type": task["task_type_id"],
        "text": task["text"],
        "status": int(task["is_completed"]),
        "responsible_user_id": task["responsible_user_id"],
        "complete_till": _stamp(task["complete_till"]),
        "date_create": _stamp(task["created_at"]),
        "last_modified": _stamp(task["updated_at"]),
        "modified_user_id": change.hand.user_id,
        "created_user_id": task["created_by"],
        "account_id": task["account_id"],
    }
    return row


def _stamp(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _note(change: Change) -> dict[str, Any]:
    note = change.after
    return {
        "id": change.key,
        "note_type": note["note_type"],
        "element_id": note["entity_id"],
        "text": note["params"].get("text", ""),
        "created_by": note["created_by"],
        "modified_by": change.hand.user_id,
        "date_create": _stamp(note["created_at"]),
        "account_id": note["account_id"],
    }
