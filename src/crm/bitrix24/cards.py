"""The desk of one portal: reads and writes our fields on cards of leads and deals.

Nothing is repeated here. A batch tells of each command by itself; of a command that
nothing is said about, nothing is known, and so it is UNCLEAR and never sent again as it
was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from crm.bitrix24 import notes
from crm.bitrix24.answers import OUTCOMES, Kind, Refused, Trouble
from crm.bitrix24.client import MOST_COMMANDS, SERVER_SECONDS, Batch, Client, Command
from crm.bitrix24.fields import ENTITIES, Layout, look, require_sound
from crm.bitrix24.ties import clients_in, commands_of
from crm.bitrix24.values import is_taken, sent, shown
from crm.layouts import Remembered
from crm.port import (
    GATE,
    STAGE_NOT_TAKEN,
    Allowance,
    Card,
    Change,
    GateClosed,
    Note,
    Outcome,
    Result,
)
from crm.transport import Lost, NotSent
from crm.tying import TIED, write_tied
from leads.errors import BadInput, Unavailable

ORIGINAL: Final = {"useOriginalUfNames": "Y"}
ALLOWANCE: Final = Allowance(per_second=2.0, burst=50)


class Desk:
    """``crm.port.CardDesk`` for one portal; safe between threads.

    Parameters
    ----------
    client
        Of the portal.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._layout = Remembered(self._look)

    @property
    def most_at_once(self) -> int:
        """How many cards, changes or notes one call may be given."""
        return MOST_COMMANDS

    @property
    def late_by(self) -> timedelta:
        """How long after sending the portal may still apply a write."""
        return timedelta(seconds=SERVER_SECONDS) + self._client.limits.whole

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def page(self, entity: str) -> str:
        """Give the address at which people see a card."""
        kind, _, number = entity.partition(":")
        return f"{self._client.door.base}/crm/{kind}/details/{number}/"

    def require_fields(self) -> None:
        """Look anew whether our fields stand; see ``crm.port.CardDesk``."""
        self._layout.forget()
        self._layout.get()

    def read(self, entities: Sequence[str]) -> Mapping[str, Card | None]:
        """Look at cards with one list per kind; see ``crm.port.CardDesk``.

        Raises
        ------
        FieldsChanged
            A person has deleted or changed a field of ours.
        """
        layout = self._layout.get()
        wanted = _by_kind(entities)
        batch = self._client.batch(
            {kind: _list_of(kind, ids, layout) for kind, ids in wanted.items()}
        )
        cards: dict[str, Card | None] = dict.fromkeys(entities)
        for kind, ids in wanted.items():
            for row in _items(batch, kind):
                card = self._card(kind, row, layout)
                if card.entity.partition(":")[2] in ids:
                    cards[card.entity] = card
        return cards

    def write(self, changes: Sequence[Change]) -> Sequence[Result]:
        """Write changes in one batch, after their ties; see ``crm.port.CardDesk``."""
        return write_tied(changes, tie=self._tie, read=self.read, write=self._write)

    def _tie(self, changes: Sequence[Change]) -> list[Result]:
        """Tie cards, as many commands to a batch as it takes."""
        wanted = {
            f"c{n}x{m}": (n, command)
            for n, change in enumerate(changes)
            for m, command in enumerate(commands_of(change))
        }
        results = [TIED] * len(changes)
        keys = list(wanted)
        for start in range(0, len(keys), MOST_COMMANDS):
            some = keys[start : start + MOST_COMMANDS]
            ended = self.ended({key: wanted[key][1] for key in some})
            for key in some:
                if isinstance(ended[key], Result):
                    results[wanted[key][0]] = ended[key]
        return results

    def _write(self, changes: Sequence[Change]) -> list[Result]:
        try:
            layout = self._layout.get()
        except Unavailable as error:
            return [_not_sent(error)] * len(changes)
        except BadInput:
            return [Result(Outcome.NOT_APPLIED, "FIELDS_CHANGED")] * len(changes)
        commands = {f"c{n}": _update(one, layout) for n, one in enumerate(changes)}
        ended = self.ended(commands)
        return [
            self._checked(change, ended[f"c{n}"], layout)
            for n, change in enumerate(changes)
        ]

    def find(self, wanted: Sequence[Note]) -> Mapping[str, str]:
        """Find notes by their markers; see ``crm.port.CardDesk``."""
        return notes.find(self._client, wanted)

    def post(self, wanted: Sequence[Note]) -> Sequence[Result]:
        """Create or change notes in one batch; see ``crm.port.CardDesk``."""
        commands = {f"n{n}": notes.command_of(one) for n, one in enumerate(wanted)}
        given = {key: one for key, one in commands.items() if one is not None}
        ended = self.ended(given) if given else {}
        unfit = Result(Outcome.REFUSED, "NO_RESPONSIBLE")
        return [
            notes.result_of(note, ended[f"n{n}"]) if f"n{n}" in ended else unfit
            for n, note in enumerate(wanted)
        ]

    def ended(self, commands: Mapping[str, Command]) -> Mapping[str, Any]:
        """Run a batch; give each command's answer, or a ``Result`` if it has none."""
        try:
            batch = self._client.batch(commands)
        except (GateClosed, NotSent, Refused) as error:
            return dict.fromkeys(commands, _not_sent(error))
        except Lost:
            return dict.fromkeys(commands, Result(Outcome.UNCLEAR, "LOST"))
        return {key: _end(batch, key) for key in commands}

    def _look(self) -> Layout:
        layout = look(self._client)
        require_sound(layout)
        return layout

    def _card(self, kind: str, row: Mapping[str, Any], layout: Layout) -> Card:
        ours = layout[kind]
        gone = [each.name for each in ours.values() if each.name not in row]
        if gone:
            self._layout.forget()
            raise Unavailable(
                f"Bitrix24 did not tell {', '.join(gone)} of a {kind}.",
                remedy="Run `connect bitrix24 --check`.",
            )
        return Card(
            entity=f"{kind}:{row.get('id')}",
            fields={our: shown(our, row[f.name], f) for our, f in ours.items()},
            stage=_text(row.get("stageId")),
            responsible=_text(row.get("assignedById")),
            clients=clients_in(row),
        )

    def _checked(self, change: Change, end: Any, layout: Layout) -> Result:
        """Believe a write only if the card that came back shows it."""
        if isinstance(end, Result):
            return end
        item = end.get("item") if isinstance(end, Mapping) else None
        if not isinstance(item, Mapping):
            return Result(Outcome.UNCLEAR, "NO_ITEM")
        kind, _, number = change.entity.partition(":")
        if str(item.get("id")) != number:
            return Result(Outcome.UNCLEAR, "OTHER_ITEM")
        ours = layout[kind]
        missed = [
            name.value
            for name, value in change.fields.items()
            if not is_taken(name, value, item, ours[name])
        ]
        if missed:
            self._layout.forget()
            return Result(Outcome.NOT_APPLIED, f"NOT_TAKEN_{missed[0]}")
        if change.move and item.get("stageId") != change.move.after:
            return Result(Outcome.NOT_APPLIED, STAGE_NOT_TAKEN)
        person = change.responsible
        if person is not None and _text(item.get("assignedById")) != person:
            return Result(Outcome.NOT_APPLIED, "PERSON_NOT_TAKEN")
        return Result(Outcome.APPLIED)


def _by_kind(entities: Sequence[str]) -> dict[str, list[str]]:
    wanted: dict[str, list[str]] = {}
    for entity in entities:
        kind, _, number = entity.partition(":")
        wanted.setdefault(kind, []).append(number)
    return wanted


def _list_of(kind: str, ids: Sequence[str], layout: Layout) -> Command:
    names = [found.name for found in layout[kind].values()]
    standard = [
        "id", "stageId", "assignedById", "contactId", "contactIds", "companyId",
    ]  # fmt: skip
    return "crm.item.list", {
        "entityTypeId": ENTITIES[kind],
        "filter": {"@id": list(ids)},
        "select": [*standard, *names],
        "order": {"id": "ASC"},
        "start": -1,
        **ORIGINAL,
    }


def _items(batch: Batch, kind: str) -> list[Mapping[str, Any]]:
    """Give the rows of one list, or raise: part of an answer is none."""
    found = batch.results.get(kind)
    rows = found.get("items") if isinstance(found, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(r, Mapping) for r in rows):
        trouble = batch.troubles.get(kind, Trouble(Kind.FAILURE, "NO_ANSWER"))
        raise Refused("crm.item.list", trouble)
    return rows


def _update(change: Change, layout: Layout) -> Command:
    kind, _, number = change.entity.partition(":")
    ours = layout[kind]
    fields = {
        ours[name].name: sent(name, value, ours[name])
        for name, value in change.fields.items()
    }
    if change.move:
        fields["stageId"] = change.move.after
    if change.responsible is not None:
        fields["assignedById"] = change.responsible
    return "crm.item.update", {
        "entityTypeId": ENTITIES[kind], "id": number, "fields": fields, **ORIGINAL,
    }  # fmt: skip


def _end(batch: Batch, key: str) -> Any:
    if key in batch.results:
        return batch.results[key]
    trouble = batch.troubles.get(key)
    if trouble is None:
        return Result(Outcome.UNCLEAR, "NOT_TOLD")
    return _result(trouble)


def _result(trouble: Trouble) -> Result:
    outcome = OUTCOMES[trouble.kind]
    kept = trouble.retry_after if outcome is Outcome.NOT_APPLIED else None
    return Result(outcome, trouble.code, retry_after=kept)


def _not_sent(error: Unavailable) -> Result:
    """Say how every change of a batch ended that was refused as a whole."""
    if isinstance(error, GateClosed):
        return Result(Outcome.NOT_APPLIED, GATE, retry_after=error.retry_after)
    if not isinstance(error, Refused):
        return Result(Outcome.NOT_APPLIED, "NOT_SENT")
    if error.trouble.kind is Kind.REFUSAL:
        # It is the batch that was refused, not a card: no card may be given up for it.
        return Result(Outcome.NOT_APPLIED, error.trouble.code)
    return _result(error.trouble)


def _text(value: Any) -> str | None:
    return None if value in (None, "", 0) else str(value)
