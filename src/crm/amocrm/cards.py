"""The desk of one account: reads and writes our fields on the cards of leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from crm.amocrm import notes
from crm.amocrm.client import AmoClient, AmoRefused, BadRequest
from crm.amocrm.fields import Layout, look, require_sound
from crm.amocrm.ties import clients_in, tie
from crm.amocrm.values import sent, shown
from crm.amocrm.writes import Address, Item, send_all
from crm.layouts import Remembered
from crm.port import (
    GATE,
    Allowance,
    Card,
    Change,
    GateClosed,
    Note,
    Outcome,
    Result,
)
from crm.tying import write_tied
from leads.errors import BadInput, Unavailable

MOST_AT_ONCE: Final = 50
LATE_BY: Final = timedelta(seconds=90)
"""The proxy gives up after some 30 s and nothing is written about what then still runs;
our own time-out comes on top."""

ALLOWANCE: Final = Allowance(per_second=5.0, burst=2)
"""amoCRM counts 7 in any second; a larger burst and the rate together exceed it."""
LEADS: Final = Address("PATCH", "leads", "leads")


class Desk:
    """``crm.port.CardDesk`` for one account; safe between threads.

    Parameters
    ----------
    client
        Of the account.
    """

    def __init__(self, client: AmoClient) -> None:
        self._client = client
        self._layout = Remembered(self._look)

    @property
    def most_at_once(self) -> int:
        """How many cards, changes or notes one call may be given."""
        return MOST_AT_ONCE

    @property
    def late_by(self) -> timedelta:
        """How long after sending the account may still apply a write."""
        return LATE_BY

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def page(self, entity: str) -> str:
        """Give the address at which people see a card."""
        return f"{self._client.base}/leads/detail/{entity.partition(':')[2]}"

    def require_fields(self) -> None:
        """Look anew whether our fields stand; see ``crm.port.CardDesk``."""
        self._layout.forget()
        self._layout.get()

    def read(self, entities: Sequence[str]) -> Mapping[str, Card | None]:
        """Look at cards, all in one request; see ``crm.port.CardDesk``.

        Raises
        ------
        FieldsChanged
            A person has deleted or changed a field of ours.
        """
        layout = self._layout.get()
        ids = [_number(entity) for entity in entities]
        cards: dict[str, Card | None] = dict.fromkeys(entities)
        if not ids:
            return cards
        query: dict[str, Any] = {"filter[id][]": ids, "limit": 250, "with": "contacts"}
        body = self._client.get("leads", query)
        for row in _rows(body):
            card = _card(row, layout)
            if card.entity not in cards:
                raise Unavailable(
                    "amoCRM gave cards that were not asked for.",
                    remedy="Nothing was written; it is looked at again.",
                )
            cards[card.entity] = None if row.get("is_deleted") else card
        return cards

    def write(self, changes: Sequence[Change]) -> Sequence[Result]:
        """Write changes in one request, after their ties; see ``crm.port.CardDesk``.

        What would change nothing is not sent: amoCRM would take it for a change all the
        same, and fire hooks.
        """
        return write_tied(
            changes,
            tie=lambda some: tie(self._client, some),
            read=self.read,
            write=self._write,
        )

    def _write(self, changes: Sequence[Change]) -> list[Result]:
        try:
            layout = self._layout.get()
            items = [_item(change, layout) for change in changes]
        except GateClosed as closed:
            late = Result(Outcome.NOT_APPLIED, GATE, retry_after=closed.retry_after)
            return [late] * len(changes)
        except (BadInput, KeyError):
            return [Result(Outcome.NOT_APPLIED, "FIELDS_CHANGED")] * len(changes)
        except Unavailable:
            return [Result(Outcome.NOT_APPLIED, "NOT_LOOKED")] * len(changes)
        full = [item for item in items if len(item) > 1]
        ends = iter(send_all(self._client, LEADS, full))
        results = [
            next(ends) if len(item) > 1 else Result(Outcome.APPLIED) for item in items
        ]
        if any(end.why == "FIELDS_CHANGED" for end in results):
            self._layout.forget()
        return [replace(end, remote_id=None) for end in results]

    def find(self, wanted: Sequence[Note]) -> Mapping[str, str]:
        """Find notes by their markers; see ``crm.port.CardDesk``."""
        return notes.find(self._client, wanted)

    def post(self, wanted: Sequence[Note]) -> Sequence[Result]:
        """Create or change notes; see ``crm.port.CardDesk``."""
        return notes.post(self._client, wanted)

    def _look(self) -> Layout:
        layout = look(self._client)
        require_sound(layout)
        return layout


def _card(row: Mapping[str, Any], layout: Layout) -> Card:
    filled = _filled(row)
    return Card(
        entity=f"lead:{row.get('id')}",
        fields={
            our: shown(our, filled.get(found.id, []), found)
            for our, found in layout.items()
        },
        stage=f"{row.get('pipeline_id')}/{row.get('status_id')}",
        responsible=str(row["responsible_user_id"])
        if row.get("responsible_user_id")
        else None,
        clients=clients_in(row),
    )


def _filled(row: Mapping[str, Any]) -> dict[int, list[Mapping[str, Any]]]:
    """Give the values of fields by their ids, or raise: no guess is made of a card."""
    fields = row.get("custom_fields_values") or []
    if not _are_rows(fields) or not all(
        _are_rows(each.get("values") or []) for each in fields
    ):
        raise BadRequest(
            "amoCRM's answer holds fields of another form.", remedy="Look again later."
        )
    return {
        each["field_id"]: each.get("values") or []
        for each in fields
        if isinstance(each.get("field_id"), int)
    }


def _item(change: Change, layout: Layout) -> Item:
    """Word one record of a PATCH; ``updated_at`` is never sent, for it can be stale."""
    item: Item = {"id": _number(change.entity)}
    values = [sent(name, value, layout[name]) for name, value in change.fields.items()]
    if values:
        item["custom_fields_values"] = values
    if change.move:
        line, _, status = change.move.after.partition("/")
        # 142 and 143 stand in every pipeline, so both are always sent.
        item |= {"pipeline_id": int(line), "status_id": int(status)}
    if change.responsible is not None:
        item["responsible_user_id"] = int(change.responsible)
    return item


def _rows(body: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Give the rows of an answer, or raise: part of one is none."""
    if body is None:
        return []
    embedded = body.get("_embedded")
    rows = embedded.get("leads") if isinstance(embedded, Mapping) else None
    if not isinstance(rows, list) or not _are_rows(rows):
        raise BadRequest("amoCRM's answer holds no leads.", remedy="Look again later.")
    if "next" in (body.get("_links") or {}):
        raise BadRequest("amoCRM gave only a part.", remedy="Look again later.")
    return rows


def _are_rows(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(r, Mapping) for r in found)


def _number(entity: str) -> int:
    kind, _, number = entity.partition(":")
    if kind != "lead" or not (number.isascii() and number.isdigit()):
        raise AmoRefused(
            f"amoCRM has no card {entity!r}.", remedy="Set [crm] entity = 'lead'."
        )
    return int(number)
