"""People at work in the CRM beside us, who move, edit and delete what we have read.

What they do is entered, told and logged like any change, only without a request.
"""

from __future__ import annotations

from typing import Any

from crm.testing.amocrm.account import KINDS, ROBOT, Account, Card, Hand
from crm.testing.amocrm.cards import bin_or_restore, change, make
from crm.testing.amocrm.drafts import Draft, read, refuse_faulty
from crm.testing.amocrm.events import EventLog
from crm.testing.amocrm.field_routes import drop_lost_options, remove_field
from crm.testing.amocrm.note_routes import make_note
from crm.testing.amocrm.task_routes import make_task


class Person:
    """A user at the screen, or the account's own robot.

    Parameters
    ----------
    user_id
        0 is the robot: what it does has no author.
    """

    def __init__(self, account: Account, events: EventLog, user_id: int) -> None:
        self._account, self._events = account, events
        self.hand = Hand(user_id)

    def create(self, kind: str = "leads", **item: Any) -> int:
        """Make a card of a body as the interface takes it; give its id.

        Raises
        ------
        Refusal
            The body has faults.
        """
        [draft] = read(self._account, kind, [item], new=True)
        refuse_faulty([draft])
        return make(self._account, kind, draft, self.hand).id

    def edit(self, lead: int, *, kind: str = "leads", **item: Any) -> None:
        """Change a card; the custom fields that only the interface may write refuse.

        Raises
        ------
        PermissionError
            A field is for the interface only.
        """
        [draft] = read(self._account, kind, [{"id": lead, **item}], new=False)
        refuse_faulty([draft])
        for key in draft.values:
            field = self._account.fields[kind][key]
            if field.is_api_only and self.hand.user_id != ROBOT:
                raise PermissionError(f"{field.name} is read-only for people.")
        change(self._account, self._card(lead, kind), draft, self.hand)

    def move(
        self,
        lead: int,
        status_id: int,
        *,
        pipeline_id: int | None = None,
        loss_reason_id: int | None = None,
    ) -> None:
        """Move a lead, to another pipeline too."""
        card = self._card(lead)
        plain: dict[str, Any] = {
            "status_id": status_id,
            "pipeline_id": pipeline_id or card.plain["pipeline_id"],
        }
        if loss_reason_id is not None:
            plain["loss_reason_id"] = loss_reason_id
        change(self._account, card, Draft("", lead, plain), self.hand)

    def assign(self, lead: int, user_id: int) -> None:
        """Give a lead to another user."""
        draft = Draft("", lead, {"responsible_user_id": user_id})
        change(self._account, self._card(lead), draft, self.hand)

    def tag(self, lead: int, *names: str) -> None:
        """Set the tags of a lead to exactly these."""
        draft = Draft("", lead, {}, tags=list(names))
        change(self._account, self._card(lead), draft, self.hand)

    def bin(self, lead: int, *, kind: str = "leads") -> None:
        """Put a card into the bin."""
        bin_or_restore(self._account, self._card(lead, kind), self.hand, gone=True)

    def restore(self, lead: int, *, kind: str = "leads") -> None:
        """Take a card out of the bin."""
        bin_or_restore(self._account, self._card(lead, kind), self.hand, gone=False)

    def merge_away(self, lead: int, *, kind: str = "leads") -> None:
        """Make a card vanish for good, as emptying the bin and merging do."""
        bin_or_restore(self._account, self._card(lead, kind), self.hand, gone=True)
        del self._account.cards[kind][lead]

    def note(self, lead: int, type_: str = "common", **params: Any) -> int:
        """Leave a note, or let a call leave one."""
        item = {"entity_id": lead, "note_type": type_, "params": params}
        return int(make_note(self._account, "leads", item, self.hand)["id"])

    def task(self, lead: int, text: str, *, due: int) -> int:
        """Make a task."""
        item = {"entity_id": lead, "entity_type": "leads", "text": text}
        made = make_task(self._account, {**item, "complete_till": due}, self.hand)
        return int(made["id"])

    def chat(self, lead: int, *, incoming: bool) -> None:
        """Let a chat message come in or go out."""
        way = "incoming" if incoming else "outgoing"
        about = ("leads", lead)
        self._events.add(f"{way}_chat_message", about, by=self.hand.user_id)
        self._account.version += 1

    def delete_field(self, code: str, *, kind: str = "leads") -> None:
        """Delete a custom field, by its code."""
        remove_field(self._account, kind, self._field(code, kind), self.hand)

    def delete_option(self, code: str, option: str, *, kind: str = "leads") -> None:
        """Delete one choice of a field, by its code or its words."""
        field = self._account.fields[kind][self._field(code, kind)]
        field.options = [o for o in field.options if option not in (o.code, o.value)]
        drop_lost_options(self._account, kind, field)
        self._account.version += 1

    def _card(self, key: int, kind: str = KINDS[0]) -> Card:
        return self._account.cards[kind][key]

    def _field(self, code: str, kind: str) -> int:
        fields = self._account.fields[kind].values()
        return next(field.id for field in fields if field.code == code)
